"""The route map in force, the ones before it, and taking a changed one into use."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from gateway.admin.management.access import require_operator
from gateway.admin.management.codes import Code
from gateway.admin.management.map_views import MapHistory, MapProblem, MapText, MapView, PublishedMapView
from gateway.admin.management.principal import Operator, Principal
from gateway.admin.management.refusals import ConflictingState, MapRefused, translated
from gateway.admin.management.store import Store
from gateway.admin.management.views import ActorView
from gateway.core.model import Problem
from gateway.settings.errors import ConfigurationError
from gateway.storage import maps
from gateway.storage.maps import PublishedMap


@dataclass(frozen=True, slots=True, kw_only=True)
class MapInForce:
    """The map that a node serves. `problems` are why a newer configuration on its disk is not in use.

    `needs_restart` names settings that have another value on disk, and take effect only at the next start.
    """

    node: str
    version: str
    source: str
    loaded_at: datetime
    counts: maps.MapCounts
    problems: tuple[Problem, ...] = ()
    needs_restart: tuple[str, ...] = ()


class MapKeeper(Protocol):
    """Who keeps the map of a running node."""

    def in_force(self) -> MapInForce: ...

    async def reload(self, by: Operator) -> MapInForce:
        """Read the files anew, and take into use what they say. Raises ConfigurationError, and nothing was changed."""
        ...


class Maps:
    """What operators do with route maps. `keeper` None: nothing runs here, and only the history can be looked at."""

    def __init__(self, store: Store, keeper: MapKeeper | None) -> None:
        self._store = store
        self._keeper = keeper

    def get(self, principal: Principal) -> MapView:
        """The map that this node serves."""
        require_operator(principal)
        return _view(self._running().in_force())

    async def reload(self, principal: Principal) -> MapView:
        """Take into use what the files of this node say now. Raises MapRefused."""
        operator = require_operator(principal)
        try:
            return _view(await self._running().reload(operator))
        except ConfigurationError as error:
            raise MapRefused(error.problems) from error

    async def history(self, principal: Principal) -> MapHistory:
        """The maps that were published, newest first, as many as are kept."""
        require_operator(principal)
        found = await maps.history(self._store.reading)
        return MapHistory(items=tuple(map(published_view, found)), next_cursor=None)

    async def show(self, principal: Principal, version: str) -> MapText:
        """A published map with its text; the beginning of its version is enough. Raises Missing."""
        require_operator(principal)
        with translated():
            found, text = await maps.find(self._store.reading, version)
        return MapText(**published_view(found).model_dump(), text=text)

    def _running(self) -> MapKeeper:
        if self._keeper is None:
            raise ConflictingState(Code.CONFLICT, "No gateway runs here.")
        return self._keeper


def problem_view(problem: Problem) -> MapProblem:
    """A problem as it is shown."""
    return MapProblem(
        where=problem.where, message=problem.message, severity="warning" if problem.warning else "error"
    )


def _view(found: MapInForce) -> MapView:
    return MapView(
        node=found.node,
        version=found.version,
        source=found.source,
        loaded_at=found.loaded_at,
        routes=found.counts.routes,
        services=found.counts.services,
        scopes=found.counts.scopes,
        upstreams=found.counts.upstreams,
        problems=tuple(map(problem_view, found.problems)),
        needs_restart=found.needs_restart,
    )


def published_view(found: PublishedMap) -> PublishedMapView:
    """A row of the history as it is shown."""
    return PublishedMapView(
        version=found.version,
        published_at=found.published_at,
        published_by=ActorView(**found.actor),
        node=found.node,
        source=found.source,
        note=found.note,
        routes=found.routes,
        services=found.services,
        scopes=found.scopes,
        upstreams=found.upstreams,
    )
