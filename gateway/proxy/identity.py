"""The identity header lines that tell an upstream who is calling. Nothing a caller sends gets into them."""

from __future__ import annotations

from typing import Final

from gateway.core.model import Caller


class IdentityBlocks:
    """The identity header lines of a caller on a route, made once and remembered in a bounded memory."""

    __slots__ = ("_blocks", "_names")

    _MEMORY: Final = 8192

    def __init__(self, prefix: str) -> None:
        self._names = tuple(
            f"{prefix}{name}: ".encode("ascii")
            for name in ("Account-Id", "Account-Kind", "Integration-Id", "Token-Id", "Scopes", "Route")
        )
        # Keyed by identity: a changed integration is a new Caller. The caller is held, so its id() stays its own.
        self._blocks: dict[tuple[int, bytes], tuple[Caller, bytes]] = {}

    def __repr__(self) -> str:
        return f"IdentityBlocks({len(self._blocks)})"

    def block(self, caller: Caller, template: bytes) -> bytes:
        """The lines for this caller on the route of this template, each ended by CRLF."""
        key = (id(caller), template)
        known = self._blocks.get(key)
        if known is not None:
            return known[1]
        values = (
            caller.account_id.encode("ascii"),
            caller.account_kind.value.encode("ascii"),
            caller.integration_id.encode("ascii"),
            caller.token_id.encode("ascii"),
            " ".join(sorted(caller.scopes)).encode("ascii"),
            template,
        )
        made = b"".join(name + value + b"\r\n" for name, value in zip(self._names, values, strict=True))
        if len(self._blocks) >= self._MEMORY:
            self._blocks.clear()
        self._blocks[key] = (caller, made)
        return made
