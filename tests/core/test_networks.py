"""An address is kept as its network: never as itself, and never as a wider one."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.networks import network_of


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.77", "192.0.2.0/24"),
        ("127.0.0.1", "127.0.0.0/24"),
        ("2001:db8:1:2ff:3::4", "2001:db8:1:200::/56"),
        ("::ffff:192.0.2.77", "192.0.2.0/24"),
        ("fe80::1%eth0", "fe80::/56"),
        ("::1", "::/56"),
        ("", ""),
        ("a socket", ""),
        ("192.0.2.256", ""),
        ("192.0.2.1, 192.0.2.2", ""),
    ],
)
def test_the_network_of(address: str, network: str) -> None:
    assert network_of(address) == network


@given(st.ip_addresses())
def test_the_network_holds_the_address_and_is_as_wide_as_it_says(address: object) -> None:
    network = ip_network(network_of(str(address)))
    parsed = ip_address(str(address))
    mapped = getattr(parsed, "ipv4_mapped", None)
    assert (mapped or parsed) in network
    assert network.prefixlen == (24 if network.version == 4 else 56)
