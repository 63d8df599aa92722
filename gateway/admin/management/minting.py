"""New secrets: for the one who asked, and what may be stored of them. How they are made is told by the wiring."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gateway.admin.management.views import NewToken as ShownToken
from gateway.storage.integration_state import Integration
from gateway.storage.tokens import NewToken as StoredToken


@dataclass(frozen=True, slots=True)
class MintedToken:
    """A token between being made and being shown once. The repr shows no secret."""

    secret: str
    stored: StoredToken

    def __repr__(self) -> str:
        return f"MintedToken({self.stored.id!r})"

    def shown(self, integration: Integration) -> ShownToken:
        """What is answered, once the integration has the token."""
        (token,) = (token for token in integration.tokens if token.id == self.stored.id)
        return ShownToken(id=token.id, secret=self.secret, hint=token.hint, created_at=token.created_at)


@dataclass(frozen=True, slots=True)
class MintedKey:
    """An admin key between being made and being shown once. The repr shows no secret."""

    secret: str
    digest: bytes
    hint: str

    def __repr__(self) -> str:
        return f"MintedKey({self.hint!r})"


class Mint:
    """Makes tokens and admin keys."""

    def __init__(
        self,
        *,
        new_token: Callable[[], tuple[str, StoredToken]],
        new_admin_key: Callable[[], tuple[str, bytes, str]],
    ) -> None:
        self._new_token = new_token
        self._new_admin_key = new_admin_key

    def token(self) -> MintedToken:
        """A new token of an integration."""
        return MintedToken(*self._new_token())

    def admin_key(self) -> MintedKey:
        """A new admin key."""
        return MintedKey(*self._new_admin_key())
