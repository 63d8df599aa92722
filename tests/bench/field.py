"""Who takes part, in the order of a round. A new one is a class in a file of its own, and a line here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from tests.bench.contender import Contender, Job
from tests.bench.installed_gateway import Gateway, Installation
from tests.bench.peers.caddy import Caddy
from tests.bench.peers.envoy import Envoy
from tests.bench.peers.haproxy import HAProxy
from tests.bench.peers.nginx import Nginx
from tests.bench.peers.nginx_lua import NginxLua
from tests.bench.peers.plain_aiohttp import PlainAiohttp

PEERS: Final[dict[str, type[Contender]]] = {
    "nginx": Nginx,
    "nginx + Lua": NginxLua,
    "HAProxy": HAProxy,
    "Envoy": Envoy,
    "Caddy": Caddy,
}
GATEWAY: Final = "gateway"
BASELINE: Final = "baseline"
LOGGING: Final = ", log"
# Whom CPU per request is compared with.
REFERENCES: Final = ("nginx", "nginx + Lua", "nginx + Lua" + LOGGING, BASELINE)


def names() -> list[str]:
    """All of them, each with and without an access log where it has one."""
    both = [name + log for name in (*PEERS, GATEWAY) for log in ("", LOGGING)]
    return [*both, BASELINE]


def contenders(wanted: Sequence[str], job: Job, installation: Installation) -> list[Contender]:
    """Those of these names, in the order of `names`, that can be started here; the others are told about."""
    return [_made(name, job, installation) for name in names() if name in wanted]


def missing(wanted: Sequence[str]) -> dict[str, str]:
    """The peers that cannot be started here, and how to get them."""
    ways = {name: kind.missing() for name, kind in PEERS.items()}
    return {
        name: way for name, way in ways.items() if way is not None and {name, name + LOGGING} & set(wanted)
    }


def _made(name: str, job: Job, installation: Installation) -> Contender:
    kind, log = name.removesuffix(LOGGING), name.endswith(LOGGING)
    if kind == GATEWAY:
        return Gateway(name, job, installation, log=log)
    return PlainAiohttp(name, job) if kind == BASELINE else PEERS[kind](name, job, log=log)
