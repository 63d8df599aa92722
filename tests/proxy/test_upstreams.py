"""Upstreams that misbehave, die or are away: what the caller sees, and what the next caller must never see."""

from __future__ import annotations

import asyncio

import pytest

from tests.proxy.caller import SECONDS, request
from tests.proxy.recording import OK, Arrival, Line, RecordingUpstream, fine, saying
from tests.wiring.rig import Gateway, Rig
from tests.wiring.standing import small_map

MALFORMED = {
    "no-http": b"hello\r\n\r\n",
    "smtp": b"220 mail ready\r\n",
    "bad-version": b"HTTP/3.0 200 OK\r\nContent-Length: 0\r\n\r\n",
    "bad-status": b"HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n",
    "status-600": b"HTTP/1.1 600 OK\r\nContent-Length: 0\r\n\r\n",
    "bad-field-name": b"HTTP/1.1 200 OK\r\nX A: 1\r\nContent-Length: 0\r\n\r\n",
    "empty-field-name": b"HTTP/1.1 200 OK\r\n: 1\r\nContent-Length: 0\r\n\r\n",
    "nul-in-field": b"HTTP/1.1 200 OK\r\nX-A: a\x00b\r\nContent-Length: 0\r\n\r\n",
    "two-lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok!",
    "equal-lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok",
    "length-list": b"HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nok",
    "signed-length": b"HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nok",
    "huge-length": b"HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551621\r\n\r\nok",
    "both-framings": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    "gzip-coding": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nok",
    "twice-chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    "chunked-1.0": b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    "unasked-101": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    "endless-head": b"HTTP/1.1 200 OK\r\n" + b"X-A: " + b"a" * 70_000,
    "many-fields": b"HTTP/1.1 200 OK\r\n" + b"X-A: 1\r\n" * 300 + b"Content-Length: 0\r\n\r\n",
    "nothing": b"",
    "half-a-head": b"HTTP/1.1 200 OK\r\nContent-Le",
    "bad-first-chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nok\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("name", MALFORMED)
async def test_a_malformed_answer_is_502_and_its_connection_is_dropped(rig: Rig, name: str) -> None:
    upstream = await rig.upstream(saying(MALFORMED[name], then_close=True))
    gateway = await rig.gateway(upstream)
    caller = await gateway.caller()
    answer = await caller.ask(request("GET", "/contacts/c1", token=rig.token))
    if name == "bad-first-chunk" and answer.status == 200:
        assert not answer.whole  # its head may have been on its way already
        return
    assert (answer.status, answer.code, answer.closes) == (502, "upstream_bad_response", False)
    upstream.script = fine
    assert (await caller.ask(request("GET", "/contacts/c2", token=rig.token))).body == b"ok"
    assert [arrival.target for arrival in upstream.arrivals] == ["/contacts/c1", "/contacts/c2"]
    assert [arrival.connection for arrival in upstream.arrivals] == [1, 2]


@pytest.mark.parametrize(
    "cut",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nonly this\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\nonly this",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nonly this\r\n0\r\n",
    ],
    ids=["length", "between-chunks", "in-a-chunk", "before-the-end"],
)
@pytest.mark.parametrize("how", ["close", "reset"])
@pytest.mark.parametrize("version", ["1.1", "1.0"])
async def test_an_answer_cut_short_is_cut_short_for_the_caller(
    rig: Rig, cut: bytes, how: str, version: str
) -> None:
    """No clean end, no second head. To HTTP/1.0 a clean close would complete what has no length."""
    go_on = asyncio.Event()

    async def script(arrival: Arrival, line: Line) -> None:
        await line.send(cut)
        await go_on.wait()
        line.close() if how == "close" else line.reset()

    upstream = await rig.upstream(script)
    gateway = await rig.gateway(upstream)
    caller = await gateway.caller()
    await caller.send(request("GET", "/contacts/c1", token=rig.token, version=version))
    status, fields = await caller.head()
    assert status == 200
    go_on.set()
    if version == "1.0" and not any(name == b"Content-Length" for name, _ in fields):
        with pytest.raises(ConnectionError):
            await caller.rest()
        return
    try:
        rest = await caller.rest()
    except ConnectionError:
        rest = b""
    assert b"HTTP/1.1" not in rest
    assert b"\r\n0\r\n\r\n" not in rest
    assert len(rest) < 100


