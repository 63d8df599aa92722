"""Descriptions from addresses, with a real server: bounded in size, in time and in where they lead."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from gateway.openapi.sources import SourceError, fetch, is_address, onward, stem_of

BODY = b"openapi: 3.1.0\n"


class Site:
    """A server that answers as its paths say, and remembers who asked."""

    def __init__(self) -> None:
        self.asked: list[web.BaseRequest] = []
        self.address = ""
        self.held = asyncio.Event()

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        self.asked.append(request)
        match request.path:
            case "/spec.yaml":
                return web.Response(body=BODY)
            case "/bomb":
                body = gzip.compress(b"x" * 1_000_000)
                return web.Response(body=body, headers={"Content-Encoding": "gzip"})
            case "/broken":
                return web.Response(body=b"no gzip", headers={"Content-Encoding": "gzip"})
            case "/moved":
                return web.Response(status=302, headers={"Location": "/spec.yaml"})
            case "/circle":
                return web.Response(status=302, headers={"Location": "/circle"})
            case "/file":
                return web.Response(status=302, headers={"Location": "file:///etc/passwd"})
            case "/slow":
                await self.held.wait()
        return web.Response(status=404)


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    made = Site()
    runner = web.ServerRunner(web.Server(made.answer))
    await runner.setup()
    listener = web.TCPSite(runner, "127.0.0.1", 0)
    await listener.start()
    assert listener._server is not None
    made.address = f"http://127.0.0.1:{listener._server.sockets[0].getsockname()[1]}"  # type: ignore[attr-defined]
    try:
        yield made
    finally:
        made.held.set()
        await runner.cleanup()


async def refused(address: str, **limits: float) -> str:
    with pytest.raises(SourceError) as caught:
        await fetch(address, max_bytes=int(limits.get("max_bytes", 1000)), seconds=limits.get("seconds", 30))
    return str(caught.value)


async def test_a_description_is_fetched(site: Site) -> None:
    assert await fetch(f"{site.address}/spec.yaml") == (BODY, f"{site.address}/spec.yaml")
    assert "Authorization" not in site.asked[0].headers


async def test_a_redirect_is_followed_and_told(site: Site) -> None:
    assert await fetch(f"{site.address}/moved") == (BODY, f"{site.address}/spec.yaml")


async def test_redirects_end(site: Site) -> None:
    assert "redirects more than 5 times" in await refused(f"{site.address}/circle")
    assert len(site.asked) == 6


async def test_a_redirect_leads_only_to_http(site: Site) -> None:
    assert "is no address of a description" in await refused(f"{site.address}/file")


def test_a_redirect_does_not_lead_out_of_encryption() -> None:
    assert onward("https://x/a", "https://x/a", "/b") == "https://x/b"
    assert onward("http://x/a", "http://x/a", "https://y/b") == "https://y/b"
    for location in ("http://x/a", "HTTP://x/a"):
        with pytest.raises(SourceError, match="redirects to http://, which is not followed"):
            onward("https://x/a", "https://x/a", location)
    with pytest.raises(SourceError, match="carries a user name"):
        onward("https://x/a", "https://x/a", "https://u:p@x/a")


async def test_what_is_too_large_is_not_read_to_its_end_also_when_it_is_packed(site: Site) -> None:
    assert "/bomb is larger than 1000 bytes; raise --max-size" in await refused(f"{site.address}/bomb")


async def test_what_never_comes_is_not_waited_for(site: Site) -> None:
    assert "/slow was not there in 0.05 s" in await refused(f"{site.address}/slow", seconds=0.05)


@pytest.mark.parametrize(
    ("path", "told"), [("/gone?key=secret", "/gone answers 404"), ("/broken", "/broken cannot be fetched")]
)
async def test_what_is_not_there_is_told(site: Site, path: str, told: str) -> None:
    found = await refused(f"{site.address}{path}")
    assert told in found
    assert "secret" not in found


async def test_nobody_there_is_told() -> None:
    assert "cannot be fetched" in await refused("http://127.0.0.1:1/spec.yaml?key=secret")


@pytest.mark.parametrize("address", ["ftp://x/y", "file:///etc/passwd", "http://", "http://[x", "data://x"])
async def test_only_http_is_an_address_of_a_description(address: str) -> None:
    assert "is no address of a description; write http://… or https://…" in await refused(address)


@pytest.mark.parametrize("address", ["http://user:secret@x/y", "https://secret@x/y"])
async def test_secrets_in_an_address_are_neither_sent_nor_repeated(address: str) -> None:
    found = await refused(address)
    assert "carries a user name or a password" in found
    assert "secret" not in found


def test_what_is_an_address_and_what_a_file() -> None:
    assert is_address("http://x/y.yaml")
    assert not is_address("c:/x.yaml")
    assert stem_of("http://x/a/contacts.v2.yaml?x=/y") == "contacts"
    assert stem_of("/a/b/contacts.json") == "contacts"
    assert stem_of("contacts") == "contacts"
