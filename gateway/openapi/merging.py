"""A draft merged into a map that people have edited: what is theirs stays to the letter, what came is added in its place, and
what went or needs something else is marked. Merging the same description again changes nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from gateway.core.model import Access, AccountKind
from gateway.core.scopes import judged
from gateway.openapi.draft import Draft, Entry, Service
from gateway.openapi.drafting import DEFAULT_UPSTREAM
from gateway.openapi.need_edit import write_needs
from gateway.openapi.needs import Needs
from gateway.openapi.old_map import OldEntry, OldMap, OldService
from gateway.openapi.rendering import (
    BY_HAND,
    DEPRECATED,
    DESCRIBED,
    GONE,
    NO_SCOPE,
    comment,
    entry_line,
    entry_value,
    phrase,
    phrases,
    reason,
    service_lines,
)
from gateway.openapi.section_edits import add_scopes, add_upstreams, remove_scopes
from gateway.openapi.text_edits import TextEdits


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeWishes:
    """How to merge. `prune`: take out what went; `take_described`: where an entry needs something else, the description
    is right; `part`: services that the description does not name are none of its business; `own_upstreams`: they were
    named, so the map's own is not meant."""

    prune: bool = False
    take_described: bool = False
    part: bool = False
    own_upstreams: bool = False


@dataclass(slots=True)
class Changes:
    """What a merge did: the keys of entries, and (key, as it is, as it is described) of those that differ."""

    added: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    pruned: list[str] = field(default_factory=list)
    filled: list[str] = field(default_factory=list)
    taken: list[str] = field(default_factory=list)
    differing: list[tuple[str, str, str]] = field(default_factory=list)
    kept: int = 0


@dataclass(slots=True)
class _Merge:
    old: OldMap
    drafted: Draft
    wishes: MergeWishes
    edits: TextEdits
    changes: Changes = field(default_factory=Changes)
    # What each operation shall mean afterwards, for the proof that the text says so.
    meant: dict[tuple[str, str], Entry | OldEntry] = field(default_factory=dict)
    lost_scopes: set[str] = field(default_factory=set)


def merge(
    old: OldMap, text: str, drafted: Draft, wishes: MergeWishes
) -> tuple[str, Changes, Mapping[tuple[str, str], Entry | OldEntry]]:
    """The text with the draft merged in, what that changed, and what each operation must now mean."""
    merging = _Merge(old, drafted, wishes, TextEdits(text))
    wanted = {entry.identity: entry for entry in drafted.entries}
    services = {service.name for service in drafted.services}
    for service in old.services.values():
        left = 0
        for entry in service.entries:
            described = wanted.get(entry.identity)
            if described is not None:
                _described(merging, entry, described, service.account)
            elif BY_HAND in entry.comment or (wishes.part and entry.service not in services):
                _keep(merging, entry)
            elif wishes.prune:
                _prune(merging, entry)
                continue
            else:
                _mark_gone(merging, entry)
            left += 1
        if not left and not _grows(merging, service):
            merging.edits.remove_lines(service.member.start.line, service.member.value.end.line)
    _add(merging)
    _scopes(merging)
    return merging.edits.applied(), merging.changes, merging.meant


def _keep(merging: _Merge, entry: OldEntry) -> None:
    merging.changes.kept += 1
    merging.meant[entry.identity] = entry


def _prune(merging: _Merge, entry: OldEntry) -> None:
    merging.edits.remove_lines(entry.member.start.line, entry.last_line)
    merging.changes.pruned.append(entry.key)
    merging.lost_scopes.update(entry.written.scopes)


def _mark_gone(merging: _Merge, entry: OldEntry) -> None:
    merging.changes.gone.append(entry.key)
    merging.meant[entry.identity] = entry
    others = [
        phrase for phrase in entry.phrases if _is_managed(phrase, entry) and not phrase.startswith(DESCRIBED)
    ]
    _say(merging, entry, [*others, GONE])


def _described(merging: _Merge, entry: OldEntry, described: Entry, account: AccountKind | None) -> None:
    """An entry that the description has as well."""
    if BY_HAND in entry.comment:
        _keep(merging, entry)
        return
    last = [DEPRECATED] if described.deprecated else []
    if _is_our_denial(entry):
        if described.reason is None:
            merging.changes.filled.append(described.key)
            merging.meant[entry.identity] = described
            write_needs(entry, described, account, merging.edits)
            _say(merging, entry, phrases(described))
            return
        _keep(merging, entry)
        _say(merging, entry, [*reason(described), *last])
    elif not _differs(entry, described):
        _keep(merging, entry)
        _say(merging, entry, last)
    elif merging.wishes.take_described:
        taken = _taken(entry, described)
        merging.changes.taken.append(entry.key)
        merging.meant[entry.identity] = taken
        merging.lost_scopes.update(entry.written.scopes)
        write_needs(entry, taken, account, merging.edits)
        _say(merging, entry, last)
    else:
        value = entry_value(described, account)
        needs = str(Needs(entry.written.access, entry.written.scopes))
        merging.changes.differing.append((entry.key, needs, value))
        merging.meant[entry.identity] = entry
        _say(merging, entry, [*last, phrase(f"{DESCRIBED}{value}")])


