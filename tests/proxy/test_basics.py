"""HTTP/1.1 as callers know it, over sockets: methods, framings, and when a connection goes on or ends."""

from __future__ import annotations

import asyncio

import pytest

from tests.proxy.caller import Ended, request
from tests.proxy.recording import Arrival, Line, saying
from tests.wiring.rig import Rig

METHODS = {
    "GET": "/contacts/c1",
    "HEAD": "/contacts/c1",
    "POST": "/contacts/",
    "PUT": "/contacts/c1",
    "PATCH": "/contacts/c1",
    "DELETE": "/contacts/c1",
    "OPTIONS": "/contacts/c1",
}


@pytest.mark.parametrize("method", METHODS)
async def test_each_method_arrives_as_it_was_sent(rig: Rig, method: str) -> None:
    upstream = await rig.upstream()
    gateway = await rig.gateway(upstream)
    answer = await gateway.ask(request(method, METHODS[method], token=rig.token))
    assert (answer.status, answer.reason) == (200, b"OK")
    assert answer.value(b"Content-Length") == b"2"
    assert answer.body == (b"" if method == "HEAD" else b"ok")
    arrival = await upstream.arrived(1)
    assert (arrival.method, arrival.target, arrival.whole) == (method, METHODS[method], True)


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("framing", ["length", "chunked"])
async def test_a_body_arrives_whole_in_its_own_framing(rig: Rig, method: str, framing: str) -> None:
    """Also on GET and DELETE; and exactly one framing field gets to the upstream."""
    upstream = await rig.upstream()
    gateway = await rig.gateway(upstream)
    content = bytes(range(256)) * 100
    if framing == "length":
        asked = request(method, METHODS[method], token=rig.token, body=content)
    else:
        pieces = [content[:1], content[1:5000], content[5000:]]
        asked = request(method, METHODS[method], token=rig.token, chunks=pieces)
    assert (await gateway.ask(asked)).status == 200
    arrival = upstream.arrivals[0]
    assert (arrival.body, arrival.whole) == (content, True)
    lengths, codings = arrival.values(b"Content-Length"), arrival.values(b"Transfer-Encoding")
    assert (lengths, codings) == (([b"25600"], []) if framing == "length" else ([], [b"chunked"]))


@pytest.mark.parametrize("body", [b"", None])
async def test_no_body_and_an_empty_body_stay_what_they_are(rig: Rig, body: bytes | None) -> None:
    upstream = await rig.upstream()
    gateway = await rig.gateway(upstream)
    assert (await gateway.ask(request("POST", "/contacts/", token=rig.token, body=body))).status == 200
    assert upstream.arrivals[0].values(b"Content-Length") == ([] if body is None else [b"0"])
    assert upstream.arrivals[0].values(b"Transfer-Encoding") == []


async def test_a_head_and_its_body_in_many_packets_are_one_request(rig: Rig) -> None:
    """Callers that send head and body apart, or byte by byte, get the same as others."""
    upstream = await rig.upstream()
    gateway = await rig.gateway(upstream)
    caller = await gateway.caller()
    for byte in request("POST", "/contacts/", token=rig.token, chunks=[b"hello ", b"world"]):
        await caller.send(bytes([byte]))
        await asyncio.sleep(0)
    assert (await caller.answer()).status == 200
    assert upstream.arrivals[0].body == b"hello world"


@pytest.mark.parametrize("status", [204, 304])
async def test_an_answer_that_has_no_body_leaves_the_connection_usable(rig: Rig, status: int) -> None:
    upstream = await rig.upstream(saying(b"HTTP/1.1 %d Fine\r\nETag: x\r\n\r\n" % status))
    gateway = await rig.gateway(upstream)
    caller = await gateway.caller()
    for _ in range(2):
        answer = await caller.ask(request("GET", "/contacts/c1", token=rig.token))
        assert (answer.status, answer.reason, answer.body) == (status, b"Fine", b"")
        assert answer.value(b"ETag") == b"x"
        assert answer.value(b"Transfer-Encoding") is None
    assert {arrival.connection for arrival in upstream.arrivals} == {1}


