"""No token, admin key, pepper or password of the store is ever written, answered or shown: not at the chattiest level."""

from __future__ import annotations

import asyncio
import contextlib
import gc
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway.core.rotation import Operation
from gateway.core.tokens import Digester
from gateway.storage import admin_keys
from gateway.storage.database import connect
from gateway.wiring.credentials import new_admin_key
from tests.e2e.served import Served, served
from tests.proxy.caller import Caller, request
from tests.proxy.recording import OK, Arrival, Line, RecordingUpstream, fine
from tests.wiring.rig import Rig
from tests.wiring.standing import MAP
from tests.wiring.tenants import PEPPERS, Issued, Tenants, never_issued

PASSWORD = "hunter2-of-the-store"
# What identifies a token is in its middle: its first and last characters are shown as a hint.
SHOWN_AT_MOST = 12


@dataclass
class Minted:
    """Every secret there is, and a way to look for them."""

    live: Issued
    reader: Issued
    dead: Issued
    rotated: str
    unknown: str
    admin_key: str

    def all(self) -> Iterator[bytes]:
        for token in (self.live.secret, self.reader.secret, self.dead.secret, self.rotated, self.unknown):
            yield token.encode()
        yield self.admin_key.encode()
        yield PASSWORD.encode()
        yield PEPPERS.current
        yield PEPPERS.current.hex().encode()
        yield repr(PEPPERS.current)[2:-1].encode()

    def found_in(self, text: bytes) -> list[bytes]:
        """The secrets of which more than a hint stands in `text`, in any case."""
        lower = text.lower()
        return [
            secret
            for secret in self.all()
            if any(
                secret[at : at + SHOWN_AT_MOST + 4].lower() in lower for at in range(0, len(secret) - 16, 4)
            )
        ]


async def mint(dsn: str) -> Minted:
    database = await connect(dsn, pool_size=2)
    try:
        tenants = Tenants(database)
        live = await tenants.issue("contacts.readonly", "contacts.write")
        reader = await tenants.issue("contacts.readonly")
        dead = await tenants.issue("contacts.readonly")
        _, rotated = await tenants.operate(dead, Operation.ROTATE_NOW)
        assert rotated is not None
        admin_key, digest, hint = new_admin_key(Digester(PEPPERS.current, PEPPERS.retired))
        async with tenants.change() as change:
            await admin_keys.create(change, name="test", digest=digest, hint=hint)
        return Minted(live, reader, dead, rotated, never_issued(), admin_key)
    finally:
        await database.close()


@dataclass
class Scene:
    """A gateway at debug level and what it may not tell."""

    gateway: Served
    minted: Minted
    upstream: RecordingUpstream
    answered: bytes = b""

    async def ask(self, data: bytes, port: int | None = None) -> None:
        """Send anything, and keep all that comes back until the connection ends: an idle one does so at once."""
        caller = await Caller.connect(port or self.gateway.proxy_port)
        try:
            await caller.send(data)
            while piece := await caller.read(65536):
                self.answered += piece
        except (TimeoutError, ConnectionError):
            pass
        finally:
            caller.leave()


@pytest.fixture
async def scene(tmp_path: Path, own_dsn: str) -> AsyncIterator[Scene]:
    minted = await mint(own_dsn)
    upstream = RecordingUpstream()
    await upstream.start()
    with_password = own_dsn.replace("://gateway@", f"://gateway:{PASSWORD}@")
    assert with_password != own_dsn
    routes = MAP.replace("MAIN", upstream.url).replace("AWAY", "http://127.0.0.1:9")
    environ = {
        "LOG__LEVEL": "debug",
        "LOG__ACCESS": "all",
        "PROXY__TIMEOUTS__HEAD": "300ms",
        "PROXY__TIMEOUTS__IDLE": "200ms",
        "PROXY__TIMEOUTS__BODY": "500ms",
    }
    async with served(tmp_path, with_password, routes, **environ) as gateway:
        yield Scene(gateway, minted, upstream)
    await upstream.stop()