def _is_our_denial(entry: OldEntry) -> bool:
    """A denial that nobody has touched: it is the merge's to fill."""
    denied = entry.route.access is Access.DENY
    return denied and any(phrase.startswith(NO_SCOPE) for phrase in entry.phrases)


def _is_managed(text: str, entry: OldEntry) -> bool:
    """Whether a phrase is the merge's to write and to remove; why an entry is denied is told as long as it is."""
    if text.startswith(NO_SCOPE):
        return entry.route.access is Access.DENY
    return text in {GONE, DEPRECATED} or text.startswith(DESCRIBED)


def _say(merging: _Merge, entry: OldEntry, wanted: list[str]) -> None:
    """Let the comment say what is wanted, beside what people wrote, and change nothing where it does."""
    kept = [each for each in entry.phrases if not _is_managed(each, entry) or each in wanted]
    found = [*kept, *(each for each in wanted if each not in kept)]
    if found == entry.phrases or entry.comment_from is None:
        return
    end = replace(entry.comment_from, column=len(merging.edits.bare(entry.comment_from.line)))
    merging.edits.replace(entry.comment_from, end, comment(found))


def _differs(entry: OldEntry, described: Entry) -> bool:
    """Whether the description itself says something else; what it does not say, or only a list does, is people's."""
    route = entry.written
    if described.reason is not None or described.listed:
        return False
    if not described.needs.same(Needs(route.access, route.scopes)):
        return True
    if (
        route.access not in {Access.PUBLIC, Access.DENY}
        and described.kind_known
        and route.account != described.account
    ):
        return True
    return bool(route.versions and described.versions) and set(route.versions) != set(described.versions)


def _taken(entry: OldEntry, described: Entry) -> Entry:
    """The described entry, with what the description leaves open as it was."""
    return replace(
        described,
        template=entry.written.template,
        account=described.account if described.kind_known else entry.written.account,
        versions=described.versions if entry.written.versions else (),
    )


def _grows(merging: _Merge, service: OldService) -> bool:
    return any(
        _home(merging, drafted) is service for drafted in merging.drafted.services if _new(merging, drafted)
    )


def _new(merging: _Merge, service: Service) -> list[Entry]:
    known = merging.old.entries
    return [entry for entry in service.entries if entry.identity not in known]


def _home(merging: _Merge, service: Service) -> OldService | None:
    """The service of the map that a service of the description is, also when people have given it another name."""
    known = merging.old.entries
    found = Counter(known[entry.identity].service for entry in service.entries if entry.identity in known)
    name = found.most_common(1)[0][0] if found else service.name
    return merging.old.services.get(name)


def _add(merging: _Merge) -> None:
    upstreams = dict.fromkeys(merging.old.meaning.upstreams)
    fresh: list[Service] = []
    for service in merging.drafted.services:
        new = _new(merging, service)
        merging.changes.added += (entry.key for entry in new)
        merging.meant.update({entry.identity: entry for entry in new})
        home = _home(merging, service)
        if home is not None:
            _add_to(merging, home, service)
        elif new:
            fresh.append(replace(service, upstream=_upstream(merging, service), entries=tuple(new)))
    end = merging.old.root.member("services")
    assert end is not None
    column = end.value.members[0].start.column
    for service in fresh:
        lines = [f"{' ' * column}{line}" for line in service_lines(service, _new_in)]
        merging.edits.add_lines(end.value.end.line, ["", *lines])
    missing = [each for each in merging.drafted.upstreams if each.name not in upstreams]
    add_upstreams(
        merging.old,
        merging.edits,
        [each for each in missing if any(each.name == one.upstream for one in fresh)],
    )


def _add_to(merging: _Merge, home: OldService, service: Service) -> None:
    known = merging.old.entries
    after = home.routes.start.line
    column = home.entries[0].member.start.column
    for entry in service.entries:
        there = known.get(entry.identity)
        if there is not None:
            if there.service == home.member.key:
                after = there.last_line
            continue
        line = entry_line(entry, home.account, _new_in(entry))
        merging.edits.add_lines(after, [f"{' ' * column}{line}"])


def _new_in(entry: Entry) -> tuple[str]:
    return (phrase(f"new in {entry.release or 'the description'}"),)


def _upstream(merging: _Merge, service: Service) -> str:
    """The map's own upstream, if it has one alone and nobody named another."""
    own = merging.old.meaning.upstreams
    if not merging.wishes.own_upstreams and service.upstream == DEFAULT_UPSTREAM and len(own) == 1:
        return next(iter(own))
    return service.upstream


def _scopes(merging: _Merge) -> None:
    needed: set[str] = set()
    for meant in merging.meant.values():
        if isinstance(meant, OldEntry):
            needed.update(scope for route in judged((meant.route,)) for scope in route.scopes)
        else:
            needed.update(meant.needs.scopes)
    described = merging.old.meaning.scopes
    words = {
        scope: text
        for scope, text in merging.drafted.scopes.items()
        if scope in needed and scope not in described
    }
    add_scopes(merging.old, merging.edits, words)
    remove_scopes(merging.old, merging.edits, merging.lost_scopes - needed)
