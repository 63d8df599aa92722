"""The Python libraries: requests, httpx (both ways), aiohttp."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Iterator, Sequence
from http.cookiejar import CookieJar, DefaultCookiePolicy

import aiohttp
import httpx
import requests
from yarl import URL

from tests.e2e.clients.work import Ask, Seen, Unsupported

_PIECE = 64 * 1024
_SECONDS = 60
# What is sent is what a job says: a jar would add to it.
_NO_COOKIES = DefaultCookiePolicy(allowed_domains=[])


def _pieces(ask: Ask) -> Iterator[bytes]:
    assert ask.body is not None
    for at in range(0, len(ask.body), _PIECE):
        yield ask.body[at : at + _PIECE]


class WithRequests:
    """requests, in a thread."""

    name = "requests"

    async def exchange(self, base: str, asks: Sequence[Ask]) -> list[Seen]:
        return await asyncio.to_thread(self._exchange, base, asks)

    def _exchange(self, base: str, asks: Sequence[Ask]) -> list[Seen]:
        with requests.Session() as session:
            session.trust_env = False
            session.cookies.set_policy(_NO_COOKIES)
            return [self._one(session, base, ask) for ask in asks]

    def _one(self, session: requests.Session, base: str, ask: Ask) -> Seen:
        with session.request(
            ask.method,
            base + ask.path,
            headers=ask.headers,
            data=_pieces(ask) if ask.chunked else ask.body,
            allow_redirects=False,
            stream=True,
            timeout=_SECONDS,
        ) as response:
            body = response.raw.read(decode_content=False)
            return Seen(status=response.status_code, headers=tuple(response.raw.headers.items()), body=body)

    def events(self, url: str, headers: dict[str, str]) -> AsyncIterator[bytes]:
        raise Unsupported("requests reads a stream line by line behind a buffer of its own")


class WithHttpx:
    """httpx, synchronous and in a thread."""

    name = "httpx"

    async def exchange(self, base: str, asks: Sequence[Ask]) -> list[Seen]:
        return await asyncio.to_thread(self._exchange, base, asks)

    def _exchange(self, base: str, asks: Sequence[Ask]) -> list[Seen]:
        with httpx.Client(
            base_url=base, timeout=_SECONDS, trust_env=False, cookies=CookieJar(_NO_COOKIES)
        ) as client:
            return [self._one(client, ask) for ask in asks]

    def _one(self, client: httpx.Client, ask: Ask) -> Seen:
        content = _pieces(ask) if ask.chunked else ask.body
        with client.stream(ask.method, ask.path, headers=ask.headers, content=content) as response:
            body = b"".join(response.iter_raw())
            return Seen(status=response.status_code, headers=tuple(response.headers.multi_items()), body=body)

    async def events(self, url: str, headers: dict[str, str]) -> AsyncIterator[bytes]:
        async with (
            httpx.AsyncClient(timeout=_SECONDS, trust_env=False) as client,
            client.stream("GET", url, headers=headers) as response,
        ):
            assert response.status_code == 200
            async for piece in response.aiter_raw():
                yield piece


class WithAiohttp:
    """aiohttp's client."""

    name = "aiohttp"

    async def exchange(self, base: str, asks: Sequence[Ask]) -> list[Seen]:
        async with self._session() as session:
            return [await self._one(session, base, ask) for ask in asks]

    def _session(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=_SECONDS),
        )

    async def _one(self, session: aiohttp.ClientSession, base: str, ask: Ask) -> Seen:
        async def pieces() -> AsyncIterator[bytes]:
            for piece in _pieces(ask):
                yield piece

        body = None if ask.body is None else io.BytesIO(ask.body)
        url = URL(base + ask.path, encoded=True)
        async with session.request(
            ask.method,
            url,
            headers=ask.headers,
            data=pieces() if ask.chunked else body,
            allow_redirects=False,
        ) as response:
            content = await response.read()
            return Seen(status=response.status, headers=tuple(response.headers.items()), body=content)

    async def events(self, url: str, headers: dict[str, str]) -> AsyncIterator[bytes]:
        async with self._session() as session, session.get(url, headers=headers) as response:
            assert response.status == 200
            async for piece in response.content.iter_any():
                yield piece
