from __future__ import annotations

from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.settings.addresses import (
    ListenAddress,
    carries_password,
    parse_base_url,
    parse_database_url,
    parse_listen,
    parse_network,
    parse_origin,
    parse_public_url,
    with_port,
)


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("127.0.0.1:8080", "127.0.0.1", 8080),
        ("0.0.0.0:0", "0.0.0.0", 0),
        ("localhost:80", "localhost", 80),
        ("[::1]:8080", "::1", 8080),
        ("[::]:65535", "::", 65535),
        ("gateway_1.internal:80", "gateway_1.internal", 80),
    ],
)
def test_listen_addresses_read_and_write_the_same(text: str, host: str, port: int) -> None:
    assert parse_listen(text) == ListenAddress(host, port)
    assert str(parse_listen(text)) == text


@pytest.mark.parametrize(
    "value",
    [
        "8080", 8080, ":8080", "::1:8080", "[::1]", "[1.2.3.4]:80", "host:", "host:65536", "host:x", "a b:1",
        "http://h:1", "1.2.3:80", "256.1.1.1:80", "[::1:80", "h:1:2", "", None, "-h:1", "h:٣", "h\n:1",
    ],
)  # fmt: skip
def test_what_is_no_listen_address_is_refused_with_examples(value: object) -> None:
    with pytest.raises(
        ValueError, match=r"is not a listen address; write host:port such as 127\.0\.0\.1:8080"
    ):
        parse_listen(value)


@given(st.ip_addresses(), st.integers(0, 65535))
def test_every_ip_address_can_be_listened_on(address: object, port: int) -> None:
    listen = ListenAddress(str(address), port)
    assert parse_listen(str(listen)) == listen


@pytest.mark.parametrize(
    ("text", "network"),
    [
        ("10.0.0.0/8", "10.0.0.0/8"),
        ("10.1.2.3", "10.1.2.3/32"),
        ("fd00::/8", "fd00::/8"),
        ("::1", "::1/128"),
        ("0.0.0.0/0", "0.0.0.0/0"),
    ],
)
def test_networks(text: str, network: str) -> None:
    assert parse_network(text) == ip_network(network)


@pytest.mark.parametrize("value", ["10.0.0.0/33", "ten", "", 10, None, "10.0.0", ["10.0.0.0/8"]])
def test_what_is_no_network_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r"is not a network; write a CIDR such as 10\.0\.0\.0/8"):
        parse_network(value)


def test_a_network_with_host_bits_is_refused_because_it_says_two_things() -> None:
    with pytest.raises(ValueError, match=r"beyond its prefix; write 10\.0\.0\.0/8 or 10\.0\.0\.1$"):
        parse_network("10.0.0.1/8")


@pytest.mark.parametrize(
    "origin", ["*", "https://app.example.com", "http://localhost:3000", "https://[::1]:8443"]
)
def test_origins_are_what_browsers_send(origin: str) -> None:
    assert parse_origin(origin) == origin


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("https://app.example.com/", "is not an origin; write one such as https://app.example.com"),
        ("https://App.example.com", "is not how browsers write this origin; write https://app.example.com"),
        ("https://a.example:443", "is not how browsers write this origin; write https://a.example"),
        ("http://a.example:80", "is not how browsers write this origin; write http://a.example"),
        ("null", "is not an origin"),
        ("app.example.com", "is not an origin"),
        ("https://*.example.com", "is not an origin"),
        ("ftp://a.example", "is not an origin"),
        ("https://u@a.example", "is not an origin"),
        (5, "is not an origin"),
    ],
)
def test_an_origin_no_browser_sends_is_refused(value: object, message: str) -> None:
    """Else the page is refused at run time, and nobody knows why."""
    with pytest.raises(ValueError, match=message.replace(".", r"\.")):
        parse_origin(value)


