"""A gateway before a service, and the table of what each client did with them, written to `build/clients.json`."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from gateway.wiring.routes import publishable
from tests.e2e.clients.service import ROUTES, Service, serving
from tests.wiring.rig import Gateway, Rig

Table = dict[str, dict[str, str]]
_TABLE = Path(__file__).parents[3] / "build" / "clients.json"


@pytest.fixture(scope="session")
def table() -> Iterator[Table]:
    """Client → job → `passed`, or why not. What did not come to its end is not in it."""
    made: Table = {}
    yield made
    _TABLE.parent.mkdir(exist_ok=True)
    _TABLE.write_text(json.dumps(made, indent=2) + "\n")
    width = max((len(name) for name in made), default=0)
    for name, jobs in made.items():
        print(f"\n{name:{width}}  " + ", ".join(f"{job}: {result}" for job, result in jobs.items()), end="")


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    async with serving() as made:
        yield made


@pytest.fixture
async def gateway(rig: Rig, service: Service) -> Gateway:
    path = rig.folder / "clients.yaml"
    path.write_text(ROUTES.replace("MAIN", service.url))
    return await rig.gateway(publishable(path)[0])
