"""The ends of rotations, written into the audit once each. The deadline itself holds without this."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from gateway.storage.audit import Action, Actor, ActorKind, Subject, SubjectKind
from gateway.storage.database import Database, Reader
from gateway.storage.mutation import mutation

ACTOR: Final = Actor(kind=ActorKind.SYSTEM, id="deadline", name="End of a rotation")
# The row is locked before it is judged anew: of two nodes that find it, the second finds it noted.
_NOTE: Final = """
UPDATE tokens SET end_noted_at = clock_timestamp()
WHERE id = $1 AND ending = 'rotated' AND ends_at <= clock_timestamp() AND end_noted_at IS NULL
RETURNING hint, rotation_started_at, ends_at
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedRotation:
    """An old token past its deadline of which the audit does not know yet."""

    token_id: str
    integration_id: str
    account_id: str


async def unnoted(reader: Reader, limit: int = 100) -> list[EndedRotation]:
    """Rotations that have ended and are to be noted, in the order of their ends."""
    rows = await reader.fetch(
        "SELECT t.id AS token_id, i.id AS integration_id, i.account_id"
        " FROM tokens AS t JOIN integrations AS i ON i.id = t.integration_id"
        " WHERE t.ending = 'rotated' AND t.end_noted_at IS NULL AND t.ends_at <= now()"
        " ORDER BY t.ends_at LIMIT $1",
        limit,
    )
    return [EndedRotation(**dict(row)) for row in rows]


async def note(database: Database, ended: EndedRotation) -> bool:
    """Writes the audit row; False when it is written already."""
    async with mutation(database, actor=ACTOR) as change:
        rows = await change.fetch(_NOTE, ended.token_id)
        if not rows:
            return False
        (row,) = rows
        change.audit(
            Action.TOKEN_ROTATION_ENDED,
            Subject(kind=SubjectKind.INTEGRATION, id=ended.integration_id, account_id=ended.account_id),
            before={
                "state": "two",
                "old": {"id": ended.token_id, "hint": row["hint"], "ends_at": row["ends_at"]},
                "rotation_started_at": row["rotation_started_at"],
            },
            after={"state": "one"},
        )
        return True
