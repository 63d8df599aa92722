"""nginx in its two parts here: the contender with a static token map, and the upstream behind everyone."""

from __future__ import annotations

from pathlib import Path

from tests.bench.contender import BODY, IDENTITY_HEADER, MIRROR_PATH, PATH, Contender, Job, mirrored
from tests.bench.programs import Failed, Program, found, free_port

# Connections are never closed on account of their number of requests or their age: that would be measured too.
_FRAME = """
worker_processes 1;
daemon off;
pid nginx.pid;
error_log stderr error;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    default_type application/json;
    keepalive_requests 1000000000;
    keepalive_time 24h;
    keepalive_timeout 1h;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    {http}
}}
"""

_UPSTREAM = """
    server {{
        listen 127.0.0.1:{port};
        location = {path} {{ return 200 '{body}'; }}
        location = {mirror_path} {{ return 200 '{mirror}'; }}
    }}
"""

_TOKEN_MAP = """
    map_hash_bucket_size 128;
    map $http_authorization $account {{
        default "";
        "{credential}" "{account_id}";
    }}
    upstream api {{
        server 127.0.0.1:{upstream_port};
        keepalive 64;
        keepalive_requests 1000000000;
        keepalive_time 24h;
        keepalive_timeout 1h;
    }}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            if ($account = "") {{ return 401; }}
            proxy_pass http://api;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Authorization "";
            proxy_set_header {identity_header} $account;
        }}
    }}
"""


def _start(folder: Path, http: str, *, core: int, port: int) -> Program:
    binary = found("nginx")
    if binary is None:
        raise Failed("nginx is missing; on Debian and Ubuntu: apt install nginx-light")
    folder.mkdir()
    config = folder / "nginx.conf"
    config.write_text(_FRAME.format(http=http))
    program = Program(
        [binary, "-p", folder, "-c", config, "-e", "stderr"], core=core, output=folder / "output"
    )
    try:
        program.wait_for_port(port)
    except BaseException:
        program.stop()
        raise
    return program


class Upstream:
    """An nginx that answers a fixed JSON, with one worker."""

    def __init__(self, folder: Path, *, core: int) -> None:
        self.port = free_port()
        mirror = mirrored(account=f"$http_{_variable(IDENTITY_HEADER)}", authorization="$http_authorization")
        http = _UPSTREAM.format(port=self.port, path=PATH, body=BODY, mirror_path=MIRROR_PATH, mirror=mirror)
        self._program = _start(folder / "upstream", http, core=core, port=self.port)

    def __repr__(self) -> str:
        return f"<Upstream {self._program} port={self.port}>"

    def stop(self) -> None:
        """End it."""
        self._program.stop()


class Nginx(Contender):
    """The token in a map of the configuration: what one can have with nginx alone, and without a reload cannot change."""

    def __init__(self, name: str, job: Job) -> None:
        super().__init__(name)
        self._job = job

    def start(self) -> None:
        job = self._job
        self.port = free_port()
        http = _TOKEN_MAP.format(
            port=self.port,
            credential=job.credential,
            account_id=job.account_id,
            upstream_port=job.upstream_port,
            identity_header=IDENTITY_HEADER,
        )
        self._program = _start(job.folder / "nginx", http, core=job.core, port=self.port)


def _variable(header: str) -> str:
    return header.lower().replace("-", "_")
