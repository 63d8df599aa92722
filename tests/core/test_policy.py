"""The decision: every row of its table, and the order in which the rules speak."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.model import Access, AccountKind, Caller, Ending, Route, TokenRecord
from gateway.core.policy import (
    Allow,
    Deny,
    authenticate,
    authorize,
    checked,
    decide,
    judge,
    missing_scope,
    read_credential,
)
from gateway.core.reasons import Code
from gateway.core.tokens import ALPHABET, MAX_CREDENTIAL_BYTES, TokenForm, mint

FORM = TokenForm("pit")
TOKEN = mint("pit", bytes(range(32))).encode()
NOW = 1_800_000_000.0


def caller(*scopes: str, kind: AccountKind = AccountKind.SUB_ACCOUNT) -> Caller:
    return Caller(
        account_id="acc_1",
        account_kind=kind,
        integration_id="int_1",
        token_id="tok_1",
        scopes=frozenset(scopes),
    )


def record(
    who: Caller, *, suspended: bool = False, ends_at: float | None = None, ending: Ending | None = None
) -> TokenRecord:
    return TokenRecord(caller=who, suspended=suspended, ends_at=ends_at, ending=ending)


def route(
    access: Access = Access.ALL_OF,
    *scopes: str,
    account: AccountKind | None = None,
    versions: tuple[str, ...] = (),
    shadow: Route | None = None,
) -> Route:
    return Route(
        method="GET",
        template="/a",
        service="s",
        upstream="u",
        access=access,
        scopes=scopes,
        account=account,
        versions=versions,
        shadow=shadow,
    )


# The credential.


@pytest.mark.parametrize(
    "field",
    [
        *(b"Bearer %s", b"bearer %s", b"BEARER %s", b"bEaReR %s", b"Bearer  %s", b"Bearer\t%s"),
        b"Bearer \t %s",
        *(b"Bearer %s ", b"Bearer %s\t \t", b"Bearer   %s   "),
    ],
)
def test_one_bearer_token_is_read_in_any_case_with_blanks_around(field: bytes) -> None:
    assert read_credential([field % TOKEN], FORM) == TOKEN


def test_no_field_is_a_missing_token_and_not_a_bad_one() -> None:
    assert read_credential([], FORM) == Deny(Code.TOKEN_MISSING)


@pytest.mark.parametrize(
    "field",
    [
        *(b"", b" ", b"Bearer", b"Bearer ", b"Bearer\t", b"%s", b"Bearer%s", b"Token %s", b"Basic %s"),
        b"Bearer: %s",
        *(b"Bearer %s, Bearer %s", b"Bearer %s,", b",Bearer %s", b"Bearer %s %s", b"Bearer %s; a=b"),
        *(b"Bearer %s=", b"Bearer =%s"),
        *(b'Bearer "%s"', b"Bearer token=%s", b"Bearer Bearer %s", b"Basic x, Bearer %s", b"Bearer %s\r\n"),
        b"Bearer %s\n",
        *(b"Bearer\n%s", b"Bearer\x0b%s", b"Bearer\xa0%s", b"Bearer %s\0", b"Bearer \0%s", b"Bearer %s\xe9"),
        b"\xef\xbb\xbfBearer %s",
        *(b"Bearer x", b"Bearer " + b"a" * 8000, b"Bearer pit_" + b"0" * 37, b"Bearer " + TOKEN[:-1]),
        b"B\xc3\xa9arer %s",
        b"Bearer " + mint("adm", bytes(32)).encode(),
        b"Bearer " + TOKEN.swapcase(),
    ],
)
def test_anything_else_is_malformed_and_stops_before_the_store(field: bytes) -> None:
    found = read_credential([field.replace(b"%s", TOKEN)], FORM)
    assert isinstance(found, Deny)
    assert found.code is Code.TOKEN_MALFORMED


@pytest.mark.parametrize("second", [b"Bearer " + TOKEN, b"", b"Basic x", b"Bearer x"])
def test_two_fields_are_malformed_whatever_they_hold(second: bytes) -> None:
    good = b"Bearer " + TOKEN
    for fields in ([good, second], [second, good], [good, good, second]):
        found = read_credential(fields, FORM)
        assert isinstance(found, Deny)
        assert found.code is Code.TOKEN_MALFORMED


def test_a_credential_longer_than_the_bound_is_not_looked_at() -> None:
    assert MAX_CREDENTIAL_BYTES == 256
    long_form = TokenForm("p" * (MAX_CREDENTIAL_BYTES - 39))
    token = mint(long_form.prefix, bytes(32)).encode()
    assert len(token) == MAX_CREDENTIAL_BYTES
    assert read_credential([b"Bearer " + token], long_form) == token
    longer = TokenForm("p" * (MAX_CREDENTIAL_BYTES - 38))
    token = mint(longer.prefix, bytes(32)).encode()
    assert isinstance(read_credential([b"Bearer " + token], longer), Deny)


@given(st.lists(st.binary(max_size=80), max_size=3))
def test_what_is_read_is_well_formed_or_refused(fields: list[bytes]) -> None:
    found = read_credential(fields, FORM)
    assert isinstance(found, Deny) or FORM.matches(found)


@given(st.text(ALPHABET, min_size=38, max_size=38))
def test_a_mistyped_token_is_malformed_before_any_store_is_asked(text: str) -> None:
    credential = f"pit_{text}".encode()
    assert read_credential([b"Bearer " + credential], FORM) == credential
    found = checked(credential, FORM)
    assert isinstance(found, Deny)
    assert found.code is Code.TOKEN_MALFORMED
    assert text not in repr(found)


def test_a_token_that_was_typed_right_may_be_asked_about() -> None:
    assert checked(TOKEN, FORM) is None


def test_no_refusal_repeats_the_credential() -> None:
    found = read_credential([b"Bearer " + TOKEN[:-1] + b"!"], FORM)
    assert TOKEN[4:-1].decode() not in repr(found)


# Who holds it.


@pytest.mark.parametrize(
    ("ending", "code"),
    [
        (Ending.ROTATED, Code.TOKEN_ROTATED),
        (Ending.EXPIRED, Code.TOKEN_EXPIRED),
        (Ending.REVOKED, Code.TOKEN_REVOKED),
    ],
)
def test_a_deadline_ends_a_token_at_its_instant(ending: Ending, code: Code) -> None:
    who = caller()
    held = record(who, ends_at=NOW, ending=ending)
    assert authenticate(held, NOW - 0.001) is who
    assert authenticate(held, NOW) == Deny(code)
    assert authenticate(held, NOW + 1e9) == Deny(code)


def test_every_ending_has_its_own_code() -> None:
    codes = set()
    for ending in Ending:
        found = authenticate(record(caller(), ends_at=0.0, ending=ending), NOW)
        assert isinstance(found, Deny)
        codes.add(found.code)
    assert len(codes) == len(Ending)


def test_a_deadline_without_a_reason_still_ends_the_token() -> None:
    assert authenticate(record(caller(), ends_at=NOW), NOW) == Deny(Code.TOKEN_REVOKED)


def test_a_token_without_deadline_lives() -> None:
    who = caller()
    assert authenticate(record(who), NOW) is who


def test_a_suspended_integration_says_so_and_its_dead_token_says_dead() -> None:
    assert authenticate(record(caller(), suspended=True), NOW) == Deny(Code.INTEGRATION_SUSPENDED)
    dead = record(caller(), suspended=True, ends_at=NOW, ending=Ending.REVOKED)
    assert authenticate(dead, NOW) == Deny(Code.TOKEN_REVOKED)


def test_no_record_is_a_token_never_issued() -> None:
    assert authenticate(None, NOW) == Deny(Code.TOKEN_UNKNOWN)


# What the holder may do.

HELD = [(), ("a",), ("b",), ("a", "b"), ("A",), ("a.write",), ("a", "z"), ("", "a ")]


@pytest.mark.parametrize(("needed", "held"), list(product([("a",), ("a", "b"), ("b", "a")], HELD)))
def test_all_scopes_means_each_of_them_and_names_the_first_that_lacks(
    needed: tuple[str, ...], held: tuple[str, ...]
) -> None:
    lacks = [scope for scope in needed if scope not in held]
    assert missing_scope(route(Access.ALL_OF, *needed), frozenset(held)) == (lacks[0] if lacks else None)


@pytest.mark.parametrize(("needed", "held"), list(product([("a",), ("a", "b"), ("b", "a")], HELD)))
def test_any_scope_means_one_of_them(needed: tuple[str, ...], held: tuple[str, ...]) -> None:
    expected = None if set(needed) & set(held) else needed[0]
    assert missing_scope(route(Access.ANY_OF, *needed), frozenset(held)) == expected


@pytest.mark.parametrize(
    "held", ["contacts", "contacts.write", "contacts.readonl", "contacts.*", "*", "CONTACTS.READONLY"]
)
def test_no_scope_implies_another(held: str) -> None:
    assert missing_scope(route(Access.ALL_OF, "contacts.readonly"), frozenset({held})) == "contacts.readonly"


@pytest.mark.parametrize("access", [Access.ALL_OF, Access.ANY_OF])
def test_an_empty_scope_list_is_not_open(access: Access) -> None:
    """Settings refuse such a route; should one come by another way, it stays shut."""
    found = authorize(caller("a", "b"), route(access), ())
    assert isinstance(found, Deny)
    assert found.code is Code.SCOPE_MISSING


@pytest.mark.parametrize("access", [Access.AUTHENTICATED, Access.PUBLIC])
def test_a_route_without_scopes_takes_any_token(access: Access) -> None:
    assert missing_scope(route(access), frozenset()) is None


@pytest.mark.parametrize(("wanted", "kind"), list(product([None, *AccountKind], AccountKind)))
def test_the_kind_of_account_must_fit(wanted: AccountKind | None, kind: AccountKind) -> None:
    who, what = caller("a", kind=kind), route(Access.ALL_OF, "a", account=wanted)
    expected = Allow(who, what) if wanted in {None, kind} else Deny(Code.ACCOUNT_KIND)
    assert authorize(who, what, ()) == expected


@pytest.mark.parametrize(
    ("listed", "sent", "passes"),
    [
        ((), [], True),
        ((), ["whatever"], True),
        ((), ["1", "2"], True),
        (("1",), ["1"], True),
        (("1", "2"), ["2"], True),
        (("1",), [], False),
        (("1",), [""], False),
        (("1",), ["2"], False),
        (("1",), ["1 "], False),
        (("1",), ["1, 1"], False),
        (("1",), ["1", "1"], False),
        (("1", "2"), ["1", "2"], False),
        (("2021-07-28",), ["2021-07-2"], False),
        (("v1",), ["V1"], False),
        (("v1",), ["v\xb9"], False),
    ],
)
def test_a_listed_version_must_be_sent_once_and_exactly(
    listed: tuple[str, ...], sent: list[str], passes: bool
) -> None:
    who, what = caller("a"), route(Access.ALL_OF, "a", versions=listed)
    assert authorize(who, what, sent) == (Allow(who, what) if passes else Deny(Code.VERSION_REQUIRED))


@pytest.mark.parametrize("account", [None, *AccountKind])
@pytest.mark.parametrize("versions", [(), ("1",)])
@pytest.mark.parametrize("scopes", [(), ("a",)])
def test_a_denied_route_is_unknown_to_everyone(
    account: AccountKind | None, versions: tuple[str, ...], scopes: tuple[str, ...]
) -> None:
    """Whatever else it says: nobody is told that another kind of account or scope would do."""
    what = route(Access.DENY, *scopes, account=account, versions=versions)
    for kind in AccountKind:
        found = authorize(caller("a", "", kind=kind), what, ["1"])
        assert found == Deny(Code.ROUTE_UNKNOWN, detail="the map denies it")


# What is only tried.

TRIED = [
    (route(Access.ALL_OF, "a"), None),
    (route(Access.ALL_OF, "a", "b"), Code.SCOPE_MISSING),
    (route(Access.ANY_OF, "b", "a"), None),
    (route(Access.ANY_OF, "b", "c"), Code.SCOPE_MISSING),
    (route(Access.AUTHENTICATED, account=AccountKind.SUB_ACCOUNT), None),
    (route(Access.AUTHENTICATED, account=AccountKind.AGENCY), Code.ACCOUNT_KIND),
    (route(Access.ALL_OF, "b", account=AccountKind.AGENCY), Code.ACCOUNT_KIND),
    (route(Access.AUTHENTICATED, versions=("1", "2")), None),
    (route(Access.AUTHENTICATED, versions=("2",)), Code.VERSION_REQUIRED),
    (route(Access.ALL_OF, "b", versions=("2",)), Code.SCOPE_MISSING),
    (route(Access.DENY), Code.ROUTE_UNKNOWN),
]


@pytest.mark.parametrize(("shadow", "expected"), TRIED)
def test_a_shadow_is_judged_as_it_would_be_enforced_and_refuses_nobody(
    shadow: Route, expected: Code | None
) -> None:
    who, what = caller("a"), route(Access.AUTHENTICATED, shadow=shadow)
    assert authorize(who, what, ["1"]) == Allow(who, what)
    found = judge(who, what, ["1"])
    assert (found and found.code) == expected
    enforced = authorize(who, shadow, ["1"])
    assert found == (enforced if isinstance(enforced, Deny) else None)


def test_every_access_that_can_refuse_is_tried_above() -> None:
    assert {shadow.access for shadow, _ in TRIED} == set(Access) - {Access.PUBLIC}


def test_a_shadow_loosens_nothing_that_is_enforced() -> None:
    what = route(Access.ALL_OF, "b", shadow=route(Access.ALL_OF, "a"))
    assert authorize(caller("a"), what, ()) == Deny(Code.SCOPE_MISSING, "b")


def test_a_route_without_a_shadow_would_refuse_nobody_else() -> None:
    assert judge(caller(), route(Access.ALL_OF, "a"), ()) is None


# The whole, in order.

RANK = [
    Code.TOKEN_UNKNOWN,
    *(Code.TOKEN_ROTATED, Code.TOKEN_EXPIRED, Code.TOKEN_REVOKED),
    *(Code.INTEGRATION_SUSPENDED, Code.ROUTE_UNKNOWN, Code.ACCOUNT_KIND, Code.SCOPE_MISSING),
    Code.VERSION_REQUIRED,
]


def test_the_first_rule_that_refuses_is_the_one_that_answers() -> None:
    """Every combination of faults at once: what is answered is always the earliest. All codes of a decision occur."""
    seen: set[Code] = set()
    bits = product([False, True], [None, *Ending], *[[False, True]] * 5)
    for unknown, ending, suspended, no_route, wrong_kind, no_scope, no_version in bits:
        who = caller(*([] if no_scope else ["a"]))
        held = record(who, suspended=suspended, ends_at=None if ending is None else NOW, ending=ending)
        what = route(
            Access.ALL_OF,
            "a",
            account=AccountKind.AGENCY if wrong_kind else AccountKind.SUB_ACCOUNT,
            versions=("1",),
        )
        faults = {
            Code.TOKEN_UNKNOWN: unknown,
            Code.TOKEN_ROTATED: ending is Ending.ROTATED,
            Code.TOKEN_EXPIRED: ending is Ending.EXPIRED,
            Code.TOKEN_REVOKED: ending is Ending.REVOKED,
            Code.INTEGRATION_SUSPENDED: suspended,
            Code.ROUTE_UNKNOWN: no_route,
            Code.ACCOUNT_KIND: wrong_kind,
            Code.SCOPE_MISSING: no_scope,
            Code.VERSION_REQUIRED: no_version,
        }
        found = decide(
            None if unknown else held, None if no_route else what, [] if no_version else ["1"], NOW
        )
        expected = next((code for code in RANK if faults[code]), None)
        if expected is None:
            assert found == Allow(who, what)
            continue
        assert isinstance(found, Deny)
        assert found.code is expected
        assert found.scope == ("a" if expected is Code.SCOPE_MISSING else None)
        seen.add(found.code)
    assert seen == set(RANK)


@pytest.mark.parametrize(
    "held", [None, record(caller(), ends_at=0.0, ending=Ending.REVOKED), record(caller("a"))]
)
def test_a_public_route_vouches_for_nobody(held: TokenRecord | None) -> None:
    """Not even for a caller that sends a good token along."""
    what = route(Access.PUBLIC)
    assert decide(held, what, (), NOW) == Allow(None, what)


def test_no_other_access_passes_without_a_live_token() -> None:
    for access in set(Access) - {Access.PUBLIC}:
        assert decide(None, route(access, "a"), (), NOW) == Deny(Code.TOKEN_UNKNOWN)
