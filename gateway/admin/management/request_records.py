"""The records of requests as they are read: an account's by whoever manages its integrations, all of them by operators."""

from __future__ import annotations

from dataclasses import asdict, replace

from gateway.admin.management.access import Right, enter, require_operator
from gateway.admin.management.principal import Principal
from gateway.admin.management.record_views import RequestRecordFound, RequestRecordList, RequestRecordView
from gateway.admin.management.refusals import Missing, translated
from gateway.admin.management.store import Store
from gateway.storage import integrations, request_records
from gateway.storage.errors import NotFound
from gateway.storage.request_records import Wanted


class RequestRecords:
    """Reads the records."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def list(
        self, principal: Principal, wanted: Wanted, *, limit: int, cursor: str | None = None
    ) -> RequestRecordList:
        """The requests of one account, newest first. Raises Missing for an integration that it does not have."""
        reading = self._store.reading
        assert wanted.account_id is not None
        await enter(reading, principal, wanted.account_id, Right.MANAGE_INTEGRATIONS)
        if wanted.integration_id is not None:
            with translated():
                await integrations.get(
                    reading, account_id=wanted.account_id, integration_id=wanted.integration_id
                )
            # All of its requests are the account's; one condition less leaves the store no choice of index.
            wanted = replace(wanted, account_id=None)
        return await self._search(wanted, limit, cursor)

    async def list_all(
        self, principal: Principal, wanted: Wanted, *, limit: int, cursor: str | None = None
    ) -> RequestRecordList:
        """Requests of whomever, newest first, for operators."""
        require_operator(principal)
        return await self._search(wanted, limit, cursor)

    async def get(
        self,
        principal: Principal,
        trace_id: str,
        *,
        account_id: str | None = None,
        integration_id: str | None = None,
    ) -> RequestRecordFound:
        """The newest request with this trace id: of one account, or for operators of whomever. Raises Missing."""
        if account_id is None:
            require_operator(principal)
        else:
            await enter(self._store.reading, principal, account_id, Right.MANAGE_INTEGRATIONS)
        found = await request_records.of_trace(
            self._store.reading, trace_id, account_id=account_id, integration_id=integration_id
        )
        if not found:
            raise Missing("request record") from NotFound("request record", trace_id)
        return RequestRecordFound(**asdict(found[0]), others=len(found) - 1)

    async def _search(self, wanted: Wanted, limit: int, cursor: str | None) -> RequestRecordList:
        with translated():
            page = await request_records.search(self._store.reading, wanted, limit=limit, cursor=cursor)
        return RequestRecordList(
            items=tuple(RequestRecordView(**asdict(item)) for item in page.items),
            next_cursor=page.next,
            searched_to=page.searched_to,
        )
