"""What `gateway diff --traffic` says of a made change, beside what happens when the change is made and the requests come again."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gateway.core.model import AccountKind
from gateway.storage.database import connect
from tests.cli.process import COMMAND, environment
from tests.e2e.served import served
from tests.leaks.ledger import ledger
from tests.proxy.caller import request
from tests.proxy.recording import RecordingUpstream
from tests.wiring.rig import Rig
from tests.wiring.tenants import Issued, Tenants

HEAD = 'upstreams: {main: {urls: ["MAIN"]}}\nservices:\n'
OLD = (
    HEAD
    + """
  contacts:
    upstream: main
    account: sub_account
    routes:
      GET /contacts/{contactId}: contacts.readonly
      POST /contacts/: contacts.write
      PUT /contacts/{contactId}: contacts.write
      DELETE /contacts/{contactId}: contacts.write
      GET /contacts/{contactId}/notes: [contacts.readonly, notes.readonly]
      GET /contacts/{contactId}/tasks: {any_of: [contacts.readonly, tasks.readonly]}
  others:
    upstream: main
    routes:
      GET /ping: authenticated
      GET /agencies/{agencyId}: {scope: agencies.readonly, account: agency}
      GET /versioned: {scope: contacts.readonly, versions: ['1']}
      GET /removed: contacts.readonly
      GET /denied/{id}: deny
      GET /same: contacts.readonly
"""
)
# Each line of the old map is opened, closed or moved, but for the last.
NEW = (
    HEAD
    + """
  contacts:
    upstream: main
    routes:
      GET /contacts/{id}: contacts.readonly
      POST /contacts: [contacts.write, contacts.create]
      PUT /contacts/{id}: contacts.readonly
      DELETE /contacts/{id}: deny
      GET /contacts/{id}/notes: {any_of: [contacts.readonly, notes.readonly]}
      GET /contacts/{id}/tasks: tasks.readonly
  others:
    upstream: main
    routes:
      GET /ping: {access: authenticated, account: agency}
      GET /agencies/{agencyId}: agencies.readonly
      GET /versioned: {scope: contacts.readonly, versions: ['2']}
      GET /denied/{id}: authenticated
      GET /added: public
      GET /same: {scope: contacts.readonly, shadow: {scope: contacts.write}}
"""
)
SCOPE_LISTS = (
    ("contacts.readonly",),
    ("contacts.write", "contacts.create"),
    ("contacts.readonly", "contacts.write", "notes.readonly", "tasks.readonly"),
    ("tasks.readonly", "agencies.readonly"),
    (),
)
REQUESTS = (
    ("GET", "/contacts/1", "GET /contacts/{contactId}", ()),
    ("HEAD", "/contacts/2", "HEAD /contacts/{contactId}", ()),
    ("POST", "/contacts", "POST /contacts/", ()),
    ("PUT", "/contacts/3", "PUT /contacts/{contactId}", ()),
    ("DELETE", "/contacts/4", "DELETE /contacts/{contactId}", ()),
    ("GET", "/contacts/5/notes", "GET /contacts/{contactId}/notes", ()),
    ("GET", "/contacts/6/tasks", "GET /contacts/{contactId}/tasks", ()),
    ("GET", "/ping", "GET /ping", ()),
    ("GET", "/agencies/7", "GET /agencies/{agencyId}", ()),
    ("GET", "/versioned", "GET /versioned", (b"Version: 1",)),
    ("GET", "/removed", "GET /removed", ()),
    ("GET", "/denied/8", "GET /denied/{id}", ()),
    ("GET", "/same", "GET /same", ()),
)


@dataclass(frozen=True, slots=True)
class Sent:
    """A request that is made again: whose, what, and the operation that the old map has for it."""

    issued: Issued
    data: bytes
    operation: str


@dataclass(frozen=True, slots=True)
class Answered:
    """`code` None: the upstream's own answer."""

    code: str | None
    scope: str | None


