"""`gateway serve --workers`: several processes that are one gateway to everybody outside, whatever becomes of each."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from gateway.storage.embedded.cluster import SETTINGS
from gateway.wiring.store import EMBEDDED_CONNECTIONS
from tests.cli.conftest import Site, Start
from tests.cli.process import PATIENCE_SECONDS, Running, Warm, processes_of
from tests.proxy.caller import Answer, Caller, Ended, request
from tests.proxy.recording import OK, Arrival, Line
from tests.wiring.rig import Rig

WORKERS = 2
OK_LINE = 'gateway_requests_total{code="",method="GET",route="/contacts/{contactId}",service="contacts",status="200"}'


class Gateway:
    """A running supervisor, asked from outside."""

    def __init__(self, running: Running, ready: dict[str, Any]) -> None:
        self.running = running
        self.port = int(ready["proxy"].rpartition(":")[2])
        self.admin_port = int(ready["admin"].rpartition(":")[2])

    async def admin(self, target: str) -> Answer:
        caller = await Caller.connect(self.admin_port)
        try:
            return await caller.ask(request("GET", target, b"Connection: close"))
        finally:
            await caller.close()

    async def workers(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self.admin("/healthz")).json["workers"]
        return found

    async def figures(self) -> dict[str, float]:
        text = (await self.admin("/metrics")).body.decode()
        parted = (line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))
        return {name: float(value) for name, _, value in parted}

    async def get(self, token: str, target: str = "/contacts/c1") -> int:
        caller = await Caller.connect(self.port)
        try:
            return (await caller.ask(request("GET", target, b"Connection: close", token=token))).status
        finally:
            await caller.close()


async def serving(start: Start, site: Site, **overrides: str) -> Gateway:
    running = start("serve", "--config", site.config, "--workers", str(WORKERS), **overrides)
    return Gateway(running, await asyncio.to_thread(running.event, "ready"))


async def until(gateway: Gateway, condition: Any) -> list[dict[str, Any]]:
    """Waits until the workers are so."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not condition(found := await gateway.workers()):  # noqa: ASYNC110 - of another process
            await asyncio.sleep(0.05)
    return found


async def test_all_serve_and_what_they_counted_adds_up(rig: Rig, site: Site, start: Start) -> None:
    upstream = await rig.upstream()
    site.write_routes(upstream.url)
    gateway = await serving(start, site)
    for _ in range(40):
        caller = await rig.connect(gateway.port)
        assert (await caller.ask(request("GET", "/contacts/c1", token=rig.token))).status == 200
    figures = await gateway.figures()
    assert figures[OK_LINE] == 40
    assert figures['gateway_request_duration_seconds_count{service="contacts"}'] == 40
    held = [figures[f'gateway_connections{{worker="{slot}"}}'] for slot in range(WORKERS)]
    assert sum(held) == 40
    assert min(held) > 0, "the kernel spreads them"
    workers = await gateway.workers()
    assert [worker["state"] for worker in workers] == ["serving"] * WORKERS
    assert len({worker["pid"] for worker in workers} | {gateway.running.pid}) == WORKERS + 1
    assert len({worker["node"] for worker in workers}) == WORKERS
    assert (await gateway.admin("/readyz")).json["workers"] == {"serving": WORKERS, "of": WORKERS}
    assert await asyncio.to_thread(gateway.running.stop) == 0
    # Lines of several processes on one pipe or file are whole.
    told = [json.loads(line) for line in gateway.running.said.splitlines()]
    assert len([line for line in told if line["event"] == "request"]) == 40


@pytest.mark.parametrize("slot", [0, 1])
async def test_a_killed_worker_is_replaced_and_nobody_is_refused_meanwhile(
    rig: Rig, site: Site, start: Start, slot: int
) -> None:
    """Only what the dead one was doing is lost. Slot 0 carries the admin listener, too; totals never go back."""
    upstream = await rig.upstream()
    site.write_routes(upstream.url)
    gateway = await serving(start, site)
    stop = asyncio.Event()
    counts = {"ok": 0, "lost": 0}

    async def load() -> None:
        while not stop.is_set():
            caller = await Caller.connect(gateway.port)  # which must never be refused
            try:
                status = (await caller.ask(request("GET", "/contacts/c1", token=rig.token))).status
                assert status == 200
                counts["ok"] += 1
            except (Ended, ConnectionError):
                counts["lost"] += 1
            finally:
                await caller.close()

    loads = [asyncio.create_task(load()) for _ in range(4)]
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while counts["ok"] < 100:  # noqa: ASYNC110 - the loads have no event
                await asyncio.sleep(0.01)
        before = (await gateway.figures())[OK_LINE]
        assert before > 0
        (victim,) = [worker for worker in await gateway.workers() if worker["slot"] == slot]
        os.kill(victim["pid"], signal.SIGKILL)
        found = await until(
            gateway, lambda workers: workers[slot]["restarts"] == 1 and workers[slot]["state"] == "serving"
        )
        assert found[slot]["pid"] != victim["pid"]
        assert found[1 - slot]["restarts"] == 0
        after = (await gateway.figures())[OK_LINE]
        assert after >= before
    finally:
        stop.set()
        await asyncio.gather(*loads)
    # At most one request of each load was under way in the dead one.
    assert counts["lost"] <= len(loads)
    assert (await gateway.figures())[OK_LINE] >= after
    told = await asyncio.to_thread(gateway.running.event, "a worker died")
    assert (told["worker"], told["how"]) == (slot, "signal 9")
    assert await asyncio.to_thread(gateway.running.stop) == 0


