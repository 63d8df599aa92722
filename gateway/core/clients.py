"""Where a request came from, when proxies stand in between: only those that are trusted are believed."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address

Networks = Sequence[IPv4Network | IPv6Network]


def is_trusted(address: str, trusted: Networks) -> bool:
    """Whether the address is of a trusted proxy. What is no address is not."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    return any(parsed in network for network in trusted)


def client_address(peer: str, forwarded_for: Sequence[bytes], trusted: Networks) -> str:
    """The caller's address: from the peer through `X-Forwarded-For`, right to left, as far as trust reaches."""
    client = peer
    hops = [hop.strip() for hop in b",".join(forwarded_for).decode("latin-1").split(",")]
    while hops and is_trusted(client, trusted):
        hop = hops.pop()
        try:
            client = str(ip_address(hop))
        except ValueError:
            break
    return client
