"""The public identifiers of stored things, made from the operating system's entropy."""

from __future__ import annotations

import secrets
from enum import StrEnum
from typing import Final

from gateway.core.tokens import identifier

_ENTROPY_BYTES: Final = 32


class Prefix(StrEnum):
    """What an identifier begins with, by what it names."""

    ACCOUNT = "acc"
    MEMBER = "mem"
    INTEGRATION = "pi"
    TOKEN = "tok"  # noqa: S105 (a prefix)
    ADMIN_KEY = "key"


def fresh(prefix: Prefix) -> str:
    """A new identifier, such as `acc_` and 20 base62 characters."""
    return identifier(prefix.value, secrets.token_bytes(_ENTROPY_BYTES))
