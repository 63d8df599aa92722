"""`gateway demo`: everything on this machine in one command, with a call that works."""

from __future__ import annotations

import os
import secrets
import sys
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import orjson
import typer
import uvloop

from gateway.cli.failures import BAD_USAGE, Refused
from gateway.cli.stopping import stoppable
from gateway.core.model import RouteMap
from gateway.core.tokens import Digester
from gateway.settings.pepper import Peppers, load_peppers
from gateway.wiring.configuration import Configuration, ConfigurationFiles
from gateway.wiring.demo import Demo, at_sample_upstream, prepare_demo, sample_call
from gateway.wiring.logs import configure
from gateway.wiring.node import Node, running_node
from gateway.wiring.routes import shipped_map
from gateway.wiring.sample_upstream import sample_upstream
from gateway.wiring.store import database_address, opened


def demo(
    proxy_port: Annotated[
        int, typer.Option(help="Port of the proxy; 0 takes a free one.", min=0, max=65535)
    ] = 8080,
    admin_port: Annotated[int, typer.Option(help="Port of the admin listener.", min=0, max=65535)] = 8081,
    data: Annotated[Path, typer.Option(help="Where the demo keeps its database and keys.")] = Path(
        ".gateway"
    ),
    routes: Annotated[
        Path | None,
        typer.Option(help="A route map of your own, with its upstreams, in place of the shipped one."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one line of JSON, then serve.")] = False,
) -> None:
    """Start a whole gateway here: PostgreSQL, the v2 route map, a sample upstream, an account with a token."""
    environ = {
        # A call that is tried is a call that is looked for.
        "GATEWAY__RECORDS__SAMPLE": "1",
        **os.environ,
        "GATEWAY__PROXY__LISTEN": f"127.0.0.1:{proxy_port}",
        "GATEWAY__ADMIN__LISTEN": f"127.0.0.1:{admin_port}",
        "GATEWAY__DATA_DIR": str(data.absolute()),
    }
    if routes is not None and not routes.exists():
        raise Refused(f"there is no route map {routes}; name a file, or leave --routes out", status=BAD_USAGE)
    files = ConfigurationFiles(None, environ, map_path=lambda _settings: (routes or shipped_map()).absolute())
    configuration = files.read()
    settings = configuration.settings
    configure(settings.log)
    if settings.database.url is None:
        _make_folder(settings.data_dir)
    peppers = load_peppers(settings.pepper_file, entropy=secrets.token_bytes)
    quiet = as_json or not sys.stderr.isatty()
    with database_address(settings, join=False, log=lambda line: None if quiet else _say(line)) as dsn:
        uvloop.run(_demo(configuration, files, peppers, dsn, own_map=routes is not None, as_json=as_json))


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o711, parents=True, exist_ok=True)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise Refused(f"{folder} cannot be made: {reason}; name a folder of yours with --data") from None


async def _demo(
    configuration: Configuration,
    files: ConfigurationFiles,
    peppers: Peppers,
    dsn: str,
    *,
    own_map: bool,
    as_json: bool,
) -> None:
    settings = configuration.settings
    async with stoppable() as signals, AsyncExitStack() as stack:
        port = await stack.enter_async_context(sample_upstream("127.0.0.1", 0))
        upstream = f"http://127.0.0.1:{port}"
        if not own_map:
            files.adapt = lambda route_map: at_sample_upstream(route_map, upstream)
        configuration = replace(configuration, route_map=files.adapt(configuration.route_map))
        route_map = configuration.route_map
        database = await stack.enter_async_context(opened(dsn, pool_size=settings.database.pool_size))
        made = await prepare_demo(
            database,
            folder=settings.data_dir,
            route_map=route_map,
            digester=Digester(peppers.current, peppers.retired),
            token_prefix=settings.tokens.prefix,
        )
        node = await stack.enter_async_context(running_node(configuration, database, peppers, files=files))
        if as_json:
            _print_line(node, made, upstream, dsn)
        else:
            _print_welcome(node, made, route_map, upstream, called=settings.proxy.public_url)
        await signals.drain_when_asked(node)


def _print_line(node: Node, made: Demo, upstream: str, dsn: str) -> None:
    line = {
        "proxy": f"http://127.0.0.1:{node.proxy_port}",
        "admin": f"http://127.0.0.1:{node.admin_port}",
        "upstream": upstream,
        "database": dsn,
        "account_id": made.account_id,
        "integration_id": made.integration_id,
        "token": made.token,
        "admin_key": made.admin_key,
        "login": {"email": made.email, "password": made.password},
    }
    sys.stdout.buffer.write(orjson.dumps(line) + b"\n")
    sys.stdout.buffer.flush()


def _print_welcome(node: Node, made: Demo, route_map: RouteMap, upstream: str, *, called: str | None) -> None:
    proxy = f"http://127.0.0.1:{node.proxy_port}"
    admin = f"http://127.0.0.1:{node.admin_port}"
    services = len({route.service for route in route_map.routes})
    print(
        f"""
Private Integrations Gateway, demo

  proxy     {proxy}      {len(route_map.routes)} operations of {services} services
  admin     {admin}      /settings  /api/v1/docs  /healthz  /readyz  /metrics
  upstream  {upstream}      answers with what it received
  login     {made.email}  {made.password}
  admin key {made.admin_key}

Try it in another terminal:

  curl -i {called or proxy}{sample_call(route_map)} -H 'Authorization: Bearer {made.token}'

Ctrl-C stops it; what it made stays for the next start.
""",
        flush=True,
    )


def _say(line: str) -> None:
    print(line, file=sys.stderr)
