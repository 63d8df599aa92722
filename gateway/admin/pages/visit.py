"""One request for a page, with all that its view may look at: who, in which account, with what."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from gateway.admin.api.origin import Origin
from gateway.admin.health import Health
from gateway.admin.management.codes import Code
from gateway.admin.management.principal import Operator, Person, Principal, may_manage_integrations
from gateway.admin.management.refusals import Forbidden, Missing
from gateway.admin.management.services import Management
from gateway.admin.management.terms import Terms
from gateway.admin.management.views import AccountView
from gateway.admin.pages.answers import Done, Go, path
from gateway.admin.pages.forms import Form
from gateway.core.clients import Networks
from gateway.core.model import AccountKind, RouteMap
from gateway.storage.members import Member, Role


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRules:
    """What the pages go by. `terms` may change while they run. `proxy_url` takes the host that the browser uses and tells where callers send requests.

    `health` is the state of the node that shows the pages, `live_map` its map. `report` is told of a failure nobody foresaw:
    where, and what. `now` is the wall clock.
    """

    management: Management
    live_map: Callable[[], RouteMap]
    health: Callable[[], Health]
    proxy_url: Callable[[str], str]
    terms: Callable[[], Terms]
    now: Callable[[], datetime]
    report: Callable[[str, BaseException], None]

    @property
    def rotation_window(self) -> timedelta:
        return self.terms().rotation_window

    @property
    def longest_window(self) -> timedelta:
        return self.terms().longest_window

    @property
    def remind_after(self) -> timedelta:
        return self.terms().remind_after

    @property
    def trusted_proxies(self) -> Networks:
        return self.terms().trusted_proxies


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """A member's request, or an operator's.

    `own` is the account that they belong to; None for an operator whose key is for all. `entered` is the account that the
    page is about: the one in the address, or else their own.
    """

    rules: PageRules
    principal: Principal
    session_id: str = field(repr=False)
    own: AccountView | None
    entered: AccountView | None
    origin: Origin
    host: str
    path: Mapping[str, str]
    query: Mapping[str, str]
    form: Form = field(default_factory=Form)

    @property
    def management(self) -> Management:
        return self.rules.management

    @property
    def account(self) -> AccountView:
        """The account that the page is about. Raises Missing where there is none."""
        if self.entered is None:
            raise Missing("page")
        return self.entered

    @property
    def member(self) -> Member | None:
        """The member, if it is one."""
        return self.principal.member if isinstance(self.principal, Person) else None

    @property
    def person(self) -> Person:
        """The member with their session. Raises Forbidden for operators."""
        if not isinstance(self.principal, Person):
            raise Forbidden(
                Code.SESSION_REQUIRED, "This is for members; you are signed in with an admin key."
            )
        return self.principal

    @property
    def operates(self) -> bool:
        """Whether the operators' pages are open to them: with a key for all accounts."""
        return isinstance(self.principal, Operator) and self.principal.account_id is None

    @property
    def is_admin(self) -> bool:
        """Whether they administer the account: whoever gets into another one does, too."""
        return self.member is None or self.member.role is Role.ADMIN

    @property
    def may_manage(self) -> bool:
        """Whether private integrations are open to them, the Labs switch aside."""
        member = self.member
        return member is None or may_manage_integrations(member.role, member.private_integrations)

    @property
    def sees_integrations(self) -> bool:
        """Whether the section is in their navigation."""
        return self.entered is not None and self.may_manage and self.entered.labs.private_integrations

    @property
    def may_switch(self) -> bool:
        """Whether there can be other accounts for them."""
        if self.member is None:
            return False
        return self.is_admin and self.own is not None and self.own.kind is AccountKind.AGENCY

    def require_operator(self) -> None:
        """Raises Forbidden unless the operators' pages are open to them."""
        if not self.operates:
            raise Forbidden(
                Code.OPERATOR_REQUIRED, "Only an operator whose key is for all accounts may do this."
            )

    def require_admin(self) -> None:
        """Raises Forbidden, for pages that ask the management nothing that would."""
        if not self.is_admin:
            raise Forbidden(Code.ADMIN_REQUIRED, "Only an admin of the account may do this.")

    def require_integrations(self) -> None:
        """Raises Forbidden as the management would, before it is asked for anything."""
        if not self.may_manage:
            raise Forbidden(
                Code.PRIVATE_INTEGRATIONS_NOT_PERMITTED,
                "You may not manage private integrations; an admin of the account can permit it.",
            )
        if not self.account.labs.private_integrations:
            raise Forbidden(
                Code.LABS_PRIVATE_INTEGRATIONS_OFF,
                "Private integrations are switched off in the Labs settings of this account.",
            )

    def here(self, *segments: str) -> str:
        """A path within the account."""
        return path(self.account.id, *segments)

    def go(self, *segments: str, done: Done | None = None) -> Go:
        """To a page of the account."""
        return Go(path(self.account.id, *segments, done=done))

    def segment(self, name: str, kind: str) -> str:
        """An identifier of the path. Raises Missing where there is none."""
        found = self.path.get(name)
        if found is None:
            raise Missing(kind)
        return found
