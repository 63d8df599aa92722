"""A route map that was sent as text: read beside the requests, and refused with every problem."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from gateway.admin.management.refusals import Flaw, Unprocessable
from gateway.core.model import RouteMap
from gateway.settings.errors import ConfigurationError


async def draft_map(read_map: Callable[[str], RouteMap], text: str) -> RouteMap:
    """The map in `text`; `read_map` raises ConfigurationError. Raises Unprocessable."""
    try:
        # A large map takes a tenth of a second, in which requests are not to wait.
        return await asyncio.to_thread(read_map, text)
    except ConfigurationError as error:
        raise Unprocessable(
            [
                Flaw(pointer="/map", message=f"{problem.where}: {problem.message}.", code="map_invalid")
                for problem in error.problems
            ]
        ) from None
