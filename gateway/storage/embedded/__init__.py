"""A PostgreSQL server of the gateway's own, in its data directory: for a first run and for small installations.

Knows files, processes and the operating system's accounts; nothing of SQL, settings or the event loop.
"""

from __future__ import annotations

from gateway.storage.embedded.errors import EmbeddedError
from gateway.storage.embedded.instance import running_dsn
from gateway.storage.embedded.server import EmbeddedPostgres

__all__ = ["EmbeddedError", "EmbeddedPostgres", "running_dsn"]
