"""Who can be run: this project's gateway first, then the others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from tests.conformance.products.caddy import Caddy
from tests.conformance.products.envoy import Envoy
from tests.conformance.products.gateway import Gateway
from tests.conformance.products.haproxy import HAProxy
from tests.conformance.products.nginx import Nginx
from tests.conformance.rounds import Product

PRODUCTS: Final[dict[str, Callable[[], Product]]] = {
    "gateway": Gateway,
    "nginx": Nginx,
    "haproxy": HAProxy,
    "envoy": Envoy,
    "caddy": Caddy,
}
