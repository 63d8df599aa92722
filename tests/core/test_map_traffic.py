"""Recorded requests are decided anew as the proxy would decide them, and where the counters cannot tell it is said."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.map_meetings import table_of
from gateway.core.map_traffic import MAP_REFUSALS, Condition, NewAnswer, Redecision, is_redecided
from gateway.core.model import Access, AccountKind, Caller, Route, RouteMap, TokenRecord
from gateway.core.policy import Deny, authorize, decide
from gateway.core.reasons import Code
from tests.core.maps_made import METHODS, PATHS, VERSIONS, made_map, map_pairs, records, route


def caller(*scopes: str, kind: AccountKind = AccountKind.SUB_ACCOUNT) -> Caller:
    return Caller(
        account_id="acc_1",
        account_kind=kind,
        integration_id="int_1",
        token_id="",
        scopes=frozenset(scopes),
    )


def redecided(old: Iterable[Route], new: Iterable[Route]) -> Redecision:
    before, after = made_map(*old), made_map(*new)
    return Redecision(before, after)


def refused(code: Code, scope: str | None = None, **more: object) -> tuple[NewAnswer, ...]:
    condition = more.get("condition", Condition.NONE)
    assert isinstance(condition, Condition)
    return (NewAnswer(False, Deny(code, scope), condition, str(more.get("template", "/a/{x}"))),)


def passing(code: Code, scope: str | None = None) -> tuple[NewAnswer, ...]:
    return (NewAnswer(True, Deny(code, scope), Condition.NONE, "/a/{x}"),)


def test_a_scope_that_is_needed_now_refuses_those_who_lack_it() -> None:
    decision = redecided([route("GET /a/{x}", "a.read")], [route("GET /a/{y}", "a.read a.more")])
    assert decision.may_change("GET", "/a/{x}")
    assert decision.decide(caller("a.read"), "GET", "/a/{x}", "2xx") == refused(Code.SCOPE_MISSING, "a.more")
    assert decision.decide(caller("a.read", "a.more"), "GET", "/a/{x}", "2xx") == ()
    # Whoever lacked a.read was refused, and still is.
    assert decision.decide(caller("a.more"), "GET", "/a/{x}", "scope_missing") == ()


def test_a_scope_that_is_not_needed_any_more_lets_pass() -> None:
    decision = redecided([route("GET /a/{x}", "a.read")], [route("GET /a/{x}", "authenticated")])
    assert decision.decide(caller(), "GET", "/a/{x}", "scope_missing") == passing(
        Code.SCOPE_MISSING, "a.read"
    )
    # The scope was taken away since then: what counts is what the integration holds now.
    assert decision.decide(caller(), "GET", "/a/{x}", "2xx") == passing(Code.SCOPE_MISSING, "a.read")


def test_an_operation_that_goes_is_refused_and_one_that_was_gone_already_stays_so() -> None:
    decision = redecided([route("GET /a/{x}", "a.read")], [])
    assert decision.decide(caller("a.read"), "GET", "/a/{x}", "5xx") == refused(Code.ROUTE_UNKNOWN)
    assert not decision.may_change("GET", "/older/{x}")
    assert decision.decide(caller("a.read"), "GET", "/older/{x}", "2xx") == ()


def test_the_kind_of_account_and_a_denial_are_told_by_their_codes() -> None:
    of_agencies = [route("GET /a/{x}", "a.read", account=AccountKind.AGENCY)]
    decision = redecided([route("GET /a/{x}", "a.read")], of_agencies)
    assert decision.decide(caller("a.read"), "GET", "/a/{x}", "2xx") == refused(Code.ACCOUNT_KIND)
    denied = redecided([route("GET /a/{x}", "a.read")], [route("GET /a/{x}", "deny")])
    (answer,) = denied.decide(caller("a.read"), "GET", "/a/{x}", "2xx")
    assert (answer.passes, answer.refusal.code) == (False, Code.ROUTE_UNKNOWN)


def test_head_is_decided_by_the_route_of_get_or_by_its_own() -> None:
    old = [route("GET /a/{x}", "a.read")]
    decision = redecided(old, [route("GET /a/{x}", "b.read")])
    assert decision.decide(caller("a.read"), "HEAD", "/a/{x}", "2xx") == refused(Code.SCOPE_MISSING, "b.read")
    own = redecided(old, [*old, route("HEAD /a/{x}", "h.read")])
    assert own.decide(caller("a.read"), "HEAD", "/a/{x}", "2xx") == refused(Code.SCOPE_MISSING, "h.read")
    assert own.decide(caller("a.read"), "GET", "/a/{x}", "2xx") == ()


def test_a_new_literal_leaves_open_how_many_requests_it_takes() -> None:
    parameter = route("GET /a/{x}", "a.read")
    decision = redecided([parameter], [parameter, route("GET /a/search", "a.search")])
    assert decision.may_change("GET", "/a/{x}")
    assert decision.decide(caller("a.read"), "GET", "/a/{x}", "2xx") == refused(
        Code.SCOPE_MISSING, "a.search", condition=Condition.PATH, template="/a/search"
    )
    assert decision.decide(caller("a.read", "a.search"), "GET", "/a/{x}", "2xx") == ()
    # With other scopes it is the literal alone that lets them pass.
    (answer,) = decision.decide(caller("a.search"), "GET", "/a/{x}", "scope_missing")
    assert (answer.passes, answer.condition, answer.paths) == (True, Condition.PATH, "/a/search")


def test_where_parameter_and_new_literal_refuse_alike_nothing_is_open() -> None:
    decision = redecided(
        [route("GET /a/{x}", "a.read")],
        [route("GET /a/{x}", "b.read"), route("GET /a/search", "b.search")],
    )
    assert decision.decide(caller("a.read"), "GET", "/a/{x}", "2xx") == refused(Code.SCOPE_MISSING, "b.read")


VERSIONED = {
    "none": (),
    "one": ("1",),
    "both": ("1", "2"),
    "other": ("2",),
}


@pytest.mark.parametrize(
    ("old", "new", "outcome", "found"),
    [
        # Whoever passed sent a version of the old map.
        ("one", "both", "2xx", None),
        ("one", "none", "2xx", None),
        ("one", "other", "2xx", (False, Condition.NONE)),
        ("both", "one", "2xx", (False, Condition.VERSION)),
        ("none", "one", "2xx", (False, Condition.VERSION)),
        # Whoever was refused for it did not.
        ("one", "none", "version_required", (True, Condition.NONE)),
        ("one", "both", "version_required", (True, Condition.VERSION)),
        ("one", "other", "version_required", (True, Condition.VERSION)),
        ("both", "one", "version_required", None),
    ],
)
def test_how_a_request_ended_says_which_version_it_may_have_had(
    old: str, new: str, outcome: str, found: tuple[bool, Condition] | None
) -> None:
    decision = redecided(
        [route("GET /a/{x}", "a.read", versions=VERSIONED[old])],
        [route("GET /a/{x}", "a.read", versions=VERSIONED[new])],
    )
    answers = decision.decide(caller("a.read"), "GET", "/a/{x}", outcome)
    assert [(answer.passes, answer.condition) for answer in answers] == ([found] if found else [])
    assert all(answer.refusal.code is Code.VERSION_REQUIRED for answer in answers)


def test_every_refusal_of_the_policy_is_decided_anew_and_no_other() -> None:
    asked = product(
        [caller(), caller(kind=AccountKind.AGENCY), caller("a.read")],
        [
            None,
            *(
                route("GET /a", access.value)
                for access in Access
                if access not in {Access.ALL_OF, Access.ANY_OF}
            ),
            route("GET /a", "a.read", account=AccountKind.AGENCY),
            route("GET /a", "a.read | b.read", versions=("1",)),
        ],
    )
    codes = {verdict.code for who, found in asked if isinstance(verdict := authorize(who, found, ()), Deny)}
    assert codes == MAP_REFUSALS
    assert [code for code in Code if is_redecided(code.value)] == [
        *(code for code in Code if code in MAP_REFUSALS),
        Code.UPSTREAM_UNREACHABLE,
        Code.UPSTREAM_BAD_RESPONSE,
        Code.UPSTREAM_TIMEOUT,
        Code.INTERNAL_ERROR,
    ]
    assert is_redecided("2xx")


def ended(record: TokenRecord, found: Route | None, versions: tuple[str, ...]) -> str:
    verdict = decide(record, found, versions, 0.0)
    return verdict.code.value if isinstance(verdict, Deny) else "2xx"


@settings(max_examples=100, deadline=None)
@given(map_pairs(), st.lists(st.tuples(records(), st.sampled_from(VERSIONS)), min_size=1, max_size=4))
def test_what_is_said_of_a_recorded_request_is_true_of_the_request(
    maps: tuple[RouteMap, RouteMap], asking: list[tuple[TokenRecord | None, tuple[str, ...]]]
) -> None:
    """Whatever request was counted: what is said without a condition happens, and nothing happens that was not said."""
    before, after = table_of(maps[0]), table_of(maps[1])
    redecision = Redecision(*maps)
    for method, path in product(METHODS, PATHS):
        was, now = before.match(method, path), after.match(method, path)
        if was is None or was.access is Access.PUBLIC:
            continue  # without an operation, or without a token: neither can be told
        for record, versions in asking:
            if record is None:
                continue
            outcome, comes = ended(record, was, versions), ended(record, now, versions)
            answers = redecision.decide(record.caller, method, was.template, outcome)
            said = {(answer.passes, answer.refusal.code) for answer in answers}
            turned = (outcome == "2xx") != (comes == "2xx")
            if turned:
                passes = comes == "2xx"
                assert passes in {answer.passes for answer in answers}
                assert (
                    any(answer.condition is Condition.NONE for answer in answers)
                    or (
                        passes,
                        Code(outcome if passes else comes),
                    )
                    in said
                )
                assert redecision.may_change(method, was.template)
            else:
                assert all(answer.condition is not Condition.NONE for answer in answers)
