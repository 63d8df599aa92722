"""Which settings wait for a restart: each is named, and keeps the value that the gateway runs on."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.settings.catalogue import CATALOGUE
from gateway.wiring.settings_change import NEEDS_RESTART, applicable
from tests.wiring.rig import settings

TLS = {"cert_file": "a", "key_file": "b"}


def test_every_name_is_a_setting() -> None:
    assert set(NEEDS_RESTART) <= {setting.name for setting in CATALOGUE.values()}


@pytest.mark.parametrize(
    ("values", "waiting"),
    [
        ({"proxy__listen": "127.0.0.1:1"}, ("proxy.listen",)),
        ({"database__pool_size": 3}, ("database.pool_size",)),
        ({"database__url": "postgresql://gateway@db/x"}, ("database.url",)),
        ({"tokens__prefix": "zz"}, ("tokens.prefix",)),
        ({"proxy__tls": TLS}, ("proxy.tls",)),
        ({"records__keep": "0s"}, ("records.keep",)),
        ({"records__sample": 0.5}, ("records.sample",)),
        ({"records__keep": "2d"}, ()),
        ({"proxy__limits": {"body": "1KiB"}, "errors__scope_status": 401, "log__level": "debug"}, ()),
    ],
)
def test_what_waits_keeps_its_value_and_the_rest_is_taken(
    tmp_path: Path, values: dict[str, object], waiting: tuple[str, ...]
) -> None:
    running = settings(tmp_path)
    wanted = settings(tmp_path, **values, rotation__window="1d")
    found, named = applicable(running, wanted)
    assert named == waiting
    assert found.rotation.window == 86400
    if waiting:
        assert found == settings(tmp_path, rotation__window="1d")
    else:
        assert found == wanted


def test_another_certificate_is_taken_at_once(tmp_path: Path) -> None:
    running = settings(tmp_path, proxy__tls=TLS)
    wanted = settings(tmp_path, proxy__tls={"cert_file": "c", "key_file": "d"})
    assert applicable(running, wanted) == (wanted, ())
