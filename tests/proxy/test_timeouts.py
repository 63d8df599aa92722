"""Each phase of a request that may stall has a bound and an answer of its own."""

from __future__ import annotations

import asyncio
import time

import pytest

from tests.proxy.caller import Ended, request
from tests.proxy.recording import OK, Arrival, Line
from tests.wiring.rig import Rig

# What is proved is that it ends, and not before its time. The bounds that a test lives within are long beside what a
# loaded machine takes between two of its steps, and LATE is shorter than what would end it without them.
SHORT = "150ms"
LIVED_WITHIN, LIVED_WITHIN_SECONDS = "1500ms", 1.5
LATE = 8.0
# Of what goes on slowly: the whole takes longer than the silence that it may have, and no piece nearly as long.
SILENCE, PIECES, APART_SECONDS = "3s", 10, 0.35
# Timers count in whole milliseconds.
EXACT = 0.01


async def silent(arrival: Arrival, line: Line) -> None:
    await line.ended()


async def test_a_head_that_stops_is_answered_408(rig: Rig) -> None:
    upstream = await rig.upstream()
    gateway = await rig.gateway(upstream, proxy__timeouts__head=LIVED_WITHIN)
    began = time.monotonic()
    caller = await gateway.caller()
    await caller.send(b"GET /contacts/c1 HTTP/1.1\r\nHost: a\r\n")
    answer = await caller.answer(seconds=LATE)
    assert (answer.status, answer.code, answer.closes) == (408, "request_timeout", True)
    assert time.monotonic() - began > LIVED_WITHIN_SECONDS - EXACT
    assert await caller.rest() == b""


async def test_a_head_that_drips_gets_no_more_time(rig: Rig) -> None:
    upstream = await rig.upstream()
    gateway = await rig.gateway(upstream, proxy__timeouts__head=LIVED_WITHIN)
    caller = await gateway.caller()
    assert (await caller.ask(request("GET", "/contacts/c1", token=rig.token))).status == 200
    dripping = asyncio.create_task(_drip(caller.send))
    try:
        answer = await caller.answer(seconds=LATE)
    finally:
        dripping.cancel()
        await asyncio.gather(dripping, return_exceptions=True)
    assert (answer.status, answer.code) == (408, "request_timeout")


async def _drip(send) -> None:  # type: ignore[no-untyped-def] # a bound method
    await send(b"GET /contacts/c1 HTTP/1.1\r\n")
    while True:
        await send(b"X: 1\r\n")
        await asyncio.sleep(0.05)


async def test_a_connection_that_says_nothing_is_closed(rig: Rig) -> None:
    upstream = await rig.upstream()
    gateway = await rig.gateway(upstream, proxy__timeouts__head=SHORT)
    caller = await gateway.caller()
    with pytest.raises(Ended):
        await caller.answer(seconds=LATE)


@pytest.mark.parametrize("framing", [b"Content-Length: 10", b"Transfer-Encoding: chunked"])
async def test_a_body_that_stops_is_answered_408_and_dropped_upstream(rig: Rig, framing: bytes) -> None:
    upstream = await rig.upstream()
    gateway = await rig.gateway(upstream, proxy__timeouts__body=LIVED_WITHIN)
    caller = await gateway.caller()
    await caller.send(request("POST", "/contacts/", framing, token=rig.token) + b"3\r\nabc")
    arrival = await upstream.arrived(1)
    answer = await caller.answer(seconds=LATE)
    assert (answer.status, answer.code, answer.closes) == (408, "request_timeout", True)
    assert await caller.rest() == b""
    await upstream.became(lambda: arrival.cut)


async def test_a_body_that_goes_on_slowly_is_not_late(rig: Rig) -> None:
    """The bound is on silence, not on the whole."""
    upstream = await rig.upstream()
    gateway = await rig.gateway(upstream, proxy__timeouts__body=SILENCE)
    caller = await gateway.caller()
    await caller.send(request("POST", "/contacts/", b"Content-Length: 10", token=rig.token))
    for _ in range(PIECES):
        await asyncio.sleep(APART_SECONDS)
        await caller.send(b"a")
    assert (await caller.answer()).status == 200


