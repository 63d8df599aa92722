"""Which handshakes become a tunnel, and that all others stay ordinary requests that are answered as such."""

from __future__ import annotations

import pytest

from tests.e2e.streams.frames import ASKING, KEY, TEXT, frame, proof, switching
from tests.e2e.streams.net import streaming
from tests.proxy.caller import request
from tests.proxy.recording import OK, Arrival, Line, saying
from tests.wiring.rig import Rig


async def accepting(arrival: Arrival, line: Line) -> None:
    await line.send(switching(arrival))
    await line.ended()


@pytest.mark.parametrize(
    ("who", "status", "code"),
    [
        (None, 401, "token_missing"),
        ("unknown", 401, "token_unknown"),
        ("revoked", 401, "token_revoked"),
        ("suspended", 403, "integration_suspended"),
        ("bare", 403, "scope_missing"),
    ],
)
async def test_a_handshake_is_authorised_like_any_request(
    rig: Rig, who: str | None, status: int, code: str
) -> None:
    upstream = await rig.upstream(accepting)
    gateway = await streaming(rig, upstream)
    found = getattr(rig.standing, who) if who is not None else None
    token = found if isinstance(found, str) or found is None else found.secret
    caller = await gateway.caller()
    answer = await caller.ask(request("GET", "/socket/s1", *ASKING, token=token))
    assert (answer.status, answer.code) == (status, code)
    assert answer.value(b"Upgrade") is None
    assert not upstream.arrivals
    upstream.script = saying(OK)
    assert (await caller.ask(request("GET", "/plain", token=rig.token))).status == 200


PLAIN = {
    "route without sockets": request("GET", "/plain", *ASKING, token="TOKEN"),
    "no Connection": request("GET", "/socket/s1", *ASKING[1:], token="TOKEN"),
    "Connection names another": request(
        "GET", "/socket/s1", b"Connection: keep-alive", *ASKING[1:], token="TOKEN"
    ),
    "no key": request("GET", "/socket/s1", *ASKING[:3], token="TOKEN"),
    "two keys": request("GET", "/socket/s1", *ASKING, b"Sec-WebSocket-Key: " + KEY, token="TOKEN"),
    "bad key": request("GET", "/socket/s1", *ASKING[:3], b"Sec-WebSocket-Key: short", token="TOKEN"),
    "key taken away by Connection": request(
        "GET", "/socket/s1", b"Connection: Upgrade, Sec-WebSocket-Key", *ASKING[1:], token="TOKEN"
    ),
    "h2c": request(
        "GET", "/socket/s1", b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", token="TOKEN"
    ),
    "h2c beside websocket": request(
        "GET", "/socket/s1", b"Connection: Upgrade", b"Upgrade: h2c, websocket", *ASKING[2:], token="TOKEN"
    ),
    "two Upgrade lines": request("GET", "/socket/s1", *ASKING, b"Upgrade: h2c", token="TOKEN"),
    "HTTP/1.0": request("GET", "/socket/s1", *ASKING, token="TOKEN").replace(b"HTTP/1.1", b"HTTP/1.0"),
    "POST": request("POST", "/socket/s1", *ASKING, token="TOKEN", body=b""),
    "GET with a body": request("GET", "/socket/s1", *ASKING, token="TOKEN", body=b"xy"),
    "HEAD": request("HEAD", "/socket/s1", *ASKING, token="TOKEN"),
}


@pytest.mark.parametrize("name", PLAIN)
async def test_what_is_no_handshake_here_arrives_as_a_plain_request(rig: Rig, name: str) -> None:
    head = OK.removesuffix(b"ok")
    upstream = await rig.upstream(saying(head if name == "HEAD" else OK))
    gateway = await streaming(rig, upstream)
    caller = await gateway.caller()
    asked = PLAIN[name].replace(b"TOKEN", rig.token.encode())
    answer = await caller.ask(asked)
    assert (answer.status, answer.value(b"Upgrade")) == (200, None)
    arrival = upstream.arrivals[0]
    for field in (b"Upgrade", b"Connection", b"HTTP2-Settings"):
        assert arrival.values(field) == [], "nothing may invite the upstream to switch"