def made_traffic(callers: list[Issued]) -> list[Sent]:
    """Every caller does everything, each a number of times of its own."""
    numbers = random.Random(20)
    return [
        Sent(issued, request(method, path, *fields, token=issued.secret), operation)
        for issued in callers
        for method, path, operation, fields in REQUESTS
        for _ in range(numbers.randrange(1, 5))
    ]


async def replay(folder: Path, dsn: str, routes: str, traffic: list[Sent]) -> list[Answered]:
    """The answers of a gateway with this map; it has stored what it counted when this returns."""
    answers = []
    async with served(folder, dsn, routes, LOG__ACCESS="off") as gateway:
        caller = await gateway.caller()
        for sent in traffic:
            answer = await caller.ask(sent.data)
            code = answer.code if answer.status >= 400 else None
            scope = next(iter(answer.values(b"WWW-Authenticate")), b"").partition(b'scope="')[2]
            if (
                answer.status >= 400 and code is None
            ):  # a HEAD, whose answer has no body to read the code from
                code = (
                    "route_unknown" if answer.status == 404 else "scope_missing" if scope else "account_kind"
                )
            answers.append(Answered(code, scope.decode().rstrip('"') or None))
        await caller.close()
        gateway.terminate()
        assert await gateway.ended() == 0
    return answers


