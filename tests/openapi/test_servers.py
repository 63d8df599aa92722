from __future__ import annotations

import pytest

from gateway.openapi.operation import Server
from gateway.openapi.servers import read_server


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("https://api.example.com", Server("https://api.example.com", "")),
        ("https://api.example.com/", Server("https://api.example.com", "")),
        ("https://api.example.com/v2/", Server("https://api.example.com", "/v2")),
        ("http://api:8080/a/b", Server("http://api:8080", "/a/b")),
        ("https://{region}.example.com/{stage}", Server("https://eu.example.com", "/prod")),
        ("https://api.example.com/{unknown}", Server("https://api.example.com", "/{unknown}")),
        ("/v2", Server(None, "/v2")),
        ("/", Server(None, "")),
        ("", Server(None, "")),
        ("v2", Server(None, "/v2")),
        ("./v2", Server(None, "/v2")),
    ],
)
def test_a_server_is_an_address_and_a_prefix(url: str, server: Server) -> None:
    assert read_server(url, {"region": "eu", "stage": "prod"}, None) == (server, None)


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("/v2", Server("https://docs.example.com", "/v2")),
        ("v2", Server("https://docs.example.com", "/specs/v2")),
        ("https://api.example.com/v2", Server("https://api.example.com", "/v2")),
    ],
)
def test_a_relative_server_is_relative_to_where_the_description_came_from(url: str, server: Server) -> None:
    assert read_server(url, {}, "https://docs.example.com/specs/api.json") == (server, None)


@pytest.mark.parametrize(
    "url",
    ["https://user:secret@api.example.com/v2", "ftp://api.example.com/v2", "https://{tenant}.example.com/v2"],
)
def test_what_cannot_be_an_upstream_leaves_its_prefix(url: str) -> None:
    server, remark = read_server(url, {}, None)
    assert server == Server(None, "/v2")
    assert remark is not None
    assert "secret" not in remark


def test_what_is_no_address_leaves_nothing() -> None:
    server, remark = read_server("http://[x/v2", {}, None)
    assert server == Server(None, "")
    assert remark is not None
