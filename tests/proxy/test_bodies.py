"""Request bodies: their limits, their ends, and what becomes of a body that nobody wants."""

from __future__ import annotations

import asyncio

import pytest

from tests.proxy.caller import SECONDS, chunked, request
from tests.proxy.recording import OK, Arrival, Line
from tests.wiring.rig import Rig

KIB = 1024


def post(target: str, token: str, *fields: bytes) -> bytes:
    return request("POST", target, *fields, token=token)


async def test_a_body_of_exactly_the_limit_passes_in_either_framing(rig: Rig) -> None:
    upstream = await rig.upstream()
    gateway = await rig.gateway(upstream)
    content = b"a" * KIB
    assert (await gateway.ask(request("POST", "/small", token=rig.token, body=content))).status == 200
    halves = [content[:500], content[500:]]
    assert (await gateway.ask(request("POST", "/small", token=rig.token, chunks=halves))).status == 200
    assert [arrival.body for arrival in upstream.arrivals] == [content, content]


async def test_the_listeners_limit_holds_where_a_route_has_none(rig: Rig) -> None:
    upstream = await rig.upstream()
    gateway = await rig.gateway(upstream, proxy__limits__body="2KiB")
    answer = await gateway.ask(request("POST", "/contacts/", token=rig.token, body=b"a" * (2 * KIB + 1)))
    assert answer.code == "body_too_large"
    # A route's own limit may be the larger one.
    answer = await gateway.ask(request("POST", "/large", token=rig.token, body=b"a" * (3 * KIB)))
    assert answer.status == 200


async def test_a_body_announced_too_large_is_refused_before_it_comes(rig: Rig) -> None:
    """Its connection ends: reading it all to save the connection would be the attack."""
    upstream = await rig.upstream()
    gateway = await rig.gateway(upstream)
    caller = await gateway.caller()
    await caller.send(post("/small", rig.token, b"Content-Length: 1000000"))
    answer = await caller.answer()
    assert (answer.code, answer.closes) == ("body_too_large", True)
    assert await caller.rest() == b""
    assert upstream.arrivals == []


async def test_a_chunked_body_that_grows_too_large_is_never_whole_for_the_upstream(rig: Rig) -> None:
    upstream = await rig.upstream()
    gateway = await rig.gateway(upstream)
    caller = await gateway.caller()
    await caller.send(post("/small", rig.token, b"Transfer-Encoding: chunked") + b"200\r\n" + b"a" * 512)
    arrival = await upstream.arrived(1)
    await caller.send(b"\r\n201\r\n" + b"a" * 513 + b"\r\n0\r\n\r\n")
    answer = await caller.answer()
    assert answer.code == "body_too_large"
    await upstream.became(lambda: arrival.cut)
    assert not arrival.whole


async def test_the_connection_of_a_small_refused_body_goes_on_and_the_body_is_no_request(rig: Rig) -> None:
    upstream = await rig.upstream()
    gateway = await rig.gateway(upstream)
    inner = request("GET", "/contacts/smuggled", token=rig.token)
    for refused in (
        request("POST", "/contacts/", token=rig.standing.bare.secret, body=inner),
        request("POST", "/contacts/", token=rig.standing.bare.secret, chunks=[inner]),
    ):
        caller = await gateway.caller()
        await caller.send(refused + request("GET", "/contacts/next", token=rig.token))
        assert (await caller.answer()).code == "scope_missing"
        assert (await caller.answer()).status == 200
    assert [arrival.target for arrival in upstream.arrivals] == ["/contacts/next"] * 2


async def test_a_refused_chunked_body_that_goes_on_ends_the_connection(rig: Rig) -> None:
    upstream = await rig.upstream()
    gateway = await rig.gateway(upstream)
    caller = await gateway.caller()
    await caller.send(post("/contacts/", rig.standing.bare.secret, b"Transfer-Encoding: chunked"))
    assert (await caller.answer()).code == "scope_missing"
    for _ in range(6):
        await caller.send(b"4000\r\n" + b"a" * 0x4000 + b"\r\n")
    assert await caller.rest() == b""


@pytest.mark.parametrize(
    "broken",
    [
        b"zz\r\n",
        b"5\r\nhello!\r\n",
        b"-1\r\n",
        b"0x5\r\nhello\r\n",
        b"5\nhello\n0\n\n",
        b"5 \r\nhello\r\n",
        b"\r\n",
    ],
)
@pytest.mark.parametrize("packets", ["one", "two"])
async def test_a_broken_chunk_closes_and_is_never_a_whole_request(
    rig: Rig, broken: bytes, packets: str
) -> None:
    """Also in a later packet than the head, where others hang."""
    upstream = await rig.upstream()
    gateway = await rig.gateway(upstream)
    caller = await gateway.caller()
    head = post("/contacts/", rig.token, b"Transfer-Encoding: chunked") + b"2\r\nhi\r\n"
    tail = broken + chunked(b"more") + request("GET", "/contacts/smuggled", token=rig.token)
    if packets == "one":
        await caller.send(head + tail)
    else:
        await caller.send(head)
        await upstream.arrived(1)
        await caller.send(tail)
    answer = await caller.answer()
    assert (answer.code, answer.closes) == ("bad_request", True)
    assert await caller.rest() == b""
    if packets == "two":
        arrival = upstream.arrivals[0]
        await upstream.became(lambda: arrival.cut)
    assert not any(arrival.whole for arrival in upstream.arrivals)
    assert [arrival.target for arrival in upstream.arrivals if "smuggled" in arrival.target] == []