async def told(folder: Path, dsn: str, *arguments: str) -> tuple[int, Any]:
    """The exit status of `gateway diff`, and its JSON."""
    process = await asyncio.create_subprocess_exec(
        *(COMMAND, "diff", "old.yaml", "new.yaml", *arguments, "--json"),
        *("--config", "gateway.yaml"),
        cwd=folder,
        env=environment(GATEWAY__DATABASE__URL=dsn),
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    ledger.logged(out, "what gateway diff prints")
    assert process.returncode is not None
    return process.returncode, json.loads(out)


@pytest.fixture
async def upstream(rig: Rig) -> RecordingUpstream:
    return await rig.upstream()


@dataclass(frozen=True, slots=True)
class Compared:
    """Both replays, and what was said in between."""

    traffic: list[Sent]
    before: list[Answered]
    after: list[Answered]
    said: dict[str, Any]

    def turned(self) -> Counter[tuple[str, str, str, str, str | None]]:
        """Requests whose answer turned: by integration, operation, outcome, and the refusal that began or ended."""
        found: Counter[tuple[str, str, str, str, str | None]] = Counter()
        for sent, was, now in zip(self.traffic, self.before, self.after, strict=True):
            if (was.code is None) != (now.code is None):
                refusal, outcome = (was, "passes") if now.code is None else (now, "refused")
                assert refusal.code is not None
                found[sent.issued.integration_id, sent.operation, outcome, refusal.code, refusal.scope] += 1
        return found


async def compared(
    folder: Path, dsn: str, old: str, new: str, traffic: list[Sent], upstream: str
) -> Compared:
    old, new = old.replace("MAIN", upstream), new.replace("MAIN", upstream)
    before = await replay(folder, dsn, old, traffic)
    (folder / "old.yaml").write_text(old)
    (folder / "new.yaml").write_text(new)
    status, said = await told(folder, dsn, "--traffic", "7d")
    assert status == 1
    assert said["opens"] is True
    after = await replay(folder, dsn, new, traffic)
    return Compared(traffic, before, after, said)


async def test_what_is_said_of_recorded_requests_is_what_a_replay_comes_to(
    own_dsn: str, tmp_path: Path, upstream: RecordingUpstream
) -> None:
    database = await connect(own_dsn, pool_size=2)
    tenants = Tenants(database)
    callers = await tenants.issue_many(SCOPE_LISTS)
    callers += await tenants.issue_many(SCOPE_LISTS, kind=AccountKind.AGENCY)
    suspended = await tenants.issue("contacts.readonly")
    await tenants.suspend(suspended)
    await database.close()
    traffic = made_traffic([*callers, suspended])
    found = await compared(tmp_path, own_dsn, OLD, NEW, traffic, upstream.url)
    said = found.said["traffic"]

    turned = found.turned()
    assert len(turned) > 30
    assert {
        (row["integration_id"], row["operation"], row["outcome"], row["code"], row["scope"]): row["requests"]
        for row in said["changes"]
        if row["condition"] == "none"
    } == turned
    assert said["newly_refused"] == sum(count for key, count in turned.items() if key[2] == "refused")
    assert said["newly_passing"] == sum(count for key, count in turned.items() if key[2] == "passes")
    of_integration: dict[str, Counter[str]] = {}
    for key, count in turned.items():
        of_integration.setdefault(key[0], Counter())[key[2]] += count
    assert {
        one["integration_id"]: (one["newly_refused"], one["newly_passing"]) for one in said["integrations"]
    } == {name: (counts["refused"], counts["passes"]) for name, counts in of_integration.items()}
    assert said["requests"] == len(traffic)
    assert said["cannot_call"] == sum(sent.issued is suspended for sent in traffic)
    assert said["undecided"] == said["without_operation"] == said["not_redecided"] == 0
    assert said["unchanged"] == len(traffic) - said["cannot_call"] - sum(turned.values())


UNTOLD_OLD = (
    HEAD
    + """
  contacts:
    upstream: main
    routes:
      GET /contacts/{contactId}: contacts.readonly
      GET /versioned: contacts.readonly
      GET /narrowed: {scope: contacts.readonly, versions: ['1', '2']}
"""
)
UNTOLD_NEW = (
    HEAD
    + """
  contacts:
    upstream: main
    routes:
      GET /contacts/{contactId}: contacts.readonly
      GET /contacts/search: contacts.search
      GET /versioned: {scope: contacts.readonly, versions: ['2']}
      GET /narrowed: {scope: contacts.readonly, versions: ['2']}
      GET /added: contacts.readonly
"""
)


async def test_where_the_counters_cannot_tell_the_replay_stays_within_what_was_said(
    own_dsn: str, tmp_path: Path, upstream: RecordingUpstream
) -> None:
    database = await connect(own_dsn, pool_size=2)
    tenants = Tenants(database)
    callers = await tenants.issue_many([["contacts.readonly"], ["contacts.search"]])
    await database.close()
    asked = [
        ("/contacts/1", "GET /contacts/{contactId}", b"Accept: */*"),
        ("/contacts/search", "GET /contacts/{contactId}", b"Accept: */*"),
        ("/versioned", "GET /versioned", b"Version: 2"),
        ("/versioned", "GET /versioned", b"Version: 3"),
        ("/narrowed", "GET /narrowed", b"Version: 1"),
        ("/narrowed", "GET /narrowed", b"Version: 2"),
        ("/narrowed", "GET /narrowed", b"Version: 3"),
        ("/added", "", b"Accept: */*"),
    ]
    traffic = [
        Sent(issued, request("GET", path, field, token=issued.secret), operation)
        for issued in callers
        for path, operation, field in asked
        for _ in range(3)
    ]
    found = await compared(tmp_path, own_dsn, UNTOLD_OLD, UNTOLD_NEW, traffic, upstream.url)
    said = found.said["traffic"]
    most = {
        (row["integration_id"], row["operation"], row["outcome"], row["code"], row["scope"]): row["requests"]
        for row in said["changes"]
    }
    assert {row["condition"] for row in said["changes"]} == {"path", "version"}
    turned = found.turned()
    told = {key: count for key, count in turned.items() if key[1]}
    assert told
    assert all(0 < count <= most[key] for key, count in told.items())
    assert (said["newly_refused"], said["newly_passing"]) == (0, 0)
    assert said["undecided"] == sum(
        count
        for (integration, operation), count in Counter(
            (sent.issued.integration_id, sent.operation)
            for sent, was in zip(found.traffic, found.before, strict=True)
            if was.code is None or sent.operation == "GET /contacts/{contactId}"
        ).items()
        if any(key[:2] == (integration, operation) for key in most)
    )
    # What met no operation may meet one now, and that is all that is said of it.
    assert said["without_operation"] == 3 * len(callers)
    assert sum(count for key, count in turned.items() if not key[1]) == 3
