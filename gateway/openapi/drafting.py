"""From descriptions to a draft of the map: services, shapes that two operations share, scopes from a list, upstreams."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from gateway.core.model import AccountKind
from gateway.core.routes import is_parameter
from gateway.openapi.draft import Draft, Entry, LeftOut, Service, UpstreamDraft
from gateway.openapi.needs import DENIED, EVERY_KIND, Kinds, Reading, judge
from gateway.openapi.operation import Description, Operation, Server
from gateway.openapi.scope_list import ScopeList
from gateway.openapi.templates import Template, to_template
from gateway.settings.addresses import with_port
from gateway.settings.route_needs import VERSION
from gateway.settings.scalar import one_line, shown

PLACEHOLDER: Final = "http://127.0.0.1:9001"
DEFAULT_UPSTREAM: Final = "api"


class ServiceFrom(StrEnum):
    """What an operation's service is named after."""

    TAG = "tag"
    PATH = "path"
    FILE = "file"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What whoever imports wants. `upstreams` maps names to addresses; `prefix` None: as the servers say; `versions`:
    whether `Version` headers are asked for."""

    reading: Reading = field(default_factory=Reading)
    scope_list: ScopeList | None = None
    service_from: ServiceFrom = ServiceFrom.TAG
    upstreams: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    prefix: str | None = None
    versions: bool = True


def draft(descriptions: Sequence[Description], wishes: Wishes) -> Draft:
    """The map of these descriptions as one."""
    drafting = _Drafting(wishes)
    for description in descriptions:
        for operation in description.operations:
            drafting.add(description, operation)
    return drafting.whole(descriptions)


class _Drafting:
    def __init__(self, wishes: Wishes) -> None:
        self._wishes = wishes
        self._upstreams = _Upstreams(wishes.upstreams)
        self._entries: dict[tuple[str, str], Entry] = {}
        # Which server each entry's service is on: two servers of one service are two services.
        self._on: dict[tuple[str, str], str] = {}
        self._unmapped: list[tuple[str, str, str | None, str]] = []
        self._remarks: list[str] = []
        self._folded = 0
        self._used_lines: set[int] = set()

    def add(self, description: Description, operation: Operation) -> None:
        """Take one operation in."""
        wishes = self._wishes
        prefix = operation.server.prefix if wishes.prefix is None else wishes.prefix
        made = to_template(operation.method, operation.path, prefix)
        name = one_line(f"{operation.method} {prefix}{operation.path}")
        if not isinstance(made, Template):
            self._unmapped.append((name, operation.method, made.wider, made.reason))
            return
        self._remarks += (f"{name}: {remark}" for remark in made.remarks)
        entry = self._entry(description, operation, made.text)
        upstream = self._upstreams.name_for(entry.service, operation.server)
        first = self._entries.get(entry.identity)
        if first is None:
            self._entries[entry.identity] = entry
            self._on[entry.identity] = upstream
            return
        self._share(first, entry, self._on[entry.identity] == upstream)

    def _entry(self, description: Description, operation: Operation, template: str) -> Entry:
        judged = judge(operation.security, self._wishes.reading)
        entry = Entry(
            method=operation.method,
            template=template,
            service=_service_name(self._wishes.service_from, description, operation),
            needs=judged.needs,
            account=_one_kind(judged.kinds),
            kind_known=judged.kinds is not None,
            versions=self._versions(operation),
            deprecated=operation.deprecated,
            reason=judged.reason,
            release=description.version,
        )
        return self._filled(entry)

    def _versions(self, operation: Operation) -> tuple[str, ...]:
        if not self._wishes.versions:
            return ()
        wrong = [version for version in operation.versions if VERSION.fullmatch(version) is None]
        if wrong:
            name = one_line(f"{operation.method} {operation.path}")
            self._remarks.append(
                f"{name}: version {shown(wrong[0])} cannot stand in a header, and none is asked for"
            )
        # Half a list would refuse calls that the description allows.
        return () if wrong else operation.versions

    def _filled(self, entry: Entry) -> Entry:
        """The entry with what the list of scopes has for it: the needs of one that has none, the kind where none is known."""
        scopes = self._wishes.scope_list
        listed = None if scopes is None else scopes.find(entry.method, entry.template)
        if scopes is None or listed is None:
            return entry
        if entry.reason is not None:
            self._used_lines.add(listed.line)
            word = "denied by" if listed.needs == DENIED else "scope from"
            words = (f"{word} {scopes.name}",)
            entry = replace(entry, needs=listed.needs, reason=None, listed=True, words=words)
        if listed.kinds is None or entry.kind_known:
            return entry
        return replace(entry, account=_one_kind(listed.kinds), kind_known=True)

    def _share(self, first: Entry, second: Entry, together: bool) -> None:
        """Two operations of one shape: one entry, if they need the same; else nobody can say which one a request means."""
        self._folded += 1
        same = first.needs.same(second.needs) and first.reason == second.reason
        if together and same and (first.account, first.versions) == (second.account, second.versions):
            self._remarks.append(f"{second.key} is {first.key} once more; one entry stands for both")
            return
        why = f"needs {second.needs}" if not same else "needs other accounts or versions"
        reason = f"{second.key} has the same shape and {why if together else 'is served elsewhere'}"
        # A list of scopes may decide it.
        self._entries[first.identity] = self._filled(replace(first, needs=DENIED, reason=reason, words=()))

    def whole(self, descriptions: Sequence[Description]) -> Draft:
        """The draft of all that was added."""
        wishes = self._wishes
        groups: dict[tuple[str, str], list[Entry]] = {}
        for identity, entry in self._entries.items():
            groups.setdefault((entry.service, self._on[identity]), []).append(self._finished(entry))
        services = tuple(_services(groups))
        needed = {scope for service in services for entry in service.entries for scope in entry.needs.scopes}
        words: dict[str, str] = {}
        for description in descriptions:
            for scope, text in description.scopes.items():
                if scope in needed:
                    words.setdefault(scope, " ".join(text.split()))
        remarks = [
            f"{description.name}: {remark}" for description in descriptions for remark in description.remarks
        ]
        return Draft(
            titles=tuple(f"{each.title} {each.version}".strip() or each.name for each in descriptions),
            upstreams=self._upstreams.used({service.upstream for service in services}),
            services=services,
            scopes=dict(sorted(words.items())),
            left_out=tuple(self._left_out()),
            remarks=(*remarks, *self._remarks),
            folded=self._folded,
            unused_lines=() if wishes.scope_list is None else tuple(self._unused(wishes.scope_list)),
        )

    def _finished(self, entry: Entry) -> Entry:
        versions = () if entry.needs == DENIED else entry.versions
        undeclared = self._wishes.reading.kinds and not entry.kind_known and entry.needs != DENIED
        words = (*entry.words, "account kind not declared") if undeclared else entry.words
        return replace(entry, versions=versions, words=words)

    def _left_out(self) -> Iterable[LeftOut]:
        mapped = {identity: entry.key for identity, entry in self._entries.items()}
        for name, method, wider, reason in self._unmapped:
            taken = None if wider is None else mapped.get((method, wider))
            yield LeftOut(
                name, reason if taken is None else f"{reason}; requests for it are taken for {taken}"
            )

    def _unused(self, scope_list: ScopeList) -> Iterable[str]:
        for identity, listed in scope_list.lines.items():
            entry = self._entries.get(identity)
            if entry is None:
                yield f"{scope_list.name}:{listed.line}: {listed.key} is in no description"
            elif (
                listed.line not in self._used_lines
                and not entry.needs.same(listed.needs)
                and entry.reason is None
            ):
                yield (
                    f"{scope_list.name}:{listed.line}: {listed.key} needs {entry.needs} in the description, "
                    f"which is kept; the line says {listed.needs}"
                )


class _Upstreams:
    """Who serves a service: what was wished for, else the description's server."""

    def __init__(self, wished: Mapping[str, tuple[str, ...]]) -> None:
        self._wished = wished
        # By the address with its port written out: name, and the address as it was written.
        self._by_base: dict[str | None, tuple[str, str | None]] = {}

    def name_for(self, service: str, server: Server) -> str:
        if service in self._wished:
            return service
        if len(self._wished) == 1:
            return next(iter(self._wished))
        base = None if server.base is None else with_port(server.base)
        if base not in self._by_base:
            self._by_base[base] = self._new_name(server.base), server.base
        return self._by_base[base][0]

    def _new_name(self, base: str | None) -> str:
        taken = {*(name for name, _ in self._by_base.values()), *self._wished}
        host = "" if base is None else base.partition("://")[2].partition(":")[0]
        for name in (DEFAULT_UPSTREAM, _slug(host) or "upstream"):
            if name not in taken:
                return name
        return next(
            name for number in range(2, len(taken) + 3) if (name := f"{_slug(host)}-{number}") not in taken
        )

    def used(self, names: set[str]) -> tuple[UpstreamDraft, ...]:
        found = [UpstreamDraft(name=name, urls=urls) for name, urls in self._wished.items() if name in names]
        for name, base in self._by_base.values():
            if name in names:
                found.append(UpstreamDraft(name=name, urls=(base or PLACEHOLDER,), guessed=base is None))
        return tuple(found)


