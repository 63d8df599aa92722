"""What can be explained: a request as somebody describes it, and the bytes that a client would make of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Final, Self

from pydantic import Field, StringConstraints, model_validator

from gateway.admin.management.values import MAX_SCOPES, Identifier, Scope, Value, unsent
from gateway.core.model import AccountKind

MAX_MAP_LENGTH: Final = 900 * 1024
# Whatever else it may be, it must not end its line: that would be another request.
_NO_LINE_END: Final = r"^[^\r\n]*$"
_HOST: Final = "gateway"

_Method = Annotated[
    str, StringConstraints(min_length=1, max_length=64, pattern=_NO_LINE_END), Field(examples=["GET"])
]
_Target = Annotated[
    str,
    StringConstraints(min_length=1, max_length=64 * 1024, pattern=_NO_LINE_END),
    Field(examples=["/contacts/ocQHyuzHvysMo5N5VsXc"]),
]
_Name = Annotated[str, StringConstraints(min_length=1, max_length=256, pattern=r"^[^\r\n:]+$")]
_FieldValue = Annotated[str, StringConstraints(max_length=16 * 1024, pattern=_NO_LINE_END)]
_Credential = Annotated[str, StringConstraints(max_length=1024, pattern=_NO_LINE_END)]
_TraceId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._\-]{1,128}$")]
_CREDENTIALS: Final = ("token", "integration_id", "scopes")
_OF_A_TRACE: Final = frozenset({"trace_id", "map"})


class ExplainRequest(Value):
    """A request to be explained: `method` and `path`, or `trace_id` of one that was recorded.

    Of `token`, `integration_id` and `scopes` at most one says who asks; without, nobody does.
    """

    method: _Method = unsent("")
    path: _Target = unsent("")
    """The target as it is sent, with its query. Of a URL the host becomes the Host header."""
    token: _Credential = unsent(None, repr=False)
    """The token that is sent (operators). It is neither kept nor repeated."""
    integration_id: Identifier = unsent(None)
    """As if this integration's current token were sent."""
    scopes: Annotated[tuple[Scope, ...], Field(max_length=MAX_SCOPES)] = unsent(None)
    """As if a token with exactly these scopes were sent."""
    account_kind: AccountKind = AccountKind.SUB_ACCOUNT
    """The kind of account that `scopes` are held in."""
    headers: Annotated[dict[_Name, _FieldValue | tuple[_FieldValue, ...]], Field(max_length=200)] = Field(
        default={}, repr=False, examples=[{"Version": "2021-07-28"}]
    )
    """Further header fields; a list of values is a field that is sent as often."""
    body_bytes: Annotated[int, Field(ge=0, le=2**53)] = 0
    """How long the body is. It is sent with its length, unless there is a Transfer-Encoding."""
    trace_id: _TraceId = unsent(None)
    """The newest recorded request with this trace id, judged again by what was recorded of it."""
    map: Annotated[str, StringConstraints(max_length=MAX_MAP_LENGTH)] = unsent(None, repr=False)
    """The text of another route map, to be tried in place of the live one (operators)."""

    @model_validator(mode="after")
    def _one_question(self) -> Self:
        if "trace_id" in self.model_fields_set:
            if more := sorted(self.model_fields_set - _OF_A_TRACE):
                raise ValueError(
                    f"what was recorded says {' and '.join(more)}; send trace_id alone, or with map"
                )
        elif not {"method", "path"} <= self.model_fields_set:
            raise ValueError("send method and path, or trace_id")
        given = [name for name in _CREDENTIALS if name in self.model_fields_set]
        if len(given) > 1:
            raise ValueError(f"{' and '.join(given)} exclude each other; send one of them")
        return self

    @property
    def names(self) -> frozenset[str]:
        """The names of the header fields, in lower case."""
        return frozenset(name.lower() for name in self.headers)

    @property
    def sends_token(self) -> bool:
        """Whether it holds a credential itself, as a token or as a header field."""
        return "token" in self.model_fields_set or "authorization" in self.names

    def head(self, credential: str | None) -> bytes:
        """The bytes of the head that a client would send with this credential."""
        target, host = _taken_apart(self.path)
        lines = [f"{self.method} {target} HTTP/1.1"]
        names = self.names
        if "host" not in names:
            lines.append(f"Host: {host}")
        if credential is not None:
            lines.append(f"Authorization: Bearer {credential}")
        lines += [f"{name}: {value}" for name, value in self._fields()]
        if self.body_bytes and names.isdisjoint({"content-length", "transfer-encoding"}):
            lines.append(f"Content-Length: {self.body_bytes}")
        return "\r\n".join([*lines, "", ""]).encode("utf-8", "surrogateescape")

    def _fields(self) -> Iterator[tuple[str, str]]:
        for name, values in self.headers.items():
            for value in (values,) if isinstance(values, str) else values:
                yield name, value


def _taken_apart(path: str) -> tuple[str, str]:
    """The target and the host that a client makes of what it is given: of a URL both."""
    if not path.lower().startswith(("http://", "https://")):
        return path, _HOST
    _, _, rest = path.partition("://")
    authority = rest[: min((rest.find(mark) for mark in "/?#" if mark in rest), default=len(rest))]
    target = rest[len(authority) :].partition("#")[0]
    return target if target.startswith("/") else f"/{target}", authority