def every_way(token: str) -> list[bytes]:
    """A token where it belongs, and in the places where people put one by mistake."""
    bearer = token.encode()
    return [
        request("GET", "/contacts/c1", token=token),
        request("GET", "/contacts/lookup", token=token),
        request("POST", "/contacts/", token=token, body=b'{"token": "' + bearer + b'"}'),
        request("POST", "/small", token=token, body=bearer * 100),
        request("GET", "/agencies/a1", token=token),
        request("GET", "/nowhere", token=token),
        request("GET", "/away/c1", token=token),
        request("GET", "/contacts/%2e%2e", token=token),
        request("GET", f"/contacts/c1?access_token={token}"),
        request("GET", f"/contacts/c1?access_token={token}", token=token),
        request("GET", "/contacts/c1", b"Cookie: token=" + bearer, b"Proxy-Authorization: Bearer " + bearer),
        request("GET", "/contacts/c1", b"Authorization: Basic " + bearer),
        request("GET", "/contacts/c1", b"Authorization: Bearer " + bearer, token=token),
        request("GET", "/contacts/c1", b"Authorization: Bearer " + bearer + b", Bearer x"),
        request("GET", "/contacts/c1", b"Authorization: Bearer " + bearer[:-1] + b"!"),
        request("GET", "/contacts/c1", b"Authorization : Bearer " + bearer),
        request("GET", "/contacts/c1", b"Authorization: Bearer\r\n " + bearer),
        request("GET", "/contacts/c1", b"X-" + bearer + b": \x00"),
        request("GET", "/contacts/c1", b"Origin: https://" + bearer, b"Version: " + bearer, token=token),
        request("GET", "/contacts/c1", token=token, host=token + ".example/"),
        request("POST", "/contacts/", b"Content-Length: " + bearer, token=token),
        request("POST", "/contacts/", b"Transfer-Encoding: chunked", token=token) + bearer,
        request("GET", f"/contacts/c1 {token}", token=token),
        b"GET /contacts/c1 HTTP/9.9\r\nAuthorization: Bearer " + bearer + b"\r\n\r\n",
        bearer + b" / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /contacts/c1 HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " + bearer,
    ]


async def test_no_secret_is_logged_counted_or_answered_whatever_happens(scene: Scene) -> None:
    minted = scene.minted
    tokens = [minted.live.secret, minted.reader.secret, minted.dead.secret, minted.rotated, minted.unknown]
    asked = [data for token in [*tokens, minted.admin_key] for data in every_way(token)]
    for at in range(0, len(asked), 20):
        await asyncio.gather(*(scene.ask(data) for data in asked[at : at + 20]))
    # Upstreams that misbehave.
    for script in (_dies, _talks_nonsense, _breaks_off):
        scene.upstream.script = script
        await scene.ask(request("GET", "/contacts/c1", token=minted.live.secret))
    scene.upstream.script = fine
    # The admin listener.
    key = b"Authorization: Bearer " + minted.admin_key.encode()
    paths = ("/healthz", "/readyz", "/metrics", "/api/v1/accounts", f"/nowhere?key={minted.admin_key}")
    for path in paths:
        await scene.ask(request("GET", path, key, b"Connection: close"), scene.gateway.admin_port)
        garbage = request("GET", path, key + b"\r\n folded", b"X: \x00")
        await scene.ask(garbage, scene.gateway.admin_port)
    scene.gateway.terminate()
    assert await scene.gateway.ended() == 0
    assert b'"event":"request"' in scene.gateway.output, "there was something to be found in"
    assert b"gateway_requests" in scene.answered
    assert minted.found_in(scene.answered) == []
    assert minted.found_in(scene.gateway.output) == []


async def _dies(arrival: Arrival, line: Line) -> None:
    line.reset()


async def _talks_nonsense(arrival: Arrival, line: Line) -> None:
    await line.send(b"nonsense\r\n\r\n" + arrival.head)


async def _breaks_off(arrival: Arrival, line: Line) -> None:
    await line.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nx")
    line.close()


async def test_a_token_in_a_path_is_not_logged(scene: Scene) -> None:
    """Where an app puts its token into the path by mistake, the log must not keep it for all who read logs."""
    for token in (scene.minted.live.secret, scene.minted.unknown):
        await scene.ask(request("GET", f"/contacts/{token}"))
        await scene.ask(request("GET", f"/nowhere/{token}/x", token=scene.minted.live.secret))
    scene.gateway.terminate()
    assert await scene.gateway.ended() == 0
    assert scene.minted.found_in(scene.gateway.output) == []


async def test_nothing_in_the_process_shows_a_secret_when_it_is_printed(rig: Rig) -> None:
    """A traceback, a debugger or a careless log line prints objects: all of ours that are alive, under load."""
    waiting = asyncio.Event()

    async def script(arrival: Arrival, line: Line) -> None:
        await waiting.wait()
        await line.send(OK)

    upstream = await rig.upstream(script)
    gateway = await rig.gateway(upstream, database__url=f"postgresql://gateway:{PASSWORD}@127.0.0.1/gateway")
    callers = []
    for token in (rig.standing.full.secret, rig.standing.other.secret):
        caller = await gateway.caller()
        callers.append(caller)
        await caller.send(request("GET", "/contacts/c1", b"Proxy-Authorization: x", token=token))
    await upstream.arrived(2)
    secrets = [
        rig.standing.full.secret,
        rig.standing.other.secret,
        PASSWORD,
        PEPPERS.current.hex(),
        repr(PEPPERS.current)[2:-1],
    ]
    shown: dict[str, str] = {}
    for thing in gc.get_objects():
        if str(type(thing).__module__).startswith("gateway."):
            with contextlib.suppress(AttributeError):  # half-made: a slot that is not set
                text = repr(thing)
                if any(secret in text for secret in secrets):
                    shown[f"{type(thing).__module__}.{type(thing).__qualname__}"] = text[:200]
    waiting.set()
    for caller in callers:
        assert (await caller.answer()).status == 200
    assert not shown
