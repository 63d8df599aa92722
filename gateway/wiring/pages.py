"""What the settings pages are given: the services, and where callers find the proxy."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from gateway.admin.health import Health
from gateway.admin.management.services import Management
from gateway.admin.pages.visit import PageRules
from gateway.core.model import RouteMap
from gateway.settings.model import Settings

# Listening on all addresses names none: then callers use the host that the browser uses.
_ANY: Final = frozenset({"0.0.0.0", "::", ""})  # noqa: S104 - compared, not bound


def page_rules(
    settings: Settings,
    services: Management,
    *,
    live_map: Callable[[], RouteMap],
    health: Callable[[], Health],
    proxy_port: Callable[[], int],
    report: Callable[[str, BaseException], None],
) -> PageRules:
    """The rules; `proxy_port` is asked at each call, for it is known late."""
    listen = settings.proxy.listen
    scheme = "http" if settings.proxy.tls is None else "https"

    def proxy_url(browsed: str) -> str:
        if settings.proxy.public_url is not None:
            return settings.proxy.public_url
        host = browsed if listen.host in _ANY else listen.host
        return f"{scheme}://{f'[{host}]' if ':' in host else host}:{proxy_port()}"

    return PageRules(
        management=services,
        live_map=live_map,
        health=health,
        proxy_url=proxy_url,
        rotation_window=timedelta(seconds=settings.rotation.window),
        longest_window=timedelta(seconds=settings.rotation.max_window),
        remind_after=timedelta(seconds=settings.rotation.remind_after),
        trusted_proxies=settings.proxy.trusted_proxies,
        now=lambda: datetime.now(UTC),
        report=report,
    )
