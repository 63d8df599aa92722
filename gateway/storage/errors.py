"""What can go wrong with the store, in the gateway's own words: refusals, and failures of the database.

The driver's exceptions are translated here and go no further.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import Final

import asyncpg
from asyncpg.exceptions import (
    InternalClientError,
    InvalidCachedStatementError,
)


class StorageError(Exception):
    """Anything the store answers in place of a result."""


class StoreUnavailable(StorageError):
    """The database cannot be asked now; the same call may succeed later.

    Raised by a commit it means that the outcome is unknown: the change may have been made.
    """


class SchemaError(StorageError):
    """The schema in the database and the migrations of this version do not belong together."""


class SchemaTooNew(SchemaError):
    """The database was migrated by a newer version."""


class NotFound(StorageError):
    """There is no such object, or it belongs to another account."""

    def __init__(self, kind: str, identifier: str) -> None:
        super().__init__(f"there is no {kind} {identifier!r}")
        self.kind = kind
        self.identifier = identifier


class ConflictReason(StrEnum):
    """Why a change does not fit what is stored."""

    STATE = "state"
    DELETED = "deleted"
    VERSION = "version"
    EMAIL_TAKEN = "email_taken"
    PARENT = "parent"


class Conflict(StorageError):
    """The change does not fit what is stored; nothing was changed."""

    def __init__(self, reason: ConflictReason, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class Invalid(StorageError):
    """A value that the schema does not take: too long, empty, or not text that PostgreSQL can hold."""


_AWAY: Final = (
    OSError,  # refused, reset, unresolved; TimeoutError is one
    asyncpg.PostgresConnectionError,
    asyncpg.InsufficientResourcesError,  # too many connections, disk full
    asyncpg.OperatorInterventionError,  # shutdown, starting up, statement timeout
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.ReadOnlySQLTransactionError,  # failed over to a standby
    asyncpg.LockNotAvailableError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.TransactionRollbackError,  # deadlock, serialization
    InternalClientError,
)
# Not reachable through a mistake of ours once the schema is the right one: also during an upgrade a token that cannot
# be checked is "unavailable", never an internal error.
_NOT_READY: Final = (
    asyncpg.UndefinedTableError,
    asyncpg.UndefinedColumnError,
    asyncpg.InsufficientPrivilegeError,
    InvalidCachedStatementError,
)
_INVALID: Final = (asyncpg.CheckViolationError, asyncpg.DataError)


def one_line(error: BaseException) -> str:
    """The first line of what the driver said, or its type where it said nothing."""
    text = str(error).strip()
    return text.splitlines()[0] if text else type(error).__name__


@contextmanager
def translated() -> Iterator[None]:
    """Turns the driver's exceptions into the store's; constraints that a repository knows are caught before."""
    try:
        yield
    except _AWAY as error:
        raise StoreUnavailable(f"the database is away: {one_line(error)}") from error
    except _NOT_READY as error:
        raise StoreUnavailable(f"the database is not ready for this version: {one_line(error)}") from error
    except _INVALID as error:
        raise Invalid(one_line(error)) from error
    except asyncpg.InterfaceError as error:
        # Arguments that do not encode are ValueErrors as well; the others say that a connection or the pool is closed.
        if isinstance(error, ValueError):
            raise Invalid(one_line(error)) from error
        raise StoreUnavailable(f"the database is away: {one_line(error)}") from error