async def test_an_answer_that_ends_with_its_connection_is_cut_short_by_a_reset(rig: Rig) -> None:
    go_on = asyncio.Event()

    async def script(arrival: Arrival, line: Line) -> None:
        await line.send(b"HTTP/1.1 200 OK\r\n\r\nonly this")
        await go_on.wait()
        line.reset()

    upstream = await rig.upstream(script)
    gateway = await rig.gateway(upstream)
    caller = await gateway.caller()
    await caller.send(request("GET", "/contacts/c1", token=rig.token))
    assert (await caller.head())[0] == 200
    go_on.set()
    try:
        rest = await caller.rest()
    except ConnectionError:
        rest = b""
    assert not rest.endswith(b"0\r\n\r\n")


@pytest.mark.parametrize(
    "unasked",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison",
        b"x",
        b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
    ],
    ids=["response", "byte", "408"],
)
async def test_bytes_that_nobody_asked_for_never_answer_the_next_request(rig: Rig, unasked: bytes) -> None:
    """Whoever can make an upstream say more than it was asked would answer for it to somebody else."""
    later = asyncio.Event()
    said = asyncio.Event()

    async def script(arrival: Arrival, line: Line) -> None:
        await line.send(OK)
        if arrival.target == "/contacts/first":
            await later.wait()
            await line.send(unasked)
            said.set()
            await line.ended()

    upstream = await rig.upstream(script)
    gateway = await rig.gateway(upstream)
    first, second = await gateway.caller(), await gateway.caller()
    assert (await first.ask(request("GET", "/contacts/first", token=rig.token))).body == b"ok"
    later.set()
    await said.wait()
    answer = await second.ask(request("GET", "/contacts/second", token=rig.token))
    assert (answer.status, answer.body) == (200, b"ok")
    assert [arrival.connection for arrival in upstream.arrivals] == [1, 2]


async def test_bytes_behind_a_response_in_its_packet_never_answer_the_next_request(rig: Rig) -> None:
    poison = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison"
    upstream = await rig.upstream(saying(OK + poison))
    gateway = await rig.gateway(upstream)
    caller = await gateway.caller()
    answer = await caller.ask(request("GET", "/contacts/c1", token=rig.token))
    assert b"poison" not in answer.body
    upstream.script = fine
    answer = await caller.ask(request("GET", "/contacts/c2", token=rig.token))
    assert (answer.status, answer.body) == (200, b"ok")
    assert [arrival.connection for arrival in upstream.arrivals] == [1, 2]


@pytest.mark.parametrize("status", [b"200 OK", b"304 Not Modified", b"204 No Content"])
async def test_a_body_where_none_may_be_never_answers_the_next_request(rig: Rig, status: bytes) -> None:
    method = "HEAD" if status == b"200 OK" else "GET"
    head = (
        b"HTTP/1.1 " + status + b"\r\n" + (b"" if b"204" in status else b"Content-Length: 50\r\n") + b"\r\n"
    )
    poison = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison"
    upstream = await rig.upstream(saying(head + poison))
    gateway = await rig.gateway(upstream)
    caller = await gateway.caller()
    await caller.ask(request(method, "/contacts/c1", token=rig.token))
    upstream.script = fine
    answer = await caller.ask(request("GET", "/contacts/c2", token=rig.token))
    assert (answer.status, answer.body) == (200, b"ok")
    assert [arrival.connection for arrival in upstream.arrivals] == [1, 2]