@pytest.mark.parametrize("name", PLAIN)
async def test_an_upstream_that_switches_unasked_is_502(rig: Rig, name: str) -> None:
    async def script(arrival: Arrival, line: Line) -> None:
        await line.read_body(arrival)
        key = arrival.values(b"Sec-WebSocket-Key")
        accept = proof(arrival) if len(key) == 1 else b"x"
        await line.send(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n" + frame(b"hello", TEXT)
        )
        await line.ended()

    gateway = await streaming(rig, await rig.upstream(script))
    method = PLAIN[name].partition(b" ")[0].decode()
    caller = await gateway.caller()
    answer = await caller.ask(PLAIN[name].replace(b"TOKEN", rig.token.encode()))
    assert answer.status == 502
    assert answer.code == (None if method == "HEAD" else "upstream_bad_response")


WRONG_SWITCHES = {
    "wrong proof": b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n",
    "no proof": b"Upgrade: websocket\r\nConnection: Upgrade\r\n",
    "two proofs": b"Upgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: PROOF\r\nSec-WebSocket-Accept: PROOF\r\n",
    "another protocol": b"Upgrade: h2c\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: PROOF\r\n",
    "no protocol": b"Connection: Upgrade\r\nSec-WebSocket-Accept: PROOF\r\n",
    "a length": b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: PROOF\r\n"
    b"Content-Length: 5\r\n",
    "chunked": b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: PROOF\r\n"
    b"Transfer-Encoding: chunked\r\n",
}


@pytest.mark.parametrize("name", WRONG_SWITCHES)
async def test_a_switch_that_proves_nothing_is_502(rig: Rig, name: str) -> None:
    """An upstream that did not understand the handshake would read frames as requests."""

    async def script(arrival: Arrival, line: Line) -> None:
        fields = WRONG_SWITCHES[name].replace(b"PROOF", proof(arrival))
        await line.send(b"HTTP/1.1 101 Switching Protocols\r\n" + fields + b"\r\n")
        await line.ended()

    upstream = await rig.upstream(script)
    gateway = await streaming(rig, upstream)
    caller = await gateway.caller()
    answer = await caller.ask(request("GET", "/socket/s1", *ASKING, token=rig.token))
    assert (answer.status, answer.code) == (502, "upstream_bad_response")
    upstream.script = saying(OK)
    assert (await caller.ask(request("GET", "/plain", token=rig.token))).status == 200


@pytest.mark.parametrize(
    "refusal",
    [
        b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno",
        b"HTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Version: 13\r\nContent-Length: 2\r\n\r\nno",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n",
    ],
    ids=["403", "426", "200"],
)
async def test_an_upstream_that_does_not_switch_is_heard_and_the_connection_goes_on(
    rig: Rig, refusal: bytes
) -> None:
    upstream = await rig.upstream(saying(refusal))
    gateway = await streaming(rig, upstream)
    caller = await gateway.caller()
    answer = await caller.ask(request("GET", "/socket/s1", *ASKING, token=rig.token))
    assert (answer.status, answer.body, answer.whole) == (int(refusal[9:12]), b"no", True)
    upstream.script = saying(OK)
    assert (await caller.ask(request("GET", "/plain", token=rig.token))).body == b"ok"


async def test_frames_behind_a_refused_handshake_are_never_forwarded(rig: Rig) -> None:
    """They are no request: 400, and the connection ends."""
    upstream = await rig.upstream(saying(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"))
    gateway = await streaming(rig, upstream)
    caller = await gateway.caller()
    smuggled = b"GET /plain HTTP/1.1\r\nHost: a\r\n\r\n"
    await caller.send(
        request("GET", "/socket/s1", *ASKING, token=rig.token) + frame(smuggled, TEXT, masked=True)
    )
    assert (await caller.answer()).status == 403
    assert (await caller.answer()).code == "bad_request"
    assert await caller.rest() == b""
    assert len(upstream.arrivals) == 1
