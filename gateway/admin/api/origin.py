"""Where a request of the admin listener came from: address, scheme, and whether a browser sent it from another site."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from aiohttp import web

from gateway.core.clients import Networks, client_address, is_trusted


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What is known of the other end. `is_cross_site`: a browser says that another site's page asked for it."""

    address: str | None
    is_secure: bool
    is_cross_site: bool


def origin_of(request: web.Request, trusted: Networks) -> Origin:
    """Only trusted proxies are believed about addresses and schemes."""
    peer = request.transport.get_extra_info("peername") if request.transport else None
    address = peer[0] if isinstance(peer, tuple) else None
    scheme, host = request.scheme, request.headers.get("Host", "")
    if address is not None and is_trusted(address, trusted):
        forwarded = [
            value.encode("latin-1", "replace") for value in request.headers.getall("X-Forwarded-For", [])
        ]
        address = client_address(address, forwarded, trusted)
        scheme = request.headers.get("X-Forwarded-Proto", scheme).strip().lower()
        host = request.headers.get("X-Forwarded-Host", host).strip()
    return Origin(
        address=address,
        is_secure=scheme == "https",
        is_cross_site=_is_cross_site(request, f"{scheme}://{host}".lower()),
    )


def _is_cross_site(request: web.Request, own: str) -> bool:
    # Browsers that send Sec-Fetch-Site cannot be made to lie by a page; older ones send Origin with unsafe methods.
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site not in {"same-origin", "none"}
    origin = request.headers.get("Origin")
    return origin is not None and _with_port(origin.lower()) != _with_port(own)


def _with_port(origin: str) -> tuple[str, str | None, int | None]:
    try:
        parts = urlsplit(origin)
        port = parts.port
    except ValueError:
        return origin, None, None
    return parts.scheme, parts.hostname, port or {"http": 80, "https": 443}.get(parts.scheme)
