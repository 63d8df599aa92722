"""The shipped map through the running proxy: every operation opens with its own scope alone, and with no other.

The expectation is read from the map's file line by line, not through the reader that the gateway uses.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway.core.model import AccountKind
from gateway.storage.database import connect
from gateway.wiring.demo import at_sample_upstream
from gateway.wiring.routes import publishable
from tests.proxy.caller import Caller, request
from tests.proxy.recording import Arrival, Line
from tests.wiring.databases import Databases, run
from tests.wiring.rig import Gateway, Rig
from tests.wiring.tenants import Issued, Tenants

FILE = Path(__file__).parents[2] / "config" / "v2.routes.yaml"
CALLERS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation as the file has it. `kind` None: either; `scope` None: public."""

    method: str
    template: str
    scope: str | None
    kind: AccountKind | None

    @property
    def filled(self) -> str:
        """A path with a value in each parameter that tells them apart."""
        number = iter(range(1, 10))
        return re.sub(r"\{[^}]+\}", lambda _: f"id-{next(number)}.x~%3A@", self.template)

    @property
    def kinds(self) -> list[AccountKind]:
        return [self.kind] if self.kind else list(AccountKind)


def operations() -> list[Operation]:
    found = []
    for service in yaml.safe_load(FILE.read_text())["services"].values():
        for key, needs in service["routes"].items():
            entry = needs if isinstance(needs, dict) else {"scope": needs}
            method, template = key.split(" ")
            public = entry["scope"] == "public"
            account = entry.get("account", service.get("account", "any"))
            found.append(
                Operation(
                    method=method,
                    template=template,
                    scope=None if public else entry["scope"],
                    kind=None if public or account == "any" else AccountKind(account),
                )
            )
    return found


OPERATIONS = operations()
SCOPED = [operation for operation in OPERATIONS if operation.scope is not None]


@dataclass(frozen=True, slots=True)
class Keys:
    """For each scope and kind of account: a token with it alone, and one with every other."""

    dsn: str
    only: dict[tuple[AccountKind, str], Issued]
    but: dict[tuple[AccountKind, str], Issued]


@pytest.fixture(scope="module")
def keys(databases: Databases) -> Keys:
    scopes = sorted({operation.scope for operation in SCOPED if operation.scope is not None})

    async def make() -> Keys:
        dsn = await databases.create()
        database = await connect(dsn, pool_size=2)
        try:
            tenants = Tenants(database)
            keys = Keys(dsn, {}, {})
            for kind in AccountKind:
                used = [
                    scope for scope in scopes if any(kind in o.kinds and o.scope == scope for o in SCOPED)
                ]
                lists = [[scope] for scope in used] + [[s for s in scopes if s != scope] for scope in used]
                made = await tenants.issue_many(lists, kind=kind)
                keys.only.update(zip(((kind, scope) for scope in used), made[: len(used)], strict=True))
                keys.but.update(zip(((kind, scope) for scope in used), made[len(used) :], strict=True))
            return keys
        finally:
            await database.close()

    return run(make())


async def echo(arrival: Arrival, line: Line) -> None:
    """Answers with the request line as it came."""
    await line.read_body(arrival)
    content = arrival.head.partition(b"\r\n")[0]
    await line.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(content))
    if arrival.method != "HEAD":
        await line.send(content)


async def standing_gateway(rig: Rig, keys: Keys, **values: Any) -> Gateway:
    upstream = await rig.upstream(echo)
    route_map = at_sample_upstream(publishable(FILE)[0], upstream.url)
    return await rig.gateway(route_map, dsn=keys.dsn, **values)


async def spread(
    gateway: Gateway, work: list[tuple[Operation, Issued | None]]
) -> list[tuple[int, bytes, str | None]]:
    """Send one request for each, over a few kept connections; status, body and code in the same order."""
    answers: list[tuple[int, bytes, str | None]] = [(0, b"", None)] * len(work)
    queue = iter(enumerate(work))

    async def one(caller: Caller) -> None:
        for at, (operation, issued) in queue:
            token = None if issued is None else issued.secret
            answer = await caller.ask(request(operation.method, operation.filled, token=token))
            scope = answer.json["scope"] if answer.code == "scope_missing" else answer.code
            answers[at] = (answer.status, answer.body, scope)

    await asyncio.gather(*[one(await gateway.caller()) for _ in range(CALLERS)])
    return answers


def test_the_file_has_the_576_operations() -> None:
    assert len(OPERATIONS) == 576
    assert len(SCOPED) == 575


async def test_each_operation_arrives_with_its_own_scope_alone(rig: Rig, keys: Keys) -> None:
    gateway = await standing_gateway(rig, keys)
    work: list[tuple[Operation, Issued | None]] = [
        (operation, keys.only[kind, operation.scope] if operation.scope else None)
        for operation in OPERATIONS
        for kind in (operation.kinds if operation.scope else [AccountKind.AGENCY])
    ]
    answers = await spread(gateway, work)
    for (operation, _), (status, body, code) in zip(work, answers, strict=True):
        assert (status, code) == (200, None), f"{operation}: {body!r}"
        assert body == f"{operation.method} {operation.filled} HTTP/1.1".encode(), operation


async def test_each_operation_is_refused_with_every_scope_but_its_own(rig: Rig, keys: Keys) -> None:
    gateway = await standing_gateway(rig, keys)
    work: list[tuple[Operation, Issued | None]] = [
        (operation, keys.but[kind, operation.scope])
        for operation in SCOPED
        for kind in operation.kinds
        if operation.scope
    ]
    answers = await spread(gateway, work)
    for (operation, _), (status, _, scope) in zip(work, answers, strict=True):
        assert (status, scope) == (403, operation.scope), operation


async def test_each_operation_of_one_kind_of_account_is_closed_to_the_other(rig: Rig, keys: Keys) -> None:
    gateway = await standing_gateway(rig, keys)
    others = {
        kind: next(issued for (owner, _), issued in keys.but.items() if owner is not kind)
        for kind in AccountKind
    }
    work: list[tuple[Operation, Issued | None]] = [
        (operation, others[operation.kind]) for operation in SCOPED if operation.kind is not None
    ]
    answers = await spread(gateway, work)
    for (operation, _), (status, _, code) in zip(work, answers, strict=True):
        assert (status, code) == (403, "account_kind"), operation


async def test_no_operation_but_the_public_one_opens_without_a_token(rig: Rig, keys: Keys) -> None:
    gateway = await standing_gateway(rig, keys)
    answers = await spread(gateway, [(operation, None) for operation in SCOPED])
    assert {(status, code) for status, _, code in answers} == {(401, "token_missing")}


async def test_the_missing_scope_is_401_where_callers_expect_it(rig: Rig, keys: Keys) -> None:
    gateway = await standing_gateway(rig, keys, errors__scope_status=401)
    operation = SCOPED[0]
    issued = keys.but[operation.kinds[0], str(operation.scope)]
    ((status, _, scope),) = await spread(gateway, [(operation, issued)])
    assert (status, scope) == (401, operation.scope)
