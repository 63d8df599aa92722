"""The route map from its file: every entry right in itself, or all problems. `core.routes` judges the map as a whole."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Final

from gateway.core.model import Route, RouteMap, Upstream
from gateway.core.route_check import errors
from gateway.core.rules import Rule
from gateway.settings.addresses import parse_base_url, with_port
from gateway.settings.errors import ConfigurationError
from gateway.settings.map_reading import MapReading
from gateway.settings.route_entry import read_route
from gateway.settings.route_needs import read_account, scope_problem
from gateway.settings.scalar import shown
from gateway.settings.yaml_document import parse_file, read_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from gateway.settings.yaml_document import KeyPath, Value

MAP_KEYS: Final = frozenset({"upstreams", "services", "scopes"})
UPSTREAM_KEYS: Final = frozenset({"urls", "preserve_host"})
SERVICE_KEYS: Final = frozenset({"upstream", "account", "routes"})
# Names are labels of metrics and words of log lines.
NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


def load_route_map(path: Path) -> RouteMap:
    """The route map in the file at `path`. Raises ConfigurationError with all problems, each with its line.

    Where there are some, the errors of the map as a whole are among them, as far as what could be read has any.
    """
    return parse_route_map(path, read_bytes(path))


def parse_route_map(path: Path, data: bytes) -> RouteMap:
    """The route map in `data`, which was read from `path`. Raises as `load_route_map` does."""
    reading = MapReading(parse_file(path, data))
    value = reading.document.value
    if value is None:
        message = "there is no route map here; write upstreams and services"
        reading.problem((), message, Rule.EMPTY)
        raise ConfigurationError(reading.problems)
    sections = reading.mapping((), value, "{upstreams: …, services: …}", MAP_KEYS)
    if isinstance(value, dict):
        for name in sorted({"upstreams", "services"} - value.keys()):
            reading.missing((), f"`{name}:` is missing; add it", name)
    upstreams = {upstream.name: upstream for upstream in _upstreams(reading, sections)}
    routes = tuple(_routes(reading, sections))
    scopes = dict(_scopes(reading, sections))
    route_map = RouteMap(
        upstreams=upstreams,
        routes=routes,
        scopes=scopes,
        scope_lines={scope: reading.document.where(("scopes", scope)) for scope in scopes},
        version=hashlib.sha256(data).hexdigest(),
    )
    if reading.problems:
        found = [*reading.problems, *errors(route_map)]
        raise ConfigurationError(sorted(found, key=lambda problem: problem.place[1]))
    return route_map


def _upstreams(reading: MapReading, sections: Mapping[str, Value]) -> Iterator[Upstream]:
    if "upstreams" not in sections:
        return
    form = '{crm: {urls: ["http://127.0.0.1:9001"]}}'
    for name, value in reading.mapping(("upstreams",), sections["upstreams"], form).items():
        path = ("upstreams", name)
        _check_name(reading, path, name)
        entry = reading.mapping(path, value, '{urls: ["http://127.0.0.1:9001"]}', UPSTREAM_KEYS)
        preserve_host = entry.get("preserve_host", False)
        yield Upstream(
            name=name,
            urls=_urls(reading, path, entry) if isinstance(value, dict) else (),
            preserve_host=reading.flag((*path, "preserve_host"), preserve_host),
            where=reading.document.where(path),
        )


def _urls(reading: MapReading, path: KeyPath, entry: Mapping[str, Value]) -> tuple[str, ...]:
    if "urls" not in entry:
        reading.missing(path, f'upstream {path[-1]} has no urls; add urls: ["http://host:port"]', "urls")
        return ()
    inside = (*path, "urls")
    urls: dict[str, str] = {}
    for index, item in enumerate(reading.items(inside, entry["urls"], '["http://127.0.0.1:9001"]')):
        url = reading.parsed((*inside, index), item, parse_base_url)
        if url is None:
            continue
        if with_port(url) in urls:
            reading.problem((*inside, index), f"{url} is listed twice; keep one", Rule.DUPLICATE_VALUE)
        urls.setdefault(with_port(url), url)
    return tuple(urls.values())


def _routes(reading: MapReading, sections: Mapping[str, Value]) -> Iterator[Route]:
    if "services" not in sections:
        return
    form = "{contacts: {upstream: crm, routes: …}}"
    for name, value in reading.mapping(("services",), sections["services"], form).items():
        path = ("services", name)
        _check_name(reading, path, name)
        service = reading.mapping(path, value, "{upstream: crm, routes: …}", SERVICE_KEYS)
        if not isinstance(value, dict):
            continue
        upstream = _upstream_name(reading, path, service)
        account = read_account(reading, (*path, "account"), service.get("account", "any"))
        if "routes" not in service:
            reading.missing(path, f"service {name} has no routes; add routes:", "routes")
            continue
        inside = (*path, "routes")
        entries = reading.mapping(inside, service["routes"], "{GET /contacts/{contactId}: contacts.readonly}")
        for key, entry in entries.items():
            route = read_route(
                reading, (*inside, key), entry, service=name, upstream=upstream, account=account
            )
            if route is not None:
                yield route


def _upstream_name(reading: MapReading, path: KeyPath, service: Mapping[str, Value]) -> str:
    """The name, or nothing where it cannot be read."""
    upstream = service.get("upstream")
    if "upstream" not in service:
        reading.missing(path, f"service {path[-1]} names no upstream; add upstream: NAME", "upstream")
    elif not isinstance(upstream, str) or not upstream:
        reading.problem((*path, "upstream"), f"upstream is {shown(upstream)}; write the name of one")
    return upstream if isinstance(upstream, str) else ""


def _scopes(reading: MapReading, sections: Mapping[str, Value]) -> Iterator[tuple[str, str]]:
    if sections.get("scopes") is None:
        return
    entries = reading.mapping(("scopes",), sections["scopes"], "{contacts.readonly: View contacts}")
    for scope, words in entries.items():
        path = ("scopes", scope)
        problem = scope_problem(scope)
        if problem is not None:
            reading.problem(path, problem)
        if not isinstance(words, str) or not words.strip():
            message = (
                f"scope {shown(scope)} is described by {shown(words)}; write words for those who choose it"
            )
            reading.problem(path, message)
        else:
            yield scope, words.strip()


def _check_name(reading: MapReading, path: KeyPath, name: str) -> None:
    if NAME.fullmatch(name) is None:
        message = (
            f"{shown(name)} is not a name; write up to 64 letters, digits, dots, hyphens and underscores"
        )
        reading.problem(path, message)
