"""One authority that is trusted, and one that is not."""

from __future__ import annotations

import pytest

from tests.e2e.tls.certificates import Authority, Pair


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls"), "ours")


@pytest.fixture(scope="session")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls-stranger"), "strangers")


@pytest.fixture(scope="session")
def local(authority: Authority) -> Pair:
    """For servers on this machine, by name or address."""
    return authority.server("localhost", "127.0.0.1")