async def _kept_connection(rig: Rig) -> tuple[RecordingUpstream, Gateway]:
    """A gateway with one kept connection whose upstream dies at the next request without a byte."""

    async def script(arrival: Arrival, line: Line) -> None:
        if arrival.target == "/contacts/warm" or line.number > 1:
            await fine(arrival, line)
        else:
            line.reset()

    upstream = await rig.upstream(script)
    gateway = await rig.gateway(upstream)
    assert (await gateway.get("/contacts/warm", token=rig.token)).status == 200
    upstream.take()
    return upstream, gateway


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])
async def test_a_request_without_body_is_sent_again_when_a_kept_connection_died(
    rig: Rig, method: str
) -> None:
    upstream, gateway = await _kept_connection(rig)
    answer = await gateway.ask(request(method, "/contacts/c1", token=rig.token))
    assert answer.status == 200
    arrivals = upstream.arrivals
    assert [(arrival.method, arrival.connection) for arrival in arrivals] == [(method, 1), (method, 2)]


@pytest.mark.parametrize(
    ("method", "target", "body"),
    [
        ("POST", "/contacts/", None),
        ("POST", "/contacts/", b""),
        ("POST", "/contacts/", b"x"),
        ("PATCH", "/contacts/c1", None),
        ("PUT", "/contacts/c1", b"x"),
        ("GET", "/contacts/c1", b"x"),
    ],
)
async def test_what_may_have_had_an_effect_is_never_sent_twice(
    rig: Rig, method: str, target: str, body: bytes | None
) -> None:
    upstream, gateway = await _kept_connection(rig)
    answer = await gateway.ask(request(method, target, token=rig.token, body=body))
    assert (answer.status, answer.code) == (502, "upstream_bad_response")
    assert len(upstream.arrivals) == 1


async def test_no_request_is_sent_a_third_time(rig: Rig) -> None:
    async def script(arrival: Arrival, line: Line) -> None:
        if arrival.target == "/contacts/warm":
            await line.send(OK)
        else:
            line.reset()

    upstream = await rig.upstream(script)
    gateway = await rig.gateway(upstream)
    assert (await gateway.get("/contacts/warm", token=rig.token)).status == 200
    answer = await gateway.get("/contacts/c1", token=rig.token)
    assert (answer.status, answer.code) == (502, "upstream_bad_response")
    assert len(upstream.arrivals) == 3


async def test_a_new_connection_that_dies_is_not_tried_again(rig: Rig) -> None:
    async def script(arrival: Arrival, line: Line) -> None:
        line.reset()

    upstream = await rig.upstream(script)
    gateway = await rig.gateway(upstream)
    answer = await gateway.get("/contacts/c1", token=rig.token)
    assert (answer.status, answer.code) == (502, "upstream_bad_response")
    assert len(upstream.arrivals) == 1


async def test_after_a_byte_of_the_answer_nothing_is_sent_again(rig: Rig) -> None:
    async def script(arrival: Arrival, line: Line) -> None:
        if arrival.target == "/contacts/warm":
            await line.send(OK)
        else:
            await line.send(b"HTTP")
            line.close()

    upstream = await rig.upstream(script)
    gateway = await rig.gateway(upstream)
    assert (await gateway.get("/contacts/warm", token=rig.token)).status == 200
    assert (await gateway.get("/contacts/c1", token=rig.token)).code == "upstream_bad_response"
    assert len(upstream.arrivals) == 2


async def test_a_connection_that_the_upstream_closed_is_not_used(rig: Rig) -> None:
    """Also for a POST: it is found out before it is used."""

    async def script(arrival: Arrival, line: Line) -> None:
        await line.read_body(arrival)
        await line.send(OK)
        line.close()

    upstream = await rig.upstream(script)
    gateway = await rig.gateway(upstream)
    for number in range(1, 6):
        answer = await gateway.ask(request("POST", "/contacts/", token=rig.token, body=b"x"))
        assert answer.status == 200
        await upstream.became(lambda n=number: upstream.lines[n - 1].closing)  # type: ignore[misc]
        await asyncio.sleep(0.01)
    assert len(upstream.arrivals) == 5


