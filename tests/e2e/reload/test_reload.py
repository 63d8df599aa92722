"""A changed map or setting is in force for the next request, whole, and takes nothing from those under way."""

from __future__ import annotations

import asyncio
import json
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from gateway.wiring.reload import Result
from tests.e2e.reload.maps import written
from tests.e2e.streams.frames import ASKING, CLOSE, close_code, read_frame, switching
from tests.proxy.caller import request
from tests.proxy.recording import OK, Arrival, Line
from tests.wiring.rig import PATIENCE_SECONDS, Gateway, Rig

RELOADS = int(os.environ.get("GATEWAY_TEST_RELOADS", "12"))
CALLERS = 8


async def health(gateway: Gateway) -> Any:
    return (await gateway.admin("/healthz")).json


async def metric(gateway: Gateway, line: str) -> float:
    text = (await gateway.admin("/metrics")).body.decode()
    (value,) = [row.removeprefix(line) for row in text.splitlines() if row.startswith(line + " ")]
    return float(value)


async def in_force(gateway: Gateway, version: str) -> None:
    """Waits until the node serves this map, without asking it to."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        # A file's change has no event but the node's own.
        while gateway.node.health().map.version != version:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_many_reloads_under_load_fail_no_request(rig: Rig) -> None:
    """Each request is judged by one whole map: the upstream's answer is only there with the scope that it needs.

    Two maps take turns. One serves GET for readers and has /first, the other for writers and has /second.
    """
    upstream = await rig.upstream()
    first = written(upstream.url, scope="contacts.readonly", more="GET /first: contacts.readonly")
    second = written(upstream.url, scope="contacts.write", more="GET /second: contacts.readonly")
    gateway, site = await rig.gateway_on_files(first, watched=False)
    stop = asyncio.Event()
    counts = {"answers": 0, "both": 0}

    async def load() -> None:
        caller = await gateway.caller()
        while not stop.is_set():
            answer = await caller.ask(request("GET", "/contacts/c1", token=rig.token))
            assert (answer.status, answer.body) == (200, b"ok")
            # A pair in one write: of two maps each has exactly one of them.
            await caller.send(
                request("GET", "/first", token=rig.token) + request("GET", "/second", token=rig.token)
            )
            pair = [await caller.answer(), await caller.answer()]
            assert {one.status for one in pair} <= {200, 404}
            assert all(one.status == 200 or one.code == "route_unknown" for one in pair)
            counts["both"] += sorted(one.status for one in pair) == [200, 404]
            counts["answers"] += 3

    loads = [asyncio.create_task(load()) for _ in range(CALLERS)]
    for number in range(RELOADS):
        seen = counts["answers"]
        site.write_map((second if number % 2 == 0 else first) + f"# {number}\n")
        assert await gateway.node.reload("test") is Result.APPLIED
        async with asyncio.timeout(PATIENCE_SECONDS):
            while counts["answers"] < seen + CALLERS:  # noqa: ASYNC110 - the callers have no event
                await asyncio.sleep(0.001)
    stop.set()
    await asyncio.gather(*loads)
    assert counts["both"] > 0
    assert await metric(gateway, 'gateway_map_reloads_total{result="applied"}') == RELOADS
    assert len(upstream.lines) <= 2 * CALLERS, "the upstream's connections were kept over the reloads"
    print(f"{RELOADS} reloads, {counts['answers']} answers, none failed; {len(upstream.lines)} connections")


async def test_a_saved_map_is_in_force_without_being_asked_for(rig: Rig) -> None:
    upstream = await rig.upstream()
    gateway, site = await rig.gateway_on_files(written(upstream.url))
    caller = await gateway.caller()
    assert (await caller.ask(request("GET", "/new", token=rig.token))).code == "route_unknown"
    version = site.write_map(written(upstream.url, more="GET /new: contacts.readonly"))
    await in_force(gateway, version)
    # On the connection that was open before, whose head was remembered.
    assert (await caller.ask(request("GET", "/new", token=rig.token))).status == 200
    told = (await health(gateway))["map"]
    assert (told["version"], told["routes"], told["problem"]) == (version, 3, None)
    assert await metric(gateway, f'gateway_map_info{{version="{version}"}}') == 1


@pytest.mark.parametrize("how", ["written in place", "link turned"])
async def test_a_map_changed_in_another_way_is_noticed(rig: Rig, how: str) -> None:
    """An editor writes the file itself; Kubernetes turns a link above it."""
    upstream = await rig.upstream()
    gateway, site = await rig.gateway_on_files(written(upstream.url))
    text = written(upstream.url, more="GET /new: contacts.readonly")
    if how == "link turned":
        (rig.folder / "2").mkdir()
        (rig.folder / "2" / "site.routes.yaml").write_text(text)
        link = rig.folder / "turning"
        link.symlink_to(Path("2", "site.routes.yaml"))
        link.replace(site.map)
    else:
        site.map.write_text(text)
    async with asyncio.timeout(PATIENCE_SECONDS):
        while (await gateway.get("/new", token=rig.token)).status != 200:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_a_broken_map_changes_nothing_and_is_told(rig: Rig) -> None:
    upstream = await rig.upstream()
    good = written(upstream.url)
    gateway, site = await rig.gateway_on_files(good, watched=False)
    before = (await health(gateway))["map"]
    site.write_map(good.replace("contacts.readonly", "[]").replace("main: {urls", "main: {url"))
    assert await gateway.node.reload("test") is Result.REFUSED
    told = (await health(gateway))["map"]
    assert told["version"] == before["version"]
    assert told["loaded_at"] == before["loaded_at"]
    assert told["problem"].startswith(f"{site.map}:3: ")
    assert told["problem"].count("\n") == 1, "both problems"
    assert (await gateway.admin("/readyz")).status == 200
    assert (await gateway.get("/contacts/c1", token=rig.token)).status == 200
    assert await metric(gateway, "gateway_map_refused") == 1
    # The one before again: nothing to do, and nothing wrong.
    site.write_map(good)
    assert await gateway.node.reload("test") is Result.UNCHANGED
    assert (await health(gateway))["map"] == before
    assert await metric(gateway, "gateway_map_refused") == 0


async def test_settings_and_map_change_together_or_not_at_all(rig: Rig) -> None:
    upstream = await rig.upstream()
    gateway, site = await rig.gateway_on_files(written(upstream.url), watched=False)
    site.write_map(written(upstream.url, more="GET /new: contacts.readonly"))
    site.write_settings("proxy: {listen: '127.0.0.1:0', limit: {target: 300}}\n")
    assert await gateway.node.reload("test") is Result.REFUSED
    assert "limit" in (await health(gateway))["map"]["problem"]
    assert (await gateway.get("/new", token=rig.token)).status == 404
    site.write_settings("proxy: {listen: '127.0.0.1:0', limits: {target: 300}}\n")
    assert await gateway.node.reload("test") is Result.APPLIED
    assert (await gateway.get("/new", token=rig.token)).status == 200
    assert (await gateway.get("/new?" + "x" * 300, token=rig.token)).status == 414


async def test_a_setting_that_needs_a_restart_is_named_and_the_others_take_effect(rig: Rig) -> None:
    upstream = await rig.upstream()
    gateway, site = await rig.gateway_on_files(written(upstream.url), watched=False)
    more = "errors: {scope_status: 401}\nproxy: {listen: '127.0.0.1:1'}\ntokens: {prefix: zz}\n"
    site.write_settings(more + "index: {max_entries: 5, fresh_for: 1m}\n")
    assert await gateway.node.reload("test") is Result.APPLIED
    told = (await health(gateway))["map"]
    assert told["needs_restart"] == ["proxy.listen", "tokens.prefix", "index.max_entries"]
    assert await metric(gateway, "gateway_settings_waiting_for_restart") == 3
    bare = rig.standing.bare.secret
    assert (await gateway.get("/contacts/c1", token=bare)).status == 401
    assert (await gateway.get("/contacts/c1", token=rig.token)).status == 200
    site.write_settings()
    assert await gateway.node.reload("test") is Result.APPLIED
    assert (await health(gateway))["map"]["needs_restart"] == []


async def test_what_a_connection_remembers_does_not_outlive_its_rules(rig: Rig) -> None:
    """Fields that were judged once, whom to believe, and the prefix that vouches."""
    upstream = await rig.upstream()
    gateway, site = await rig.gateway_on_files(written(upstream.url), watched=False)
    caller = await gateway.caller()
    asked = request(
        "GET",
        "/contacts/c1",
        b"X_Odd: 1",
        b"X-Other-Route: /forged",
        b"X-Forwarded-For: 9.9.9.9",
        token=rig.token,
    )
    for _ in range(2):
        assert (await caller.ask(asked)).status == 200
    before = upstream.take()[-1]
    assert before.values(b"X-Odd") == []
    assert before.value(b"X-Other-Route") == b"/forged"
    assert before.value(b"X-Gateway-Route") == b"/contacts/{contactId}"
    assert before.value(b"X-Forwarded-For") == b"127.0.0.1"
    site.write_settings(
        "proxy: {listen: '127.0.0.1:0', underscore_headers: pass, trusted_proxies: [127.0.0.0/8]}\n"
        "identity: {header_prefix: X-Other-}\n"
    )
    assert await gateway.node.reload("test") is Result.APPLIED
    assert (await caller.ask(asked)).status == 200
    after = upstream.take()[-1]
    assert after.values(b"X-Odd") == [b"1"]
    assert after.value(b"X-Other-Route") == b"/contacts/{contactId}"
    assert after.values(b"X-Gateway-Route") == []
    assert after.value(b"X-Forwarded-For") == b"9.9.9.9, 127.0.0.1"


async def test_a_head_that_has_begun_is_judged_by_the_rules_at_its_end(rig: Rig) -> None:
    upstream = await rig.upstream()
    gateway, site = await rig.gateway_on_files(written(upstream.url), watched=False)
    caller = await gateway.caller()
    asked = request("GET", "/new", token=rig.token)
    for piece in (asked[:7], asked[7:40]):
        await caller.send(piece)
        await asyncio.sleep(0.02)  # so that it is read as a piece
    site.write_map(written(upstream.url, more="GET /new: contacts.readonly"))
    assert await gateway.node.reload("test") is Result.APPLIED
    assert (await caller.ask(asked[40:])).status == 200
    assert (await caller.ask(asked)).status == 200


async def test_a_request_under_way_ends_by_the_map_it_came_through(rig: Rig) -> None:
    """Its route goes, its upstream goes: it was let in, and gets its answer."""
    go_on = asyncio.Event()

    async def script(arrival: Arrival, line: Line) -> None:
        await line.read_body(arrival)
        await go_on.wait()
        await line.send(OK)

    old, new = await rig.upstream(script), await rig.upstream()
    gateway, site = await rig.gateway_on_files(
        written(old.url, more="GET /going: contacts.readonly"), watched=False
    )
    caller = await gateway.caller()
    await caller.send(request("GET", "/going", token=rig.token))
    await old.arrived(1)
    site.write_map(written(new.url))
    assert await gateway.node.reload("test") is Result.APPLIED
    assert (await gateway.get("/contacts/c1", token=rig.token)).status == 200
    assert len(new.arrivals) == 1
    await asyncio.sleep(2.5)  # longer than the looks at whether it would be let in again
    go_on.set()
    assert (await caller.answer()).status == 200
    # The connection to the address that went is closed behind it.
    await old.became(lambda: old.lines[0].closing)
    assert (await caller.ask(request("GET", "/going", token=rig.token))).code == "route_unknown"


@pytest.mark.parametrize("change", ["gone", "another scope", "a token", "still fine"])
async def test_a_stream_ends_when_the_new_map_would_not_let_it_in(rig: Rig, change: str) -> None:
    async def script(arrival: Arrival, line: Line) -> None:
        await line.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
        await line.ended()

    upstream = await rig.upstream(script)
    route = "public" if change == "a token" else "contacts.readonly"
    gateway, site = await rig.gateway_on_files(
        written(upstream.url, more=f"GET /events: {route}"), watched=False
    )
    caller = await gateway.caller()
    token = None if change == "a token" else rig.standing.reader.secret
    await caller.send(request("GET", "/events", token=token))
    assert (await caller.head())[0] == 200
    assert await caller.exactly(10) == b"5\r\nhello\r\n"
    more = {
        "gone": "",
        "another scope": "GET /events: contacts.write",
        "a token": "GET /events: contacts.readonly",
        "still fine": "GET /events: [contacts.readonly]\nGET /new: contacts.readonly",
    }[change]
    site.write_map(written(upstream.url, more=more))
    assert await gateway.node.reload("test") is Result.APPLIED
    if change == "still fine":
        assert await caller.is_silent(3)
        return
    assert await caller.rest() == b"", "broken off without an end of the body"
    await upstream.became(lambda: upstream.lines[0].closing)


@pytest.mark.parametrize("change", ["gone", "no sockets"])
async def test_a_websocket_is_closed_with_1008_when_the_new_map_would_not_let_it_in(
    rig: Rig, change: str
) -> None:
    async def script(arrival: Arrival, line: Line) -> None:
        await line.send(switching(arrival))
        await line.ended()

    upstream = await rig.upstream(script)
    gateway, site = await rig.gateway_on_files(
        written(upstream.url, more="GET /socket: {scope: contacts.readonly, websocket: true}"), watched=False
    )
    caller = await gateway.caller()
    await caller.send(request("GET", "/socket", *ASKING, token=rig.token))
    assert (await caller.head())[0] == 101
    site.write_map(written(upstream.url, more="" if change == "gone" else "GET /socket: contacts.readonly"))
    assert await gateway.node.reload("test") is Result.APPLIED
    kind, payload = await read_frame(caller)
    assert (kind, close_code(payload)) == (CLOSE, (1008, "route_unknown"))


@pytest.fixture
def own_logging() -> Iterator[None]:
    """A node that sets up its log writes to what stands for standard error in this test alone."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.mark.usefixtures("own_logging")
async def test_the_version_of_the_map_is_in_the_log(rig: Rig, capfd: pytest.CaptureFixture[str]) -> None:
    upstream = await rig.upstream()
    more = "proxy: {listen: '127.0.0.1:0'}\n"
    gateway, site = await rig.gateway_on_files(written(upstream.url), watched=False)
    site.settings.write_text(site.settings.read_text().replace("access: 'off'", "access: all, format: json"))
    assert await gateway.node.reload("test") is Result.APPLIED
    first = gateway.node.health().map.version
    await gateway.get("/contacts/c1", token=rig.token)
    second = site.write_map(written(upstream.url, note="another"))
    assert await gateway.node.reload("test") is Result.APPLIED
    await gateway.get("/contacts/c1", token=rig.token)
    await gateway.ask(b"nonsense\r\n\r\n")
    site.write_settings(more)
    assert await gateway.node.reload("test") is Result.APPLIED  # which writes what was held back
    lines = [json.loads(line) for line in capfd.readouterr().err.splitlines() if line.startswith("{")]
    told = [line["map"] for line in lines if line["event"] == "request"]
    assert told == [first[:12], second[:12], second[:12]]
