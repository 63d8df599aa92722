"""What the pages are told by the settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from gateway.admin.health import Health
from gateway.admin.management.services import Management
from gateway.core.model import RouteMap
from gateway.wiring.pages import page_rules
from tests.wiring.rig import settings


@pytest.mark.parametrize(
    ("values", "browsed", "told"),
    [
        ({}, "admin.example", "http://127.0.0.1:4321"),
        ({"proxy__listen": "0.0.0.0:80"}, "admin.example", "http://admin.example:4321"),
        ({"proxy__listen": "[::]:80"}, "fd00::1", "http://[fd00::1]:4321"),
        (
            {"proxy__public_url": "https://api.example.com/v2/"},
            "admin.example",
            "https://api.example.com/v2",
        ),
    ],
)
def test_callers_are_sent_where_they_find_the_proxy(
    tmp_path: Path, values: dict[str, Any], browsed: str, told: str
) -> None:
    rules = page_rules(
        lambda: settings(tmp_path, **values),
        cast(Management, None),
        live_map=lambda: cast(RouteMap, None),
        health=lambda: cast(Health, None),
        proxy_port=lambda: 4321,
        report=lambda _where, _error: None,
    )
    assert rules.proxy_url(browsed) == told
