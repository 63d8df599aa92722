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
from gateway.wiring.certificates import UpstreamTls
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


def bench_of(live_settings: Callable[[], Settings], *, in_force: Callable[[], RouteMap]) -> Bench:
    """A bench; `live_settings` and `in_force` are asked at each explanation for the settings and the map in force."""
    return Bench(
        rules=lambda: rules_of(live_settings()),
        live_map=in_force,
        make_live=_LastMade(live_settings),
        read_map=lambda text: judged(Path("map"), text.encode("utf-8", "surrogatepass"))[0],
    )


class _LastMade:
    """Makes the table of a map, and keeps the last one: most explanations are of the map in force."""

    def __init__(self, live_settings: Callable[[], Settings]) -> None:
        self._live_settings = live_settings
        self._last: tuple[RouteMap, Settings, LiveMap] | None = None

    def __call__(self, route_map: RouteMap) -> LiveMap:
        settings = self._live_settings()
        if self._last is None or self._last[0] is not route_map or self._last[1] is not settings:
            # Nothing is sent over it, so it needs no certificates.
            self._last = route_map, settings, live_map(route_map, settings, tls=UpstreamTls.none())[0]
        return self._last[2]
