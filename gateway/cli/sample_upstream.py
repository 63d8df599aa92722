"""`gateway sample-upstream`: an upstream to try the gateway with."""

from __future__ import annotations

import asyncio
import signal
from typing import Annotated

import typer

from gateway.cli.failures import BAD_USAGE, Refused
from gateway.cli.output import note
from gateway.settings.addresses import parse_listen
from gateway.wiring import sample_upstream as upstream


def sample_upstream(
    listen: Annotated[str, typer.Option(help="Where to listen.")] = "127.0.0.1:9001",
) -> None:
    """Answer every request with what was received, until stopped."""
    try:
        address = parse_listen(listen)
    except ValueError as error:
        raise Refused(f"--listen: {error}", status=BAD_USAGE) from None

    async def run() -> None:
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        async with upstream.sample_upstream(address.host, address.port) as port:
            note(f"sample upstream on http://{address.host}:{port}")
            await stop.wait()

    try:
        asyncio.run(run())
    except OSError as error:
        raise Refused(f"cannot listen on {address}: {error.strerror or error}") from None
