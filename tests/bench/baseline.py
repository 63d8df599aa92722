"""The usual way to write this proxy with aiohttp, as a measure for the gateway: an application and a ClientSession.

Run with a port, the upstream's address, a credential and an account id.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator

import uvloop
from aiohttp import ClientSession, ClientTimeout, TCPConnector, web

SESSION = web.AppKey("session", ClientSession)
HOP_BY_HOP = {"connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "proxy-connection"}
NOT_FORWARDED = HOP_BY_HOP | {"host", "authorization", "x-gateway-account-id"}


def application(upstream: str, accounts: dict[str, str]) -> web.Application:
    """The proxy. `accounts` maps values of Authorization to account ids."""

    async def session(app: web.Application) -> AsyncIterator[None]:
        connector = TCPConnector(limit=0, keepalive_timeout=3600)
        async with ClientSession(
            connector=connector, auto_decompress=False, timeout=ClientTimeout(60)
        ) as app[SESSION]:
            yield

    async def forward(request: web.Request) -> web.StreamResponse:
        account = accounts.get(request.headers.get("Authorization", ""))
        if account is None:
            return web.json_response({"error": "unauthorized"}, status=401)
        headers = [
            (name, value) for name, value in request.headers.items() if name.lower() not in NOT_FORWARDED
        ]
        headers.append(("X-Gateway-Account-Id", account))
        body = request.content if request.can_read_body else None
        async with request.app[SESSION].request(
            request.method, upstream + request.path_qs, headers=headers, data=body, allow_redirects=False
        ) as answer:
            response = web.StreamResponse(status=answer.status, reason=answer.reason)
            for name, value in answer.headers.items():
                if name.lower() not in HOP_BY_HOP:
                    response.headers.add(name, value)
            await response.prepare(request)
            async for chunk in answer.content.iter_any():
                await response.write(chunk)
            await response.write_eof()
            return response

    app = web.Application()
    app.cleanup_ctx.append(session)
    app.router.add_route("*", "/{path:.*}", forward)
    return app


if __name__ == "__main__":
    port, address, credential, account_id = sys.argv[1:]
    proxy = application(address, {credential: account_id})
    web.run_app(
        proxy,
        host="127.0.0.1",
        port=int(port),
        access_log=None,
        keepalive_timeout=3600,
        print=None,
        loop=uvloop.new_event_loop(),
    )
