"""From settings to what `explain` judges by: the same rules, tables and maps that the proxy is made of."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from gateway.admin.management.explain import Bench
from gateway.core.cors import CorsPolicy
from gateway.core.fields import FieldRules
from gateway.core.model import RouteMap
from gateway.core.tokens import TokenForm
from gateway.proxy.answers import AnswerRules
from gateway.proxy.gate import Limits
from gateway.proxy.identity import IdentityLines
from gateway.proxy.live import LiveMap
from gateway.proxy.pipeline import Policy
from gateway.proxy.rehearsal import Rules
from gateway.settings.model import Settings, UnderscoreHeaders
from gateway.wiring.routes import judged, live_map


def rules_of(settings: Settings) -> Rules:
    """What a listener with these settings judges requests by."""
    proxy, prefix = settings.proxy, settings.identity.header_prefix
    return Rules(
        policy=Policy(token_form=TokenForm(settings.tokens.prefix), path_allow=frozenset(proxy.path_allow)),
        fields=FieldRules(
            identity_prefix=prefix.encode("ascii"),
            pass_underscores=proxy.underscore_headers is UnderscoreHeaders.PASS,
        ),
        limits=Limits(
            head=proxy.limits.head,
            headers=proxy.limits.headers,
            field=proxy.limits.field,
            target=proxy.limits.target,
        ),
        answers=AnswerRules(
            scope_status=settings.errors.scope_status,
            name_missing_scope=settings.errors.name_missing_scope,
        ),
        identity=IdentityLines(prefix),
        scheme="http" if proxy.tls is None else "https",
        cors=None
        if proxy.cors is None
        else CorsPolicy(frozenset(origin.encode("ascii") for origin in proxy.cors.allow_origins)),
    )


def bench_of(settings: Settings, *, in_force: Callable[[], RouteMap]) -> Bench:
    """A bench for these settings; `in_force` is asked at each explanation for the map in force."""
    rules = rules_of(settings)
    return Bench(
        rules=lambda: rules,
        live_map=in_force,
        make_live=_LastMade(settings),
        read_map=lambda text: judged(Path("map"), text.encode("utf-8", "surrogatepass"))[0],
    )


class _LastMade:
    """Makes the table of a map, and keeps the last one: most explanations are of the map in force."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._last: tuple[RouteMap, LiveMap] | None = None

    def __call__(self, route_map: RouteMap) -> LiveMap:
        if self._last is None or self._last[0] is not route_map:
            self._last = route_map, live_map(route_map, self._settings)[0]
        return self._last[1]
