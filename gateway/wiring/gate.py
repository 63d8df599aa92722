"""From a configuration to the gate of the proxy listener, with whatever of the gate before stays as it is."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from gateway.core.guessing import GuessingGuard, GuessingRules
from gateway.core.model import RouteMap
from gateway.core.ordinary_head import OrdinaryHeads
from gateway.index.cache import TokenIndex
from gateway.index.clock import DatabaseClock
from gateway.proxy.access_log import AccessLog
from gateway.proxy.gate import Gate, Timeouts
from gateway.proxy.grants import Grants
from gateway.proxy.pool import Pool
from gateway.proxy.record import Recorders, Trail
from gateway.settings.model import Settings
from gateway.wiring.bench import rules_of
from gateway.wiring.certificates import UpstreamTls
from gateway.wiring.configuration import Configuration
from gateway.wiring.logs import access_log
from gateway.wiring.routes import live_map

_SLOWEST_TICK_SECONDS = 1.0
_FASTEST_TICK_SECONDS = 0.02


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Opening:
    """A gate and what goes with it. `requests` is its access log, if it has one."""

    gate: Gate
    pools: tuple[Pool, ...]
    tick_seconds: float
    requests: AccessLog | None
    upstream_tls: UpstreamTls
    made_of: Settings

    def flush(self) -> None:
        """Write what the access log holds back."""
        if self.requests is not None:
            self.requests.flush()


class GateMaker:
    """Makes the gates of one listener. They share the index, the clock, the counters, and the numbers of requests."""

    def __init__(
        self,
        *,
        index: TokenIndex,
        clock: DatabaseClock,
        recorders: Iterable[Callable[[Trail], None]],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._index = index
        self._clock = clock
        self._recorders = tuple(recorders)
        self._loop = loop
        ids = random.SystemRandom().getrandbits(64)
        self._numbers = random.Random(ids)  # noqa: S311 - request ids tell requests apart, they guard nothing

    def __repr__(self) -> str:
        return f"GateMaker({self._index!r})"

    def _new_request_id(self) -> str:
        return self._numbers.randbytes(16).hex()

    def make(self, configuration: Configuration, former: Opening | None = None) -> Opening:
        """The gate of a configuration. It may be called in a thread: nothing that is in use is changed.

        Of the `former` one stays what depends on nothing that changed: warm connections, learnt field names, the count
        of who guesses. Raises ConfigurationError for certificates that cannot be used.
        """
        settings = configuration.settings
        proxy, rules = settings.proxy, rules_of(settings)
        same_fields = former is not None and _field_settings(former.made_of) == _field_settings(settings)
        upstream_tls = UpstreamTls.of(
            settings, configuration.route_map, None if former is None else former.upstream_tls
        )
        live, pools = live_map(
            configuration.route_map, settings, tls=upstream_tls, former=() if former is None else former.pools
        )
        # Its lines are written for one map.
        requests = access_log(settings.log, self._loop)
        fields = former.gate.fields if former is not None and same_fields else rules.fields
        gate = Gate(
            live=live,
            policy=rules.policy,
            index=self._index,
            clock=self._clock,
            # What was granted is about plans, which every map has of its own.
            grants=Grants(rules.identity),
            fields=fields,
            heads=former.gate.heads
            if former is not None and same_fields and former.gate.limits == rules.limits
            else OrdinaryHeads(
                fields,
                head=rules.limits.head,
                fields=rules.limits.headers,
                field=rules.limits.field,
                target=rules.limits.target,
            ),
            answers=rules.answers,
            limits=rules.limits,
            timeouts=Timeouts(
                head=proxy.timeouts.head,
                idle=proxy.timeouts.idle,
                body=proxy.timeouts.body,
                upstream_silence=settings.upstream.timeouts.silence,
            ),
            trusted_proxies=proxy.trusted_proxies,
            max_connections=proxy.max_connections,
            recorder=Recorders(*self._recorders, *(() if requests is None else (requests.record,))),
            new_request_id=self._new_request_id,
            scheme=rules.scheme,
            cors=rules.cors,
            guessing=former.gate.guessing
            if former is not None and former.made_of.proxy.guessing == proxy.guessing
            else GuessingGuard(
                GuessingRules(
                    free=proxy.guessing.free,
                    per_seconds=proxy.guessing.per,
                    delay_seconds=proxy.guessing.delay,
                )
            ),
        )
        return Opening(
            gate=gate,
            pools=pools,
            tick_seconds=_tick_seconds(settings, configuration.route_map),
            requests=requests,
            upstream_tls=upstream_tls,
            made_of=settings,
        )


def _field_settings(settings: Settings) -> tuple[object, ...]:
    return settings.identity.header_prefix, settings.proxy.underscore_headers


def _tick_seconds(settings: Settings, route_map: RouteMap) -> float:
    """How often time is looked at: several times within the shortest that is measured."""
    timeouts = settings.proxy.timeouts
    shortest = min(
        timeouts.head,
        timeouts.idle,
        timeouts.body,
        settings.upstream.timeouts.silence,
        settings.upstream.timeouts.first_byte,
        *(route.timeout_seconds for route in route_map.routes if route.timeout_seconds is not None),
    )
    return min(_SLOWEST_TICK_SECONDS, max(_FASTEST_TICK_SECONDS, shortest / 4))
