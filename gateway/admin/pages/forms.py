"""What a form sends, read with bounds: its fields, the session's token, and the form's own. Knows no management."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl

from aiohttp import web

from gateway.admin.pages.multipart import boundary_of, parts

MAX_BYTES: Final = 256 * 1024
_MAX_FIELDS: Final = 2000
_URLENCODED: Final = "application/x-www-form-urlencoded"
_MULTIPART: Final = "multipart/form-data"
_ONCE: Final = re.compile(r"[A-Za-z0-9_-]{16,64}")


class Unreadable(Exception):
    """What was sent is no form of ours. The text may be shown."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


@dataclass(frozen=True, slots=True)
class Form:
    """The fields in the order they came, and the files; the repr shows none, for one may be a password."""

    fields: tuple[tuple[str, str], ...] = ()
    files: tuple[tuple[str, bytes], ...] = ()

    def __repr__(self) -> str:
        return f"Form({len(self.fields)} fields, {len(self.files)} files)"

    def get(self, name: str) -> str:
        """The first value, with line ends as they were typed; empty when there is none."""
        for key, value in self.fields:
            if key == name:
                return value.replace("\r\n", "\n")
        return ""

    def all(self, name: str) -> list[str]:
        """Every value of a field that may stand more than once."""
        return [value for key, value in self.fields if key == name]

    def file(self, name: str) -> bytes | None:
        """The file that was chosen; None when there is none."""
        return dict(self.files).get(name)

    @property
    def csrf(self) -> str:
        """The token that ties the form to a session."""
        return self.get("csrf")

    @property
    def once(self) -> str:
        """The form's own token. Raises Unreadable without one."""
        given = self.get("once")
        if _ONCE.fullmatch(given) is None:
            raise Unreadable(400, "The form is not complete. Open the page again and repeat what you did.")
        return given


async def read_form(request: web.Request, *, limit: int = MAX_BYTES) -> Form:
    """The form in the body of at most `limit` bytes. Raises Unreadable."""
    if request.content_type not in {_URLENCODED, _MULTIPART}:
        raise Unreadable(415, "This address takes forms only.")
    content = bytearray()
    too_large = (request.content_length or 0) > limit
    while not too_large and (part := await request.content.readany()):
        content += part
        too_large = len(content) > limit
    if too_large:
        raise Unreadable(413, f"The form is larger than this page takes, which is {limit // 1024} KiB.")
    try:
        if request.content_type == _MULTIPART:
            return _with_files(bytes(content), request.headers["Content-Type"])
        return _of_fields(content.decode("utf-8"))
    except ValueError:
        raise Unreadable(400, "The form cannot be read.") from None


def _of_fields(content: str) -> Form:
    return Form(
        tuple(parse_qsl(content, keep_blank_values=True, errors="strict", max_num_fields=_MAX_FIELDS))
    )


def _with_files(content: bytes, content_type: str) -> Form:
    found = list(parts(content, boundary_of(content_type), most=_MAX_FIELDS))
    return Form(
        fields=tuple((part.name, part.content.decode("utf-8")) for part in found if not part.is_file),
        files=tuple((part.name, part.content) for part in found if part.is_file),
    )
