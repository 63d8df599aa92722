"""Where descriptions come from: a file, an address, standard input. Nothing is read beyond a limit, nothing waited for
without an end, and no address leads anywhere but to HTTP.
"""

from __future__ import annotations

import asyncio
from pathlib import PurePosixPath
from typing import Final
from urllib.parse import urljoin, urlsplit

import aiohttp

from gateway.settings.scalar import shown

MIB: Final = 1024 * 1024
MAX_BYTES: Final = 64 * MIB
FETCH_SECONDS: Final = 60.0
_MOST_REDIRECTS: Final = 5
_SCHEMES: Final = frozenset({"http", "https"})


class SourceError(Exception):
    """A description that could not be had. The text says why and what to do."""


def is_address(source: str) -> bool:
    """Whether a source is an address and no file."""
    return "://" in source


def stem_of(source: str) -> str:
    """The name of a source's file without its ending."""
    path = urlsplit(source).path if is_address(source) else source
    return PurePosixPath(path.replace("\\", "/")).name.partition(".")[0]


async def fetch(
    address: str, *, max_bytes: int = MAX_BYTES, seconds: float = FETCH_SECONDS
) -> tuple[bytes, str]:
    """What is at `address`, and the address where redirects ended. Raises SourceError.

    At most `max_bytes`, decompressed, in `seconds`.
    """
    _refuse_odd(address)
    timeout = aiohttp.ClientTimeout(total=seconds)
    try:
        async with aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()) as session:
            return await _follow(session, address, max_bytes)
    except TimeoutError:
        raise SourceError(
            f"{_plain(address)} was not there in {seconds:g} s; fetch it by other means"
        ) from None
    except (aiohttp.ClientError, OSError) as error:
        reason = str(error) or type(error).__name__
        raise SourceError(f"{_plain(address)} cannot be fetched: {reason[:1].lower()}{reason[1:]}") from None


async def _follow(session: aiohttp.ClientSession, address: str, max_bytes: int) -> tuple[bytes, str]:
    """Redirects are followed here, one by one: none may lead from https to http, or to anything that is neither."""
    for _ in range(_MOST_REDIRECTS + 1):
        async with session.get(address, allow_redirects=False) as response:
            location = response.headers.get("Location")
            if response.status in {301, 302, 303, 307, 308} and location is not None:
                address = onward(address, str(response.url), location)
                continue
            if response.status != 200:
                raise SourceError(f"{_plain(address)} answers {response.status}; check the address")
            return await _bounded(response, address, max_bytes), address
    raise SourceError(f"{_plain(address)} redirects more than {_MOST_REDIRECTS} times; name where it ends")


def onward(asked: str, answered: str, location: str) -> str:
    """Where a redirect leads from the address that was `asked` and `answered`. Raises SourceError."""
    address = urljoin(answered, location)
    _refuse_odd(address)
    if asked.lower().startswith("https:") and not address.lower().startswith("https:"):
        raise SourceError(
            f"{_plain(asked)} redirects to http://, which is not followed; name it if you trust it"
        )
    return address


async def _bounded(response: aiohttp.ClientResponse, address: str, max_bytes: int) -> bytes:
    found = bytearray()
    async for chunk in response.content.iter_any():
        found += chunk
        if len(found) > max_bytes:
            raise SourceError(
                f"{_plain(address)} is larger than {max_bytes} bytes; raise --max-size if it is right"
            )
    return bytes(found)


def _refuse_odd(address: str) -> None:
    try:
        parts = urlsplit(address)
        host = parts.hostname
    except ValueError:
        host = None
    if host is None or parts.scheme.lower() not in _SCHEMES:
        raise SourceError(
            f"{shown(_plain(address))} is no address of a description; write http://… or https://…"
        )
    if parts.username is not None or parts.password is not None:
        raise SourceError(
            "the address carries a user name or a password; fetch it by other means, and give the file"
        )


def _plain(address: str) -> str:
    """An address without what may be secret in it."""
    return address.partition("?")[0]


def fetch_now(
    address: str, *, max_bytes: int = MAX_BYTES, seconds: float = FETCH_SECONDS
) -> tuple[bytes, str]:
    """`fetch`, for who has no loop."""
    return asyncio.run(fetch(address, max_bytes=max_bytes, seconds=seconds))
