"""New tokens and admin keys: the secret for the one who asked, and what may be stored of it."""

from __future__ import annotations

import secrets

from gateway.core.tokens import ADMIN_KEY_PREFIX, ENTROPY_BYTES, Digester, hint, mint
from gateway.storage.identifiers import Prefix, fresh
from gateway.storage.tokens import NewToken


def new_token(prefix: str, digester: Digester) -> tuple[str, NewToken]:
    """A token's secret, and the values that storage takes in its place."""
    secret = mint(prefix, secrets.token_bytes(ENTROPY_BYTES))
    digest = digester.current(secret.encode("ascii"))
    return secret, NewToken(id=fresh(Prefix.TOKEN), digest=digest, hint=hint(secret))


def new_admin_key(digester: Digester) -> tuple[str, bytes, str]:
    """An admin key's secret, its digest and its hint."""
    secret = mint(ADMIN_KEY_PREFIX, secrets.token_bytes(ENTROPY_BYTES))
    return secret, digester.current(secret.encode("ascii")), hint(secret)