async def test_an_upstream_that_is_away_is_502_and_back_as_soon_as_it_is(rig: Rig) -> None:
    upstream = await rig.upstream()
    gateway = await rig.gateway(upstream)
    caller = await gateway.caller()
    for _ in range(3):
        answer = await caller.ask(request("GET", "/away/x", token=rig.token))
        assert (answer.status, answer.code) == (502, "upstream_unreachable")
    answer = await caller.ask(request("POST", "/away/x", token=rig.token, body=b"a" * 100))
    assert (answer.status, answer.code) == (502, "upstream_unreachable")
    assert (await caller.ask(request("GET", "/contacts/c1", token=rig.token))).status == 200


async def test_of_two_addresses_the_one_that_refuses_costs_no_request(rig: Rig) -> None:
    upstream = await rig.upstream()
    gateway = await rig.gateway(upstream)
    callers = [await gateway.caller() for _ in range(4)]
    for method in ("GET", "POST") * 5:
        for caller in callers:
            body = b"x" if method == "POST" else None
            answer = await caller.ask(request(method, "/half/x", token=rig.token, body=body))
            assert answer.status == 200
    assert len(upstream.arrivals) == 40
    assert {arrival.value(b"Host") for arrival in upstream.arrivals} == {
        f"127.0.0.1:{upstream.port}".encode()
    }


async def test_two_addresses_share_the_load(rig: Rig) -> None:
    release = asyncio.Event()

    async def script(arrival: Arrival, line: Line) -> None:
        await release.wait()
        await line.send(OK)

    one, two = await rig.upstream(script), await rig.upstream(script)
    route_map = small_map(rig.folder, main=one.url, away=two.url)
    gateway = await rig.gateway(route_map)
    callers = [await gateway.caller() for _ in range(10)]
    for number, caller in enumerate(callers, start=1):
        await caller.send(request("GET", "/half/x", token=rig.token))
        async with asyncio.timeout(SECONDS):
            while len(one.arrivals) + len(two.arrivals) < number:  # noqa: ASYNC110
                await asyncio.sleep(0.001)
    assert (len(one.arrivals), len(two.arrivals)) == (5, 5)
    release.set()
    for caller in callers:
        assert (await caller.answer()).status == 200


async def test_more_requests_than_connections_wait_their_turn(rig: Rig) -> None:
    upstream = await rig.upstream()
    gateway = await rig.gateway(upstream, upstream__max_connections=2)
    callers = [await gateway.caller() for _ in range(20)]
    asked = request("GET", "/contacts/c1", token=rig.token)
    answers = await asyncio.gather(*(caller.ask(asked) for caller in callers))
    assert {answer.status for answer in answers} == {200}
    assert len(upstream.lines) <= 2


async def test_a_request_that_finds_no_connection_in_time_is_503(rig: Rig) -> None:
    async def script(arrival: Arrival, line: Line) -> None:
        await line.ended()

    upstream = await rig.upstream(script)
    gateway = await rig.gateway(upstream, upstream__max_connections=1, upstream__timeouts__connect="1s")
    busy = await gateway.caller()
    await busy.send(request("GET", "/contacts/c1", token=rig.token))
    await upstream.arrived(1)
    answer = await gateway.get("/contacts/c2", token=rig.token)
    assert (answer.status, answer.code) == (503, "overloaded")
    assert answer.value(b"Retry-After") == b"1"


async def test_an_idle_upstream_connection_is_closed_in_time(rig: Rig) -> None:
    upstream = await rig.upstream()
    gateway = await rig.gateway(upstream, upstream__keep_alive="100ms")
    assert (await gateway.get("/contacts/c1", token=rig.token)).status == 200
    await upstream.became(lambda: upstream.lines[0].closing)
