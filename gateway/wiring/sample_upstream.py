"""A small upstream for trying the gateway out: it answers every request with what it received."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import orjson
from aiohttp import web


async def _echo(request: web.BaseRequest) -> web.Response:
    body = await request.read()
    received = {
        "method": request.method,
        "target": request.raw_path,
        "headers": [[name.decode("latin-1"), value.decode("latin-1")] for name, value in request.raw_headers],
        "body_bytes": len(body),
        "body": body[:4096].decode("utf-8", "replace"),
    }
    return web.Response(
        body=orjson.dumps({"received": received}, option=orjson.OPT_INDENT_2) + b"\n",
        content_type="application/json",
    )


@asynccontextmanager
async def sample_upstream(host: str, port: int) -> AsyncIterator[int]:
    """Serve for as long as the block lasts; yields the port. Raises OSError when the address cannot be had."""
    runner = web.ServerRunner(web.Server(_echo), access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()
