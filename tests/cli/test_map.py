"""`gateway map`, and a running gateway that is told to reload: by a signal, by its file, by the API."""

from __future__ import annotations

import asyncio
import hashlib
import signal
import socket
import stat
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from gateway.storage.audit import Actor, ActorKind
from gateway.storage.database import connect
from gateway.storage.maps import MapCounts, Publication, publish
from gateway.storage.mutation import mutation
from gateway.wiring.map_file import MapFile, MapFileChanged
from tests.cli.conftest import Site, Start
from tests.cli.process import PATIENCE_SECONDS, Running, Warm
from tests.proxy.caller import request
from tests.wiring.databases import run
from tests.wiring.rig import Rig


def version_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


async def events(running: Running, name: str, count: int) -> list[dict[str, Any]]:
    """Waits for so many events of a name in the log."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while len(found := [event for event in running.events if event["event"].startswith(name)]) < count:  # noqa: ASYNC110 - of another process
            await asyncio.sleep(0.02)
    return found


async def history(command: Warm, site: Site) -> list[dict[str, Any]]:
    told = await asyncio.to_thread(command, "map", "history", "--config", site.config, "--json")
    assert told.status == 0, told.err
    items: list[dict[str, Any]] = told.json["items"]
    return items


async def test_a_map_goes_back_to_what_it_was_under_a_running_gateway(
    own_site: Site, start: Start, command: Warm
) -> None:
    first = own_site.routes.read_text()
    running = start("serve", "--config", own_site.config)
    await asyncio.to_thread(running.event, "ready")
    second = first + "# another\n"
    own_site.routes.write_text(second)
    await events(running, "the configuration was reloaded", 1)
    async with asyncio.timeout(PATIENCE_SECONDS):
        while len(items := await history(command, own_site)) < 2:  # noqa: ASYNC110 - of another process
            await asyncio.sleep(0.05)
    assert [item["version"] for item in items] == [version_of(second), version_of(first)]
    assert socket.gethostname() in items[0]["published_by"]["name"]
    assert items[0]["source"] == str(own_site.routes)
    table = await asyncio.to_thread(command, "map", "history", "--config", own_site.config)
    assert table.out.splitlines()[1].split()[:2] == [version_of(second)[:12], "*"]

    shown = await asyncio.to_thread(
        command, "map", "show", version_of(first)[:8], "--config", own_site.config
    )
    assert (shown.status, shown.out) == (0, first)

    back = ("map", "rollback", version_of(first)[:12], "--config", own_site.config)
    stale = await asyncio.to_thread(command, *back, "--if-version", version_of(first)[:12])
    assert stale.status == 1
    assert "nothing was changed" in stale.err
    assert own_site.routes.read_text() == second
    own_site.routes.chmod(0o640)
    done = await asyncio.to_thread(
        command, *back, "--if-version", version_of(second)[:12], "--wait", "30s", "--json"
    )
    assert done.status == 0, done.err
    assert (done.json["version"], done.json["before"]) == (version_of(first), version_of(second))
    assert (len(done.json["served_by"]), done.json["waiting_for"]) == (1, [])
    assert own_site.routes.read_text() == first
    assert stat.S_IMODE(own_site.routes.stat().st_mode) == 0o640
    newest = (await history(command, own_site))[0]
    assert newest["note"].startswith("back to what was published")
    assert newest["published_by"]["kind"] == "operator", "its author, not the node that saw the file"
    audit = await asyncio.to_thread(
        command, "audit", "list", "--action", "map.publish", "--config", own_site.config, "--json"
    )
    assert len(audit.json["items"]) == 3
    again = await asyncio.to_thread(command, *back)
    assert (again.status, "already" in again.err) == (0, True)
    assert await asyncio.to_thread(running.stop) == 0
    assert list(own_site.folder.glob(".routes*")) == []


def test_what_was_in_the_file_is_kept_also_when_it_is_no_map(own_site: Site, command: Warm) -> None:
    """No gateway has ever used the present content, and it is not lost."""
    good = own_site.routes.read_text()
    run(kept(own_site.dsn, good))
    for found in ("- no map\n", good + "# never in use\n"):
        own_site.routes.write_text(found)
        done = command("map", "rollback", version_of(good), "--config", own_site.config)
        assert done.status == 0, done.err
        assert own_site.routes.read_text() == good
        shown = command("map", "show", version_of(found), "--config", own_site.config)
        assert shown.out == found
    own_site.routes.write_bytes(b"\xff\xfe")
    lost = command("map", "rollback", version_of(good), "--config", own_site.config)
    assert (lost.status, own_site.routes.read_bytes()) == (1, b"\xff\xfe"), (
        "what cannot be kept is not replaced"
    )


def test_a_map_that_cannot_be_written_is_told_with_the_way_out(own_site: Site, command: Warm) -> None:
    good = own_site.routes.read_text()
    run(kept(own_site.dsn, good))
    own_site.write_settings("routes: nowhere/routes.yaml\n")
    refused = command("map", "rollback", version_of(good), "--config", own_site.config)
    assert refused.status == 1
    assert f"`gateway map show {version_of(good)[:12]}`" in refused.err
    told = command("map", "history", "--config", own_site.config, "--json").json["items"]
    assert len(told) == 1, "nothing was written down that was not done"


def test_a_kept_map_that_this_version_does_not_take_stays_where_it_is(own_site: Site, command: Warm) -> None:
    before = own_site.routes.read_text()
    run(kept(own_site.dsn, "upstreams: {}\nfuture: 1\n"))
    refused = command(
        "map", "rollback", version_of("upstreams: {}\nfuture: 1\n"), "--config", own_site.config
    )
    assert (refused.status, own_site.routes.read_text()) == (1, before)


async def kept(dsn: str, text: str) -> None:
    """Puts a map into the history, as a node that took it into use."""
    database = await connect(dsn, pool_size=1)
    try:
        async with mutation(database, actor=Actor(kind=ActorKind.SYSTEM, id="n", name="a node")) as change:
            await publish(
                change,
                Publication(
                    version=version_of(text),
                    text=text,
                    node="n",
                    source="/etc/gateway/routes.yaml",
                    note="",
                    counts=MapCounts(routes=1, services=1, scopes=1, upstreams=1),
                ),
            )
    finally:
        await database.close()


@pytest.mark.parametrize(("version", "status"), [("xyz", 2), ("ABCDEF", 2), ("abc", 2), ("abcdef", 1)])
def test_a_version_that_is_none_is_refused(own_site: Site, command: Warm, version: str, status: int) -> None:
    for verb in ("show", "rollback"):
        refused = command("map", verb, version, "--config", own_site.config)
        assert refused.status == status, refused.err
        assert "gateway map history" in refused.err


def test_a_file_that_was_changed_since_it_was_read_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "routes.yaml"
    path.write_bytes(b"one")
    file = MapFile(path)
    read = file.read()
    path.write_bytes(b"two")
    with pytest.raises(MapFileChanged):
        file.replace(b"three", over=read)
    assert path.read_bytes() == b"two"
    with pytest.raises(MapFileChanged):
        file.replace(b"three", over=None)
    file.replace(b"three", over=b"two")
    assert path.read_bytes() == b"three"
    assert [entry.name for entry in tmp_path.iterdir()] == ["routes.yaml"]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    real = tmp_path / "real" / "routes.yaml"
    real.parent.mkdir()
    real.write_bytes(b"one")
    link = tmp_path / "routes.yaml"
    link.symlink_to(real)
    MapFile(link).replace(b"two", over=b"one")
    assert (link.is_symlink(), real.read_bytes()) == (True, b"two")


async def test_sighup_reloads_and_the_api_does_too(
    rig: Rig, own_site: Site, start: Start, command: Warm
) -> None:
    made = await asyncio.to_thread(command, "admin-key", "create", "Op", "--config", own_site.config)
    running = start("serve", "--config", own_site.config)
    ready = await asyncio.to_thread(running.event, "ready")
    running.tell(signal.SIGHUP)
    await events(running, "SIGHUP: the configuration is as it was", 1)
    own_site.write_settings("proxies: {}\n")
    await events(running, "the changed configuration was not taken into use", 1)

    def reload() -> tuple[int, bytes]:
        asked = urllib.request.Request(
            f"http://{ready['admin']}/api/v1/map/reload",
            method="POST",
            headers={"Authorization": f"Bearer {made.out.strip()}"},
        )
        try:
            with urllib.request.urlopen(asked, timeout=PATIENCE_SECONDS) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read()

    status, body = await asyncio.to_thread(reload)
    assert status == 422
    assert f"{own_site.config}:".encode() in body
    own_site.write_settings("rotation: {window: 1d}\n")
    await events(running, "the configuration was reloaded", 1)
    assert (await asyncio.to_thread(reload))[0] == 200
    caller = await rig.connect(int(ready["proxy"].rpartition(":")[2]))
    assert (await caller.ask(request("GET", "/contacts/c1"))).status == 401
    assert await asyncio.to_thread(running.stop) == 0


async def test_a_service_manager_is_told_what_happens(own_site: Site, start: Start, tmp_path: Path) -> None:
    """As systemd's sd_notify: ready, reloading, ready again, stopping."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
        told.bind(str(tmp_path / "notify"))
        told.settimeout(PATIENCE_SECONDS)

        async def heard() -> str:
            return (await asyncio.to_thread(told.recv, 4096)).decode()

        running = start("serve", "--config", own_site.config, NOTIFY_SOCKET=str(tmp_path / "notify"))
        assert await heard() == "READY=1"
        running.tell(signal.SIGHUP)
        assert (await heard()).startswith("RELOADING=1\nMONOTONIC_USEC=")
        assert await heard() == "READY=1"
        running.tell(signal.SIGTERM)
        assert await heard() == "STOPPING=1"
        assert await asyncio.to_thread(running.wait) == 0
