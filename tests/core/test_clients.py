"""Whose address counts: what strangers claim is never believed, what trusted proxies say is, as far as trust reaches."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.clients import client_address, is_trusted

TRUSTED = tuple(map(ip_network, ("10.0.0.0/8", "2001:db8::/32")))


@pytest.mark.parametrize(
    ("address", "trusted"),
    [
        ("10.1.2.3", True),
        ("11.1.2.3", False),
        ("2001:db8::1", True),
        ("2001:db9::1", False),
        ("::ffff:11.1.2.3", False),
        ("", False),
        ("unknown", False),
        ("10.1.2.3:80", False),
        ("010.1.2.3", False),
        ("10.1.2.3\x00", False),
    ],
)
def test_only_an_address_within_a_trusted_network_is_trusted(address: str, trusted: bool) -> None:
    assert is_trusted(address, TRUSTED) is trusted


@pytest.mark.parametrize(
    ("peer", "fields", "client"),
    [
        ("198.51.100.7", [b"203.0.113.9"], "198.51.100.7"),
        ("10.0.0.1", [b"203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", [b"203.0.113.9, 10.0.0.2"], "203.0.113.9"),
        ("10.0.0.1", [b"6.6.6.6, 203.0.113.9, 10.0.0.2"], "203.0.113.9"),
        ("10.0.0.1", [b"6.6.6.6", b"203.0.113.9", b"10.0.0.2"], "203.0.113.9"),
        ("10.0.0.1", [b"2001:db8::5, 203.0.113.9"], "203.0.113.9"),
        ("2001:db8::1", [b"2001:0DB9:0:0::5"], "2001:db9::5"),
        ("10.0.0.1", [b"  203.0.113.9\t"], "203.0.113.9"),
        # Trust ends at the first hop that is no address.
        ("10.0.0.1", [b"203.0.113.9, unknown"], "10.0.0.1"),
        ("10.0.0.1", [b"203.0.113.9, "], "10.0.0.1"),
        ("10.0.0.1", [b"203.0.113.9:443"], "10.0.0.1"),
        ("10.0.0.1", [b"\xff"], "10.0.0.1"),
        ("10.0.0.1", [b""], "10.0.0.1"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", [b"10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        ("", [b"203.0.113.9"], ""),
    ],
)
def test_the_address_is_the_last_hop_that_no_trusted_proxy_owns(
    peer: str, fields: list[bytes], client: str
) -> None:
    assert client_address(peer, fields, TRUSTED) == client


@given(st.lists(st.binary(max_size=60), max_size=4))
def test_whatever_a_stranger_sends_its_own_address_counts(fields: list[bytes]) -> None:
    assert client_address("198.51.100.7", fields, TRUSTED) == "198.51.100.7"


@given(st.lists(st.binary(max_size=60), max_size=4))
def test_whatever_a_trusted_proxy_sends_the_answer_is_an_address(fields: list[bytes]) -> None:
    """It becomes a key of tables and a member of log lines."""
    ip_address(client_address("10.0.0.1", fields, TRUSTED))


@given(st.ip_addresses(), st.lists(st.ip_addresses(), max_size=5))
def test_what_a_caller_puts_in_front_never_displaces_its_own_address(
    caller: object, forged: list[object]
) -> None:
    """A proxy appends the address it sees: what stands before it is the caller's word."""
    hops = ", ".join([*map(str, forged), str(caller)]).encode()
    found = client_address("10.0.0.1", [hops], TRUSTED)
    if not is_trusted(str(caller), TRUSTED):
        assert found == str(caller)