async def test_a_304_keeps_the_length_that_speaks_of_what_is_not_sent(rig: Rig) -> None:
    upstream = await rig.upstream(saying(b"HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n"))
    gateway = await rig.gateway(upstream)
    answer = await gateway.get("/contacts/c1", token=rig.token)
    assert (answer.status, answer.value(b"Content-Length"), answer.body) == (304, b"99", b"")


@pytest.mark.parametrize("framing", [b"Content-Length: 5000", b"Transfer-Encoding: chunked", b"X-None: 1"])
async def test_the_answer_to_a_head_ends_with_its_head(rig: Rig, framing: bytes) -> None:
    """A HEAD is served by the GET route, its length is kept, and the next response is not taken for its body."""
    upstream = await rig.upstream(saying(b"HTTP/1.1 200 OK\r\n" + framing + b"\r\n\r\n"))
    gateway = await rig.gateway(upstream)
    caller = await gateway.caller()
    for number in range(1, 3):
        answer = await caller.ask(request("HEAD", "/contacts/c1", token=rig.token))
        assert (answer.status, answer.body) == (200, b"")
        assert upstream.arrivals[number - 1].method == "HEAD"
        if b"Length" in framing:
            assert answer.value(b"Content-Length") == b"5000"
    assert {arrival.connection for arrival in upstream.arrivals} == {1}


@pytest.mark.parametrize(
    "response",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nhello world",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nhello \r\n5;x=1\r\nworld\r\n0\r\nT: 1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello world",
        b"HTTP/1.0 200 OK\r\n\r\nhello world",
    ],
    ids=["length", "chunked", "close", "1.0"],
)
@pytest.mark.parametrize("version", ["1.1", "1.0"])
async def test_however_the_upstream_frames_its_answer_the_caller_gets_all_of_it(
    rig: Rig, response: bytes, version: str
) -> None:
    closes = b"chunked" not in response and b"Length" not in response
    upstream = await rig.upstream(saying(response, then_close=closes))
    gateway = await rig.gateway(upstream)
    caller = await gateway.caller()
    answer = await caller.ask(request("GET", "/contacts/c1", token=rig.token, version=version))
    assert (answer.status, answer.body, answer.whole) == (200, b"hello world", True)
    assert answer.value(b"T") is None
    if version == "1.0":
        assert answer.value(b"Transfer-Encoding") is None
        assert await caller.rest() == b""
    else:
        # However the upstream's connection ends, the caller's goes on.
        assert (await caller.ask(request("GET", "/contacts/c1", token=rig.token))).status == 200


async def test_one_connection_serves_many_requests_and_so_does_the_upstreams(rig: Rig) -> None:
    upstream = await rig.upstream()
    gateway = await rig.gateway(upstream)
    caller = await gateway.caller()
    for number in range(20):
        assert (await caller.ask(request("GET", f"/contacts/c{number}", token=rig.token))).status == 200
    assert [arrival.target for arrival in upstream.arrivals] == [f"/contacts/c{n}" for n in range(20)]
    assert {arrival.connection for arrival in upstream.arrivals} == {1}


async def test_pipelined_requests_are_answered_in_their_order(rig: Rig) -> None:
    """Also where a later one could be answered at once, and an earlier one is slow."""
    release = asyncio.Event()

    async def script(arrival: Arrival, line: Line) -> None:
        await line.read_body(arrival)
        if arrival.target == "/contacts/slow":
            await release.wait()
        content = arrival.target.encode() + b" " + arrival.body
        await line.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(content), content))

    upstream = await rig.upstream(script)
    gateway = await rig.gateway(upstream)
    caller = await gateway.caller()
    await caller.send(
        request("GET", "/contacts/slow", token=rig.token)
        + request("GET", "/contacts/refused")
        + request("POST", "/contacts/", token=rig.token, body=b"a body")
        + request("POST", "/contacts/", token=rig.token, chunks=[b"another"])
        + request("GET", "/nothing/here", token=rig.token)
        + request("GET", "/contacts/last", token=rig.token)
    )
    await upstream.arrived(1)
    assert await caller.is_silent(0.05)
    assert len(upstream.arrivals) == 1
    release.set()
    answers = [await caller.answer() for _ in range(6)]
    assert [answer.status for answer in answers] == [200, 401, 200, 200, 404, 200]
    assert [answer.body for answer in answers if answer.status == 200] == [
        b"/contacts/slow ",
        b"/contacts/ a body",
        b"/contacts/ another",
        b"/contacts/last ",
    ]


