"""The proxy's own TLS listener: the same requests, streams, sockets and ends as without it."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import ssl

import pytest

from tests.e2e.streams.frames import ASKING, BINARY, CLOSE, TEXT, close_code, frame, read_frame, switching
from tests.e2e.streams.net import Exactly, stream_map
from tests.e2e.tls.certificates import Authority, Pair
from tests.e2e.tls.ends import secure_caller
from tests.proxy.caller import Caller, request
from tests.proxy.recording import OK, Arrival, Line, RecordingUpstream, fine
from tests.wiring.rig import PATIENCE_SECONDS, Gateway, Rig
from tests.wiring.tenants import never_issued


class Secure:
    """A gateway with a TLS listener, its upstream, and callers that trust it."""

    def __init__(
        self, rig: Rig, gateway: Gateway, upstream: RecordingUpstream, trusting: ssl.SSLContext
    ) -> None:
        self.rig = rig
        self.gateway = gateway
        self.upstream = upstream
        self._trusting = trusting

    async def caller(self) -> Caller:
        return await secure_caller(self.rig, self.gateway.node.proxy_port, self._trusting)


@pytest.fixture
async def secure(rig: Rig, authority: Authority, local: Pair) -> Secure:
    upstream = await rig.upstream(fine)
    gateway = await rig.gateway(
        stream_map(rig, upstream.url),
        proxy__tls={"cert_file": str(local.cert), "key_file": str(local.key)},
        proxy__timeouts__body="1500ms",
    )
    return Secure(rig, gateway, upstream, authority.trusting())


async def test_requests_are_served_on_one_connection_and_said_to_be_https(secure: Secure) -> None:
    caller = await secure.caller()
    for number in range(5):
        asked = request("GET", "/plain", token=secure.rig.token, host="api.example.com")
        if number == 3:
            asked = asked.replace(b"GET /plain", b"GET https://api.example.com/plain")
        elif number == 4:
            asked = asked.replace(b"/plain", b"HTTPS://API.example.com:443/plain")
        assert (await caller.ask(asked)).body == b"ok"
    assert [arrival.target for arrival in secure.upstream.arrivals] == ["/plain"] * 5
    assert {arrival.value(b"X-Forwarded-Proto") for arrival in secure.upstream.arrivals} == {b"https"}


async def test_a_url_of_another_scheme_is_another_server(secure: Secure) -> None:
    caller = await secure.caller()
    asked = request("GET", "/plain", token=secure.rig.token, host="api.example.com")
    answer = await caller.ask(asked.replace(b"GET /plain", b"GET http://api.example.com/plain"))
    assert (answer.status, answer.code, answer.closes) == (400, "bad_request", True)


async def test_a_caller_that_speaks_no_tls_is_not_answered_and_the_others_are(secure: Secure) -> None:
    plain = await Caller.connect(secure.gateway.node.proxy_port)
    await plain.send(request("GET", "/plain", token=secure.rig.token))
    with contextlib.suppress(ConnectionError):
        assert b"HTTP/" not in await plain.rest()
    await plain.close()
    caller = await secure.caller()
    assert (await caller.ask(request("GET", "/plain", token=secure.rig.token))).status == 200
    assert len(secure.upstream.arrivals) == 1


async def test_http_1_1_is_what_is_agreed_on(secure: Secure, authority: Authority) -> None:
    context = authority.trusting()
    context.set_alpn_protocols(["h2", "http/1.1"])
    caller = await secure_caller(secure.rig, secure.gateway.node.proxy_port, context)
    assert caller._writer.get_extra_info("ssl_object").selected_alpn_protocol() == "http/1.1"


async def test_a_download_of_50_megabytes_arrives_whole(secure: Secure) -> None:
    content = os.urandom(50_000_000)

    async def script(arrival: Arrival, line: Line) -> None:
        await line.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for at in range(0, len(content), 1_000_000):
            await line.send(b"f4240\r\n%b\r\n" % content[at : at + 1_000_000])
        await line.send(b"0\r\n\r\n")

    secure.upstream.script = script
    caller = await secure.caller()
    await caller.send(request("GET", "/plain", token=secure.rig.token))
    assert (await caller.head())[0] == 200
    digest, size = hashlib.sha256(), 0
    while True:
        line = b""
        while not line.endswith(b"\r\n"):
            line += await caller.exactly(1)
        length = int(line, 16)
        piece = await caller.exactly(length + 2)
        if not length:
            break
        digest.update(piece[:-2])
        size += length
    assert (size, digest.digest()) == (len(content), hashlib.sha256(content).digest())


async def test_a_close_delimited_answer_ends_with_the_ends_of_tls(secure: Secure) -> None:
    content = os.urandom(3_000_000)

    async def script(arrival: Arrival, line: Line) -> None:
        await line.send(b"HTTP/1.1 200 OK\r\n\r\n" + content)
        line.close()

    secure.upstream.script = script
    caller = await secure.caller()
    old = request("GET", "/plain", token=secure.rig.token).replace(b"HTTP/1.1", b"HTTP/1.0")
    answer = await caller.ask(old)
    assert (answer.status, answer.body) == (200, content)


async def test_an_upload_that_is_refused_is_told_so_before_the_end(secure: Secure) -> None:
    """The caller goes on sending for a while: what it gets must still be the answer, not a reset."""
    caller = await secure.caller()
    head = request("POST", "/files/upload", b"Content-Length: 20000000", token=never_issued())
    await caller.send(head + bytes(100_000))
    answer = await caller.answer("POST")
    assert (answer.status, answer.code, answer.closes) == (401, "token_unknown", True)
    assert not secure.upstream.arrivals


async def test_a_caller_that_leaves_ends_the_upstreams_work(secure: Secure) -> None:
    ended = asyncio.Event()

    async def script(arrival: Arrival, line: Line) -> None:
        await line.ended()
        ended.set()

    secure.upstream.script = script
    for politely in (True, False):
        ended.clear()
        caller = await secure.caller()
        await caller.send(request("GET", "/plain", token=secure.rig.token))
        await secure.upstream.became(lambda: len(secure.upstream.take()) == 1)
        if politely:
            caller._writer.close()
        else:
            caller.leave()
        async with asyncio.timeout(PATIENCE_SECONDS):
            await ended.wait()


async def test_a_websocket_over_tls(secure: Secure) -> None:
    async def script(arrival: Arrival, line: Line) -> None:
        await line.send(switching(arrival) + frame(b"hello", TEXT))
        opcode, payload = await read_frame(Exactly(line))
        await line.send(frame(payload, opcode))
        _, payload = await read_frame(Exactly(line))
        await line.send(frame(payload, CLOSE))
        line.close()

    secure.upstream.script = script
    caller = await secure.caller()
    await caller.send(request("GET", "/socket/s1", *ASKING, token=secure.rig.token))
    assert (await caller.head())[0] == 101
    assert await read_frame(caller) == (TEXT, b"hello")
    big = os.urandom(10_000_000)
    await caller.send(frame(big, masked=True))
    assert await read_frame(caller) == (BINARY, big)
    await caller.send(frame((4000).to_bytes(2, "big"), CLOSE, masked=True))
    opcode, payload = await read_frame(caller)
    assert (opcode, close_code(payload)) == (CLOSE, (4000, ""))
    assert await caller.rest() == b""


async def test_a_truncated_answer_is_seen_to_be_truncated(secure: Secure) -> None:
    async def script(arrival: Arrival, line: Line) -> None:
        await line.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
        await seen.wait()
        line.reset()

    seen = asyncio.Event()
    secure.upstream.script = script
    caller = await secure.caller()
    await caller.send(request("GET", "/plain", token=secure.rig.token))
    await caller.head()
    assert await caller.exactly(10) == b"5\r\nhello\r\n"
    seen.set()
    with contextlib.suppress(ConnectionError, ssl.SSLError):
        assert await caller.rest() == b""


async def test_a_caller_that_never_says_goodbye_does_not_hold_up_the_end(secure: Secure) -> None:
    """It neither reads nor answers the closing of TLS: the gateway stops without it."""
    caller = await secure.caller()
    assert (await caller.ask(request("GET", "/plain", token=secure.rig.token))).status == 200
    caller._writer.transport.pause_reading()  # type: ignore[attr-defined]
    try:
        async with asyncio.timeout(20):
            assert await secure.gateway.node.drain()
    finally:
        caller.leave()


async def test_a_handshake_that_never_ends_is_cut_like_a_head_that_never_comes(
    rig: Rig, local: Pair, authority: Authority
) -> None:
    upstream = await rig.upstream(fine)
    gateway = await rig.gateway(
        upstream,
        proxy__tls={"cert_file": str(local.cert), "key_file": str(local.key)},
        proxy__timeouts__head="500ms",
    )
    silent = await Caller.connect(gateway.node.proxy_port)
    try:
        with contextlib.suppress(ConnectionError):
            assert await silent.rest(seconds=8) == b""
    finally:
        silent.leave()


async def test_early_answers_and_sleeping_bodies_behave_as_without_tls(secure: Secure) -> None:
    secure.upstream.script = _answer_early
    caller = await secure.caller()
    await caller.send(request("POST", "/files/upload", b"Content-Length: 1000000", token=secure.rig.token))
    answer = await caller.answer("POST")
    assert (answer.status, answer.closes) == (200, True)
    secure.upstream.script = fine
    caller = await secure.caller()
    await caller.send(
        request("POST", "/files/upload", b"Content-Length: 1000", token=secure.rig.token) + b"x"
    )
    answer = await caller.answer("POST")
    assert (answer.status, answer.closes) == (408, True)


async def _answer_early(arrival: Arrival, line: Line) -> None:
    await line.send(OK)
    await line.ended()
