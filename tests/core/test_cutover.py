"""The verdict on a rotation: nobody is told that it is safe while some caller would fail."""

from __future__ import annotations

import pytest

from gateway.core.cutover import Seen, Use, Verdict, judge, quiet_seconds

DAY = 86400.0
NOW = 100 * DAY
SINCE = NOW - 2 * DAY
QUIET = DAY
OFFICE, CLOUD = "192.0.2.0/24", "198.51.100.0/24"


def hours_ago(hours: float) -> float:
    return NOW - hours * 3600


def use(**networks: tuple[float, float]) -> Use:
    """A token's use by network, each from and to how many hours ago."""
    names = {"office": OFFICE, "cloud": CLOUD}
    seen = {names[name]: Seen(hours_ago(first), hours_ago(last)) for name, (first, last) in networks.items()}
    if not seen:
        return Use(overall=None, networks={})
    overall = Seen(min(s.first_at for s in seen.values()), max(s.last_at for s in seen.values()))
    return Use(overall=overall, networks=seen)


@pytest.mark.parametrize(
    ("old", "new", "verdict", "still_old"),
    [
        pytest.param(use(), use(), Verdict.NOTHING_USED, (), id="neither was ever used"),
        pytest.param(use(office=(900, 500)), use(), Verdict.NOTHING_USED, (), id="the old one, long before"),
        pytest.param(use(office=(900, 40)), use(), Verdict.NEW_NOT_USED_YET, (), id="the old one, since"),
        pytest.param(use(office=(900, 0)), use(), Verdict.NEW_NOT_USED_YET, (), id="the old one, now"),
        pytest.param(use(), use(office=(9, 0)), Verdict.SAFE_TO_EXPIRE, (), id="only the new one"),
        pytest.param(
            use(office=(900, 10)), use(office=(9, 0)), Verdict.SAFE_TO_EXPIRE, (), id="one moved on, cleanly"
        ),
        pytest.param(
            use(office=(900, 30)), use(office=(40, 0)), Verdict.SAFE_TO_EXPIRE, (), id="in turns, long ago"
        ),
        pytest.param(
            use(office=(900, 2)),
            use(office=(9, 1)),
            Verdict.OLD_STILL_USED,
            (OFFICE,),
            id="in turns, one place",
        ),
        pytest.param(
            use(office=(900, 10), cloud=(900, 20)),
            use(office=(9, 0)),
            Verdict.OLD_STILL_USED,
            (CLOUD,),
            id="another place has not moved",
        ),
        pytest.param(
            use(office=(900, 10), cloud=(900, 25)),
            use(office=(9, 0)),
            Verdict.SAFE_TO_EXPIRE,
            (),
            id="another place, quiet for a day",
        ),
        pytest.param(
            use(office=(900, 10), cloud=(900, 20)),
            use(office=(9, 0), cloud=(19, 19)),
            Verdict.SAFE_TO_EXPIRE,
            (),
            id="both places moved on",
        ),
        pytest.param(
            use(office=(900, 0), cloud=(900, 0)),
            use(office=(9, 0)),
            Verdict.OLD_STILL_USED,
            (OFFICE, CLOUD),
            id="both places still use it",
        ),
    ],
)
def test_the_verdict(old: Use, new: Use, verdict: Verdict, still_old: tuple[str, ...]) -> None:
    judgement = judge(old, new, since=SINCE, now=NOW, quiet=QUIET)
    assert (judgement.verdict, judgement.still_old) == (verdict, still_old)
    assert not judgement.elsewhere


@pytest.mark.parametrize(
    ("last", "began", "verdict"),
    [
        (1, 5, Verdict.OLD_STILL_USED),
        (6, 5, Verdict.SAFE_TO_EXPIRE),
        (25, 30, Verdict.SAFE_TO_EXPIRE),
    ],
)
def test_use_from_a_place_that_was_not_kept_counts_as_use(
    last: float, began: float, verdict: Verdict
) -> None:
    """The list of networks is bounded, and an open stream tells of no network before it ends."""
    old = Use(
        overall=Seen(hours_ago(900), hours_ago(last)), networks={OFFICE: Seen(hours_ago(900), hours_ago(90))}
    )
    judgement = judge(old, use(office=(began, 0)), since=SINCE, now=NOW, quiet=QUIET)
    assert (judgement.verdict, judgement.elsewhere) == (verdict, verdict is Verdict.OLD_STILL_USED)


def test_every_verdict_can_be_reached() -> None:
    reached = {
        judge(old, new, since=SINCE, now=NOW, quiet=QUIET).verdict
        for old in (use(), use(office=(9, 0)))
        for new in (use(), use(office=(9, 0)))
    }
    assert reached == set(Verdict)


def test_the_default_window_asks_for_a_quiet_day() -> None:
    assert quiet_seconds(7 * DAY) == DAY
