"""The identity header lines that tell an upstream who is calling. Nothing a caller sends gets into them."""

from __future__ import annotations

from gateway.core.model import Caller


class IdentityLines:
    """Writes the identity header lines under one prefix."""

    __slots__ = ("_names",)

    def __init__(self, prefix: str) -> None:
        self._names = tuple(
            f"{prefix}{name}: ".encode("ascii")
            for name in ("Account-Id", "Account-Kind", "Integration-Id", "Token-Id", "Scopes", "Route")
        )

    def __repr__(self) -> str:
        return f"IdentityLines({self._names[0].decode('ascii')}…)"

    def lines(self, caller: Caller, template: bytes) -> bytes:
        """The lines for this caller on the route of this template, each ended by CRLF."""
        values = (
            caller.account_id.encode("ascii"),
            caller.account_kind.value.encode("ascii"),
            caller.integration_id.encode("ascii"),
            caller.token_id.encode("ascii"),
            " ".join(sorted(caller.scopes)).encode("ascii"),
            template,
        )
        return b"".join(name + value + b"\r\n" for name, value in zip(self._names, values, strict=True))
