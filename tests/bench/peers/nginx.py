"""nginx: tokens, scopes and identities in maps of its configuration, a location for each path of the mix."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import ClassVar, Final

from tests.bench.contender import IDENTITY, Contender, vouched
from tests.bench.mix import OPERATIONS, Caller, Operation
from tests.bench.programs import Failed, Program, found, free_port

# Connections are never closed on account of their number of requests or their age: that would be measured too.
_FRAME: Final = """
{modules}
worker_processes 1;
worker_rlimit_nofile 20000;
daemon off;
pid nginx.pid;
error_log stderr error;
events {{ worker_connections 16384; }}
http {{
    access_log off;
    default_type application/json;
    keepalive_requests 1000000000;
    keepalive_time 24h;
    keepalive_timeout 1h;
    client_body_temp_path body;
    client_max_body_size 100m;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    {http}
}}
"""
# Its usual line, with the help that nginx has for it: written in blocks, once a second at the latest.
LOG: Final = "access_log access.log combined buffer=64k flush=1s;"
UPSTREAM: Final = """
    upstream api {{
        server 127.0.0.1:{port};
        keepalive 64;
        keepalive_requests 1000000000;
        keepalive_time 24h;
        keepalive_timeout 1h;
    }}
"""
FORWARD: Final = """
            proxy_pass http://api;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Authorization "";
            proxy_set_header X-Request-Id $request_id;
            proxy_set_header X-Forwarded-For $remote_addr;
            proxy_set_header X-Forwarded-Proto $scheme;
            proxy_set_header X-Forwarded-Host $http_host;
"""
_SITE: Final = """
    map_hash_bucket_size 256;
    map_hash_max_size 8192;
    {maps}
    {upstream}
    server {{
        listen 127.0.0.1:{port};
        {log}
        {extra}
        add_header X-Request-Id $request_id always;
        {locations}
        location / {{
            if ($identity0 = "") {{ return 401; }}
            return 404;
        }}
    }}
"""
_LOCATION: Final = """
        location {how} {path} {{
            if ($identity0 = "") {{ return 401; }}
            if ($may{number} = "") {{ return 403; }}
            {forward}
            {identity}
        }}
"""


def nginx(folder: Path, http: str, *, core: int, port: int, modules: str = "") -> Program:
    """An nginx with one worker, once it listens. Raises Failed."""
    binary = found("nginx")
    if binary is None:
        raise Failed("nginx is missing; on Debian and Ubuntu: apt install nginx-light")
    config = folder / "nginx.conf"
    config.write_text(_FRAME.format(http=http, modules=modules))
    program = Program(
        [binary, "-p", folder, "-c", config, "-e", "stderr"], core=core, output=folder / "output"
    )
    try:
        program.wait_for_port(port)
    except BaseException:
        program.stop()
        raise
    return program


class Nginx(Contender):
    """What one can have with nginx alone, and cannot change without a reload."""

    leaves = "tokens are not hashed"
    # Further directives of its server.
    extra: ClassVar[str] = ""

    @classmethod
    def missing(cls) -> str | None:
        return None if found("nginx") else "apt install nginx-light"

    def start(self) -> None:
        job = self._job
        self.port = free_port()
        http = _SITE.format(
            maps="\n".join(_maps(job.callers)),
            upstream=UPSTREAM.format(port=job.upstream_port),
            port=self.port,
            log=LOG if self.log else "",
            extra=self.extra,
            locations="".join(_locations()),
        )
        self._program = nginx(self.folder, http, core=job.core, port=self.port)


def _by_template() -> list[tuple[str, list[Operation]]]:
    """The operations of each path; those without a parameter come first, since patterns are tried in their order."""
    ordered = sorted(OPERATIONS, key=lambda operation: ("{" in operation.template, operation.template))
    return [(template, list(group)) for template, group in groupby(ordered, lambda each: each.template)]


def _maps(callers: Sequence[Caller]) -> Iterator[str]:
    def mapped(name: str, value: Callable[[Caller], str]) -> str:
        lines = "".join(f'"{caller.credential}" "{value(caller)}"; ' for caller in callers)
        return f'map $http_authorization ${name} {{ default ""; {lines}}}'

    for at, header in enumerate(IDENTITY[:-1]):
        yield mapped(f"identity{at}", lambda caller, header=header: vouched(caller, "")[header])  # type: ignore[misc]
    scopes = sorted({operation.scope for operation in OPERATIONS})
    for at, scope in enumerate(scopes):
        yield mapped(f"holds{at}", lambda caller, scope=scope: "1" if scope in caller.scopes else "")  # type: ignore[misc]
    for number, (_, operations) in enumerate(_by_template()):
        lines = "".join(f"{each.method} $holds{scopes.index(each.scope)}; " for each in operations)
        yield f'map $request_method $may{number} {{ default ""; {lines}}}'


def _locations() -> Iterator[str]:
    for number, (template, operations) in enumerate(_by_template()):
        has_parameter = "{" in template
        values = [f"$identity{at}" for at in range(len(IDENTITY) - 1)] + [f'"{template}"']
        yield _LOCATION.format(
            how="~" if has_parameter else "=",
            path=f"^{operations[0].pattern}$" if has_parameter else template,
            number=number,
            forward=FORWARD,
            identity="\n".join(
                f"proxy_set_header {name} {value};" for name, value in zip(IDENTITY, values, strict=True)
            ),
        )
