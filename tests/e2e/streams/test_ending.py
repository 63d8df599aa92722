"""Streams and sockets end with the token that opened them: in time, visibly, and without a false byte."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta

import pytest

from gateway.core.rotation import Operation
from tests.e2e.streams.frames import ASKING, BINARY, CLOSE, close_code, frame, read_frame, switching
from tests.e2e.streams.net import Exactly, streaming
from tests.proxy.caller import SECONDS, Caller, request
from tests.proxy.recording import Arrival, Line, RecordingUpstream
from tests.wiring.rig import Gateway, LivedTime, Rig
from tests.wiring.tenants import Issued

PROMISED_SECONDS = 5.0
End = Callable[[Gateway, Issued], Awaitable[object]]
HALF = 512 * 1024
HEADS = {
    "chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n:\n\r\n",
    "length": b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n:\n",
    "close": b"HTTP/1.1 200 OK\r\n\r\n:\n",
}


async def open_for_ever(arrival: Arrival, line: Line) -> None:
    """Switches where it is asked to; else the first bytes of an answer framed as the path says. Then waits."""
    if arrival.values(b"Upgrade"):
        await line.send(switching(arrival) + frame(b"hello"))
    else:
        await line.send(HEADS[arrival.target.rpartition("/")[2]])
    await line.ended()


@pytest.fixture
async def upstream(rig: Rig) -> RecordingUpstream:
    return await rig.upstream(open_for_ever)


@pytest.fixture
async def gateway(rig: Rig, own_dsn: str, upstream: RecordingUpstream) -> AsyncIterator[Gateway]:
    """It looks at its connections more often than by default, so that less is waited for here."""
    yield await streaming(rig, upstream, dsn=own_dsn, proxy__timeouts__idle="400ms")
    await rig.close()  # the database is dropped by a fixture that ends later


@pytest.fixture
async def default_gateway(rig: Rig, own_dsn: str, upstream: RecordingUpstream) -> AsyncIterator[Gateway]:
    yield await streaming(rig, upstream, dsn=own_dsn)
    await rig.close()


async def socket_of(gateway: Gateway, token: str) -> Caller:
    caller = await gateway.caller()
    await caller.send(request("GET", "/socket/s1", *ASKING, token=token))
    assert (await caller.head())[0] == 101
    assert await read_frame(caller) == (BINARY, b"hello")
    return caller


async def stream_of(gateway: Gateway, token: str, framing: str, version: bytes = b"1.1") -> Caller:
    caller = await gateway.caller()
    asked = request("GET", f"/events/{framing}", token=token)
    await caller.send(asked.replace(b"HTTP/1.1", b"HTTP/" + version))
    assert (await caller.head())[0] == 200
    first = b"2\r\n:\n\r\n" if version == b"1.1" and framing != "length" else b":\n"
    assert await caller.exactly(len(first)) == first
    return caller


ENDS: dict[str, tuple[End, str]] = {
    "expire": (lambda gateway, issued: gateway.tenants.operate(issued, Operation.EXPIRE), "token_expired"),
    "rotate now": (
        lambda gateway, issued: gateway.tenants.operate(issued, Operation.ROTATE_NOW),
        "token_revoked",
    ),
    "delete": (lambda gateway, issued: gateway.tenants.delete(issued), "token_revoked"),
    "suspend": (lambda gateway, issued: gateway.tenants.suspend(issued), "integration_suspended"),
    "scope removed": (
        lambda gateway, issued: gateway.tenants.set_scopes(issued, "contacts.write"),
        "scope_missing",
    ),
}


async def test_each_stream_and_socket_ends_in_time_and_visibly_when_its_token_stops(
    default_gateway: Gateway, upstream: RecordingUpstream
) -> None:
    """And those of another integration go on."""
    gateway = default_gateway
    *ending, bystander = await gateway.tenants.issue_many([["contacts.readonly"]] * (len(ENDS) + 1))
    opened = [
        (
            await socket_of(gateway, issued.secret),
            await stream_of(gateway, issued.secret, "chunked"),
            await stream_of(gateway, issued.secret, "length"),
            await stream_of(gateway, issued.secret, "close"),
            await stream_of(gateway, issued.secret, "chunked", b"1.0"),
        )
        for issued in (*ending, bystander)
    ]
    for issued, (end, _) in zip(ending, ENDS.values(), strict=True):
        await end(gateway, issued)
    ended = LivedTime()
    for callers, (_, code) in zip(opened, ENDS.values(), strict=False):
        socket, *streams = callers
        opcode, payload = await read_frame(socket)
        assert (opcode, close_code(payload)) == (CLOSE, (1008, code))
        assert await socket.rest() == b""
        for stream in streams[:-1]:
            assert await stream.rest() == b"", "nothing that could be the end of a body"
        with pytest.raises(ConnectionResetError):  # a clean end would be the end of the body
            await streams[-1].rest()
    assert ended.stop() < PROMISED_SECONDS
    # And so do the upstream's connections.
    await upstream.became(lambda: sum(not line.closing for line in upstream.lines) == len(opened[-1]))
    for caller in opened[-1]:
        assert await caller.is_silent(0.02)


async def test_rotate_later_ends_nothing_until_the_deadline_and_then_only_the_old_token(
    gateway: Gateway,
) -> None:
    issued = await gateway.tenants.issue("contacts.readonly")
    old = await socket_of(gateway, issued.secret), await stream_of(gateway, issued.secret, "chunked")
    revision, successor = await gateway.tenants.operate(
        issued, Operation.ROTATE_LATER, window=timedelta(seconds=2)
    )
    assert successor is not None
    await gateway.applied(revision)
    deadline = await gateway.tenants.ends_at(issued.token_id)
    new = await socket_of(gateway, successor), await stream_of(gateway, successor, "chunked")
    opcode, payload = await read_frame(old[0])
    assert (opcode, close_code(payload)) == (CLOSE, (1008, "token_rotated"))
    assert await old[1].rest() == b""
    assert deadline <= await gateway.tenants.clock() < deadline + PROMISED_SECONDS
    # Longer than from one look at the token to the next.
    assert await asyncio.gather(*(caller.is_silent(1.3) for caller in new)) == [True, True]


async def test_a_request_that_is_still_waited_for_is_refused_when_its_token_stops(
    gateway: Gateway, upstream: RecordingUpstream
) -> None:
    """Nothing of an answer has been sent yet: the caller gets one that says why, and the upstream's work ends."""
    stopped: list[bool] = []

    async def silent(arrival: Arrival, line: Line) -> None:
        await line.ended()
        stopped.append(True)

    upstream.script = silent
    issued = await gateway.tenants.issue("contacts.readonly", "contacts.write")
    waiting, uploading = await gateway.caller(), await gateway.caller()
    await waiting.send(request("GET", "/plain", token=issued.secret))
    await uploading.send(request("POST", "/files/upload", b"Content-Length: 1000000", token=issued.secret))
    await upstream.arrived(2)
    await gateway.tenants.operate(issued, Operation.ROTATE_NOW)
    for caller in (waiting, uploading):
        assert (await caller.answer()).code == "token_revoked"
    await upstream.became(lambda: len(stopped) == 2)


