"""What an operator may set anew while the gateway runs, and management and pages go by."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from gateway.core.clients import Networks


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Windows of rotations, and whom to believe about addresses."""

    rotation_window: timedelta
    longest_window: timedelta
    remind_after: timedelta
    trusted_proxies: Networks
