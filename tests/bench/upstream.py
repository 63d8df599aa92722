"""The upstream behind everyone: an nginx with fixed answers of the sizes of an API's, on the load's core."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path
from typing import Final

from tests.bench.contender import FORWARDED, IDENTITY
from tests.bench.mix import OPERATIONS
from tests.bench.peers.nginx import nginx
from tests.bench.programs import free_port

# Where it shows what reached it.
MIRROR: Final = "/contacts/mirror"
# Where there are bodies: the size in bytes comes behind it. A PUT there is taken and forgotten.
BODY_PATH: Final = "/contacts/body"
_STATUS: Final = "/bench-status"
SHOWN: Final = (*IDENTITY, *FORWARDED, "Authorization")
_CONTACT: Final = {
    "id": "ocQHyuzHvysMo5N5VsXc",
    "firstName": "Ada",
    "lastName": "Lovelace",
    "email": "ada@example.com",
    "phone": "+18832327657",
    "tags": ["customer", "newsletter"],
    "dateAdded": "2026-11-24T08:00:00.000Z",
}
ITEM: Final = json.dumps(
    {"contact": {**_CONTACT, "address1": "12 St James's Square", "customFields": ["v" * 200]}}
)
LIST: Final = json.dumps({"contacts": [_CONTACT] * 15, "total": 15})
# The entity tag changes from answer to answer, as it does with any real service. Before an upload is answered it has to
# be there: nginx reads bodies whole for who is behind it, here itself.
_SERVER: Final = """
    upstream itself {{ server unix:{folder}/taken.sock; keepalive 64; }}
    server {{
        listen unix:{folder}/taken.sock;
        location / {{ return 200 "{item}"; }}
    }}
    server {{
        listen 127.0.0.1:{port};
        add_header ETag 'W/"$connection-$connection_requests"';
        location = {mirror} {{ return 200 '{shown}'; }}
        {lists}
        location {body_path} {{
            root bodies;
            if ($request_method = PUT) {{ rewrite ^ /taken last; }}
        }}
        location = /taken {{
            internal;
            client_body_buffer_size 16m;
            proxy_pass http://itself/;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Content-Length "";
            proxy_pass_request_body off;
        }}
        location = {status} {{ stub_status; access_log off; }}
        location / {{ return 200 "{item}"; }}
    }}
"""


class Upstream:
    """`port` is where it listens, from the beginning."""

    def __init__(self, folder: Path, *, core: int) -> None:
        self.port = free_port()
        self._place = folder / "upstream"
        self._place.mkdir(exist_ok=True)
        shown = ",".join(f'"{name}":"$http_{name.lower().replace("-", "_")}"' for name in SHOWN)
        paths = sorted({operation.pattern for operation in OPERATIONS if operation.is_list})
        lists = "\n".join(f'location ~ ^{path}$ {{ return 200 "{_quoted(LIST)}"; }}' for path in paths)
        http = _SERVER.format(
            port=self.port,
            folder=self._place,
            mirror=MIRROR,
            body_path=BODY_PATH,
            status=_STATUS,
            shown=f"{{{shown}}}",
            lists=lists,
            item=_quoted(ITEM),
        )
        self._program = nginx(self._place, http, core=core, port=self.port)

    def __repr__(self) -> str:
        return f"<Upstream {self._program} port={self.port}>"

    @property
    def requests(self) -> int:
        """How many it has answered so far, on all its connections."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{_STATUS}", timeout=10) as answer:
            lines: list[bytes] = answer.read().splitlines()
        return int(lines[2].split()[2])

    def offer(self, size: int) -> None:
        """From now on there is a body of this size."""
        file = self._place / "bodies" / f"{BODY_PATH[1:]}{size}"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"x" * size)

    def stop(self) -> None:
        """End it."""
        self._program.stop()


def _quoted(text: str) -> str:
    return text.replace('"', '\\"')
