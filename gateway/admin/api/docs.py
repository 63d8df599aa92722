"""`openapi.json`, and the page that shows it: made here, without a script and without a request to anywhere else."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final

import orjson
from aiohttp import web

from gateway.admin.api import problems
from gateway.admin.api.docs_page import page
from gateway.admin.api.openapi import describe

_STYLE: Final = Path(__file__).with_name("docs.css")
_POLICY: Final = (
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def docs_routes(*, version: str) -> list[web.RouteDef]:
    """The description, the page and its stylesheet. They are the same for everybody, so nobody is asked who they are."""

    @cache
    def made() -> tuple[bytes, bytes]:
        """Both at the first question: they take a tenth of a second, which a start does not."""
        described = describe(version=version)
        return orjson.dumps(described), page(described).encode()

    style = _STYLE.read_bytes()

    def answering(body: bytes, content_type: str, **headers: str) -> web.Response:
        return web.Response(body=body, headers={**problems.HEADERS, "Content-Type": content_type, **headers})

    async def openapi(_request: web.Request) -> web.Response:
        return answering(made()[0], "application/json")

    async def docs(_request: web.Request) -> web.Response:
        return answering(
            made()[1],
            "text/html; charset=utf-8",
            **{"Content-Security-Policy": _POLICY, "Referrer-Policy": "no-referrer"},
        )

    async def stylesheet(_request: web.Request) -> web.Response:
        return answering(style, "text/css; charset=utf-8")

    return [
        web.get("/openapi.json", openapi),
        web.get("/docs", docs),
        web.get("/docs.css", stylesheet),
    ]
