"""The management API on a loopback socket, with a real database of the test's own, and short ways to call it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from gateway.admin.api.application import MAX_LINE_BYTES, ApiRules, management_api
from gateway.admin.api.table import BASE
from gateway.admin.management.maps import MapInForce
from gateway.admin.management.principal import Operator
from gateway.admin.management.services import Management
from gateway.core.model import AccountKind, Problem
from gateway.core.tokens import Digester
from gateway.settings.errors import ConfigurationError
from gateway.storage import accounts, admin_keys, maps, members
from gateway.storage.accounts import Account
from gateway.storage.audit import Actor, ActorKind
from gateway.storage.database import Database, connect
from gateway.storage.maps import MapCounts, Publication
from gateway.storage.members import Member, Role
from gateway.storage.mutation import mutation
from gateway.wiring.credentials import new_admin_key
from gateway.wiring.management import management
from tests.wiring.rig import settings
from tests.wiring.standing import small_map
from tests.wiring.tenants import PEPPERS

DIGESTER = Digester(PEPPERS.current, PEPPERS.retired)
TESTER = Actor(kind=ActorKind.OPERATOR, id="tester", name="a test")
PASSWORD = "correct horse battery"


@dataclass(frozen=True)
class Reply:
    """An answer, read whole."""

    status: int
    headers: Any
    content: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.content)

    @property
    def code(self) -> str:
        """The `code` of a problem."""
        assert self.headers["Content-Type"] == "application/problem+json", (self.status, self.content)
        assert self.json["status"] == self.status
        assert set(self.json) >= {"title", "detail", "code"}
        code: str = self.json["code"]
        return code

    def told(self) -> tuple[int, str]:
        """The status and the code of a problem."""
        return self.status, self.code


@dataclass
class Client:
    """Somebody who calls: with an admin key, with a session, or with nothing."""

    url: str
    session: aiohttp.ClientSession
    headers: dict[str, str] = field(default_factory=dict)
    cookie: str | None = None
    csrf: str | None = None
    secrets: list[str] = field(default_factory=list)

    async def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        data: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> Reply:
        sent = dict(self.headers)
        if self.cookie is not None:
            sent["Cookie"] = self.cookie
        if self.csrf is not None:
            sent["X-CSRF-Token"] = self.csrf
        content = data
        if body is not None:
            content = json.dumps(body).encode()
        if content is not None:
            sent["Content-Type"] = "application/json"
        sent |= headers or {}
        async with self.session.request(method, self.url + path, data=content, headers=sent) as response:
            reply = Reply(response.status, response.headers, await response.read())
        assert response.headers["Cache-Control"] == "no-store"
        self._note(reply)
        return reply

    def _note(self, reply: Reply) -> None:
        """Keeps every secret that was answered: the database is searched for them."""
        if reply.headers.get("Content-Type", "").startswith("application/json"):
            shown = reply.json
            if isinstance(shown, dict):
                found = [
                    shown.get("secret"),
                    (shown.get("token") or {}).get("secret"),
                    shown.get("csrf_token"),
                ]
                self.secrets += [secret for secret in found if secret]

    async def get(self, path: str, **headers: str) -> Reply:
        return await self.call("GET", path, headers=headers)

    async def post(self, path: str, body: object = None) -> Reply:
        return await self.call("POST", path, body)

    async def patch(self, path: str, body: object, **headers: str) -> Reply:
        return await self.call(
            "PATCH", path, body, headers={k.replace("_", "-"): v for k, v in headers.items()}
        )

    async def delete(self, path: str) -> Reply:
        return await self.call("DELETE", path)


class Console:
    """The API and whoever calls it."""

    def __init__(
        self, database: Database, services: Management, url: str, session: aiohttp.ClientSession
    ) -> None:
        self.database = database
        self.services = services
        self.url = url
        self._session = session
        self._clients: list[Client] = []
        self.failures: list[tuple[str, BaseException]] = []
        self.keeper: StandInKeeper | None = None

    @property
    def secrets(self) -> list[str]:
        return [secret for client in self._clients for secret in client.secrets]

    def client(self, **headers: str) -> Client:
        client = Client(self.url, self._session, headers)
        self._clients.append(client)
        return client

    def holding(self, secret: str) -> Client:
        client = self.client(Authorization=f"Bearer {secret}")
        client.secrets.append(secret)
        return client

    async def operator(self, account_id: str | None = None) -> Client:
        """Somebody with an admin key."""
        secret, digest, hint = new_admin_key(DIGESTER)
        async with mutation(self.database, actor=TESTER) as change:
            await admin_keys.create(change, name="Op", digest=digest, hint=hint, account_id=account_id)
        return self.holding(secret)

    async def account(
        self,
        kind: AccountKind = AccountKind.SUB_ACCOUNT,
        *,
        parent: Account | None = None,
        labs: bool = True,
    ) -> Account:
        async with mutation(self.database, actor=TESTER) as change:
            made = await accounts.create(
                change, name="Shop", kind=kind, parent_id=parent.id if parent else None
            )
            return await accounts.edit(change, made.id, labs_private_integrations=labs)

    async def member(
        self, account: Account, role: Role = Role.ADMIN, permission: bool | None = None, email: str = ""
    ) -> Member:
        password_hash = await self.services.members._hashing.hash(PASSWORD)
        async with mutation(self.database, actor=TESTER) as change:
            (row,) = await change.fetch("SELECT count(*) AS n FROM members")
            made = await members.create(
                change,
                account_id=account.id,
                email=email or f"robin{row['n']}@example.com",
                name="Robin",
                role=role,
                password_hash=password_hash,
            )
            return await members.edit(
                change, account_id=account.id, member_id=made.id, private_integrations=permission
            )

    async def logged_in(self, member: Member, password: str = PASSWORD) -> Client:
        """The member's browser after the login."""
        client = self.client()
        reply = await client.post("/session", {"email": member.email, "password": password})
        assert reply.status == 201, reply.content
        client.cookie = reply.headers["Set-Cookie"].partition(";")[0]
        client.csrf = reply.json["csrf_token"]
        client.secrets.append(client.cookie.partition("=")[2])
        return client

    async def person(
        self, account: Account, role: Role = Role.ADMIN, permission: bool | None = None
    ) -> Client:
        return await self.logged_in(await self.member(account, role, permission))

    async def dump(self) -> str:
        """Every row of every table, as text, and bytes in hexadecimal."""
        tables = await self.database.fetch(
            "SELECT tablename FROM pg_tables WHERE schemaname = current_schema() ORDER BY 1"
        )
        rows: list[str] = []
        for table in tables:
            found = await self.database.fetch(f"SELECT t::text AS row FROM {table['tablename']} AS t")
            rows += [row["row"] for row in found]
        return "\n".join(rows)


