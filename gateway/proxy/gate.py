"""What every request on a listener shares: the map in force, the policy, the index, the clock, the record.

A gate never changes. New settings or a new map make a new gate, which takes the old one's place in one step; a request
keeps the gate that it came through, so that none is judged by half of one and half of another.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network

from gateway.core.cors import CorsPolicy
from gateway.core.fields import FieldRules
from gateway.core.guessing import GuessingGuard
from gateway.core.ordinary_head import OrdinaryHeads
from gateway.proxy.answers import AnswerRules
from gateway.proxy.grants import Grants
from gateway.proxy.live import LiveMap
from gateway.proxy.pipeline import Clock, Index, Policy
from gateway.proxy.record import Recorder


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds of what a caller may send: bytes, and a count of header fields."""

    head: int
    headers: int
    field: int
    target: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """How long each phase may take, in seconds."""

    head: float
    idle: float
    body: float
    upstream_silence: float
    linger: float = 2.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Gate:
    """The shared parts of one listener."""

    live: LiveMap
    policy: Policy
    index: Index
    clock: Clock
    grants: Grants
    fields: FieldRules
    heads: OrdinaryHeads
    answers: AnswerRules
    limits: Limits
    timeouts: Timeouts
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...]
    max_connections: int
    recorder: Recorder
    new_request_id: Callable[[], str]
    scheme: str
    cors: CorsPolicy | None
    guessing: GuessingGuard
