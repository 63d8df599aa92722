"""The route map and the gateways that random requests go to: one with the usual settings, one where all is otherwise."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields, replace
from typing import Any, Final

from gateway.core.model import RouteMap
from gateway.wiring.routes import publishable
from tests.ways.conversation import Desk
from tests.ways.ends import Upstream
from tests.wiring.rig import Gateway, Rig
from tests.wiring.standing import MAP, Standing
from tests.wiring.tenants import Issued

_MORE: Final = """\
      GET /shadowed/{id}: {scope: contacts.readonly, shadow: {scope: agencies.write}}
      GET /watched/{id}: {scope: agencies.write, shadow: true}
      GET /denied/{id}: deny
      GET /socket: {scope: contacts.readonly, websocket: true}
  agencies:
"""
# Nobody is slowed down for the tokens that are guessed here, and no connection is closed for its age.
USUAL: Final[dict[str, Any]] = {
    "proxy__guessing": {"free": 1_000_000, "per": "1h", "delay": "1s"},
    "upstream__keep_alive": "1h",
}
_OTHERWISE: Final[dict[str, Any]] = USUAL | {
    "proxy__cors": {"allow_origins": ["https://page.test"]},
    "proxy__trusted_proxies": ["127.0.0.0/8"],
    "proxy__underscore_headers": "pass",
    "identity__header_prefix": "X-Account-",
    "errors__scope_status": 401,
    "errors__name_missing_scope": False,
}


async def open_gateways(rig: Rig, upstream: Upstream, desk: Desk) -> tuple[Gateway, Gateway]:
    """Both, with their requests numbered and written down at the desk."""
    usual, otherwise = [
        await rig.gateway(_route_map(rig, upstream), **values) for values in (USUAL, _OTHERWISE)
    ]
    for gateway in (usual, otherwise):
        proxy = gateway.node._proxy
        gate = replace(proxy.gate, recorder=desk, new_request_id=desk.new_request_id)
        proxy.take_over(gate, pools=proxy.pools, tick_seconds=proxy._tick_seconds)
    return usual, otherwise


def _route_map(rig: Rig, upstream: Upstream) -> RouteMap:
    path = rig.folder / "ways.yaml"
    text = MAP.replace("  agencies:\n", _MORE, 1)
    path.write_text(text.replace("MAIN", upstream.url).replace("AWAY", rig.away))
    return publishable(path)[0]


def tokens_of(standing: Standing) -> dict[str, str]:
    """The token of each sort, by what is the matter with it."""
    values = {field.name: getattr(standing, field.name) for field in fields(standing) if field.name != "dsn"}
    return {name: value.secret if isinstance(value, Issued) else value for name, value in values.items()}


def forget_connections(gateways: Iterable[Gateway]) -> None:
    """Every way begins with none to any upstream."""
    for gateway in gateways:
        for pool in gateway.node._proxy.pools:
            for address in pool.addresses:
                while (idle := address.take_idle()) is not None:
                    idle.abort()
