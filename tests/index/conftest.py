"""An index on a scripted store, at a time that stands still."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from gateway.index.cache import TokenIndex
from tests.index.scripted import ScriptedStore, Time, index_on


@pytest.fixture
def now() -> Time:
    return Time()


@pytest.fixture
async def store() -> ScriptedStore:
    return ScriptedStore()


@pytest.fixture
async def index(store: ScriptedStore, now: Time) -> AsyncIterator[TokenIndex]:
    made = index_on(store, now)
    yield made
    await made.close()
