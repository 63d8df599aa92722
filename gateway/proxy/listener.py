"""What every connection shares with the listener that accepted it."""

from __future__ import annotations

import logging
from typing import Final

from aiohttp import web

from gateway.proxy.gate import Gate

_log: Final = logging.getLogger(__name__)


class Listener(web.Server):
    """What a connection needs of the listener that accepted it. `gate` is the one in force."""

    gate: Gate

    @property
    def connection_count(self) -> int:
        """How many callers are connected."""
        return len(self._connections)

    def report_defect(self) -> None:
        """Log the exception being handled: a defect of the gateway itself."""
        _log.exception("a request failed inside the gateway")
