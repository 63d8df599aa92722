"""From settings and a database to the services that the API, the pages and the commands manage with."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from gateway.admin.management.accounts import Accounts
from gateway.admin.management.admin_keys import AdminKeys
from gateway.admin.management.audit import Audit
from gateway.admin.management.explain import Explain
from gateway.admin.management.hashing import PasswordHashing
from gateway.admin.management.integrations import Integrations
from gateway.admin.management.map_changes import MapChanges
from gateway.admin.management.maps import MapKeeper, Maps
from gateway.admin.management.members import Members
from gateway.admin.management.minting import Mint
from gateway.admin.management.nodes import Nodes
from gateway.admin.management.operator_sessions import OperatorSessions
from gateway.admin.management.request_records import RequestRecords
from gateway.admin.management.scopes import Scopes
from gateway.admin.management.services import Management
from gateway.admin.management.sessions import Sessions
from gateway.admin.management.store import Store
from gateway.admin.management.suggestions import Suggestions
from gateway.admin.management.terms import Terms
from gateway.admin.management.tokens import Tokens
from gateway.admin.management.usage import Usage
from gateway.core.model import RouteMap
from gateway.core.tokens import Digester
from gateway.settings.model import Settings
from gateway.storage.database import Database
from gateway.storage.lookup import Lookup
from gateway.wiring.bench import bench_of
from gateway.wiring.credentials import new_admin_key, new_token


def terms(settings: Settings) -> Terms:
    """What of the settings management and pages go by, as it is now."""
    rotation = settings.rotation
    return Terms(
        rotation_window=timedelta(seconds=rotation.window),
        longest_window=timedelta(seconds=rotation.max_window),
        remind_after=timedelta(seconds=rotation.remind_after),
        trusted_proxies=settings.proxy.trusted_proxies,
    )


def management(
    live_settings: Callable[[], Settings],
    database: Database,
    digester: Digester,
    *,
    live_map: Callable[[], RouteMap],
    keeper: MapKeeper | None = None,
) -> Management:
    """The services. `live_settings` and `live_map` are asked at each call for what is in force.

    `keeper` keeps the map of the node that the services belong to, where they belong to one.
    """
    settings = live_settings()  # of these, what changes only with a restart

    def now() -> datetime:
        return datetime.now(UTC)

    store = Store(database, turns=max(1, settings.database.pool_size // 2))
    mint = Mint(
        new_token=lambda: new_token(settings.tokens.prefix, digester),
        new_admin_key=lambda: new_admin_key(digester),
    )
    hashing = PasswordHashing()
    scopes = Scopes(live_map)
    admin_keys = AdminKeys(store, mint=mint, digester=digester, now=now)

    bench = bench_of(live_settings, in_force=live_map)

    def live_terms() -> Terms:
        return terms(live_settings())

    bench = bench_of(live_settings, in_force=live_map)
    return Management(
        accounts=Accounts(store),
        members=Members(store, hashing),
        scopes=scopes,
        integrations=Integrations(store, scopes=scopes, mint=mint, terms=live_terms),
        tokens=Tokens(store, mint=mint, terms=live_terms),
        admin_keys=admin_keys,
        sessions=Sessions(store, hashing, monotonic=time.monotonic),
        operator_sessions=OperatorSessions(store, admin_keys, monotonic=time.monotonic),
        audit=Audit(store),
        nodes=Nodes(store, monotonic=time.monotonic),
        usage=Usage(store, live_map=live_map, now=now),
        suggestions=Suggestions(store, live_map=live_map, read_map=bench.read_map, now=now),
        maps=Maps(store, keeper),
        request_records=RequestRecords(store),
        explain=Explain(
            database,
            lookup=Lookup(database),
            digester=digester,
            bench=bench,
        ),
        map_changes=MapChanges(store, live_map=live_map, read_map=bench.read_map),
    )
