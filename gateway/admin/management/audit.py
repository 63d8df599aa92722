"""The audit as it is read: an account's by its admins, all of it by operators."""

from __future__ import annotations

from gateway.admin.management.access import Right, enter, require_operator
from gateway.admin.management.outcomes import AuditList
from gateway.admin.management.principal import Principal
from gateway.admin.management.refusals import translated
from gateway.admin.management.store import Store
from gateway.admin.management.views import ActorView, AuditView, SubjectView
from gateway.storage.audit import AuditEntry
from gateway.storage.audit_search import Wanted, search


def audit_view(entry: AuditEntry) -> AuditView:
    """A row as it is shown."""
    return AuditView(
        number=entry.number,
        revision=entry.revision,
        at=entry.at,
        account_id=entry.account_id,
        actor=ActorView(**entry.actor),
        action=entry.action,
        subject=SubjectView(kind=entry.subject_kind, id=entry.subject_id),
        before=None if entry.before is None else dict(entry.before),
        after=None if entry.after is None else dict(entry.after),
        address=entry.address,
        prev=entry.prev.hex(),
        hash=entry.hash.hex(),
    )


class Audit:
    """Reads the audit."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def list(
        self, principal: Principal, wanted: Wanted, *, limit: int, cursor: str | None = None
    ) -> AuditList:
        """The rows that are wanted, newest first: of one account, or of all where `wanted` names none."""
        reading = self._store.reading
        if wanted.account_id is None:
            require_operator(principal)
        else:
            await enter(reading, principal, wanted.account_id, Right.ADMINISTER)
        with translated():
            entries, following = await search(reading, wanted, limit=limit, cursor=cursor)
        return AuditList(items=tuple(map(audit_view, entries)), next_cursor=following)
