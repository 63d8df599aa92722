"""Nothing is written that the gateway would read as anything else than was meant, whatever a merge got wrong."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.openapi.drafting import Wishes
from gateway.openapi.proof import prove
from gateway.settings.errors import ConfigurationError
from tests.openapi.made import BY_SCHEME, TARGET, imported, operation

HEADER = {"name": "Version", "in": "header", "required": True, "schema": {"enum": ["v1"]}}
PATHS: dict[str, Any] = {
    "/a": {"get": operation("x", scheme="Location"), "put": {"responses": {}}},
    "/b": {"get": operation("x", "y", scheme="Agency", parameters=[HEADER])},
}
MADE = imported(PATHS, Wishes(reading=BY_SCHEME))
MEANT = {entry.identity: entry for entry in MADE.drafted.entries}
TEXT = MADE.data.decode()


def test_what_was_meant_is_read() -> None:
    route_map, _ = prove(TEXT, TARGET, MEANT)
    assert route_map == MADE.route_map


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("GET /a: x", "GET /a: y"),
        ("GET /a: x", "GET /a: [x, y]"),
        ("GET /a: x", "GET /a: public"),
        ("GET /a: x", "GET /a: authenticated"),
        ("GET /a: x", "GET /c: x"),
        ("GET /a: x", "GET /a: {scope: x, account: any}"),
        ("GET /a: x\n", "GET /a: x\n      GET /evil: public\n"),
        ("PUT /a: deny", "PUT /a: x"),
        ("all_of: [x, y]", "any_of: [x, y]"),
        ("versions: [v1]", "versions: [v2]"),
    ],
)
def test_what_was_not_meant_is_refused(before: str, after: str) -> None:
    assert before in TEXT
    with pytest.raises(
        ConfigurationError, match="cannot be changed in this text without changing more; nothing was written"
    ):
        prove(TEXT.replace(before, after), TARGET, MEANT)


def test_what_cannot_be_published_is_refused_with_its_line() -> None:
    with pytest.raises(ConfigurationError, match=r"routes\.yaml:\d+: .*names the upstream gone"):
        prove(TEXT.replace("upstream: api", "upstream: gone"), TARGET, MEANT)
