"""Everything that can be managed, in one value: what the API, the pages and the commands are given."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.admin.management.accounts import Accounts
from gateway.admin.management.admin_keys import AdminKeys
from gateway.admin.management.audit import Audit
from gateway.admin.management.explain import Explain
from gateway.admin.management.integrations import Integrations
from gateway.admin.management.map_changes import MapChanges
from gateway.admin.management.maps import Maps
from gateway.admin.management.members import Members
from gateway.admin.management.nodes import Nodes
from gateway.admin.management.operator_sessions import OperatorSessions
from gateway.admin.management.request_records import RequestRecords
from gateway.admin.management.scopes import Scopes
from gateway.admin.management.sessions import Sessions
from gateway.admin.management.suggestions import Suggestions
from gateway.admin.management.tokens import Tokens
from gateway.admin.management.usage import Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class Management:
    """The services. Each call takes who asks, and decides whether they may."""

    accounts: Accounts
    members: Members
    scopes: Scopes
    integrations: Integrations
    tokens: Tokens
    admin_keys: AdminKeys
    sessions: Sessions
    operator_sessions: OperatorSessions
    audit: Audit
    nodes: Nodes
    usage: Usage
    suggestions: Suggestions
    request_records: RequestRecords
    explain: Explain
    maps: Maps
    map_changes: MapChanges
