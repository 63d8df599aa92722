"""The map over the API: what is in force, what was, and reloading it with every problem named."""

from __future__ import annotations

import pytest

from gateway.core.model import Problem
from tests.admin.conftest import Client, Console, published


async def test_the_map_in_force_is_told(console: Console, operator: Client) -> None:
    assert (await operator.get("/map")).json == {
        "node": "node-1",
        "version": "a" * 64,
        "source": "/etc/gateway/routes.yaml",
        "loaded_at": "2026-01-31T12:00:00Z",
        "routes": 3,
        "services": 2,
        "scopes": 4,
        "upstreams": 1,
        "problems": [],
        "needs_restart": ["proxy.listen"],
    }


async def test_a_reload_answers_with_the_map_that_is_in_force_then(
    console: Console, operator: Client
) -> None:
    assert console.keeper is not None
    console.keeper.version = "b" * 64
    reply = await operator.post("/map/reload", None)
    assert (reply.status, reply.json["version"]) == (200, "b" * 64)
    (by,) = console.keeper.asked_by
    assert (by.actor.kind, by.address) == ("admin_key", "127.0.0.1"), "whom the audit will name"


async def test_a_reload_that_is_refused_names_every_problem_with_its_line(
    console: Console, operator: Client
) -> None:
    assert console.keeper is not None
    console.keeper.problems = (
        Problem(where="routes.yaml:3", message="unknown key 'url'; did you mean urls?"),
        Problem(where="GATEWAY__PROXY__LISTEN", message="no"),
    )
    reply = await operator.post("/map/reload", None)
    assert reply.told() == (422, "configuration_invalid")
    assert reply.json["problems"] == [
        {"where": "routes.yaml:3", "message": "unknown key 'url'; did you mean urls?", "severity": "error"},
        {"where": "GATEWAY__PROXY__LISTEN", "message": "no", "severity": "error"},
    ]
    assert len((await operator.get("/map")).json["problems"]) == 2


async def test_the_history_is_told_newest_first_and_each_map_with_its_text(
    console: Console, operator: Client
) -> None:
    first = await published(console, "one")
    second = await published(console, "two", note="by hand")
    told = (await operator.get("/map/history")).json
    assert told["next_cursor"] is None
    assert [item["version"] for item in told["items"]] == [second, first]
    newest = told["items"][0]
    assert (newest["note"], newest["routes"], newest["node"]) == ("by hand", 3, "node-1")
    assert newest["published_by"] == {"kind": "operator", "id": "tester", "name": "a test"}
    assert "text" not in newest
    for named in (first, first[:6]):
        reply = await operator.get(f"/map/history/{named}")
        assert (reply.status, reply.json["text"], reply.json["version"]) == (200, "one", first)


@pytest.mark.parametrize(
    "version", ["0" * 64, "abcdef", "abc", "ABCDEF", "a" * 65, "key_00000000000000000000"]
)
async def test_a_map_that_is_not_kept_is_missing(operator: Client, version: str) -> None:
    assert (await operator.get(f"/map/history/{version}")).told() == (404, "not_found")
