"""Measures the list of private integrations: how long its page and the API take over ten, a thousand, ten thousand.

`python -m tests.bench.listing` prints the medians and keeps them in build/bench-listing.json.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Final

import aiohttp

from gateway.admin.passwords import hash_password
from gateway.core.model import AccountKind
from gateway.storage import accounts, members
from gateway.storage.database import Database, connect
from gateway.storage.members import Role
from gateway.wiring.configuration import Configuration
from gateway.wiring.node import running_node
from tests.bench.machine import facts
from tests.wiring.databases import serving
from tests.wiring.rig import settings
from tests.wiring.standing import small_map
from tests.wiring.tenants import PEPPERS, Tenants

SIZES: Final = (10, 1000, 10_000)
ROUNDS: Final = 30
_OUT: Final = Path(__file__).parents[2] / "build" / "bench-listing.json"
_PASSWORD: Final = "correct horse battery"
# With a live token each, spread over time as they were made.
_FILL: Final = """
WITH made AS (
    INSERT INTO integrations (id, account_id, name, description, scopes, created_by, created_at)
    SELECT 'pi_' || lpad(n::text, 20, '0'), $1, 'App ' || n, 'Keeps orders and contacts of shop ' || n || ' in step.',
        '{contacts.readonly,contacts.write}', '{"kind": "operator", "id": "bench", "name": "bench"}',
        now() - n * interval '1 minute'
    FROM generate_series($2::int, $3::int) AS n RETURNING id
)
INSERT INTO tokens (id, integration_id, digest, hint)
SELECT 'tok_' || substr(id, 4), id, sha256(id::bytea), 'pit_abcd…wxyz' FROM made
"""


async def _tenant(database: Database) -> str:
    async with Tenants(database).change() as change:
        account = await accounts.create(change, name="Shop", kind=AccountKind.SUB_ACCOUNT)
        await members.create(
            change,
            account_id=account.id,
            email="robin@example.com",
            name="Robin",
            role=Role.ADMIN,
            password_hash=hash_password(_PASSWORD),
        )
    return account.id


async def _median_ms(session: aiohttp.ClientSession, url: str) -> float:
    taken = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        async with session.get(url) as response:
            content = await response.read()
        taken.append(time.perf_counter() - began)
        assert response.status == 200, content
    return round(median(taken) * 1000, 2)


async def _last_page(session: aiohttp.ClientSession, url: str) -> str:
    """The address of the oldest page."""
    cursor = found = None
    while True:
        query = {"limit": "200", **({} if cursor is None else {"cursor": cursor})}
        async with session.get(url, params=query) as response:
            page = await response.json()
        if page["next_cursor"] is None:
            return "" if found is None else f"?cursor={found}"
        found = cursor = page["next_cursor"]


async def measure(dsn: str, folder: Path, sizes: Sequence[int]) -> list[dict[str, object]]:
    """The medians, in milliseconds, for each number of integrations."""
    database = await connect(dsn, pool_size=5)
    rows: list[dict[str, object]] = []
    try:
        account = await _tenant(database)
        route_map = small_map(folder, main="http://127.0.0.1:8")
        configuration = Configuration(settings=settings(folder), route_map=route_map)
        async with running_node(configuration, database, PEPPERS) as node:
            base = f"http://127.0.0.1:{node.admin_port}"
            page, api = (
                f"{base}/settings/{account}/private-integrations",
                f"{base}/api/v1/accounts/{account}/integrations",
            )
            async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
                login = {"email": "robin@example.com", "password": _PASSWORD}
                async with session.post(f"{base}/api/v1/session", json=login) as response:
                    assert response.status == 201
                there = 0
                for size in sizes:
                    await database.fetch(_FILL, account, there + 1, size)
                    await database.fetch("ANALYZE integrations, tokens")
                    there = size
                    rows.append(
                        {
                            "integrations": size,
                            "page": await _median_ms(session, page),
                            "page, oldest": await _median_ms(session, page + await _last_page(session, api)),
                            "page, search finds all": await _median_ms(session, f"{page}?q=ORDERS+shop"),
                            "page, search finds one": await _median_ms(session, f"{page}?q=app+{size}"),
                            "page, search finds none": await _median_ms(session, f"{page}?q=no+such+thing"),
                            "api": await _median_ms(session, f"{api}?limit=25"),
                            "api, search finds none": await _median_ms(
                                session, f"{api}?limit=25&search=no+such"
                            ),
                        }
                    )
    finally:
        await database.close()
    return rows


def main() -> None:
    """Measure, print, keep."""
    with serving() as databases, tempfile.TemporaryDirectory(prefix="gateway-bench-") as folder:
        dsn = asyncio.run(databases.create())
        rows = asyncio.run(measure(dsn, Path(folder), SIZES))
    _OUT.parent.mkdir(exist_ok=True)
    _OUT.write_text(json.dumps({"machine": facts(), "rounds": ROUNDS, "median_ms": rows}, indent=2))
    for name in rows[0]:
        print(f"{name:26}", *(f"{row[name]:>9}" for row in rows))


if __name__ == "__main__":
    main()