async def test_sighup_reaches_all_and_a_worker_started_later_serves_what_they_do(
    rig: Rig, site: Site, start: Start
) -> None:
    upstream = await rig.upstream()
    site.write_routes(upstream.url)
    gateway = await serving(start, site)
    first = (await gateway.workers())[0]["map_version"]
    site.routes.write_text(site.routes.read_text() + "# another\n")
    gateway.running.tell(signal.SIGHUP)
    found = await until(
        gateway,
        lambda workers: len({w["map_version"] for w in workers}) == 1 and workers[0]["map_version"] != first,
    )
    second = found[0]["map_version"]
    # The file is broken now, and a worker dies: its successor takes what the others serve.
    site.routes.write_text("- broken\n")
    async with asyncio.timeout(PATIENCE_SECONDS):
        while (await gateway.admin("/healthz")).json["map"]["problem"] is None:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    os.kill(found[1]["pid"], signal.SIGKILL)
    found = await until(
        gateway, lambda workers: workers[1]["restarts"] == 1 and workers[1]["state"] == "serving"
    )
    assert found[1]["map_version"] == second
    assert [await gateway.get(rig.token) for _ in range(10)] == [200] * 10
    assert await asyncio.to_thread(gateway.running.stop) == 0


async def test_sigterm_lets_requests_of_every_worker_finish(rig: Rig, site: Site, start: Start) -> None:
    go_on = asyncio.Event()

    async def script(arrival: Arrival, line: Line) -> None:
        await line.read_body(arrival)
        await go_on.wait()
        await line.send(OK)

    upstream = await rig.upstream(script)
    site.write_routes(upstream.url)
    gateway = await serving(start, site)
    callers = []
    for _ in range(16):
        callers.append(caller := await rig.connect(gateway.port))
        await caller.send(request("GET", "/contacts/c1", token=rig.token))
    await upstream.arrived(len(callers))
    assert (
        min([(await gateway.figures())[f'gateway_connections{{worker="{slot}"}}'] for slot in range(2)]) > 0
    )
    gateway.running.tell(signal.SIGTERM)
    await asyncio.to_thread(gateway.running.event, "stopping")
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            try:
                await (await Caller.connect(gateway.port)).close()
            except ConnectionRefusedError:
                break
            await asyncio.sleep(0.02)
    go_on.set()
    assert [(await caller.answer()).status for caller in callers] == [200] * len(callers)
    assert await asyncio.to_thread(gateway.running.wait) == 0
    assert "Traceback" not in gateway.running.said


async def test_a_second_signal_cuts_what_does_not_finish(rig: Rig, site: Site, start: Start) -> None:
    async def script(arrival: Arrival, line: Line) -> None:
        await line.ended()

    upstream = await rig.upstream(script)
    site.write_routes(upstream.url)
    gateway = await serving(start, site, GATEWAY__PROXY__DRAIN="60s")
    caller = await rig.connect(gateway.port)
    await caller.send(request("GET", "/contacts/c1", token=rig.token))
    await upstream.arrived(1)
    gateway.running.tell(signal.SIGTERM)
    await asyncio.to_thread(gateway.running.event, "stopping")
    gateway.running.tell(signal.SIGTERM)
    assert await asyncio.to_thread(gateway.running.wait) == 0


async def test_workers_do_not_outlive_their_supervisor(rig: Rig, site: Site, start: Start) -> None:
    gateway = await serving(start, site)
    os.kill(gateway.running.pid, signal.SIGKILL)
    await asyncio.to_thread(gateway.running.wait)
    async with asyncio.timeout(PATIENCE_SECONDS):
        while processes_of(site.folder):  # noqa: ASYNC110 - of other processes
            await asyncio.sleep(0.05)


async def test_an_address_that_is_taken_is_told_before_any_worker_starts(
    rig: Rig, site: Site, start: Start
) -> None:
    """Also where the other one shares it in the same way, which the kernel would allow."""
    gateway = await serving(start, site)
    site.write_settings(proxy=f"127.0.0.1:{gateway.port}")
    second = start("serve", "--config", site.config, "--workers", "2")
    assert await asyncio.to_thread(second.wait) == 1
    assert f"cannot listen on 127.0.0.1:{gateway.port}" in second.said
    assert await asyncio.to_thread(gateway.running.stop) == 0


def test_more_connections_than_the_embedded_server_has_are_refused(tmp_path: Path, command: Warm) -> None:
    assert int(SETTINGS["max_connections"]) == EMBEDDED_CONNECTIONS
    config = tmp_path / "gateway.yaml"
    config.write_text("routes: routes.yaml\n")
    (tmp_path / "routes.yaml").write_text("upstreams: {a: {urls: ['http://127.0.0.1:7']}}\nservices: {}\n")
    refused = command("serve", "--config", config, "--workers", "8")
    assert refused.status == 2
    assert "lower database.pool_size to 4" in refused.err
    assert not (tmp_path / ".gateway").exists()
