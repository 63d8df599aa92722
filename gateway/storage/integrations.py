"""Integrations: made, found, edited, suspended, resumed and deleted. What their tokens do is in `tokens`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, Final, TypedDict, Unpack

import asyncpg

from gateway.core.model import Ending
from gateway.storage import integration_state, paging, tokens
from gateway.storage.audit import Action, Subject, SubjectKind, difference
from gateway.storage.database import Reader
from gateway.storage.errors import NotFound
from gateway.storage.identifiers import Prefix, fresh
from gateway.storage.integration_state import Integration, from_rows, get
from gateway.storage.mutation import Mutation
from gateway.storage.paging import Page
from gateway.storage.tokens import NewToken

__all__ = [
    "IntegrationEdit",
    "account_of",
    "create",
    "delete",
    "edit",
    "get",
    "list_page",
    "resume",
    "suspend",
]

_OF_ACCOUNT: Final = "account_id = $1 AND ($5 OR deleted_at IS NULL) AND (created_at, id) < ($2, $3)"
_NEWEST: Final = "ORDER BY created_at DESC, id DESC LIMIT $4"
_PAGE: Final = integration_state.SELECT.format(where=f"{_OF_ACCOUNT} {_NEWEST}")
# Each word is somewhere in it. No pattern, in which a `%` would mean something; no index either: an account has so few
# integrations that reading all of them takes milliseconds.
_SEARCH: Final = integration_state.SELECT.format(
    where=f"{_OF_ACCOUNT} AND NOT EXISTS (SELECT FROM unnest($6::text[]) AS word"
    f" WHERE strpos(lower(concat_ws(E'\\n', name, description, id)), lower(word)) = 0) {_NEWEST}"
)


class IntegrationEdit(TypedDict, total=False):
    """What is to be changed; what is not named stays."""

    name: str
    description: str
    scopes: Iterable[str]


def _subject(account_id: str, integration_id: str) -> Subject:
    return Subject(kind=SubjectKind.INTEGRATION, id=integration_id, account_id=account_id)


def _settings(integration: Integration) -> dict[str, Any]:
    return {
        "name": integration.name,
        "description": integration.description,
        "scopes": list(integration.scopes),
    }


def _sorted(scopes: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(scopes)))


async def create(
    change: Mutation,
    *,
    account_id: str,
    name: str,
    description: str,
    scopes: Iterable[str],
    token: NewToken | None = None,
) -> Integration:
    """A new integration, with its first token if one is given. Raises NotFound without the account."""
    integration_id = fresh(Prefix.INTEGRATION)
    try:
        (row,) = await change.fetch(
            "INSERT INTO integrations (id, account_id, name, description, scopes, created_by)"
            " VALUES ($1, $2, $3, $4, $5, $6) RETURNING created_at",
            integration_id,
            account_id,
            name,
            description,
            _sorted(scopes),
            change.actor.as_json(),
        )
    except asyncpg.ForeignKeyViolationError as error:
        raise NotFound("account", account_id) from error
    if token is not None:
        await tokens.insert(change, integration_id=integration_id, token=token, at=row["created_at"])
    change.touch_integration(integration_id)
    integration = await get(change, account_id=account_id, integration_id=integration_id)
    change.audit(
        Action.INTEGRATION_CREATE,
        _subject(account_id, integration_id),
        after={**_settings(integration), **integration.tokens_as_json()},
    )
    return integration


async def account_of(reader: Reader, integration_id: str) -> str:
    """The account an integration belongs to, for operators, who may name it alone. Raises NotFound."""
    rows = await reader.fetch("SELECT account_id FROM integrations WHERE id = $1", integration_id)
    if not rows:
        raise NotFound("integration", integration_id)
    account_id: str = rows[0]["account_id"]
    return account_id


async def list_page(
    reader: Reader,
    *,
    account_id: str,
    limit: int,
    cursor: str | None = None,
    with_deleted: bool = False,
    words: Sequence[str] = (),
) -> Page[Integration]:
    """The integrations of an account, newest first: those that have all the words in name, description or id."""
    arguments = (account_id, *paging.decode(cursor), limit + 1, with_deleted)
    if words:
        rows = await reader.fetch(_SEARCH, *arguments, list(words))
    else:
        rows = await reader.fetch(_PAGE, *arguments)
    return paging.page(from_rows(rows), limit)


async def edit(
    change: Mutation,
    *,
    account_id: str,
    integration_id: str,
    expected_version: int | None = None,
    **fields: Unpack[IntegrationEdit],
) -> Integration:
    """Changes what is named, and no token; an edit that changes nothing leaves no trace.

    Raises NotFound; Conflict when it is deleted, or has another version than the expected one.
    """
    before = await integration_state.lock(
        change, account_id=account_id, integration_id=integration_id, expected_version=expected_version
    )
    after = replace(
        before,
        name=fields.get("name", before.name),
        description=fields.get("description", before.description),
        scopes=_sorted(fields.get("scopes", before.scopes)),
    )
    changed = difference(_settings(before), _settings(after))
    if changed is None:
        return before
    await change.execute(
        "UPDATE integrations SET name = $2, description = $3, scopes = $4 WHERE id = $1",
        integration_id,
        after.name,
        after.description,
        after.scopes,
    )
    await integration_state.touch(change, integration_id)
    change.audit(
        Action.INTEGRATION_EDIT, _subject(account_id, integration_id), before=changed[0], after=changed[1]
    )
    return await get(change, account_id=account_id, integration_id=integration_id)


async def _set_suspended(
    change: Mutation, *, account_id: str, integration_id: str, suspended: bool, expected_version: int | None
) -> Integration:
    before = await integration_state.lock(
        change, account_id=account_id, integration_id=integration_id, expected_version=expected_version
    )
    if (before.suspended_at is not None) == suspended:
        return before
    await change.execute(
        "UPDATE integrations SET suspended_at = CASE WHEN $2 THEN clock_timestamp() END WHERE id = $1",
        integration_id,
        suspended,
    )
    await integration_state.touch(change, integration_id)
    change.audit(
        Action.INTEGRATION_SUSPEND if suspended else Action.INTEGRATION_RESUME,
        _subject(account_id, integration_id),
        before={"suspended": not suspended},
        after={"suspended": suspended},
    )
    return await get(change, account_id=account_id, integration_id=integration_id)


async def suspend(
    change: Mutation, *, account_id: str, integration_id: str, expected_version: int | None = None
) -> Integration:
    """Refuses its tokens until it is resumed; already suspended, it stays so. Raises NotFound, Conflict."""
    return await _set_suspended(
        change,
        account_id=account_id,
        integration_id=integration_id,
        suspended=True,
        expected_version=expected_version,
    )


async def resume(
    change: Mutation, *, account_id: str, integration_id: str, expected_version: int | None = None
) -> Integration:
    """Lets its tokens work again; not suspended, it stays so. Raises NotFound, Conflict."""
    return await _set_suspended(
        change,
        account_id=account_id,
        integration_id=integration_id,
        suspended=False,
        expected_version=expected_version,
    )


async def delete(
    change: Mutation, *, account_id: str, integration_id: str, expected_version: int | None = None
) -> Integration:
    """Kills all tokens at once and leaves a tombstone. Raises NotFound; Conflict when it is deleted already."""
    before = await integration_state.lock(
        change, account_id=account_id, integration_id=integration_id, expected_version=expected_version
    )
    await change.execute(
        "UPDATE tokens SET ends_at = $2, ending = $3"
        " WHERE integration_id = $1 AND (ends_at IS NULL OR ends_at > $2)",
        integration_id,
        before.judged_at,
        Ending.REVOKED.value,
    )
    await change.execute(
        "UPDATE integrations SET deleted_at = $2 WHERE id = $1", integration_id, before.judged_at
    )
    await integration_state.touch(change, integration_id)
    after = await get(change, account_id=account_id, integration_id=integration_id)
    change.audit(
        Action.INTEGRATION_DELETE,
        _subject(account_id, integration_id),
        before={**_settings(before), **before.tokens_as_json()},
        after=after.tokens_as_json(),
    )
    return after
