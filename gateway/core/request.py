"""The head of a request: one meaning, or a refusal. The request line is judged here, before anything acts.

Follows RFC 9112 sections 2.2 and 3.2, and refuses wherever that leaves two readings.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from gateway.core.fields import FieldRules
from gateway.core.methods import REFUSED_METHODS
from gateway.core.policy import Deny
from gateway.core.reasons import Code
from gateway.core.request_fields import RequestFields, bad, read_fields, valid_host

_VISIBLE: Final = re.compile("[!-~]+")
_ABSOLUTE: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*)://([^/?#]*)(.*)")
_DEFAULT_PORTS: Final = {"http": b"80", "https": b"443"}


@dataclass(slots=True)
class RequestHead:
    """A request line and its fields, once they have one meaning. Not frozen for its cost alone; nobody changes it.

    `path` is raw; `query` has its `?`, or is empty. `authorization` are the values of that field.
    """

    method: str
    path: str
    query: str
    fields: RequestFields
    authorization: list[bytes] = field(repr=False)


def read_request(
    method: str,
    target: str,
    http_minor: int,
    fields: Sequence[tuple[bytes, bytes]],
    *,
    rules: FieldRules,
    scheme: str,
) -> RequestHead | Deny:
    """Judge a parsed head. `fields` are names and values as they came, surrounding blanks stripped.

    `scheme` is the listener's, `http` or `https`. The refusals are `bad_request` and `method_refused`.
    """
    if method in REFUSED_METHODS:
        return Deny(Code.METHOD_REFUSED, detail=f"{method} is not served")
    read = read_fields(fields, http_minor, rules)
    if isinstance(read, Deny):
        return read
    said, authorization = read
    located = _read_target(target, said.host, scheme)
    if isinstance(located, Deny):
        return located
    return RequestHead(method, *located, said, authorization)


def _read_target(target: str, host: bytes, scheme: str) -> tuple[str, str] | Deny:
    if "#" in target:
        return bad("the request target holds a fragment")
    if not target.startswith("/"):
        match = _ABSOLUTE.fullmatch(target)
        if match is None:
            return bad("the request target is neither a path nor a URL of this server")
        if match[1].lower() != scheme or not _same_authority(match[2], host, scheme):
            return bad("the request target names another server than Host")
        target = match[3]
        if not target.startswith("/"):
            target = "/" + target
    if target.startswith("//"):
        # A URL reference would take what follows for an authority (RFC 3986 section 4.2): no setting permits it.
        return Deny(Code.PATH_REFUSED, detail="the path begins with an empty segment")
    path, mark, query = target.partition("?")
    if query and _VISIBLE.fullmatch(query) is None:
        return bad("the query holds a blank, a control character or one beyond ASCII")
    return path, mark + query


def _same_authority(authority: str, host: bytes, scheme: str) -> bool:
    ours, theirs = host.lower(), authority.encode("ascii", "replace").lower()
    default = b":" + _DEFAULT_PORTS[scheme]
    if not valid_host(theirs):
        return False
    return _without(ours, default) == _without(theirs, default)


def _without(authority: bytes, port: bytes) -> bytes:
    return authority.removesuffix(port).removesuffix(b":")
