"""Security read into needs: never more open than it is described, and never open at all by silence."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.model import Access, AccountKind
from gateway.openapi.needs import EVERY_KIND, Anonymous, Judged, Kinds, Needs, Reading, judge
from gateway.openapi.scope_list import KINDS

SUB = frozenset({AccountKind.SUB_ACCOUNT})
AGENCY = frozenset({AccountKind.AGENCY})
BY_SCHEME = {"Location": KINDS["sub_account"], "Agency": KINDS["agency"], "Any": KINDS["any"]}

Security = list[dict[str, list[str]]]


def judged(security: Security | None, **how: Any) -> Judged:
    requirements = (
        None
        if security is None
        else tuple({scheme: tuple(scopes) for scheme, scopes in each.items()} for each in security)
    )
    return judge(requirements, Reading(**how))


@pytest.mark.parametrize(
    ("security", "access", "scopes"),
    [
        ([{"b": ["x"]}], Access.ALL_OF, ("x",)),
        ([{"b": ["x", "y"]}], Access.ALL_OF, ("x", "y")),
        ([{"b": ["x", "x"]}], Access.ALL_OF, ("x",)),
        ([{"b": ["x"], "c": ["y"]}], Access.ALL_OF, ("x", "y")),
        ([{"b": ["x"], "key": []}], Access.ALL_OF, ("x",)),
        ([{"b": ["x"]}, {"b": ["y"]}], Access.ANY_OF, ("x", "y")),
        ([{"b": ["x"]}, {"c": ["x"]}], Access.ALL_OF, ("x",)),
        # Whoever has x gets in by the first way already.
        ([{"b": ["x"]}, {"b": ["x", "y"]}], Access.ALL_OF, ("x",)),
        ([{"b": ["x", "y"]}, {"b": ["y", "x"]}], Access.ALL_OF, ("x", "y")),
        # A way without a scope is not taken: what is stricter than described is never open.
        ([{"b": ["x"]}, {"key": []}], Access.ALL_OF, ("x",)),
    ],
)
def test_what_one_entry_can_say(security: Security, access: Access, scopes: tuple[str, ...]) -> None:
    found = judged(security)
    assert (found.needs, found.reason) == (Needs(access, scopes), None)


@pytest.mark.parametrize(
    ("security", "reason"),
    [
        (None, "the description names no security for it"),
        ([], "open to anyone in the description"),
        ([{}], "open to anyone in the description"),
        ([{}, {"b": ["x"]}], "open to anyone in the description, or with x"),
        ([{"b": []}], "the description names none"),
        ([{"b": []}, {"c": []}], "the description names none"),
        ([{"b": ["x", "y"]}, {"b": ["z"]}], "(x and y) or z cannot be one entry"),
        ([{"b": ["x y"]}], '"x y" cannot be a scope'),
        ([{"b": [""]}], '"" cannot be a scope'),
        ([{"b": ["public"]}], '"public" cannot be a scope'),
        ([{"b": ["deny"]}], '"deny" cannot be a scope'),
        ([{"b": ["a\nGET /x: public"]}], '"a?GET /x: public" cannot be a scope'),
    ],
)
def test_what_is_denied_and_why(security: Security | None, reason: str) -> None:
    found = judged(security)
    assert (found.needs.access, found.reason) == (Access.DENY, reason)


@pytest.mark.parametrize(
    ("security", "kinds"),
    [
        ([{"Location": ["x"]}], SUB),
        ([{"Agency": ["x"]}], AGENCY),
        ([{"Location": ["x"]}, {"Agency": ["x"]}], EVERY_KIND),
        ([{"Any": ["x"]}], EVERY_KIND),
        ([{"bearer": ["x"]}], None),
        ([{"Location": ["x"]}, {"bearer": ["x"]}], None),
        ([{"Location": ["x"], "bearer": []}], SUB),
        ([{"Location": ["x"]}, {"Location": ["y"]}], SUB),
        ([{"Location": []}], SUB),
        ([{"Location": []}, {"Agency": []}], EVERY_KIND),
    ],
)
def test_account_kinds_come_from_the_names_of_schemes(security: Security, kinds: Kinds | None) -> None:
    assert judged(security, kinds=BY_SCHEME).kinds == kinds


@pytest.mark.parametrize(
    ("security", "reason"),
    [
        # One entry has one kind: any of both scopes for both kinds would let too many in.
        ([{"Location": ["x"]}, {"Agency": ["y"]}], "x or y, by kind of account, cannot be one entry"),
        ([{"Location": ["x"]}, {"bearer": ["y"]}], "x or y, by kind of account, cannot be one entry"),
        ([{"Location": ["x"], "Agency": ["x"]}], "its schemes are of different kinds of account"),
    ],
)
def test_kinds_that_one_entry_cannot_say(security: Security, reason: str) -> None:
    found = judged(security, kinds=BY_SCHEME)
    assert (found.needs.access, found.reason) == (Access.DENY, reason)


def test_a_wider_kind_is_not_covered_by_a_narrower_one() -> None:
    """x is enough for sub-accounts, x and y for agencies: dropping the second would refuse, keeping x alone would open."""
    found = judged([{"Location": ["x"]}, {"Agency": ["x", "y"]}], kinds=BY_SCHEME)
    assert found.needs.access is Access.DENY


@pytest.mark.parametrize(
    ("schemes", "access", "scopes"),
    [
        ({"oauth"}, Access.ALL_OF, ("x",)),
        ({"key"}, Access.ALL_OF, ("y",)),
        ({"oauth", "key"}, Access.ANY_OF, ("x", "y")),
        ({"other"}, Access.DENY, ()),
    ],
)
def test_only_schemes_that_count_are_looked_at(
    schemes: set[str], access: Access, scopes: tuple[str, ...]
) -> None:
    found = judged([{"oauth": ["x"]}, {"key": ["y"]}, {"basic": []}], schemes=frozenset(schemes))
    assert found.needs == Needs(access, scopes)
    if access is Access.DENY:
        assert found.reason == 'only "oauth", "key", "basic", which does not count'


@pytest.mark.parametrize(
    ("anonymous", "security", "access"),
    [
        (Anonymous.DENY, [{}, {"b": ["x"]}], Access.DENY),
        (Anonymous.SCOPE, [{}, {"b": ["x"]}], Access.ALL_OF),
        (Anonymous.SCOPE, [], Access.DENY),
        (Anonymous.AUTHENTICATED, [{}, {"b": ["x"]}], Access.AUTHENTICATED),
        (Anonymous.PUBLIC, [], Access.PUBLIC),
        # Only what the description opens is ever opened, not what it is silent about.
        (Anonymous.PUBLIC, None, Access.DENY),
        (Anonymous.PUBLIC, [{"b": []}], Access.DENY),
    ],
)
def test_what_is_open_to_anyone_is_for_an_option_to_say(
    anonymous: Anonymous, security: Security | None, access: Access
) -> None:
    assert judged(security, anonymous=anonymous).needs.access is access


SCHEMES = st.sampled_from(["Location", "Agency", "bearer", "key"])
SECURITY = st.lists(
    st.dictionaries(SCHEMES, st.lists(st.sampled_from("xyz"), max_size=2), max_size=2), max_size=4
)


@given(SECURITY, st.sampled_from(list(AccountKind)), st.frozensets(st.sampled_from("xyz")))
def test_whoever_an_entry_lets_in_gets_in_as_described(
    security: Security, kind: AccountKind, held: frozenset[str]
) -> None:
    found = judged(security, kinds=BY_SCHEME)
    needed = set(found.needs.scopes)
    enough = {
        Access.DENY: False,
        Access.ALL_OF: needed <= held,
        Access.ANY_OF: bool(needed & held),
    }[found.needs.access]
    let_in = enough and kind in (found.kinds or EVERY_KIND)

    def opens(requirement: dict[str, list[str]]) -> bool:
        mine = all(kind in BY_SCHEME.get(scheme, EVERY_KIND) for scheme in requirement)
        return mine and {scope for scopes in requirement.values() for scope in scopes} <= held

    assert not let_in or any(opens(requirement) for requirement in security)
    assert not let_in or held
