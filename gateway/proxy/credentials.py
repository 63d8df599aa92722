"""What the `Authorization` of a connection's requests carries. A caller mostly repeats it, and then it is read once."""

from __future__ import annotations

from collections.abc import Callable

from gateway.core.policy import Credential, Deny, read_credential
from gateway.core.tokens import TokenForm


class CredentialReader:
    """Reads credentials, and remembers the last one for as long as its connection lives."""

    __slots__ = ("_digest", "_form", "_last", "_value")

    def __init__(self, form: TokenForm, digest: Callable[[bytes], bytes]) -> None:
        """`digest` is what the index knows a token by."""
        self._form = form
        self._digest = digest
        self._value = b""
        self._last: Credential | None = None

    def __repr__(self) -> str:
        return "CredentialReader()"

    def read(self, authorization: list[bytes]) -> Credential | Deny:
        """What the values of the fields carry, all together."""
        if self._last is not None and len(authorization) == 1 and authorization[0] == self._value:
            return self._last
        token = read_credential(authorization, self._form)
        if isinstance(token, Deny):
            return token
        (self._value,) = authorization
        self._last = credential = Credential(token, self._digest(token))
        return credential
