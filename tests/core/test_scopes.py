"""What can be given to an account: what a route of its kind needs, or is going to need."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.admin.management.scopes import Scopes
from gateway.admin.pages.scope_choices import services
from gateway.core.model import Access, AccountKind, Route, RouteMap
from gateway.core.scopes import not_offered, offered


def route(template: str, access: Access, *scopes: str, account: AccountKind | None = None) -> Route:
    return Route(
        method="GET",
        template=template,
        service="s",
        upstream="u",
        access=access,
        scopes=scopes,
        account=account,
    )


def tried(base: Route, *scopes: str, account: AccountKind | None = None) -> Route:
    shadow = replace(base, access=Access.ALL_OF, scopes=scopes, account=account or base.account)
    return replace(base, shadow=shadow)


MAP = RouteMap(
    upstreams={},
    routes=(
        route("/a", Access.ALL_OF, "a.read"),
        route("/denied", Access.DENY),
        tried(route("/b", Access.ALL_OF, "a.read"), "a.read", "b.read"),
        tried(route("/c", Access.AUTHENTICATED), "c.read", account=AccountKind.AGENCY),
        tried(route("/d", Access.AUTHENTICATED, account=AccountKind.AGENCY), "d.read"),
    ),
    scopes={"denied.read": "Words alone offer nothing"},
    scope_lines={},
    version="1",
)
OFFERS = {
    AccountKind.SUB_ACCOUNT: ["a.read", "b.read"],
    AccountKind.AGENCY: ["a.read", "b.read", "c.read", "d.read"],
}


@pytest.mark.parametrize("kind", AccountKind)
def test_scopes_that_are_only_tried_can_be_given_and_those_of_no_route_cannot(kind: AccountKind) -> None:
    """An integration must be able to take a scope before it is enforced."""
    assert sorted(offered(MAP, kind)) == OFFERS[kind]
    assert [scope.name for scope in Scopes(lambda: MAP).list(kind)] == OFFERS[kind]
    shown = [choice.scope for service in services(MAP, kind) for choice in service.choices]
    assert shown == OFFERS[kind]


def test_each_operation_is_named_once_whether_it_needs_a_scope_or_tries_it() -> None:
    found = {scope.name: scope.routes for scope in Scopes(lambda: MAP).list()}
    assert found["a.read"] == ("GET /a", "GET /b")
    assert found["b.read"] == ("GET /b",)


def test_a_scope_that_only_the_other_kind_tries_is_refused_as_that() -> None:
    assert not_offered(MAP, AccountKind.SUB_ACCOUNT, ["d.read", "denied.read"]) == [
        "scope d.read is not for an account of kind sub_account",
        "there is no scope denied.read",
    ]
