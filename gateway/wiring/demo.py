"""What `gateway demo` finds or makes: an account with its admin, an integration with its token, an admin key.

The secrets of the demo are kept in `data_dir/demo.json` (0600), so that the line printed today works tomorrow. Nothing
else in the gateway keeps a secret, and `gateway serve` knows nothing of the file.
"""

from __future__ import annotations

import asyncio
import os
import secrets
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

import orjson

from gateway.admin.passwords import hash_password
from gateway.core.model import Access, AccountKind, Route, RouteMap
from gateway.core.routes import is_parameter, split
from gateway.core.scopes import offered
from gateway.core.tokens import Digester
from gateway.storage import accounts, admin_keys, integrations, members
from gateway.storage.audit import Actor, ActorKind
from gateway.storage.database import Database
from gateway.storage.errors import Conflict, NotFound
from gateway.storage.lookup import Lookup
from gateway.storage.members import Role
from gateway.storage.mutation import mutation
from gateway.wiring.credentials import new_admin_key, new_token

_ACTOR: Final = Actor(kind=ActorKind.OPERATOR, id="demo", name="gateway demo")
_SAMPLE_ID: Final = "ocQHyuzHvysMo5N5VsXc"


@dataclass(frozen=True, slots=True, kw_only=True)
class Demo:
    """The credentials of the demo. The repr shows none of them."""

    account_id: str
    integration_id: str
    token: str
    admin_key: str
    email: str
    password: str

    def __repr__(self) -> str:
        return f"Demo({self.account_id}, {self.integration_id})"


async def prepare_demo(
    database: Database, *, folder: Path, route_map: RouteMap, digester: Digester, token_prefix: str
) -> Demo:
    """The demo's objects, made at the first start. The integration holds every scope a sub-account may have."""
    path = folder / "demo.json"
    scopes = sorted(offered(route_map, AccountKind.SUB_ACCOUNT))
    kept = _read(path)
    if kept is not None and await _still_works(database, kept, digester):
        async with mutation(database, actor=_ACTOR) as change:
            await integrations.edit(
                change, account_id=kept.account_id, integration_id=kept.integration_id, scopes=scopes
            )
        return kept
    demo = await _make(database, scopes, digester, token_prefix)
    _write(path, demo)
    return demo


def sample_call(route_map: RouteMap) -> str:
    """A path that the demo's token may GET: a route that needs a scope, with as few parameters as there are."""

    def fitness(route: Route) -> tuple[bool, bool, int, str]:
        parameters = sum(is_parameter(segment) for segment in split(route.template))
        return (
            route.access is Access.PUBLIC,
            route.service != "contacts",
            abs(parameters - 1),
            route.template,
        )

    gets = [
        route
        for route in route_map.routes
        if route.method == "GET"
        and route.access is not Access.DENY
        and route.account in (None, AccountKind.SUB_ACCOUNT)
        and not route.websocket
    ]
    if not gets:
        return "/"
    template = min(gets, key=fitness).template
    return (
        "/"
        + "/".join(_SAMPLE_ID if is_parameter(segment) else segment for segment in split(template))
        + ("/" if template.endswith("/") and template != "/" else "")
    )


async def _still_works(database: Database, demo: Demo, digester: Digester) -> bool:
    loaded = await Lookup(database).load([digester.candidates(demo.token.encode("ascii"))])
    record = loaded.records[0]
    if record is None or record.ends_at is not None or record.caller.integration_id != demo.integration_id:
        return False
    try:
        await accounts.get(database, demo.account_id)
        integration = await integrations.get(
            database, account_id=demo.account_id, integration_id=demo.integration_id
        )
    except NotFound:
        return False
    key = await admin_keys.find_live(database, digester.candidates(demo.admin_key.encode("ascii")))
    return integration.deleted_at is None and key is not None


async def _make(database: Database, scopes: list[str], digester: Digester, token_prefix: str) -> Demo:
    secret, token = new_token(token_prefix, digester)
    admin_key, key_digest, key_hint = new_admin_key(digester)
    password = secrets.token_urlsafe(12)
    password_hash = await asyncio.to_thread(hash_password, password)
    async with mutation(database, actor=_ACTOR) as change:
        agency = await accounts.create(change, name="Northwind Agency", kind=AccountKind.AGENCY)
        account = await accounts.create(
            change, name="Bluebird Dental", kind=AccountKind.SUB_ACCOUNT, parent_id=agency.id
        )
        integration = await integrations.create(
            change,
            account_id=account.id,
            name="Demo integration",
            description="Made by gateway demo: every scope that a sub-account may have.",
            scopes=scopes,
            token=token,
        )
        await admin_keys.create(change, name="Demo operator", digest=key_digest, hint=key_hint)
    email = await _add_member(database, account.id, password_hash)
    return Demo(
        account_id=account.id,
        integration_id=integration.id,
        token=secret,
        admin_key=admin_key,
        email=email,
        password=password,
    )


async def _add_member(database: Database, account_id: str, password_hash: str) -> str:
    """The first free address: an earlier demo on the same database may have taken one."""
    for number in range(1, 1000):
        email = f"admin{number if number > 1 else ''}@example.com"
        try:
            async with mutation(database, actor=_ACTOR) as change:
                await members.create(
                    change,
                    account_id=account_id,
                    email=email,
                    name="Robin Admin",
                    role=Role.ADMIN,
                    password_hash=password_hash,
                )
        except Conflict:
            continue
        return email
    raise RuntimeError("no free e-mail address for the demo's admin")


def _read(path: Path) -> Demo | None:
    try:
        return Demo(**orjson.loads(path.read_bytes()))
    except (OSError, ValueError, TypeError):
        return None


def _write(path: Path, demo: Demo) -> None:
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(orjson.dumps(asdict(demo)))
    draft.replace(path)


def at_sample_upstream(route_map: RouteMap, url: str) -> RouteMap:
    """The map with every upstream served by the sample upstream."""
    upstreams = {name: replace(upstream, urls=(url,)) for name, upstream in route_map.upstreams.items()}
    return replace(route_map, upstreams=upstreams)
