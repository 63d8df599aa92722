"""Descriptions and maps of a test's own, without files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gateway.core.model import Route
from gateway.openapi.drafting import Wishes
from gateway.openapi.importing import Imported, Limits, OldText, describe_text, make_map
from gateway.openapi.merging import MergeWishes
from gateway.openapi.needs import Reading
from gateway.openapi.operation import Description
from gateway.openapi.scope_list import KINDS

DESCRIPTIONS = Path(__file__).with_name("descriptions")
TARGET = Path("routes.yaml")
SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "Location": {"type": "http", "scheme": "bearer"},
    "Agency": {"type": "http", "scheme": "bearer"},
}
BY_SCHEME = Reading(kinds={"Location": KINDS["sub_account"], "Agency": KINDS["agency"]})


def operation(*scopes: str, scheme: str = "bearer", **more: Any) -> dict[str, Any]:
    """An operation that needs these scopes, all of them."""
    return {"security": [{scheme: list(scopes)}], "responses": {}, **more}


def spec(paths: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """A whole description."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "Test", "version": "1.0"},
        "servers": [{"url": "http://127.0.0.1:9001"}],
        "paths": paths,
        "components": {"securitySchemes": SCHEMES},
        **more,
    }


def described(document: Mapping[str, Any], name: str = "spec.json", *, versions: bool = True) -> Description:
    return describe_text(name, json.dumps(document).encode(), Limits(), versions=versions)


def imported(paths: Mapping[str, Any], wishes: Wishes | None = None, **more: Any) -> Imported:
    return make_map([described(spec(paths, **more))], wishes or Wishes(), target=TARGET)


def merged(
    old: str | bytes,
    paths: Mapping[str, Any],
    wishes: Wishes | None = None,
    merge_wishes: MergeWishes | None = None,
    **more: Any,
) -> Imported:
    data = old.encode() if isinstance(old, str) else old
    return make_map(
        [described(spec(paths, **more))],
        wishes or Wishes(),
        target=TARGET,
        old=OldText(path=TARGET, data=data),
        merge_wishes=merge_wishes,
    )


def routes(made: Imported) -> dict[str, Route]:
    """The routes of a map by their keys."""
    return {f"{route.method} {route.template}": route for route in made.route_map.routes}


def line(made: Imported, key: str) -> str:
    """The line of the text in which an entry begins, without its indentation."""
    found = [each.strip() for each in made.data.decode().splitlines() if each.strip().startswith(f"{key}:")]
    assert len(found) == 1, found
    return found[0]
