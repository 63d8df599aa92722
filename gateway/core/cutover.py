"""Whether a rotation's old token can be let go: judged from where and when the old and the new one were used.

It knows no clock and no store. Times are UNIX seconds by one clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """What the evidence says about a rotation in progress."""

    SAFE_TO_EXPIRE = "safe_to_expire"
    OLD_STILL_USED = "old_still_used"
    NEW_NOT_USED_YET = "new_not_used_yet"
    NOTHING_USED = "nothing_used"


@dataclass(frozen=True, slots=True)
class Seen:
    """The first and the last use from one place."""

    first_at: float
    last_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """The use of one token: in all (None: never), and by network, as far as networks are known."""

    overall: Seen | None
    networks: Mapping[str, Seen]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """The verdict, and the networks that still use the old token.

    `elsewhere`: so does somebody of whom no network is known.
    """

    verdict: Verdict
    still_old: tuple[str, ...] = ()
    elsewhere: bool = False


def quiet_seconds(window_seconds: float) -> float:
    """How long nobody may have used the old token for it to count as unused: a day of a week, a seventh of any window."""
    return window_seconds / 7


def judge(old: Use, new: Use, *, since: float, now: float, quiet: float) -> Judgement:
    """The verdict on a rotation that began at `since`.

    A network that used the old token within `quiet` seconds has moved on when it began with the new one only after
    that; one that uses both in turns has not: some caller there would fail. Older use counts for nothing, else a
    network that is never seen again would hold up the verdict for ever.
    """
    fresh = now - quiet
    if new.overall is None:
        used = old.overall is not None and old.overall.last_at >= min(since, fresh)
        return Judgement(verdict=Verdict.NEW_NOT_USED_YET if used else Verdict.NOTHING_USED)
    still_old = tuple(
        sorted(
            network
            for network, seen in old.networks.items()
            if seen.last_at >= fresh and not _moved_on(seen, new.networks.get(network))
        )
    )
    elsewhere = _is_used_elsewhere(old, new.overall, fresh)
    if still_old or elsewhere:
        return Judgement(verdict=Verdict.OLD_STILL_USED, still_old=still_old, elsewhere=elsewhere)
    return Judgement(verdict=Verdict.SAFE_TO_EXPIRE)


def _moved_on(old: Seen, new: Seen | None) -> bool:
    return new is not None and new.first_at >= old.last_at


def _is_used_elsewhere(old: Use, new: Seen, fresh: float) -> bool:
    """Whether the last use came from no network that is known: of a full list, or of a stream that is still open."""
    if old.overall is None or old.overall.last_at < fresh:
        return False
    known = max((seen.last_at for seen in old.networks.values()), default=0.0)
    return old.overall.last_at > known and not _moved_on(old.overall, new)
