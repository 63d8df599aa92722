"""The nodes, and the receipt of a change: which of them have applied its revision."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from datetime import timedelta
from typing import Final

from gateway.admin.management.access import require_operator
from gateway.admin.management.outcomes import NodeList
from gateway.admin.management.principal import Principal
from gateway.admin.management.store import Store, newest_revision
from gateway.admin.management.views import NodeView
from gateway.storage.errors import StorageError
from gateway.storage.nodes import Applied, applied, list_nodes

# Nodes say that they are there once a second; who was silent for longer serves nothing anybody should wait for.
ALIVE_WITHIN: Final = timedelta(seconds=5)
_FIRST_PAUSE_SECONDS: Final = 0.005
_LONGEST_PAUSE_SECONDS: Final = 0.05


class Nodes:
    """Asks the store about the nodes. `monotonic` is in seconds."""

    def __init__(self, store: Store, *, monotonic: Callable[[], float]) -> None:
        self._store = store
        self._monotonic = monotonic

    async def list(self, principal: Principal) -> NodeList:
        """Every node that was heard from lately."""
        require_operator(principal)
        heard = await list_nodes(self._store.reading, alive_within=ALIVE_WITHIN)
        return NodeList(items=tuple(NodeView(**asdict(node)) for node in heard), next_cursor=None)

    async def newest_revision(self, principal: Principal) -> int:
        """What the nodes are to apply."""
        require_operator(principal)
        return await newest_revision(self._store.reading)

    async def receipt(self, revision: int, *, wait_seconds: float) -> Applied | None:
        """Who has applied `revision`, as soon as all live nodes have, or when the time is over.

        None when the store cannot be asked: the change is made all the same.
        """
        deadline = self._monotonic() + wait_seconds
        pause = _FIRST_PAUSE_SECONDS
        found: Applied | None = None
        while True:
            with suppress(StorageError):
                found = await applied(self._store.reading, revision, alive_within=ALIVE_WITHIN)
            if (task := asyncio.current_task()) is not None and task.cancelling():
                # The connection that a cancellation breaks may say that it is broken, and hide it.
                raise asyncio.CancelledError
            left = deadline - self._monotonic()
            if left <= 0 or (found is not None and not found.waiting_for):
                return found
            await asyncio.sleep(min(pause, left))
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
