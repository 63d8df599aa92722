"""nginx: the token in a map, an area per location, its buffering as it comes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.conformance.lane import Lane
from tests.conformance.products.peer import AREAS, CREDENTIAL, FORBIDDEN, PUBLIC, Peer, prefix, vouched

_FRAME: Final = """
worker_processes 1;
daemon off;
pid nginx.pid;
error_log stderr error;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    client_max_body_size 100m;
    client_header_timeout 2s;
    client_body_timeout 2s;
    keepalive_timeout 2s;
    proxy_connect_timeout 1s;
    proxy_read_timeout 2s;
    proxy_send_timeout 2s;
    lingering_timeout 1s;
    proxy_http_version 1.1;
    map_hash_bucket_size 128;
    map $http_authorization $allowed {{ default 0; "~{credential}" 1; }}
{upstreams}
    server {{
        listen 127.0.0.1:{port};
{locations}
        location / {{ return 404; }}
    }}
}}
"""
_LOCATION: Final = """
        location {how} {path} {{
            {check}
            proxy_pass http://lane{number};
            proxy_set_header Connection {connection};
            proxy_set_header Authorization "";
            proxy_set_header X-Forwarded-For $remote_addr;
            proxy_set_header X-Forwarded-Proto $scheme;
            proxy_set_header X-Forwarded-Host $http_host;
            {fields}
        }}
"""


class Nginx(Peer):
    """Debian's nginx."""

    name = "nginx"
    program = "nginx"
    install = "apt install nginx-light"

    def configure(self, folder: Path, port: int, lanes: Sequence[Lane]) -> Sequence[str]:
        """One server, and an upstream group per lane."""
        upstreams = "".join(
            f"    upstream lane{lane.number} {{ server 127.0.0.1:{lane.port} max_fails=0; keepalive 8; }}\n"
            for lane in lanes
        )
        config = folder / "nginx.conf"
        locations = "".join(_locations(lane) for lane in lanes)
        config.write_text(
            _FRAME.format(port=port, upstreams=upstreams, locations=locations, credential=CREDENTIAL)
        )
        return ("-p", str(folder), "-c", str(config), "-e", "stderr")


def _locations(lane: Lane) -> str:
    written = f"        location {prefix(lane)}/{FORBIDDEN} {{ return 403; }}\n"
    for area in (*AREAS, PUBLIC):
        public = area == PUBLIC
        upgrade = area == "socket"
        fields = vouched(lane, area)
        lines = [f'proxy_set_header {name} "{"" if public else value}";' for name, value in fields.items()]
        if upgrade:
            lines.append("proxy_set_header Upgrade $http_upgrade;")
        written += _LOCATION.format(
            how="" if area.endswith("/") or area == "lists" else "=",
            path=f"{prefix(lane)}/{area}",
            check="" if public else "if ($allowed = 0) { return 401; }",
            number=lane.number,
            connection="upgrade" if upgrade else '""',
            fields="\n            ".join(lines),
        )
    return written
