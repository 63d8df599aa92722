"""Every code has its status and words, as callers' programs know them."""

from __future__ import annotations

import pytest

from gateway.core.reasons import REASONS, Code

STATUSES = {
    400: "bad_request path_refused version_required",
    401: "token_missing token_malformed token_unknown token_rotated token_expired token_revoked",
    403: "integration_suspended account_kind scope_missing",
    404: "route_unknown",
    405: "method_refused",
    408: "request_timeout",
    413: "body_too_large",
    414: "target_too_long",
    429: "rate_limited",
    431: "head_too_large",
    500: "internal_error",
    502: "upstream_unreachable upstream_bad_response",
    503: "store_unavailable overloaded",
    504: "upstream_timeout",
    505: "protocol_unsupported",
}


def test_the_table_covers_the_codes_exactly() -> None:
    assert REASONS.keys() == set(Code)


def test_a_name_and_its_status_never_change() -> None:
    assert {code.value: reason.status for code, reason in REASONS.items()} == {
        name: status for status, names in STATUSES.items() for name in names.split()
    }


@pytest.mark.parametrize("code", list(Code))
def test_a_401_challenges_and_says_invalid_where_a_token_was_given(code: Code) -> None:
    """RFC 6750 section 3.1: no error code where the request lacks any credential."""
    by_status = "invalid_token" if REASONS[code].status == 401 else ""
    expected = {Code.TOKEN_MISSING: "ask", Code.SCOPE_MISSING: "insufficient_scope"}.get(code, by_status)
    assert REASONS[code].challenge == expected


@pytest.mark.parametrize("code", list(Code))
def test_who_shall_come_again_is_told_when(code: Code) -> None:
    reason = REASONS[code]
    assert (reason.retry_after_seconds is not None) == (reason.status in {429, 503})
    assert reason.retry_after_seconds is None or reason.retry_after_seconds > 0


@pytest.mark.parametrize("code", list(Code))
def test_words_are_for_callers(code: Code) -> None:
    reason = REASONS[code]
    assert reason.message.endswith(".")
    assert reason.message.isascii()
    assert '"' not in reason.message
    assert reason.phrase
    assert code.value == code.name.lower()


def test_what_callers_of_the_real_service_know_stays() -> None:
    assert REASONS[Code.SCOPE_MISSING].message == "The token is not authorized for this scope."
    assert REASONS[Code.SCOPE_MISSING].phrase == "Forbidden"