async def test_a_refused_body_that_never_comes_ends_the_connection(rig: Rig) -> None:
    upstream = await rig.upstream()
    gateway = await rig.gateway(upstream, proxy__timeouts__body=SHORT)
    caller = await gateway.caller()
    await caller.send(request("POST", "/contacts/", b"Content-Length: 10"))
    assert (await caller.answer()).code == "token_missing"
    assert await caller.rest(seconds=LATE) == b""


async def test_an_upstream_that_does_not_answer_is_504_and_dropped(rig: Rig) -> None:
    upstream = await rig.upstream(silent)
    gateway = await rig.gateway(upstream, upstream__timeouts__first_byte=LIVED_WITHIN)
    caller = await gateway.caller()
    began = time.monotonic()
    await caller.send(request("GET", "/contacts/c1", token=rig.token))
    answer = await caller.answer(seconds=LATE)
    assert time.monotonic() - began > LIVED_WITHIN_SECONDS - EXACT
    assert (answer.status, answer.code, answer.closes) == (504, "upstream_timeout", False)
    # The caller's connection goes on, the upstream's does not: a late answer would be the next one's.
    upstream.script = _fine
    assert (await caller.ask(request("GET", "/contacts/c1", token=rig.token))).status == 200
    assert [arrival.connection for arrival in upstream.arrivals] == [1, 2]


async def _fine(arrival: Arrival, line: Line) -> None:
    await line.read_body(arrival)
    await line.send(OK)


async def test_a_route_may_have_a_time_of_its_own(rig: Rig) -> None:
    upstream = await rig.upstream(silent)
    gateway = await rig.gateway(upstream)
    answer = await gateway.get("/impatient", token=rig.token)
    assert (answer.status, answer.code) == (504, "upstream_timeout")


async def test_a_post_that_is_not_answered_is_504_and_sent_once(rig: Rig) -> None:
    upstream = await rig.upstream(silent)
    gateway = await rig.gateway(upstream, upstream__timeouts__first_byte=LIVED_WITHIN)
    answer = await gateway.ask(request("POST", "/contacts/", token=rig.token, body=b"x"))
    assert (answer.status, answer.code) == (504, "upstream_timeout")
    assert len(upstream.arrivals) == 1


@pytest.mark.parametrize("framing", [b"Content-Length: 100", b"Transfer-Encoding: chunked"])
async def test_an_answer_that_stops_is_seen_to_be_broken(rig: Rig, framing: bytes) -> None:
    """After the first byte there is no other answer to give: the end must not look like one."""

    async def script(arrival: Arrival, line: Line) -> None:
        await line.send(b"HTTP/1.1 200 OK\r\n" + framing + b"\r\n\r\n" + b"2\r\nhi\r\n")
        await line.ended()

    upstream = await rig.upstream(script)
    gateway = await rig.gateway(upstream, upstream__timeouts__silence=SHORT)
    caller = await gateway.caller()
    await caller.send(request("GET", "/contacts/c1", token=rig.token))
    answer = await caller.answer(seconds=LATE)
    assert (answer.status, answer.whole) == (200, False)


async def test_an_answer_that_goes_on_slowly_is_not_late(rig: Rig) -> None:
    async def script(arrival: Arrival, line: Line) -> None:
        await line.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n")
        for _ in range(PIECES):
            await asyncio.sleep(APART_SECONDS)
            await line.send(b"a")

    upstream = await rig.upstream(script)
    gateway = await rig.gateway(upstream, upstream__timeouts__silence=SILENCE)
    answer = await gateway.get("/contacts/c1", token=rig.token)
    assert (answer.status, answer.body) == (200, b"a" * 10)


async def test_interim_answers_do_not_start_the_time_anew_for_ever(rig: Rig) -> None:
    """An upstream that says 102 again and again has still not answered."""

    async def script(arrival: Arrival, line: Line) -> None:
        while not line.closing:
            await line.send(b"HTTP/1.1 102 Processing\r\n\r\n")
            await asyncio.sleep(0.05)

    upstream = await rig.upstream(script)
    gateway = await rig.gateway(upstream, upstream__timeouts__first_byte=SHORT)
    caller = await gateway.caller()
    await caller.send(request("GET", "/contacts/c1", token=rig.token))
    answer = await caller.answer(seconds=LATE)
    assert (answer.status, answer.code) == (504, "upstream_timeout")
