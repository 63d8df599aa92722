"""What waits for the store is merged and bounded; a token's last use is the last thing to be given up."""

from __future__ import annotations

from gateway.core.reasons import Code
from gateway.core.usage import (
    REFUSALS,
    HourlyCount,
    NetworkUse,
    ShadowCount,
    TokenUse,
    operation_of,
    outcome_of,
    parted,
)
from gateway.core.usage_ledger import UsageLedger


def ledger(**bounds: int) -> UsageLedger:
    return UsageLedger(
        **{"max_tokens": 9, "max_hours": 9, "max_networks": 9, "max_networks_per_token": 3, **bounds}
    )


def test_what_speaks_of_one_row_becomes_one_row() -> None:
    made = ledger()
    for first, last in ((5.0, 6.0), (2.0, 3.0), (4.0, 9.0)):
        made.use("t", first, last)
        made.count("t", 0, "GET /x", "2xx", 2)
        made.shadow("t", 0, "GET /x", "scope_missing", 1)
        made.seen("t", "n", first, last, 2)
    assert made.peek_uses(9) == (TokenUse("t", 2.0, 9.0),)
    assert made.peek_hours(9) == (HourlyCount("t", 0, "GET /x", "2xx", 6),)
    assert made.peek_shadows(9) == (ShadowCount("t", 0, "GET /x", "scope_missing", 3),)
    assert made.peek_networks(9) == (NetworkUse("t", "n", 2.0, 9.0, 6),)


def test_what_is_settled_is_gone_and_what_is_not_stays() -> None:
    made = ledger()
    for token in ("a", "b", "c"):
        made.use(token, 1.0, 1.0)
        made.count(token, 0, "GET /x", "2xx", 1)
        made.shadow(token, 0, "GET /x", "scope_missing", 1)
        made.seen(token, "n", 1.0, 1.0, 1)
    made.settle_uses(made.peek_uses(2), but=frozenset({"a"}))
    made.settle_hours(made.peek_hours(2))
    made.settle_shadows(made.peek_shadows(2))
    made.settle_networks(made.peek_networks(2))
    assert [use.token_id for use in made.peek_uses(9)] == ["a", "c"]
    assert [use.token_id for use in made.peek_uses(9, but=frozenset({"a"}))] == ["c"]
    assert [hour.token_id for hour in made.peek_hours(9)] == ["c"]
    assert [network.token_id for network in made.peek_networks(9)] == ["c"]
    assert [shadow.token_id for shadow in made.peek_shadows(9)] == ["c"]
    assert (len(made), made.has_uses) == (5, True)


def test_the_oldest_counts_are_given_up_first_and_told() -> None:
    made = ledger(max_hours=2)
    for hour in (0, 3600, 7200):
        made.count("t", hour, "GET /x", "2xx", 5)
        made.shadow("t", hour, "GET /x", "scope_missing", 3)
    made.count("t", 7200, "GET /x", "2xx", 1)
    assert [(hour.hour, hour.count) for hour in made.peek_hours(9)] == [(3600, 5), (7200, 6)]
    assert [shadow.hour for shadow in made.peek_shadows(9)] == [3600, 7200]
    assert (made.dropped.hours, made.dropped.shadows) == (5, 3)


def test_a_token_keeps_the_networks_it_was_seen_from_last() -> None:
    made = ledger(max_networks_per_token=2)
    made.seen("t", "first", 1.0, 9.0, 1)
    made.seen("t", "second", 2.0, 2.0, 4)
    made.seen("t", "third", 3.0, 3.0, 1)
    made.seen("u", "second", 3.0, 3.0, 1)
    assert [(use.token_id, use.network) for use in made.peek_networks(9)] == [
        ("t", "first"),
        ("t", "third"),
        ("u", "second"),
    ]
    assert made.dropped.networks == 4


def test_many_tokens_cannot_outgrow_the_room_for_networks() -> None:
    made = ledger(max_networks=3)
    for number in range(50):
        made.seen(f"t{number}", "n", 1.0, 1.0, 1)
    assert [use.token_id for use in made.peek_networks(99)] == ["t47", "t48", "t49"]
    assert made.dropped.networks == 47


def test_a_token_that_is_known_to_be_used_is_never_given_up_for_another() -> None:
    made = ledger(max_tokens=1)
    made.use("known", 1.0, 1.0)
    made.use("new", 2.0, 2.0)
    made.use("known", 3.0, 3.0)
    assert made.peek_uses(9) == (TokenUse("known", 1.0, 3.0),)
    assert made.dropped.uses == 1


def test_a_failure_behind_the_gateway_was_let_through_and_everything_else_was_refused() -> None:
    assert {Code.SCOPE_MISSING, Code.TOKEN_ROTATED, Code.RATE_LIMITED, Code.STORE_UNAVAILABLE} <= REFUSALS
    assert REFUSALS.isdisjoint({Code.UPSTREAM_TIMEOUT, Code.UPSTREAM_UNREACHABLE, "caller_left", "2xx"})


def test_the_words_of_outcomes_and_operations() -> None:
    assert [outcome_of(200, ""), outcome_of(404, ""), outcome_of(101, "")] == ["2xx", "4xx", "1xx"]
    assert [outcome_of(401, "token_rotated"), outcome_of(0, "caller_left")] == [
        "token_rotated",
        "caller_left",
    ]
    assert (operation_of("GET", "/a/{b}"), operation_of("BREW", "")) == ("GET /a/{b}", "")
    assert parted("GET /a/{b}") == ("GET", "/a/{b}")