def _services(groups: Mapping[tuple[str, str], list[Entry]]) -> Iterable[Service]:
    """A service that is on several servers is one service for each."""
    shared = {name for name, upstream in groups if sum(name == other for other, _ in groups) > 1}
    for (name, upstream), entries in sorted(groups.items()):
        own = f"{name}-{upstream}"[:64] if name in shared and upstream != DEFAULT_UPSTREAM else name
        yield Service(
            own,
            upstream,
            tuple(sorted((replace(entry, service=own) for entry in entries), key=lambda entry: entry.order)),
        )


def _service_name(source: ServiceFrom, description: Description, operation: Operation) -> str:
    named = ""
    if source is ServiceFrom.TAG and operation.tags:
        named = _slug(operation.tags[0])
    elif source is ServiceFrom.FILE:
        named = _slug(description.stem)
    if named:
        return named
    own = operation.path.split("?")[0].split("/")
    literals = (segment for segment in own if segment and not is_parameter(segment) and segment[0] != ":")
    return _slug(next(literals, "")) or "root"


def _slug(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii")
    return re.sub("[^a-z0-9_.]+", "-", plain.lower()).strip("-._")[:64].rstrip("-._")


def _one_kind(kinds: Kinds | None) -> AccountKind | None:
    return None if kinds is None or kinds == EVERY_KIND else next(iter(kinds))
