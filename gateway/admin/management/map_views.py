"""What is shown of route maps. The JSON of the API is these, member by member."""

from __future__ import annotations

from datetime import datetime

from gateway.admin.management.outcomes import Listed
from gateway.admin.management.values import Value
from gateway.admin.management.views import ActorView


class MapProblem(Value):
    """One thing wrong with the files of the configuration: at `file:line` or in a variable, and the way out."""

    where: str
    message: str
    severity: str


class MapView(Value):
    """The route map that this node serves. `version` is the SHA-256 of its file.

    `problems` are why a newer configuration on disk is not in use; `needs_restart` names settings that wait for a restart.
    """

    node: str
    version: str
    source: str
    loaded_at: datetime
    routes: int
    services: int
    scopes: int
    upstreams: int
    problems: tuple[MapProblem, ...]
    needs_restart: tuple[str, ...]


class PublishedMapView(Value):
    """A map that was taken into use: when, by whom, and which node did first. Counts are null for what was no map."""

    version: str
    published_at: datetime
    published_by: ActorView
    node: str
    source: str
    note: str
    routes: int | None
    services: int | None
    scopes: int | None
    upstreams: int | None


class MapHistory(Listed):
    """The maps that are kept, newest first."""

    items: tuple[PublishedMapView, ...]


class MapText(PublishedMapView):
    """A published map as its file was."""

    text: str
