"""The network that stands for an address in the records: wide enough not to name a person, narrow enough for a place."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final

_IPV4_BITS: Final = 24
_IPV6_BITS: Final = 56


def _parsed(address: str) -> IPv4Address | IPv6Address | None:
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return None
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is not None:
        return parsed.ipv4_mapped
    return parsed


# Callers come back: parsing an address costs more than all else that is done about it.
@lru_cache(maxsize=16_384)
def network_of(address: str) -> str:
    """The /24 or /56 that holds the address, such as `192.0.2.0/24`; empty for what is no address.

    An IPv4 address inside IPv6 (RFC 4291 section 2.5.5.2) is the IPv4 address.
    """
    parsed = _parsed(address)
    if parsed is None:
        return ""
    kept = _IPV4_BITS if parsed.version == 4 else _IPV6_BITS
    spare = parsed.max_prefixlen - kept
    return f"{type(parsed)(int(parsed) >> spare << spare)}/{kept}"


@lru_cache(maxsize=16_384)
def address_of(address: str) -> str:
    """The address alone, without a zone, in the form of `network_of`; empty for what is no address."""
    parsed = _parsed(address)
    return "" if parsed is None else str(parsed)
