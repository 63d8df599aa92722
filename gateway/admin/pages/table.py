"""Every page: its path below the base, who shows it, and who takes its form."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

from gateway.admin.pages import (
    views_account,
    views_actions,
    views_activity,
    views_audit,
    views_create,
    views_edit,
    views_integrations,
    views_operator_accounts,
    views_operator_compare,
    views_operator_explain,
    views_operator_keys,
    views_operator_map,
    views_operator_nodes,
    views_own,
    views_requests,
    views_team,
)
from gateway.admin.pages.answers import Answer
from gateway.admin.pages.forms import MAX_BYTES
from gateway.admin.pages.visit import Visit

View: TypeAlias = Callable[[Visit], Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class Page:
    """One address. Without `show` it only takes forms, without `submit` it only shows. `max_form_bytes` bounds a form."""

    path: str
    show: View | None
    submit: View | None = None
    for_operators: bool = False
    max_form_bytes: int = MAX_BYTES

    def for_their_eyes(self, view: View) -> View:
        """The view; of an operators' page one that refuses everybody else."""
        if not self.for_operators:
            return view

        async def guarded(visit: Visit) -> Answer:
            visit.require_operator()
            return await view(visit)

        return guarded


_OPERATOR: Final = "/operator"
_MAP: Final = f"{_OPERATOR}/map"
_KEYS: Final = f"{_OPERATOR}/keys"
_ACCOUNT: Final = "/{account_id}"
_TEAM: Final = f"{_ACCOUNT}/team"
_INTEGRATIONS: Final = f"{_ACCOUNT}/private-integrations"
_INTEGRATION: Final = f"{_INTEGRATIONS}/{{integration_id}}"

_OPERATORS_PAGES: Final = (
    Page(_OPERATOR, views_own.home, for_operators=True),
    Page(f"{_OPERATOR}/accounts", views_operator_accounts.accounts, for_operators=True),
    Page(
        f"{_OPERATOR}/accounts/new",
        views_operator_accounts.new_account,
        views_operator_accounts.add_account,
        for_operators=True,
    ),
    Page(_MAP, views_operator_map.route_map, for_operators=True),
    Page(f"{_MAP}/reload", None, views_operator_map.reload, for_operators=True),
    Page(f"{_MAP}/history", views_operator_map.history, for_operators=True),
    Page(f"{_MAP}/history/{{version}}", views_operator_map.published, for_operators=True),
    Page(f"{_MAP}/history/{{version}}/compare", views_operator_compare.compare_published, for_operators=True),
    Page(
        f"{_MAP}/compare",
        views_operator_compare.compare,
        views_operator_compare.ask,
        for_operators=True,
        max_form_bytes=views_operator_compare.MAX_FORM_BYTES,
    ),
    Page(
        f"{_OPERATOR}/explain",
        views_operator_explain.explain,
        views_operator_explain.ask,
        for_operators=True,
    ),
    Page(f"{_OPERATOR}/requests", views_requests.requests, for_operators=True),
    Page(f"{_OPERATOR}/requests/{{trace_id}}", views_requests.request, for_operators=True),
    Page(f"{_OPERATOR}/nodes", views_operator_nodes.nodes, for_operators=True),
    Page(_KEYS, views_operator_keys.keys, for_operators=True),
    Page(f"{_KEYS}/new", views_operator_keys.new_key, views_operator_keys.add_key, for_operators=True),
    Page(
        f"{_KEYS}/{{key_id}}/revoke",
        views_operator_keys.ask_revocation,
        views_operator_keys.revoke,
        for_operators=True,
    ),
    Page(f"{_OPERATOR}/audit", views_audit.audit, for_operators=True),
)
PAGES: Final = (
    *_OPERATORS_PAGES,
    Page("", views_own.home),
    Page("/", views_own.home),
    Page("/profile", views_own.profile, views_own.change_password),
    Page("/sign-out", None, views_own.sign_out),
    Page("/sign-out-everywhere", None, views_own.sign_out_everywhere),
    Page("/accounts", views_account.accounts),
    Page(_ACCOUNT, views_own.home),
    Page(_TEAM, views_team.team),
    Page(f"{_TEAM}/new", views_team.new_member, views_team.add_member),
    Page(f"{_TEAM}/{{member_id}}", views_team.member, views_team.edit_member),
    Page(f"{_TEAM}/{{member_id}}/password", None, views_team.set_password),
    Page(f"{_TEAM}/{{member_id}}/remove", views_team.ask_removal, views_team.remove_member),
    Page(f"{_ACCOUNT}/labs", views_account.labs, views_account.switch_labs),
    Page(f"{_ACCOUNT}/audit", views_audit.audit),
    Page(_INTEGRATIONS, views_integrations.listing),
    Page(f"{_INTEGRATIONS}/rules", views_account.rules, views_account.save_rules),
    Page(f"{_INTEGRATIONS}/new", views_create.details),
    Page(f"{_INTEGRATIONS}/new/scopes", views_create.scopes, views_create.create),
    Page(_INTEGRATION, views_integrations.integration),
    Page(f"{_INTEGRATION}/activity", views_activity.activity),
    Page(f"{_INTEGRATION}/requests", views_requests.requests),
    Page(f"{_INTEGRATION}/requests/{{trace_id}}", views_requests.request),
    Page(f"{_INTEGRATION}/edit", views_edit.details),
    Page(f"{_INTEGRATION}/edit/scopes", views_edit.scopes, views_edit.update),
    Page(f"{_INTEGRATION}/delete", views_edit.ask_deletion, views_edit.delete),
    *(
        Page(f"{_INTEGRATION}/{action.value}", views_actions.asking(action), views_actions.doing(action))
        for action in views_actions.Action
    ),
)
