"""Recorded requests decided anew under two route maps, by the code that decides requests.

A counter knows the operation, the integration and how it ended; not the path and not the `Version` header. Where the new
answer depends on those it is said on which, and nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from gateway.core.admission import admission
from gateway.core.map_cells import fresh_value, overlap, sample
from gateway.core.map_meetings import Meeting, meetings, table_of
from gateway.core.model import Caller, Route, RouteMap, TokenRecord
from gateway.core.policy import Deny, decide
from gateway.core.reasons import Code
from gateway.core.usage import REFUSALS

# The refusals that a route map decides. Others came before it was asked, or have nothing to do with it.
MAP_REFUSALS: Final = frozenset(
    {Code.ROUTE_UNKNOWN, Code.ACCOUNT_KIND, Code.SCOPE_MISSING, Code.VERSION_REQUIRED}
)
_NOT_REDECIDED: Final = REFUSALS - {code.value for code in MAP_REFUSALS}


def is_redecided(outcome: str) -> bool:
    """Whether requests that ended so are decided by the map alone."""
    return outcome not in _NOT_REDECIDED


class Condition(StrEnum):
    """What must be known of a request to say that its answer changes."""

    NONE = "none"
    PATH = "path"
    VERSION = "version"


@dataclass(frozen=True, slots=True)
class NewAnswer:
    """An answer that changes. `refusal` is the new one where requests are newly refused, else the one that ends.

    Under a condition it is so only for requests to `paths`, or with certain `Version` headers.
    """

    passes: bool
    refusal: Deny
    condition: Condition
    paths: str


@dataclass(frozen=True, slots=True)
class _Fork:
    """Two routes that some of an operation's requests meet, one under each map."""

    paths: str
    old: Route | None
    new: Route | None

    @property
    def differs(self) -> bool:
        return admission(self.old) != admission(self.new)


# Whether it passed and passes, and the refusal that ends or begins.
_Turn = tuple[bool, bool, Deny | None]


class Redecision:
    """Decides recorded requests anew under two maps."""

    def __init__(self, old: RouteMap, new: RouteMap) -> None:
        self._before, self._after = table_of(old), table_of(new)
        self._fresh = fresh_value(old.routes, new.routes)
        self._meetings: dict[str, list[Meeting]] = {}
        for meeting in meetings(old, new):
            self._meetings.setdefault(meeting.method, []).append(meeting)
        self._forks: dict[tuple[str, str], tuple[_Fork, ...]] = {}

    def __repr__(self) -> str:
        return f"Redecision({sum(map(len, self._meetings.values()))} meetings)"

    def may_change(self, method: str, template: str) -> bool:
        """Whether the answer to any request of this operation can change."""
        return any(fork.differs for fork in self._forks_of(method, template))

    def decide(self, caller: Caller, method: str, template: str, outcome: str) -> tuple[NewAnswer, ...]:
        """The answers that change for requests of this caller that ended so; none: they stay as they are."""
        forks = self._forks_of(method, template)
        turns = [list(_turns(fork, caller, outcome)) for fork in forks]
        if len({turn[:2] for of_fork in turns for turn in of_fork}) == 1:
            return tuple(_answers(forks[0], turns[0][:1], Condition.NONE))
        found: dict[NewAnswer, None] = {}
        for fork, of_fork in zip(forks, turns, strict=True):
            alike = len({turn[:2] for turn in of_fork}) == 1
            condition = Condition.PATH if alike else Condition.VERSION
            found |= dict.fromkeys(_answers(fork, of_fork[:1] if alike else of_fork, condition))
        return tuple(found)

    def _forks_of(self, method: str, template: str) -> tuple[_Fork, ...]:
        key = method, template
        if key not in self._forks:
            self._forks[key] = tuple(self._found_forks(method, template))
        return self._forks[key]

    def _found_forks(self, method: str, template: str) -> Iterator[_Fork]:
        path = sample(template, self._fresh)
        was, now = self._before.match(method, path), self._after.match(method, path)
        yield _Fork(template, was, now)
        # Some of them meet others, where a literal comes or goes.
        served = "GET" if method == "HEAD" and method not in self._meetings else method
        for meeting in self._meetings.get(served, ()):
            if meeting.old is was and meeting.new is not now and overlap(template, meeting.template):
                yield _Fork(meeting.paths, meeting.old, meeting.new)


def _answers(fork: _Fork, turns: Iterable[_Turn], condition: Condition) -> Iterator[NewAnswer]:
    for passed, passes, refusal in turns:
        if passed != passes and refusal is not None:
            yield NewAnswer(passes, refusal, condition, fork.paths)


def _turns(fork: _Fork, caller: Caller, outcome: str) -> Iterator[_Turn]:
    """What comes of the requests under both maps, for each `Version` that they may have had."""
    record = TokenRecord(caller=caller, suspended=False, ends_at=None, ending=None)
    for versions in _versions(fork, outcome):
        was = decide(record, fork.old, versions, 0.0)
        now = decide(record, fork.new, versions, 0.0)
        refusal = now if isinstance(now, Deny) else was if isinstance(was, Deny) else None
        yield not isinstance(was, Deny), not isinstance(now, Deny), refusal


def _versions(fork: _Fork, outcome: str) -> list[tuple[str, ...]]:
    """The `Version` headers to be told apart, as far as how the requests ended does not say which they had."""
    known: Sequence[str] = fork.old.versions if fork.old is not None else ()
    named = dict.fromkeys([*known, *(fork.new.versions if fork.new is not None else ())])
    every: list[tuple[str, ...]] = [*((version,) for version in named), ()]
    if not known:
        return every
    if outcome == Code.VERSION_REQUIRED.value:
        return [versions for versions in every if not set(versions) & set(known)]
    if outcome in REFUSALS:
        return every
    return [(version,) for version in known]
