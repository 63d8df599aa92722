"""The map and the listener agree on methods: what a route may have is served, and what is not served cannot be mapped."""

from __future__ import annotations

import asyncio
import re

import pytest
from aiohttp.base_protocol import BaseProtocol
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.methods import REFUSED_METHODS, ROUTE_METHODS
from gateway.core.policy import Deny
from gateway.proxy.gate import Limits
from gateway.proxy.heads import Head, HeadReader
from gateway.settings.template import parse_key
from gateway.wiring.routes import publishable
from tests.proxy.caller import request
from tests.wiring.rig import Rig

LIMITS = Limits(head=32768, headers=128, field=8192, target=8192)


def read(method: str) -> Head | Deny | None:
    """What the listener makes of a request with this method."""
    loop = asyncio.new_event_loop()
    try:
        reader = HeadReader(BaseProtocol(loop), loop, LIMITS)
        return reader.read(f"{method} /x HTTP/1.1\r\nHost: a\r\n\r\n".encode("ascii"))
    finally:
        loop.close()


@pytest.mark.parametrize("method", sorted(ROUTE_METHODS))
async def test_a_route_of_every_method_is_served(rig: Rig, method: str) -> None:
    """Under the long reading of a connection's first head, and under that of its next."""
    upstream = await rig.upstream()
    path = rig.folder / "methods.yaml"
    path.write_text(
        f"upstreams: {{main: {{urls: ['{upstream.url}']}}}}\n"
        f"services: {{x: {{upstream: main, routes: {{'{method} /x': authenticated}}}}}}\n"
    )
    gateway = await rig.gateway(publishable(path)[0])
    caller = await gateway.caller()
    for _ in range(2):
        assert (await caller.ask(request(method, "/x", token=rig.token))).status == 200
    assert [arrival.method for arrival in upstream.arrivals] == [method] * 2


WORDS = (
    *("FOO", "BREW", "PRI", "DESCRIBE", "ANNOUNCE", "SETUP", "PLAY", "PAUSE", "TEARDOWN", "GET_PARAMETER"),
    *("SET_PARAMETER", "REDIRECT", "RECORD", "FLUSH", "get", "Get", "A" * 60),
)


@pytest.mark.parametrize("method", WORDS)
def test_a_word_that_is_not_served_cannot_be_mapped(method: str) -> None:
    assert isinstance(read(method), Deny)
    with pytest.raises(ValueError, match=re.escape(f'"{method[:50]}')):
        parse_key(f"{method} /x")


@given(st.from_regex(r"[A-Z][A-Z_-]{0,11}", fullmatch=True))
def test_no_other_word_is_read_as_a_method(method: str) -> None:
    """Else a map could open what `gateway check` calls no method, or the other way round."""
    found = read(method)
    if method in REFUSED_METHODS:
        return
    assert isinstance(found, Head) is (method in ROUTE_METHODS)
    if isinstance(found, Head):
        assert found.message.method == method