@pytest.mark.parametrize("finished", [True, False])
async def test_a_close_frame_of_ours_never_stands_inside_a_frame_of_the_services(
    gateway: Gateway, upstream: RecordingUpstream, finished: bool
) -> None:
    """The frame under way is passed to its end and the Close comes behind it; one without an end gets none."""

    async def script(arrival: Arrival, line: Line) -> None:
        big = frame(b"z" * (2 * HALF))
        await line.send(switching(arrival) + frame(b"hello") + big[:HALF])
        assert (await read_frame(Exactly(line)))[0] == CLOSE  # from now on, the token is known to be dead
        if finished:
            await line.send(big[HALF:-1])
            await line.send(big[-1:] + frame(b"after the end"))
        await line.ended()

    upstream.script = script
    issued = await gateway.tenants.issue("contacts.readonly")
    caller = await socket_of(gateway, issued.secret)
    await gateway.tenants.operate(issued, Operation.ROTATE_NOW)
    if finished:
        assert await read_frame(caller) == (BINARY, b"z" * (2 * HALF))
        opcode, payload = await read_frame(caller)
        assert (opcode, close_code(payload)) == (CLOSE, (1008, "token_revoked"))
        assert await caller.rest() == b""
    else:
        assert await caller.rest() == frame(b"z" * (2 * HALF))[:HALF]


async def test_a_close_frame_of_ours_never_stands_inside_a_frame_of_the_callers(
    gateway: Gateway, upstream: RecordingUpstream
) -> None:
    """The service sees a frame without an end, never our Close for a part of it."""
    rest: list[bytes] = []

    async def script(arrival: Arrival, line: Line) -> None:
        await line.send(switching(arrival) + frame(b"hello"))
        rest.append(await line.ended())

    upstream.script = script
    issued = await gateway.tenants.issue("contacts.readonly")
    caller = await socket_of(gateway, issued.secret)
    begun = frame(b"z" * 1000, masked=True)[:500]
    await caller.send(begun)
    await gateway.tenants.operate(issued, Operation.ROTATE_NOW)
    opcode, payload = await read_frame(caller)
    assert (opcode, close_code(payload)) == (CLOSE, (1008, "token_revoked"))
    await upstream.became(lambda: bool(rest))
    assert begun.startswith(rest[0])


async def test_a_caller_that_does_not_read_cannot_keep_its_socket(
    gateway: Gateway, upstream: RecordingUpstream
) -> None:
    """Its service is let go in time, though the caller has megabytes to take still."""
    sent = asyncio.Event()
    ended = asyncio.Event()

    async def script(arrival: Arrival, line: Line) -> None:
        await line.send(switching(arrival) + frame(b"hello"))
        for _ in range(64):
            line.writer.write(frame(bytes(2**20)))
        sent.set()
        try:
            await line.reader.read()
            await line.writer.drain()
        except ConnectionError:
            pass
        ended.set()

    upstream.script = script
    issued = await gateway.tenants.issue("contacts.readonly")
    await socket_of(gateway, issued.secret)
    await sent.wait()
    await gateway.tenants.operate(issued, Operation.ROTATE_NOW)
    async with asyncio.timeout(SECONDS):
        await ended.wait()


async def test_a_stream_that_was_opened_while_its_token_died_ends_too(gateway: Gateway) -> None:
    """The request passed, the revocation was applied, and only then came the first byte."""
    issued = await gateway.tenants.issue("contacts.readonly")
    callers = [await stream_of(gateway, issued.secret, "chunked")]
    ending = asyncio.create_task(gateway.tenants.operate(issued, Operation.ROTATE_NOW))
    while not ending.done():
        caller = await gateway.caller()
        await caller.send(request("GET", "/events/chunked", b"Connection: close", token=issued.secret))
        callers.append(caller)
        await asyncio.sleep(0)
    await ending
    await asyncio.gather(*(caller.rest() for caller in callers))
