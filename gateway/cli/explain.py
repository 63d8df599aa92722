"""`gateway explain`: what becomes of a request, and why. Without a token or an integration it needs no database."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from gateway.admin.management.explain import holder, stranger, told
from gateway.admin.management.explain_request import ExplainRequest
from gateway.admin.management.explain_views import ExplanationView, StepState
from gateway.cli.context import ConfigOption, JsonOption, RoutesOption, read_map, read_settings
from gateway.cli.desk import Desk, manage
from gateway.cli.failures import BAD_USAGE, FAILED, Refused
from gateway.cli.given import given
from gateway.cli.output import as_data, note, print_json, print_section, print_table, shown
from gateway.core.model import AccountKind
from gateway.wiring.bench import bench_of

_MARKS = {
    StepState.PASSED: "ok",
    StepState.REFUSED: "NO",
    StepState.NOTHING: "-",
    StepState.UNREACHED: ".",
}


def explain(
    method: Annotated[str | None, typer.Argument(metavar="METHOD", help="Such as GET.")] = None,
    path: Annotated[
        str | None, typer.Argument(metavar="PATH", help="Such as /contacts/123?limit=1, or a URL.")
    ] = None,
    token: Annotated[
        str | None,
        typer.Option(
            help="The token that is sent; - reads it from standard input, and keeps it out of the shell's history."
        ),
    ] = None,
    integration: Annotated[
        str | None, typer.Option(help="As if the current token of this integration were sent.")
    ] = None,
    scopes: Annotated[
        str | None, typer.Option(help='As if a token with exactly these scopes were sent: "a b".')
    ] = None,
    account_kind: Annotated[
        AccountKind | None,
        typer.Option(help="The kind of account that --scopes are held in: by default sub_account."),
    ] = None,
    header: Annotated[
        list[str] | None,
        typer.Option("--header", "-H", help="A further header, such as 'Version: 2021-07-28'."),
    ] = None,
    body_bytes: Annotated[int | None, typer.Option(help="How long the body is.")] = None,
    trace: Annotated[
        str | None,
        typer.Option(
            help="A recorded request, by the X-Request-Id of its answer, in place of METHOD and PATH."
        ),
    ] = None,
    routes: RoutesOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tell what becomes of a request, step by step, and what would change it. Exit status 0 if it is let through, 1 if not."""
    values: dict[str, Any] = {
        "method": method,
        "path": path,
        "token": token,
        "integration_id": integration,
        "scopes": None if scopes is None else tuple(scopes.split()),
        "account_kind": account_kind,
        "headers": None if header is None else _headers(header),
        "body_bytes": body_bytes,
        "trace_id": trace,
    }
    asked = _question({name: value for name, value in values.items() if value is not None})
    found = _explained(asked, routes, config)
    if as_json:
        print_json(as_data(found))
    else:
        _print(found)
    if not found.allowed:
        raise typer.Exit(FAILED)


def _question(values: dict[str, Any]) -> ExplainRequest:
    credentials = {"token": "--token", "integration_id": "--integration", "scopes": "--scopes"}
    several = [option for name, option in credentials.items() if name in values]
    if len(several) > 1:
        raise Refused(f"{' and '.join(several)} exclude each other; give one of them", status=BAD_USAGE)
    if "trace_id" in values and len(values) > 1:
        raise Refused(
            "--trace stands in place of METHOD, PATH and what goes with them; give it alone", status=BAD_USAGE
        )
    if "trace_id" not in values and not {"method", "path"} <= values.keys():
        raise Refused("write METHOD and PATH, or --trace ID of a recorded request", status=BAD_USAGE)
    if values.get("token") == "-":
        values = {**values, "token": _token_line()}
    return given(ExplainRequest, values, method="METHOD", path="PATH", trace_id="--trace", headers="--header")


def _explained(asked: ExplainRequest, routes: Path | None, config: Path | None) -> ExplanationView:
    if asked.sends_token or not asked.model_fields_set.isdisjoint({"integration_id", "trace_id"}):

        async def work(desk: Desk) -> ExplanationView:
            return await desk.management.explain.explain(desk.by, asked)

        return manage(config, work, routes=routes)
    settings = read_settings(config)
    route_map = read_map(settings, config, routes)
    bench = bench_of(lambda: settings, in_force=lambda: route_map)
    asker = holder(asked, settings.tokens.prefix) if "scopes" in asked.model_fields_set else stranger()
    return asyncio.run(told(bench, route_map, asked, asker, in_full=True))


def _token_line() -> str:
    line = sys.stdin.readline().strip()
    if not line:
        raise Refused("--token: standard input has no token on its first line", status=BAD_USAGE)
    return line


def _headers(lines: list[str]) -> dict[str, str | tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not name.strip():
            raise Refused("--header: write 'Name: value'", status=BAD_USAGE)
        found[name] = (*found.get(name, ()), value.strip(" \t"))
    return dict(found)


def _print(found: ExplanationView) -> None:
    print_table(
        ("STEP", "", "WHAT"), ((step.stage.value, _MARKS[step.state], step.text) for step in found.steps)
    )
    if len(found.candidates) > 1:
        print_section(
            "ROUTES THAT FIT THE PATH",
            ("METHOD", "PATH", "NEEDS", "WHY"),
            [(one.method, one.path, one.needs, one.text) for one in found.candidates],
        )
    print(flush=True)
    if found.recorded is not None:
        record = found.recorded
        print(
            f"recorded {shown(record.at)}: {record.status or 'no answer'} {record.code or ''}".rstrip(),
            flush=True,
        )
    print(_verdict(found), flush=True)
    if found.shadow is not None:
        note(f"its shadow would refuse it with {found.shadow.code}")
    if found.way_out:
        note(f"to have it let through: {found.way_out}")


def _verdict(found: ExplanationView) -> str:
    if found.code is not None:
        scope = f" ({found.scope})" if found.scope else ""
        return f"refused: {found.status} {found.code}{scope}: {found.message}"
    if found.status is not None:
        return f"answered by the gateway: {found.status}"
    return "let through: the upstream answers"