async def test_two_hundred_pipelined_requests_are_all_answered(rig: Rig) -> None:
    upstream = await rig.upstream()
    gateway = await rig.gateway(upstream)
    caller = await gateway.caller()
    one = request("GET", "/contacts/c1", token=rig.token)
    sending = asyncio.create_task(caller.send(one * 200))
    for _ in range(200):
        assert (await caller.answer()).status == 200
    await sending


async def test_connection_close_is_obeyed(rig: Rig) -> None:
    upstream = await rig.upstream()
    gateway = await rig.gateway(upstream)
    caller = await gateway.caller()
    answer = await caller.ask(request("GET", "/contacts/c1", b"Connection: close", token=rig.token))
    assert (answer.status, answer.closes) == (200, True)
    assert await caller.rest() == b""


async def test_what_follows_a_connection_close_is_never_a_request(rig: Rig) -> None:
    upstream = await rig.upstream()
    gateway = await rig.gateway(upstream)
    caller = await gateway.caller()
    await caller.send(
        request("GET", "/contacts/c1", b"Connection: close", token=rig.token)
        + request("GET", "/contacts/c2", token=rig.token)
    )
    assert (await caller.answer()).closes
    assert await caller.rest() == b""
    assert [arrival.target for arrival in upstream.arrivals] == ["/contacts/c1"]


async def test_http_1_0_ends_after_one_response(rig: Rig) -> None:
    upstream = await rig.upstream()
    gateway = await rig.gateway(upstream)
    caller = await gateway.caller()
    answer = await caller.ask(request("GET", "/contacts/c1", token=rig.token, version="1.0"))
    assert (answer.status, answer.body) == (200, b"ok")
    assert await caller.rest() == b""


async def test_http_1_0_goes_on_when_it_asks_to(rig: Rig) -> None:
    upstream = await rig.upstream()
    gateway = await rig.gateway(upstream)
    caller = await gateway.caller()
    asked = request("GET", "/contacts/c1", b"Connection: keep-alive", token=rig.token, version="1.0")
    for _ in range(2):
        answer = await caller.ask(asked)
        assert (answer.status, answer.value(b"Connection")) == (200, b"keep-alive")


async def test_http_1_0_without_host_is_served(rig: Rig) -> None:
    upstream = await rig.upstream()
    gateway = await rig.gateway(upstream)
    answer = await gateway.ask(
        b"GET /contacts/c1 HTTP/1.0\r\nAuthorization: Bearer " + rig.token.encode() + b"\r\n\r\n"
    )
    assert answer.status == 200
    assert upstream.arrivals[0].value(b"Host") == f"127.0.0.1:{upstream.port}".encode()


async def test_an_idle_connection_is_closed_without_a_word(rig: Rig) -> None:
    upstream = await rig.upstream()
    gateway = await rig.gateway(upstream, proxy__timeouts__idle="150ms")
    caller = await gateway.caller()
    assert (await caller.ask(request("GET", "/contacts/c1", token=rig.token))).status == 200
    with pytest.raises(Ended):
        await caller.answer()


async def test_empty_lines_between_requests_are_passed_over(rig: Rig) -> None:
    """RFC 9112 section 2.2: some callers end a body with a line end of their own."""
    upstream = await rig.upstream()
    gateway = await rig.gateway(upstream)
    caller = await gateway.caller()
    await caller.ask(request("POST", "/contacts/", token=rig.token, body=b"x"))
    assert (await caller.ask(b"\r\n" + request("GET", "/contacts/c1", token=rig.token))).status == 200


async def test_early_hints_pass_to_http_1_1_and_other_interim_answers_end_here(rig: Rig) -> None:
    upstream = await rig.upstream(
        saying(
            b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n"
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
        )
    )
    gateway = await rig.gateway(upstream)
    answer = await gateway.get("/contacts/c1", token=rig.token)
    assert (answer.status, answer.body) == (200, b"ok")
    assert len(answer.interim) == 1
    assert answer.interim[0].startswith(b"HTTP/1.1 103 ")
    assert b"Link: </a.css>\r\n" in answer.interim[0]
    old = await gateway.ask(request("GET", "/contacts/c1", token=rig.token, version="1.0"))
    assert (old.status, old.interim) == (200, ())


