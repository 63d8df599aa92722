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
    views_own,
    views_team,
)
from gateway.admin.pages.answers import Answer
from gateway.admin.pages.visit import Visit

View: TypeAlias = Callable[[Visit], Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class Page:
    """One address. Without `show` it only takes forms, without `submit` it only shows."""

    path: str
    show: View | None
    submit: View | None = None


_ACCOUNT: Final = "/{account_id}"
_TEAM: Final = f"{_ACCOUNT}/team"
_INTEGRATIONS: Final = f"{_ACCOUNT}/private-integrations"
_INTEGRATION: Final = f"{_INTEGRATIONS}/{{integration_id}}"

PAGES: Final = (
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
    Page(f"{_INTEGRATION}/edit", views_edit.details),
    Page(f"{_INTEGRATION}/edit/scopes", views_edit.scopes, views_edit.update),
    Page(f"{_INTEGRATION}/delete", views_edit.ask_deletion, views_edit.delete),
    *(
        Page(f"{_INTEGRATION}/{action.value}", views_actions.asking(action), views_actions.doing(action))
        for action in views_actions.Action
    ),
)
