"""A draft as the text of a route map, in the style of the shipped one. What comes from descriptions is quoted, or it is
a comment of one line: no text of theirs can become an entry.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from gateway.core.model import Access, AccountKind
from gateway.openapi.draft import Draft, Entry, Service, UpstreamDraft
from gateway.settings.scalar import one_line, plain_scalar

# Phrases that a merge looks after; everything else in a comment belongs to people.
GONE: Final = "gone from the description"
DEPRECATED: Final = "deprecated"
NO_SCOPE: Final = "no scope: "
DESCRIBED: Final = "described: "

_WORD: Final = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_./+-]|:(?=[A-Za-z0-9_./+-]))*")
_LONGEST_WORDS: Final = 200
_LONGEST_PHRASE: Final = 160
_SENTENCE: Final = re.compile(r"[A-Za-z][A-Za-z0-9_./+ -]*")
_HEAD: Final = """\
# The route map of {titles}, imported from OpenAPI.
#
# What is not listed is refused, and so is an entry that says `deny`. Comments on entries, to be checked:
#     no scope: …                the description names none that can be one entry; write one, or list it for --scopes-from
#     scope from …               from that list
#     account kind not declared  the description does not say; both kinds may call it
#     deprecated                 still served, but new apps should not use it
# A merge adds `new in …`, `gone from the description` and `described: …`, where an entry needs something else than the
# description says. It keeps what people edited; an entry whose comment says `by hand` it leaves alone.
"""
BY_HAND: Final = "by hand"
FROM_NOBODY: Final = "no server is described: write the address"


def render(draft: Draft) -> str:
    """The whole map."""
    return "\n".join(_lines(draft)) + "\n"


def _lines(draft: Draft) -> Iterator[str]:
    yield _HEAD.format(titles=_titles(draft.titles))
    yield "upstreams:"
    for upstream in draft.upstreams:
        yield f"  {upstream_entry(upstream)}"
    yield ""
    yield "services:"
    for index, service in enumerate(draft.services):
        if index:
            yield ""
        yield from (f"  {line}" for line in service_lines(service))
    if draft.scopes:
        yield ""
        yield "scopes:"
        for scope, words in draft.scopes.items():
            yield f"  {scope_entry(scope, words)}"


def upstream_entry(upstream: UpstreamDraft) -> str:
    """The entry of an upstream, in braces."""
    urls = ", ".join(json.dumps(url) for url in upstream.urls)
    return f"{upstream.name}: {{urls: [{urls}]}}{comment((FROM_NOBODY,) if upstream.guessed else ())}"


def service_lines(service: Service, marks: Callable[[Entry], Iterable[str]] = lambda _: ()) -> Iterator[str]:
    """A service with its entries; `marks` are what is said of each beside its own phrases."""
    yield f"{word(service.name)}:"
    yield f"  upstream: {word(service.upstream)}"
    if service.account is not None:
        yield f"  account: {service.account}"
    yield "  routes:"
    for entry in service.entries:
        yield f"    {entry_line(entry, service.account, marks(entry))}"


def entry_line(entry: Entry, account: AccountKind | None, marks: Iterable[str] = ()) -> str:
    """An entry of a service that is for `account`, with its comment."""
    return f"{entry.key}: {entry_value(entry, account)}{comment((*phrases(entry), *marks))}"


def phrases(entry: Entry) -> list[str]:
    """What an entry's comment says."""
    return [*reason(entry), *map(phrase, entry.words), *((DEPRECATED,) if entry.deprecated else ())]


def reason(entry: Entry) -> list[str]:
    """The phrase about why an entry is denied, if it is."""
    return [] if entry.reason is None else [phrase(f"{NO_SCOPE}{entry.reason}")]


def phrase(text: str) -> str:
    """One part of a comment: a line of printable characters that does not fall apart in two."""
    return _shortened(one_line(text).replace("; ", ", "), _LONGEST_PHRASE).rstrip(";")


def comment(found: Iterable[str]) -> str:
    """Phrases as the end of a line; nothing, if there are none."""
    text = "; ".join(found)
    return f"  # {text}" if text else ""


def entry_value(entry: Entry, account: AccountKind | None) -> str:
    """What the entry needs, in the shortest form that says it in a service for `account`."""
    if entry.needs.access is Access.DENY:
        return entry.needs.access.value
    more = []
    if entry.versions:
        more.append(f"versions: [{', '.join(map(word, entry.versions))}]")
    if entry.account != account and entry.needs.access is not Access.PUBLIC:
        more.append(f"account: {entry.account or 'any'}")
    if not more and entry.needs.access is not Access.ANY_OF:
        return short_need(entry)
    return f"{{{', '.join((long_need(entry), *more))}}}"


def short_need(entry: Entry) -> str:
    """A scope, a list of which all are needed, or a word of the map."""
    if entry.needs.access is not Access.ALL_OF:
        return entry.needs.access.value
    scopes = [word(scope) for scope in entry.needs.scopes]
    return scopes[0] if len(scopes) == 1 else f"[{', '.join(scopes)}]"


def long_need(entry: Entry) -> str:
    """The one pair of the long form that says what is needed."""
    scopes = [word(scope) for scope in entry.needs.scopes]
    if not scopes:
        return f"access: {entry.needs.access}"
    return f"scope: {scopes[0]}" if len(scopes) == 1 else f"{entry.needs.access}: [{', '.join(scopes)}]"


def scope_entry(scope: str, words: str) -> str:
    """The words for a scope; too many are cut."""
    text = _shortened(one_line(words), _LONGEST_WORDS)
    plain = _SENTENCE.fullmatch(text) and isinstance(plain_scalar(text), str)
    return f"{word(scope)}: {text if plain else json.dumps(text, ensure_ascii=False)}"


def word(text: str) -> str:
    """A word as YAML: as it stands, if it cannot be read as anything else, even within braces."""
    plain = _WORD.fullmatch(text) and isinstance(plain_scalar(text), str)
    return text if plain else json.dumps(text, ensure_ascii=False)


def _titles(titles: tuple[str, ...]) -> str:
    shown = [_shortened(one_line(title), 80) for title in titles[:3]]
    more = len(titles) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def _shortened(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"