@pytest.mark.parametrize(
    ("value", "url"),
    [
        ("https://api.example.com", "https://api.example.com"),
        ("https://API.example.com:8443/", "https://api.example.com:8443"),
        ("http://[::1]:8080/v2/api/", "http://[::1]:8080/v2/api"),
    ],
)
def test_public_urls(value: str, url: str) -> None:
    assert parse_public_url(value) == url


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("https://a.example?x=1", "has a query, a fragment or a path that cannot be; write one such as"),
        ("https://a.example/#x", "write one such as https://a.example or https://a.example/api$"),
        ("https://a.example/a//b", "a path that cannot be"),
        ("https://a.example/../b", "a path that cannot be"),
        ("https://a.example/a b", "a path that cannot be"),
        ("https://a.example/';rm", "a path that cannot be"),
        ("https://u:secret@a.example", "^the address carries a user name or a password; remove it"),
        ("api.example.com", "is not an address"),
        ("ftp://a.example", "is not an address"),
        ("https://", "has no valid host and port"),
        (5, "is not an address"),
        (None, "is not an address"),
    ],
)
def test_a_public_url_that_callers_cannot_use_is_refused(value: object, message: str) -> None:
    with pytest.raises(ValueError, match=message) as refused:
        parse_public_url(value)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("value", "url"),
    [
        ("http://127.0.0.1:9001", "http://127.0.0.1:9001"),
        ("https://api.internal", "https://api.internal"),
        ("HTTP://Crm_1:80", "http://crm_1:80"),
        ("http://[FD00::1]:80", "http://[fd00::1]:80"),
    ],
)
def test_base_urls(value: str, url: str) -> None:
    assert parse_base_url(value) == url


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("http://a:1/", r'^"http://a:1/" has a path; write http://a:1$'),
        ("http://a:1/api", "has a path; write http://a:1$"),
        ("http://a:1?x=1", "has a query or a fragment; write http://a:1$"),
        ("http://a:1#x", "has a query or a fragment"),
        ("ftp://a", "is not an address; write http://host:port"),
        ("a:9001", "is not an address"),
        ("//a:9001", "is not an address"),
        ("http://", "has no valid host and port"),
        ("http://a:0", "has no valid host and port"),
        ("http://a:99999", "has no valid host and port"),
        ("http://a b", "has no valid host and port"),
        ("http://a\n", "has no valid host and port"),
        ("http://::1", "has no valid host and port"),
        (9001, "^9001 is not an address"),
        (None, "^nothing is not an address"),
    ],
)
def test_what_is_no_base_url_is_refused(value: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_base_url(value)


@pytest.mark.parametrize(
    "value", ["http://u:hunter2@a:1", "http://u:hunter2/@a", "ftp://u:hunter2@a", "http://u:hunter2@"]
)
def test_a_password_in_an_address_is_refused_and_not_repeated(value: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 -- every message is looked at
        parse_base_url(value)
    assert "hunter2" not in str(caught.value)


def test_equal_addresses_are_equal_with_their_port() -> None:
    assert with_port("http://a") == "http://a:80"
    assert with_port("https://[::1]") == "https://[::1]:443"
    assert with_port("https://[::1]:8443") == "https://[::1]:8443"


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://gateway@db:5432/gateway",
        "postgres:///gateway?host=/run/postgresql",
        "postgresql://a:b@c/d",
    ],
)
def test_database_urls(url: str) -> None:
    assert parse_database_url(url) == url


@pytest.mark.parametrize(
    "value", ["mysql://a:hunter2@b", "a:hunter2@b", "postgresql://a hunter2@b", 5, None, ""]
)
def test_what_is_no_database_url_is_refused_and_not_repeated(value: object) -> None:
    with pytest.raises(ValueError, match="this is not a PostgreSQL address; write one such as") as caught:
        parse_database_url(value)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "carries"),
    [
        ("postgresql://gateway@db:5432/gateway", False),
        ("postgresql://db/gateway", False),
        ("postgresql://gateway@a:5432,b:5432/gateway", False),
        ("postgresql:///gateway?host=/run&user=gateway", False),
        ("postgresql://gateway:secret@db/gateway", True),
        ("postgresql://gateway:@db/gateway", True),
        ("postgresql://gateway:p/w@db/gateway", True),
        ("postgresql://gateway:p#w@db/gateway", True),
        ("postgresql://gateway:p@w@db/gateway", True),
        ("postgresql://db/gateway?password=secret", True),
        ("postgresql://db/gateway?passw%6Frd=secret", True),
        ("postgresql://db/gateway?sslpassword=secret", True),
    ],
)
def test_a_password_is_seen_wherever_it_may_stand(url: str, carries: bool) -> None:
    assert carries_password(url) is carries
