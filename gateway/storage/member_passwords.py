"""Members' password hashes: set by an audited change that ends sessions, or renewed unseen for stronger parameters."""

from __future__ import annotations

from gateway.storage import members
from gateway.storage.audit import Action, Subject, SubjectKind
from gateway.storage.database import Database
from gateway.storage.members import Member
from gateway.storage.mutation import Mutation


async def set_password(
    change: Mutation,
    *,
    account_id: str,
    member_id: str,
    password_hash: str,
    keep_session: bytes | None = None,
) -> Member:
    """Sets a member's password and ends the sessions, except the one with the digest `keep_session`.

    Raises NotFound.
    """
    member = await members.get(change, account_id=account_id, member_id=member_id)
    await change.execute("UPDATE members SET password_hash = $2 WHERE id = $1", member_id, password_hash)
    await change.execute(
        "DELETE FROM sessions WHERE member_id = $1 AND id_hash IS DISTINCT FROM $2", member_id, keep_session
    )
    change.audit(
        Action.MEMBER_PASSWORD, Subject(kind=SubjectKind.MEMBER, id=member_id, account_id=account_id)
    )
    return member


async def renew_hash(database: Database, member_id: str, *, before: str, after: str) -> None:
    """Replaces the hash of an unchanged password; one that was changed meanwhile stays."""
    await database.fetch(
        "UPDATE members SET password_hash = $3 WHERE id = $1 AND password_hash = $2", member_id, before, after
    )