NEW = {"name": "Sync", "description": "Keeps contacts", "scopes": ["contacts.readonly"]}


class StandInKeeper:
    """A node's map, reloaded as the test says: to another version, or refused for `problems`."""

    def __init__(self) -> None:
        self.version = "a" * 64
        self.problems: tuple[Problem, ...] = ()
        self.asked_by: list[Operator] = []

    def in_force(self) -> MapInForce:
        return MapInForce(
            node="node-1",
            version=self.version,
            source="/etc/gateway/routes.yaml",
            loaded_at=datetime(2026, 1, 31, 12, tzinfo=UTC),
            counts=MapCounts(routes=3, services=2, scopes=4, upstreams=1),
            problems=self.problems,
            needs_restart=("proxy.listen",),
        )

    async def reload(self, by: Operator) -> MapInForce:
        self.asked_by.append(by)
        if self.problems:
            raise ConfigurationError(self.problems)
        return self.in_force()


async def published(console: Console, text: str = "a map", *, note: str = "") -> str:
    """A map in the history; its version."""
    version = hashlib.sha256(text.encode()).hexdigest()
    new = Publication(
        version=version,
        text=text,
        node="node-1",
        source="/etc/gateway/routes.yaml",
        note=note,
        counts=MapCounts(routes=3, services=2, scopes=4, upstreams=1),
    )
    async with mutation(console.database, actor=TESTER) as change:
        await maps.publish(change, new)
    return version


@pytest.fixture
async def console(own_dsn: str, tmp_path: Path) -> AsyncIterator[Console]:
    async with AsyncExitStack() as stack:
        database = await connect(own_dsn, pool_size=10, statement_timeout_seconds=60.0)
        stack.push_async_callback(database.close)
        route_map = small_map(tmp_path, main="http://127.0.0.1:8")
        chosen = settings(tmp_path, proxy__trusted_proxies=["127.0.0.1"])
        keeper = StandInKeeper()
        services = management(lambda: chosen, database, DIGESTER, live_map=lambda: route_map, keeper=keeper)
        failures: list[tuple[str, BaseException]] = []
        app = web.Application()
        app.add_subapp(
            BASE,
            management_api(
                ApiRules(
                    management=services,
                    trusted_proxies=lambda: chosen.proxy.trusted_proxies,
                    version="1",
                    report=lambda where, error: failures.append((where, error)),
                )
            ),
        )
        runner = web.AppRunner(app, access_log=None, max_line_size=MAX_LINE_BYTES)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        session = await stack.enter_async_context(
            aiohttp.ClientSession(
                cookie_jar=aiohttp.DummyCookieJar(), connector=aiohttp.TCPConnector(limit=250)
            )
        )
        made = Console(database, services, f"http://127.0.0.1:{runner.addresses[0][1]}{BASE}", session)
        made.failures = failures
        made.keeper = keeper
        yield made
        assert failures == [] or getattr(made, "failures_expected", False), failures


@pytest.fixture
async def operator(console: Console) -> Client:
    return await console.operator()


@pytest.fixture
def by_operator() -> Operator:
    return Operator(actor=TESTER)
