"""Every call of the API, in the order in which the description lists them."""

from __future__ import annotations

from typing import Final

from gateway.admin.api import (
    calls_accounts,
    calls_explain,
    calls_integrations,
    calls_map_diff,
    calls_maps,
    calls_operators,
    calls_requests,
    calls_session,
    calls_suggestions,
    calls_usage,
)
from gateway.admin.api.operation import Operation

BASE: Final = "/api/v1"
OPERATIONS: Final[tuple[Operation, ...]] = (
    *calls_accounts.OPERATIONS,
    *calls_integrations.OPERATIONS,
    *calls_usage.OPERATIONS,
    *calls_suggestions.OPERATIONS,
    *calls_requests.OPERATIONS,
    *calls_explain.OPERATIONS,
    *calls_operators.OPERATIONS,
    *calls_maps.OPERATIONS,
    *calls_map_diff.OPERATIONS,
    *calls_session.OPERATIONS,
)
