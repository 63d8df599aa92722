"""A server's URL in a description, split into the upstream's address and the prefix of its paths."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import urljoin, urlsplit

from gateway.openapi.operation import Server
from gateway.settings.addresses import parse_base_url
from gateway.settings.scalar import shown

_VARIABLE: Final = re.compile(r"\{([^{}]*)\}")
NOWHERE: Final = Server(None, "")


def read_server(url: str, defaults: Mapping[str, str], origin: str | None) -> tuple[Server, str | None]:
    """The server at `url`, whose variables have `defaults`, and what is to be said about it.

    `origin` is the address from which the description came, if it came by one: relative URLs are relative to it.
    """
    filled = _VARIABLE.sub(lambda match: defaults.get(match[1], match[0]), url).strip()
    try:
        parts = urlsplit(urljoin(origin, filled) if origin is not None else filled)
        prefix = _prefix(parts.path)
    except ValueError:
        return NOWHERE, f"server {shown(url)} is no address; no prefix is taken from it"
    if not parts.netloc:
        return Server(None, prefix), None
    try:
        base = parse_base_url(f"{parts.scheme}://{parts.netloc}")
    except ValueError:
        # Not repeated: there may be a password in it.
        return Server(
            None, prefix
        ), "a server's address cannot be an upstream's; only its path is taken from it"
    return Server(base, prefix), None


def _prefix(path: str) -> str:
    stripped = path.rstrip("/")
    return stripped if not stripped or stripped.startswith("/") else f"/{stripped.removeprefix('./')}"
