"""Network addresses as operators write them: where to listen, whom to trust, which origins, where upstreams are.

It checks form only; nothing is resolved or connected to.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final
from urllib.parse import parse_qsl

from gateway.settings.scalar import shown

IPNetwork = IPv4Network | IPv6Network

# Names with an underscore are no host names, but container networks hand them out.
_NAME: Final = re.compile(
    r"(?=.{1,253}\Z)[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?(?:\.[A-Za-z0-9_-]+)*\.?"
)
_HOST_PORT: Final = re.compile(r"(?P<host>\[[^\[\]]*\]|[^:\[\]]*)(?::(?P<port>[0-9]{1,5}))?")
_URL: Final = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<authority>[^/?#]*)(?P<rest>.*)", re.DOTALL
)
_PUBLIC_PATH: Final = re.compile(r"(?:/(?!\.{1,2}(?:/|\Z))[A-Za-z0-9._~-]+)*/?")
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class ListenAddress:
    """Where a listener binds. `host` has no brackets; port 0 lets the system choose."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_listen(value: object) -> ListenAddress:
    """The address in `host:port`. Raises ValueError with words for the operator."""
    host, port = (_split_host_port(value) if isinstance(value, str) else None) or ("", None)
    if port is None:
        raise ValueError(
            f"{shown(value)} is not a listen address; write host:port such as 127.0.0.1:8080, 0.0.0.0:80 or [::1]:8080"
        )
    return ListenAddress(host=host, port=port)


def parse_network(value: object) -> IPNetwork:
    """The network in CIDR form, or of a single address. Raises ValueError with words for the operator."""
    try:
        network = ip_network(value, strict=False) if isinstance(value, str) else None
    except ValueError:
        network = None
    if network is None:
        raise ValueError(f"{shown(value)} is not a network; write a CIDR such as 10.0.0.0/8, or an address")
    address = ip_address(str(value).partition("/")[0])
    if address != network.network_address:
        raise ValueError(f"{shown(value)} has bits set beyond its prefix; write {network} or {address}")
    return network


def parse_origin(value: object) -> str:
    """A web origin as browsers send it, or `*`. Raises ValueError with words for the operator."""
    if value == "*":
        return "*"
    problem = f"{shown(value)} is not an origin; write one such as https://app.example.com, without a path"
    try:
        url, authority, rest = _split_url(value)
    except ValueError:
        raise ValueError(problem) from None
    if rest or "@" in authority:
        raise ValueError(problem)
    scheme = url.partition("://")[0]
    as_sent = url.removesuffix(f":{_DEFAULT_PORTS[scheme]}")
    if value != as_sent:
        raise ValueError(f"{shown(value)} is not how browsers write this origin; write {as_sent}")
    return url


def parse_base_url(value: object) -> str:
    """An upstream's `scheme://host[:port]` in lower case. Raises ValueError with words for the operator."""
    url, authority, rest = _split_url(value)
    if "@" in authority:
        # Not repeated: what stands before the @ may be a password.
        raise ValueError(
            "the address carries a user name or a password; remove it, and write http://host:port"
        )
    if rest.startswith("/"):
        raise ValueError(f"{shown(value)} has a path; write {url}")
    if rest:
        raise ValueError(f"{shown(value)} has a query or a fragment; write {url}")
    return url


def parse_public_url(value: object) -> str:
    """Where callers find the proxy: `scheme://host[:port]`, with the path that a balancer strips, if any.

    Without a slash at the end. Raises ValueError with words for the operator.
    """
    url, authority, rest = _split_url(value)
    if "@" in authority:
        raise ValueError("the address carries a user name or a password; remove it, and write https://host")
    if _PUBLIC_PATH.fullmatch(rest) is None:
        raise ValueError(
            f"{shown(value)} has a query, a fragment or a path that cannot be; write one such as {url} or {url}/api"
        )
    return url + rest.rstrip("/")


def with_port(url: str) -> str:
    """A base address with its port written out, so that equal addresses are equal texts."""
    scheme, _, authority = url.partition("://")
    bare = authority.rpartition("]")[2]
    return url if ":" in bare else f"{url}:{_DEFAULT_PORTS[scheme]}"


def parse_database_url(value: object) -> str:
    """A PostgreSQL address. Raises ValueError with words that do not repeat it: it may hold a password."""
    match = (
        _URL.fullmatch(value) if isinstance(value, str) and value.isprintable() and " " not in value else None
    )
    if match is None or match["scheme"] not in {"postgresql", "postgres"}:
        raise ValueError(
            "this is not a PostgreSQL address; write one such as postgresql://gateway@db.internal:5432/gateway"
        )
    return match[0]


def carries_password(database_url: str) -> bool:
    """Whether a PostgreSQL address may hold a password. Where the address is ambiguous the answer is yes."""
    _, _, rest = database_url.partition("://")
    user, _, _ = rest.rpartition("@")
    query = rest.partition("?")[2]
    return ":" in user or any(
        "password" in name.lower() for name, _ in parse_qsl(query, keep_blank_values=True)
    )


def _split_url(value: object) -> tuple[str, str, str]:
    """The canonical `scheme://host[:port]`, the authority as written, and what follows it."""
    match = _URL.fullmatch(value) if isinstance(value, str) else None
    if match is None or match["scheme"].lower() not in _DEFAULT_PORTS:
        raise ValueError(
            f"{_without_user(value)} is not an address; write http://host:port or https://host:port"
        )
    authority = match["authority"]
    split = _split_host_port(authority.rpartition("@")[2])
    if split is None or split[1] == 0:
        raise ValueError(f"{_without_user(value)} has no valid host and port; write http://host:port")
    host, port = split
    host = f"[{host}]" if ":" in host else host
    url = f"{match['scheme']}://{host}" if port is None else f"{match['scheme']}://{host}:{port}"
    return url.lower(), authority, match["rest"]


def _without_user(value: object) -> str:
    return "what is written" if isinstance(value, str) and "@" in value else shown(value)


def _split_host_port(text: str) -> tuple[str, int | None] | None:
    match = _HOST_PORT.fullmatch(text)
    if match is None:
        return None
    port = None if match["port"] is None else int(match["port"])
    if port is not None and port > 65535:
        return None
    host = match["host"]
    if host.startswith("["):
        try:
            return str(IPv6Address(host[1:-1])), port
        except ValueError:
            return None
    if _NAME.fullmatch(host) is None or (host.replace(".", "").isdigit() and not _is_ipv4(host)):
        return None
    return host, port


def _is_ipv4(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
