"""Commands as processes, and settings files for them."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli.process import Running, Warm
from tests.wiring.databases import Databases, run
from tests.wiring.standing import MAP, Standing
from tests.wiring.tenants import PEPPERS_FILE

Start = Callable[..., Running]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts commands that serve, and ends them with the test."""
    running: list[Running] = []

    def begin(*arguments: str | Path, **overrides: str) -> Running:
        running.append(Running(arguments, tmp_path, overrides))
        return running[-1]

    yield begin
    for one in running:
        one.close()


@pytest.fixture(scope="session")
def command(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warm]:
    """Runs `gateway` with some arguments to its end."""
    warm = Warm(tmp_path_factory.mktemp("commands"))
    yield warm
    warm.close()


@pytest.fixture
def free_port() -> Iterator[int]:
    """A port that nothing listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


class Site:
    """A folder with settings, a route map and peppers, as an operator would make it."""

    def __init__(self, folder: Path, dsn: str) -> None:
        self.folder = folder
        self.dsn = dsn
        self.config = folder / "gateway.yaml"
        self.routes = folder / "routes.yaml"
        self.peppers = folder / "peppers"
        self.write_routes("http://127.0.0.1:7")
        self.peppers.write_text(PEPPERS_FILE)
        self.peppers.chmod(0o600)
        self.write_settings()

    def write_routes(self, main: str) -> None:
        self.routes.write_text(MAP.replace("MAIN", main).replace("AWAY", "http://127.0.0.1:9"))

    def write_settings(self, more: str = "", *, proxy: str = "127.0.0.1:0", url: str | None = None) -> None:
        self.config.write_text(
            f"proxy: {{listen: '{proxy}'}}\nadmin: {{listen: '127.0.0.1:0'}}\n"
            f"database: {{url: '{url or self.dsn}'}}\ntokens: {{pepper_file: peppers}}\n{more}"
        )


@pytest.fixture
def site(tmp_path: Path, standing: Standing) -> Site:
    """A site on the database that no test changes."""
    return Site(tmp_path, standing.dsn)


@pytest.fixture
def own_site(tmp_path: Path, databases: Databases) -> Iterator[Site]:
    """A site on a database of this test's own, which has the schema."""
    dsn = run(databases.create())
    yield Site(tmp_path, dsn)
    run(databases.drop(dsn))
