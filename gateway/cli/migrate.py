"""`gateway migrate`: bring the database's schema to this version."""

from __future__ import annotations

import asyncio
import sys

from gateway.cli.context import ConfigOption, JsonOption, read_settings
from gateway.cli.output import note, print_json
from gateway.storage.database import connect, connect_alone
from gateway.storage.migrations import migrate as run_migrations
from gateway.wiring.store import database_address


def migrate(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Bring the database's schema to this version. `serve` does the same at its start."""
    settings = read_settings(config)
    with database_address(settings, join=True, log=lambda line: print(line, file=sys.stderr)) as dsn:
        applied = asyncio.run(_migrate(dsn))
    if as_json:
        print_json({"applied": applied})
    elif applied:
        for name in applied:
            print(f"applied {name}")
    else:
        note("the schema is up to date")


async def _migrate(dsn: str) -> list[str]:
    # The pool's connect has the words for a database that cannot be reached.
    await (await connect(dsn, pool_size=1)).close()
    connection = await connect_alone(dsn)
    try:
        return await run_migrations(connection, log=note)
    finally:
        await connection.close()
