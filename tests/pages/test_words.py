"""The words and pictures that are made without a request: every closed set has its words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from gateway.admin.management.explain_views import Stage, StepState
from gateway.admin.management.requests import MapToCompare, Rotation
from gateway.admin.management.values import parse
from gateway.admin.pages.answers import DONE_WORDS, Done
from gateway.admin.pages.chart import Bar, bars, ceiling
from gateway.admin.pages.curl_line import curl_line, sample_route
from gateway.admin.pages.map_comparison import KINDS, Kind
from gateway.admin.pages.moments import ago_words, moment, span_words
from gateway.admin.pages.scope_choices import service_name, services
from gateway.admin.pages.views_actions import WARNINGS
from gateway.admin.pages.views_actions import Action as Press
from gateway.admin.pages.views_operator_compare import TIMES
from gateway.admin.pages.windows import as_sent, choices
from gateway.admin.pages.words import ACTIONS, OUTCOMES, STAGES, STEPS, VERDICTS, action_words, outcome_words
from gateway.core.cutover import Verdict
from gateway.core.model import AccountKind
from gateway.core.reasons import Code
from gateway.core.scopes import offered
from gateway.core.usage import KEPT_SECONDS
from gateway.storage.audit import Action
from gateway.wiring.routes import publishable, shipped_map


def test_every_closed_set_has_its_words() -> None:
    assert set(ACTIONS) == set(Action)
    assert set(OUTCOMES) == set(Code)
    assert set(VERDICTS) == set(Verdict)
    assert set(DONE_WORDS) == set(Done)
    assert set(WARNINGS) == set(Press)
    assert set(STAGES) == set(Stage)
    assert set(STEPS) == set(StepState)
    assert set(KINDS) == set(Kind)


def test_the_times_of_recorded_requests_are_such_as_can_be_asked_about() -> None:
    asked = [parse(MapToCompare, {"map": "", "traffic": time}).traffic for time in TIMES]
    assert asked == sorted(filter(None, asked))
    assert asked[-1] == KEPT_SECONDS, "all that is kept"


def test_what_a_later_version_records_is_shown_as_it_is() -> None:
    assert action_words("planet.create") == "planet.create"
    assert outcome_words("too_purple") == "too_purple"
    assert outcome_words("2xx") == "Succeeded"


@pytest.mark.parametrize(
    ("usual", "longest", "told"),
    [
        (
            timedelta(days=7),
            timedelta(days=30),
            ["1 hour", "1 day", "3 days", "7 days", "14 days", "30 days"],
        ),
        (timedelta(days=2), timedelta(days=5), ["1 hour", "1 day", "2 days", "3 days", "5 days"]),
        (timedelta(minutes=5), timedelta(minutes=30), ["5 minutes", "30 minutes"]),
        (timedelta(minutes=5), timedelta(minutes=5), ["5 minutes"]),
    ],
)
def test_the_windows_of_a_rotation(usual: timedelta, longest: timedelta, told: list[str]) -> None:
    offered_windows = choices(usual, longest)
    assert [span_words(window) for window in offered_windows] == told
    sent = [parse(Rotation, {"old_token": "expire_later", "window": as_sent(w)}) for w in offered_windows]
    assert [rotation.window for rotation in sent] == [w.total_seconds() for w in offered_windows]


@pytest.mark.parametrize(
    ("span", "told"),
    [
        (timedelta(days=7), "7 days"),
        (timedelta(days=1, hours=1, minutes=5), "1 day 1 hour"),
        (timedelta(minutes=61), "1 hour 1 minute"),
        (timedelta(seconds=59), "less than a minute"),
        (timedelta(seconds=-5), "less than a minute"),
    ],
)
def test_spans_in_words(span: timedelta, told: str) -> None:
    assert span_words(span) == told


def test_times_carry_the_instant_for_the_script_and_say_utc_without_it() -> None:
    assert ago_words(timedelta(hours=3, minutes=59)) == "3 hours ago"
    shown = moment(datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
    assert shown == (
        '<time datetime="2026-01-02T03:04:05Z" data-moment title="2 Jan 2026, 03:04:05 UTC">2 Jan 2026, 03:04 UTC</time>'
    )


@pytest.mark.parametrize(
    ("largest", "top"), [(0, 4), (4, 4), (5, 8), (9, 20), (96, 100), (101, 200), (4321, 8000)]
)
def test_the_axis_ends_at_a_round_number_that_four_lines_divide(largest: int, top: int) -> None:
    assert ceiling(largest) == top


def test_a_chart_escapes_what_it_is_given_and_has_no_style() -> None:
    drawn = bars([("good", "<b>")], [Bar(label="<i>", tick="&", counts=(3,))], title='"x"')
    assert "<b>" not in drawn
    assert "<i>" not in drawn
    assert "style" not in drawn
    assert 'aria-label="&#34;x&#34;"' in drawn


def test_every_scope_an_account_can_hold_is_offered_exactly_once() -> None:
    route_map = publishable(shipped_map())[0]
    for kind in AccountKind:
        shown = [choice.scope for service in services(route_map, kind) for choice in service.choices]
        assert sorted(shown) == sorted(offered(route_map, kind))
        assert all(choice.words for service in services(route_map, kind) for choice in service.choices)


def test_reading_and_writing_are_told_apart() -> None:
    route_map = publishable(shipped_map())[0]
    reads = {
        choice.scope: choice.reads
        for service in services(route_map, AccountKind.SUB_ACCOUNT)
        for choice in service.choices
    }
    assert reads["contacts.readonly"]
    assert not reads["contacts.write"]
    assert not reads["payments/orders.collectPayment"]


def test_a_scope_that_left_the_map_is_still_shown() -> None:
    route_map = publishable(shipped_map())[0]
    found = services(route_map, AccountKind.SUB_ACCOUNT, only={"contacts.readonly", "old.scope"})
    assert [service.name for service in found] == ["Contacts", "No longer offered"]
    assert service_name("conversation-ai") == "Conversation AI"


def test_the_line_to_try_a_token_calls_what_its_scopes_open() -> None:
    route_map = publishable(shipped_map())[0]
    for scope in offered(route_map, AccountKind.SUB_ACCOUNT):
        route = sample_route(route_map, AccountKind.SUB_ACCOUNT, [scope])
        assert route is None or (route.method == "GET" and scope in route.scopes)
    route = sample_route(route_map, AccountKind.SUB_ACCOUNT, ["contacts.readonly"])
    assert route is not None
    line = curl_line(route, proxy_url="http://x y", secret="pit_1")
    assert line.startswith("curl -i 'http://x y/contacts")
    assert "'Authorization: Bearer pit_1'" in line
