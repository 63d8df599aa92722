"""HAProxy: the token's SHA-256 in map files, a map file of patterns for the operations of the mix."""

from __future__ import annotations

import hashlib
from typing import Final

from tests.bench.contender import IDENTITY, KIND, Contender
from tests.bench.mix import OPERATIONS
from tests.bench.programs import Program, found, free_port

_FRAME: Final = """
global
    maxconn 8000
    nbthread 1
    {log_to}
defaults
    mode http
    timeout connect 3s
    timeout client 1h
    timeout server 60s
    timeout http-keep-alive 1h
    http-reuse always
    {log}
frontend callers
    bind 127.0.0.1:{port}
    http-request set-var(txn.digest) req.hdr(authorization),word(2,' '),sha2(256),hex
    http-request set-var(txn.caller) var(txn.digest),map_str({folder}/callers.map)
    http-request deny deny_status 401 unless {{ var(txn.caller) -m found }}
    http-request set-var(txn.path) path
    http-request set-var(txn.route) method,concat(:,txn.path),map_reg({folder}/routes.map)
    http-request deny deny_status 404 unless {{ var(txn.route) -m found }}
    http-request set-var(txn.scope) var(txn.route),field(1,|)
    http-request deny deny_status 403 unless {{ var(txn.scope),concat(:,txn.digest),map_str({folder}/grants.map) -m found }}
    http-request del-header Authorization
    http-request set-var(txn.id) uuid
    {identity}
    http-request set-header X-Request-Id %[var(txn.id)]
    http-request set-header X-Forwarded-For %[src]
    http-request set-header X-Forwarded-Proto http
    http-request set-header X-Forwarded-Host %[req.hdr(host)]
    http-response set-header X-Request-Id %[var(txn.id)]
    default_backend api
backend api
    server one 127.0.0.1:{upstream_port} maxconn 8000
"""
_VALUES: Final = (
    "%[var(txn.caller),field(1,|)]",
    KIND,
    "%[var(txn.caller),field(2,|)]",
    "%[var(txn.caller),field(3,|)]",
    "%[var(txn.caller),field(4,|)]",
    "%[var(txn.route),field(2,|)]",
)


class HAProxy(Contender):
    """What one can have with HAProxy alone; map files can be changed over its socket."""

    @classmethod
    def missing(cls) -> str | None:
        return None if found("haproxy") else "apt install haproxy"

    def start(self) -> None:
        job, folder = self._job, self.folder
        self.port = free_port()
        callers, grants = [], []
        for caller in job.callers:
            digest = hashlib.sha256(caller.token.encode()).hexdigest().upper()
            values = (caller.account_id, caller.integration_id, caller.token_id, " ".join(caller.scopes))
            callers.append(f"{digest} {'|'.join(values)}\n")
            grants += [f"{scope}:{digest} 1\n" for scope in caller.scopes]
        ordered = sorted(OPERATIONS, key=lambda operation: ("{" in operation.template, -operation.share))
        routes = [f"^{each.method}:{each.pattern}$ {each.scope}|{each.template}\n" for each in ordered]
        for name, lines in (("callers", callers), ("grants", grants), ("routes", routes)):
            (folder / f"{name}.map").write_text("".join(lines))
        config = folder / "haproxy.cfg"
        config.write_text(
            _FRAME.format(
                port=self.port,
                folder=folder,
                upstream_port=job.upstream_port,
                log_to="log stdout format raw local0" if self.log else "",
                log="log global\n    option httplog" if self.log else "",
                identity="\n    ".join(
                    f"http-request set-header {name} {value}"
                    for name, value in zip(IDENTITY, _VALUES, strict=True)
                ),
            )
        )
        binary = found("haproxy")
        assert binary is not None
        self._program = Program([binary, "-db", "-f", config], core=job.core, output=folder / "output")
        self._program.wait_for_port(self.port)
