"""The stylesheet, the script and the icon: read once, and addressed by their content, so that browsers may keep them."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Final

from aiohttp import web

from gateway.admin.pages.answers import BASE

_FOLDER: Final = Path(__file__).with_name("static")
_TYPES: Final = {
    "pages.css": "text/css; charset=utf-8",
    "pages.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
_HEADERS: Final = {
    "Cache-Control": "public, max-age=31536000, immutable",
    "X-Content-Type-Options": "nosniff",
    # Of use for the icon alone, which could be opened as a page.
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}


class StaticFiles:
    """Three small files in memory."""

    def __init__(self) -> None:
        self._files = {name: (_FOLDER / name).read_bytes() for name in _TYPES}
        self._marks = {name: sha256(content).hexdigest()[:16] for name, content in self._files.items()}

    def __repr__(self) -> str:
        return f"StaticFiles({self._marks})"

    def address(self, name: str) -> str:
        """Where a file is, as long as it has this content."""
        return f"{BASE}/static/{self._marks[name]}/{name}"

    async def answer(self, request: web.Request) -> web.Response:
        """The file. An old mark gets the file of today, and may not keep it."""
        name = request.match_info["name"]
        if name not in self._files:
            raise web.HTTPNotFound
        headers = dict(_HEADERS)
        if request.match_info["mark"] != self._marks[name]:
            headers["Cache-Control"] = "no-store"
        return web.Response(body=self._files[name], headers={**headers, "Content-Type": _TYPES[name]})
