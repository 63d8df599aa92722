"""`https://` upstreams: verified by the operator's authority, shown the operator's certificate, or not spoken to."""

from __future__ import annotations

import asyncio
import hashlib
import os
from typing import Any

import pytest

from tests.e2e.tls.certificates import Authority, Pair
from tests.e2e.tls.ends import SecureUpstream, secured
from tests.proxy.caller import request
from tests.proxy.recording import Arrival, Line
from tests.wiring.rig import LivedTime, Rig
from tests.wiring.standing import small_map


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
async def test_an_upstream_that_the_operators_authority_signed_is_served(
    rig: Rig, authority: Authority, local: Pair, name: str
) -> None:
    upstream = await secured(rig, SecureUpstream(tls=local.server(), name=name))
    gateway = await rig.gateway(upstream, upstream__ca_file=str(authority.file))
    caller = await gateway.caller()
    for _ in range(3):
        assert (await caller.ask(request("GET", "/contacts/c1", token=rig.token))).body == b"ok"
    assert {arrival.connection for arrival in upstream.arrivals} == {1}, "its connection is kept"
    assert upstream.arrivals[0].value(b"Host") == f"{name}:{upstream.port}".encode()
    assert upstream.arrivals[0].value(b"X-Forwarded-Proto") == b"http"


async def test_a_body_passes_whole_in_both_directions(rig: Rig, authority: Authority, local: Pair) -> None:
    content = os.urandom(5_000_000)

    async def script(arrival: Arrival, line: Line) -> None:
        await line.read_body(arrival)
        await line.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(content) + arrival.body)

    upstream = await secured(rig, SecureUpstream(script, tls=local.server()))
    gateway = await rig.gateway(upstream, upstream__ca_file=str(authority.file))
    caller = await gateway.caller()
    asked = request("POST", "/contacts/", token=rig.token, chunks=[content[:1_000_000], content[1_000_000:]])
    answer = await caller.ask(asked)
    assert answer.whole
    assert hashlib.sha256(answer.body).digest() == hashlib.sha256(content).digest()


@pytest.mark.parametrize("wrong", ["authority", "name", "no authority named", "expects a client", "no TLS"])
async def test_an_upstream_that_cannot_be_trusted_gets_no_byte(
    rig: Rig, authority: Authority, stranger: Authority, local: Pair, wrong: str
) -> None:
    """502, and neither the request nor its token is sent; the reason is for the log alone."""
    pair = {
        "authority": stranger.server("localhost", "127.0.0.1"),
        "name": authority.server("elsewhere.example"),
    }.get(wrong, local)
    tls = pair.server(clients_of=authority.file if wrong == "expects a client" else None)
    upstream = await secured(rig, SecureUpstream(tls=None if wrong == "no TLS" else tls))
    upstream.faults = _Forgiving()
    settings: dict[str, Any] = {"upstream__ca_file": str(authority.file)}
    if wrong == "no authority named":
        settings.clear()
    gateway = await rig.gateway(
        small_map(rig.folder, main=upstream.url), upstream__timeouts__connect="3s", **settings
    )
    answer = await gateway.get("/contacts/c1", token=rig.token)
    # Over TLS 1.3 a server asks for a client's certificate after the client believes to be connected.
    expected = "upstream_bad_response" if wrong == "expects a client" else "upstream_unreachable"
    assert (answer.status, answer.code) == (502, expected)
    assert not upstream.arrivals
    assert b"ertificate" not in answer.body


class _Forgiving(list[str]):
    """An upstream that is spoken to in another language notes it; here that is no fault."""

    def __bool__(self) -> bool:
        return False


async def test_an_upstream_may_ask_for_the_operators_certificate(
    rig: Rig, authority: Authority, local: Pair
) -> None:
    ours = authority.client("gateway")
    upstream = await secured(rig, SecureUpstream(tls=local.server(clients_of=authority.file)))
    gateway = await rig.gateway(
        upstream,
        upstream__ca_file=str(authority.file),
        upstream__client_cert_file=str(ours.cert),
        upstream__client_key_file=str(ours.key),
    )
    assert (await gateway.get("/contacts/c1", token=rig.token)).body == b"ok"
    peer = upstream.lines[0].writer.get_extra_info("peercert")
    assert peer["subject"] == ((("commonName", "gateway"),),)


async def test_a_handshake_that_never_ends_is_502_in_the_time_for_connecting(
    rig: Rig, authority: Authority
) -> None:
    """An address that accepts and says nothing is left out like one that refuses."""
    held: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(lambda _, writer: held.append(writer), "127.0.0.1", 0)
    try:
        port = server.sockets[0].getsockname()[1]
        gateway = await rig.gateway(
            small_map(rig.folder, main=f"https://127.0.0.1:{port}"),
            upstream__ca_file=str(authority.file),
            upstream__timeouts__connect="300ms",
        )
        asked = LivedTime()
        answer = await gateway.get("/contacts/c1", token=rig.token)
        assert asked.stop() < 2
        assert (answer.status, answer.code) == (502, "upstream_unreachable")
    finally:
        server.close()
        for writer in held:
            writer.transport.abort()
        await rig.close()


@pytest.mark.parametrize("framing", ["length", "chunked", "close"])
async def test_an_answer_cut_short_over_tls_is_seen_to_be_cut(
    rig: Rig, authority: Authority, local: Pair, framing: str
) -> None:
    """Without TLS's own end, the end of a connection is not the end of a body (RFC 9112 section 9.8)."""
    heads = {
        "length": b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello",
        "chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        "close": b"HTTP/1.1 200 OK\r\n\r\nhello",
    }

    async def script(arrival: Arrival, line: Line) -> None:
        await line.send(heads[framing])
        await seen.wait()
        line.writer.transport.abort()

    seen = asyncio.Event()
    upstream = await secured(rig, SecureUpstream(script, tls=local.server()))
    gateway = await rig.gateway(upstream, upstream__ca_file=str(authority.file))
    caller = await gateway.caller()
    await caller.send(request("GET", "/contacts/c1", token=rig.token))
    _, fields = await caller.head()
    read = b""
    while b"hello" not in read:
        read += await caller.read(100)
    seen.set()
    try:
        rest = await caller.rest()
    except ConnectionResetError:
        return
    assert not rest.endswith(b"0\r\n\r\n"), "the caller takes it for whole"
    assert dict(fields).keys() & {b"Content-Length", b"Transfer-Encoding"}
