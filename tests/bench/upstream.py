"""The upstream behind everyone: an nginx with fixed answers of the sizes of an API's, on the load's core."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from tests.bench.contender import FORWARDED, IDENTITY
from tests.bench.mix import OPERATIONS
from tests.bench.peers.nginx import nginx
from tests.bench.programs import free_port

# Where it shows what reached it.
MIRROR: Final = "/contacts/mirror"
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
# The entity tag changes from answer to answer, as it does with any real service.
_SERVER: Final = """
    server {{
        listen 127.0.0.1:{port};
        add_header ETag 'W/"$connection-$connection_requests"';
        location = {mirror} {{ return 200 '{shown}'; }}
        {lists}
        location / {{ return 200 "{item}"; }}
    }}
"""


class Upstream:
    """`port` is where it listens, from the beginning."""

    def __init__(self, folder: Path, *, core: int) -> None:
        self.port = free_port()
        shown = ",".join(f'"{name}":"$http_{name.lower().replace("-", "_")}"' for name in SHOWN)
        paths = sorted({operation.pattern for operation in OPERATIONS if operation.is_list})
        lists = "\n".join(f'location ~ ^{path}$ {{ return 200 "{_quoted(LIST)}"; }}' for path in paths)
        http = _SERVER.format(
            port=self.port, mirror=MIRROR, shown=f"{{{shown}}}", lists=lists, item=_quoted(ITEM)
        )
        place = folder / "upstream"
        place.mkdir()
        self._program = nginx(place, http, core=core, port=self.port)

    def __repr__(self) -> str:
        return f"<Upstream {self._program} port={self.port}>"

    def stop(self) -> None:
        """End it."""
        self._program.stop()


def _quoted(text: str) -> str:
    return text.replace('"', '\\"')
