"""What the settings pages are given: the services, and where callers find the proxy."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from gateway.admin.health import Health
from gateway.admin.management.services import Management
from gateway.admin.pages.visit import PageRules
from gateway.core.model import RouteMap
from gateway.settings.model import Settings
from gateway.wiring.management import terms

# Listening on all addresses names none: then callers use the host that the browser uses.
_ANY: Final = frozenset({"0.0.0.0", "::", ""})  # noqa: S104 - compared, not bound


def page_rules(
    live_settings: Callable[[], Settings],
    services: Management,
    *,
    live_map: Callable[[], RouteMap],
    health: Callable[[], Health],
    proxy_port: Callable[[], int],
    report: Callable[[str, BaseException], None],
) -> PageRules:
    """The rules; `proxy_port` is asked at each call, for it is known late, and `live_settings`, for they change."""
    settings = live_settings()
    listen = settings.proxy.listen
    scheme = "http" if settings.proxy.tls is None else "https"

    def proxy_url(browsed: str) -> str:
        public_url = live_settings().proxy.public_url
        if public_url is not None:
            return public_url
        host = browsed if listen.host in _ANY else listen.host
        return f"{scheme}://{f'[{host}]' if ':' in host else host}:{proxy_port()}"

    return PageRules(
        management=services,
        live_map=live_map,
        health=health,
        proxy_url=proxy_url,
        terms=lambda: terms(live_settings()),
        now=lambda: datetime.now(UTC),
        report=report,
    )