async def test_redirects_cookies_and_encodings_pass_untouched(rig: Rig) -> None:
    """A client library in between would follow, keep or decode them."""
    response = (
        b"HTTP/1.1 302 Found\r\nLocation: http://elsewhere.test/x\r\nset-cookie: a=1; Path=/\r\n"
        b"Set-Cookie: b=2\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\nX-Odd: caf\xe9\r\n\r\n\x1f\x8b\x00\xff"
    )
    upstream = await rig.upstream(saying(response))
    gateway = await rig.gateway(upstream)
    caller = await gateway.caller()
    for _ in range(2):
        answer = await caller.ask(
            request("GET", "/contacts/c1", b"Accept-Encoding: br", b"Cookie: z=9", token=rig.token)
        )
        assert (answer.status, answer.reason, answer.body) == (302, b"Found", b"\x1f\x8b\x00\xff")
        assert answer.fields[:4] == (
            (b"Location", b"http://elsewhere.test/x"),
            (b"set-cookie", b"a=1; Path=/"),
            (b"Set-Cookie", b"b=2"),
            (b"Content-Encoding", b"gzip"),
        )
        assert answer.value(b"X-Odd") == b"caf\xe9"
        assert {name.lower() for name, _ in answer.fields} == {
            b"location",
            b"set-cookie",
            b"content-encoding",
            b"content-length",
            b"x-odd",
            b"x-request-id",
        }
    for arrival in upstream.arrivals:
        assert (arrival.value(b"Accept-Encoding"), arrival.value(b"Cookie")) == (b"br", b"z=9")


async def test_hop_by_hop_fields_of_an_answer_end_here(rig: Rig) -> None:
    upstream = await rig.upstream(
        saying(
            b"HTTP/1.1 200 OK\r\nConnection: X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\nUpgrade: h2c\r\n"
            b"Proxy-Authenticate: Basic\r\nTrailer: T\r\nX-End: 2\r\nContent-Length: 2\r\n\r\nok"
        )
    )
    gateway = await rig.gateway(upstream)
    answer = await gateway.get("/contacts/c1", token=rig.token)
    assert {name.lower() for name, _ in answer.fields} == {b"x-end", b"content-length", b"x-request-id"}


async def test_expect_100_is_answered_by_the_gateway_after_authorisation(rig: Rig) -> None:
    upstream = await rig.upstream()
    gateway = await rig.gateway(upstream)
    caller = await gateway.caller()
    await caller.send(
        request("POST", "/contacts/", b"Expect: 100-continue", b"Content-Length: 5", token=rig.token)
    )
    status, fields = await caller.head()
    assert (status, fields) == (100, ())
    await caller.send(b"hello")
    assert (await caller.answer()).status == 200
    assert upstream.arrivals[0].body == b"hello"
    assert upstream.arrivals[0].values(b"Expect") == []


async def test_a_refused_caller_is_never_told_to_continue(rig: Rig) -> None:
    upstream = await rig.upstream()
    gateway = await rig.gateway(upstream)
    caller = await gateway.caller()
    asked = request("POST", "/contacts/", b"Expect: 100-continue", b"Content-Length: 5")
    answer = await caller.ask(asked)
    assert (answer.status, answer.interim, answer.closes) == (401, (), True)
    assert await caller.rest() == b""
    assert upstream.arrivals == []


async def test_bytes_of_a_streamed_answer_travel_as_they_come(rig: Rig) -> None:
    """Server-Sent Events: nothing waits for more to come."""
    go_on = asyncio.Event()

    async def script(arrival: Arrival, line: Line) -> None:
        await line.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n")
        await line.send(b"Transfer-Encoding: chunked\r\n\r\n9\r\ndata: 1\n\n\r\n")
        await go_on.wait()
        await line.send(b"9\r\ndata: 2\n\n\r\n0\r\n\r\n")

    upstream = await rig.upstream(script)
    gateway = await rig.gateway(upstream)
    caller = await gateway.caller()
    await caller.send(request("GET", "/contacts/c1", token=rig.token))
    assert (await caller.head())[0] == 200
    assert await caller.exactly(14) == b"9\r\ndata: 1\n\n\r\n"
    go_on.set()
    assert await caller.exactly(19) == b"9\r\ndata: 2\n\n\r\n0\r\n\r\n"
