"""Where the database is: the one that `database.url` names, or an embedded PostgreSQL in `data_dir`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Final

from gateway.settings.model import Settings
from gateway.storage.database import Database, connect, connect_alone
from gateway.storage.migrations import migrate, schema_state

# What the embedded server is started with (`storage.embedded.cluster`, which is not imported where it is not used).
EMBEDDED_CONNECTIONS: Final = 60


@contextmanager
def database_address(settings: Settings, *, join: bool, log: Callable[[str], None]) -> Iterator[str]:
    """The address of a running database, for as long as the block lasts.

    `join`: where another gateway runs an embedded server on this `data_dir`, use that one, instead of refusing to
    share it. Enter before any event loop or thread exists. Raises EmbeddedError.
    """
    if settings.database.url is not None:
        yield settings.database.url.get_secret_value()
        return
    # With an external database nothing embedded is even imported.
    from gateway.storage.embedded import EmbeddedPostgres, running_dsn  # noqa: PLC0415

    joined = running_dsn(settings.data_dir) if join else None
    if joined is not None:
        yield joined
        return
    server = EmbeddedPostgres(data_dir=settings.data_dir, log=log)
    try:
        yield server.start()
    finally:
        server.stop()


def is_there(settings: Settings) -> bool:
    """Whether a database can be joined: one is named, or a gateway runs here with an embedded one."""
    if settings.database.url is not None:
        return True
    try:
        from gateway.storage.embedded import running_dsn  # noqa: PLC0415
    except ImportError:
        return False
    return running_dsn(settings.data_dir) is not None


@asynccontextmanager
async def opened(
    dsn: str, *, pool_size: int, log: Callable[[str], None] | None = None
) -> AsyncIterator[Database]:
    """The database, its schema brought to this version; `log` is told where it must wait. Raises StorageError."""
    database = await connect(dsn, pool_size=pool_size)
    try:
        connection = await connect_alone(dsn)
        try:
            # A role that may not change the schema can serve one that is up to date.
            if (await schema_state(connection)).pending:
                await migrate(connection, log=log)
        finally:
            await connection.close()
        yield database
    finally:
        await database.close()