async def test_chunk_extensions_and_trailers_end_here(rig: Rig) -> None:
    upstream = await rig.upstream()
    gateway = await rig.gateway(upstream)
    caller = await gateway.caller()
    await caller.send(
        post("/contacts/", rig.token, b"Transfer-Encoding: chunked", b"Trailer: X-Gateway-Scopes")
        + b'5;a=b;c="d"\r\nhello\r\n0\r\nX-Gateway-Scopes: all\r\nX-Request-Id: forged\r\n\r\n'
    )
    assert (await caller.answer()).status == 200
    assert (await caller.ask(request("GET", "/contacts/c1", token=rig.token))).status == 200
    first, second = upstream.arrivals
    assert first.body == b"hello"
    assert first.value(b"X-Gateway-Scopes") != b"all"
    assert second.value(b"X-Gateway-Scopes") == first.value(b"X-Gateway-Scopes")
    assert second.value(b"X-Request-Id") != b"forged"


async def test_a_caller_that_leaves_inside_a_body_leaves_no_whole_request(rig: Rig) -> None:
    upstream = await rig.upstream()
    gateway = await rig.gateway(upstream)
    for framing, piece in (
        (b"Content-Length: 100", b"a" * 50),
        (b"Transfer-Encoding: chunked", b"2\r\nhi\r\n"),
    ):
        caller = await gateway.caller()
        await caller.send(post("/contacts/", rig.token, framing) + piece)
        arrival = await upstream.arrived(1)
        caller.leave()
        await upstream.became(lambda seen=arrival: seen.cut)  # type: ignore[misc]
        assert not arrival.whole
        upstream.take()


async def test_a_caller_that_leaves_ends_the_upstreams_work_at_once(rig: Rig) -> None:
    ended = asyncio.Event()

    async def script(arrival: Arrival, line: Line) -> None:
        await line.ended()
        ended.set()

    upstream = await rig.upstream(script)
    gateway = await rig.gateway(upstream)
    caller = await gateway.caller()
    await caller.send(request("GET", "/contacts/c1", token=rig.token))
    await upstream.arrived(1)
    caller.leave()
    async with asyncio.timeout(SECONDS):
        await ended.wait()


async def test_an_early_answer_reaches_the_caller_and_its_connection_is_not_used_again(rig: Rig) -> None:
    """The upstream says no before it has the body: what it did not read must not meet the next request."""

    async def script(arrival: Arrival, line: Line) -> None:
        if arrival.method == "POST":
            await line.send(b"HTTP/1.1 409 Conflict\r\nContent-Length: 4\r\n\r\nstop")
            await line.ended()
        else:
            await line.send(OK)

    upstream = await rig.upstream(script)
    gateway = await rig.gateway(upstream)
    caller = await gateway.caller()
    await caller.send(post("/contacts/", rig.token, b"Content-Length: 100000") + b"a" * 1000)
    answer = await caller.answer()
    assert (answer.status, answer.body, answer.closes) == (409, b"stop", True)
    assert await caller.rest() == b""
    assert (await gateway.get("/contacts/c1", token=rig.token)).status == 200
    assert [arrival.connection for arrival in upstream.arrivals] == [1, 2]


async def test_a_body_waits_while_the_upstream_takes_no_more(rig: Rig) -> None:
    """Back-pressure: a stalled upstream stalls the caller, and what is held in between stays small."""
    go_on = asyncio.Event()

    async def script(arrival: Arrival, line: Line) -> None:
        line.writer.transport.pause_reading()  # type: ignore[attr-defined]
        await go_on.wait()
        line.writer.transport.resume_reading()  # type: ignore[attr-defined]
        size = 0
        async for piece in line.pieces(arrival):
            size += len(piece)
        assert size == total
        await line.send(OK)

    total = 64 * 1024 * 1024
    upstream = await rig.upstream(script)
    gateway = await rig.gateway(upstream)
    caller = await gateway.caller()
    await caller.send(post("/contacts/", rig.token, b"Content-Length: %d" % total))
    sent = 0
    piece = bytes(256 * 1024)
    try:
        while sent < total:
            async with asyncio.timeout(1):
                await caller.send(piece)
            sent += len(piece)
    except TimeoutError:
        sent += len(piece)  # it is with the socket, or waits before it
    assert sent < total // 2, "the gateway took a body that nobody read"
    go_on.set()
    while sent < total:
        await caller.send(piece)
        sent += len(piece)
    assert (await caller.answer()).status == 200


async def test_an_answer_waits_while_the_caller_takes_no_more(rig: Rig) -> None:
    """A caller that does not read stalls the upstream, not the gateway's memory."""
    total = 64 * 1024 * 1024
    sent = 0

    async def script(arrival: Arrival, line: Line) -> None:
        nonlocal sent
        await line.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % total)
        piece = bytes(256 * 1024)
        while sent < total:
            await line.send(piece)
            sent += len(piece)

    upstream = await rig.upstream(script)
    gateway = await rig.gateway(upstream)
    caller = await gateway.caller()
    await caller.send(request("GET", "/contacts/c1", token=rig.token))
    assert (await caller.head())[0] == 200
    before = -1
    while sent != before:
        before = sent
        await asyncio.sleep(0.25)
    assert sent < total // 2, "the gateway took an answer that nobody read"
    got = 0
    while got < total:
        got += len(await caller.read(2**20))
    assert got == total
