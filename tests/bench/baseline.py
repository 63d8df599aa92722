"""The usual way to write this proxy with aiohttp, as a measure for the gateway: an application and a ClientSession.

Run with a port, the upstream's address and a file of callers (JSON).
"""

from __future__ import annotations

import hashlib
import json
import sys
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path

import uvloop
from aiohttp import ClientSession, ClientTimeout, TCPConnector, web

from tests.bench.contender import FORWARDED, IDENTITY, vouched
from tests.bench.mix import OPERATIONS, Caller, Operation

SESSION = web.AppKey("session", ClientSession)
HOP_BY_HOP = {"connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "proxy-connection"}
NOT_FORWARDED = HOP_BY_HOP | {"host", "authorization"} | {name.lower() for name in (*IDENTITY, *FORWARDED)}


def application(upstream: str, callers: Sequence[Caller]) -> web.Application:
    """The proxy, with the operations of the mix in aiohttp's router."""
    by_digest = {hashlib.sha256(caller.credential.encode()).digest(): caller for caller in callers}

    async def session(app: web.Application) -> AsyncIterator[None]:
        connector = TCPConnector(limit=0, keepalive_timeout=3600)
        async with ClientSession(
            connector=connector, auto_decompress=False, timeout=ClientTimeout(60)
        ) as app[SESSION]:
            yield

    def handler(operation: Operation) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def forward(request: web.Request) -> web.StreamResponse:
            credential = request.headers.get("Authorization", "")
            caller = by_digest.get(hashlib.sha256(credential.encode()).digest())
            if caller is None:
                return web.json_response({"error": "unauthorized"}, status=401)
            if operation.scope not in caller.scopes:
                return web.json_response({"error": "forbidden"}, status=403)
            request_id = uuid.uuid4().hex
            headers = [
                (name, value) for name, value in request.headers.items() if name.lower() not in NOT_FORWARDED
            ]
            headers += vouched(caller, operation.template).items()
            headers += zip(
                FORWARDED, (request.remote or "", request.scheme, request.host, request_id), strict=True
            )
            body = request.content if request.can_read_body else None
            async with request.app[SESSION].request(
                request.method, upstream + request.path_qs, headers=headers, data=body, allow_redirects=False
            ) as answer:
                response = web.StreamResponse(status=answer.status, reason=answer.reason)
                for name, value in answer.headers.items():
                    if name.lower() not in HOP_BY_HOP:
                        response.headers.add(name, value)
                response.headers["X-Request-Id"] = request_id
                await response.prepare(request)
                async for chunk in answer.content.iter_any():
                    await response.write(chunk)
                await response.write_eof()
                return response

        return forward

    app = web.Application()
    app.cleanup_ctx.append(session)
    # aiohttp's router takes what was added first.
    for operation in sorted(OPERATIONS, key=lambda each: ("{" in each.template, -each.share)):
        app.router.add_route(operation.method, operation.template, handler(operation))
    return app


if __name__ == "__main__":
    port, address, file = sys.argv[1:]
    known = [
        Caller(**entry | {"scopes": tuple(entry["scopes"])}) for entry in json.loads(Path(file).read_text())
    ]
    web.run_app(
        application(address, known),
        host="127.0.0.1",
        port=int(port),
        access_log=None,
        keepalive_timeout=3600,
        print=None,
        loop=uvloop.new_event_loop(),
    )
