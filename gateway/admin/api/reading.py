"""From a request to parsed values: query, body and If-Match. What is not right is refused with every flaw named."""

from __future__ import annotations

import re
from typing import Final, TypeVar

from aiohttp import web
from pydantic import ValidationError
from yarl import URL

from gateway.admin.api.operation import path_pattern
from gateway.admin.management.codes import Code
from gateway.admin.management.integrations import Versions
from gateway.admin.management.refusals import Flaw, Missing, Unprocessable
from gateway.admin.management.values import Value, as_unprocessable, parse, pointer

_ETAG: Final = re.compile(r'"([0-9]{1,18})"')
_KINDS: Final = {
    "account_id": "account",
    "member_id": "member",
    "integration_id": "integration",
    "key_id": "admin key",
    "trace_id": "request record",
    "version": "map",
}

V = TypeVar("V", bound=Value)


class BadRequest(Exception):
    """What was sent cannot be read at all. The text may be shown."""

    def __init__(self, status: int, code: Code, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail


def read_path(request: web.Request) -> dict[str, str]:
    """The identifiers in the path. Raises Missing for what cannot be one."""
    for name, value in request.match_info.items():
        if path_pattern(name).fullmatch(value) is None:
            raise Missing(_KINDS[name])
    return dict(request.match_info)


def read_query(url: URL, kind: type[V]) -> V:
    """The parameters. Raises Unprocessable, also for one that is unknown or stands twice."""
    repeated = [name for name in dict.fromkeys(url.query) if len(url.query.getall(name)) > 1]
    if repeated:
        raise Unprocessable(
            [Flaw(pointer=pointer((name,)), message="It stands twice.", code="repeated") for name in repeated]
        )
    return parse(kind, dict(url.query))


async def read_body(request: web.Request, kind: type[V], *, limit: int) -> V:
    """The body. Raises BadRequest when it is no JSON or too large, Unprocessable when it is not what is asked for."""
    if request.content_type != "application/json":
        raise BadRequest(415, Code.CONTENT_TYPE, "Send JSON, with Content-Type: application/json.")
    content = bytearray()
    too_large = (request.content_length or 0) > limit
    while not too_large and (part := await request.content.readany()):
        content += part
        too_large = len(content) > limit
    if too_large:
        raise BadRequest(413, Code.BODY_TOO_LARGE, f"A body has at most {limit} bytes.")
    try:
        return kind.model_validate_json(content, strict=True)
    except ValidationError as error:
        if error.errors(include_url=False, include_input=False)[0]["type"] == "json_invalid":
            raise BadRequest(400, Code.JSON_MALFORMED, "The body is not JSON.") from None
        raise as_unprocessable(error) from None


def read_if_match(request: web.Request) -> Versions:
    """The versions that If-Match names (RFC 9110 section 13.1.1); None where any will do. Others match nothing."""
    given = request.headers.getall("If-Match", [])
    if not given or [value.strip() for value in given] == ["*"]:
        return None
    tags = (_ETAG.fullmatch(tag.strip()) for value in given for tag in value.split(","))
    return frozenset(int(tag[1]) for tag in tags if tag is not None)
