"""The outcomes of all cases that a run of the tests asks for: they are played side by side, before the first is judged."""

from __future__ import annotations

import asyncio

import pytest

from tests.conformance.case import Case
from tests.conformance.products.gateway import Gateway
from tests.conformance.rounds import Outcome, run


@pytest.fixture(scope="session")
def outcomes(request: pytest.FixtureRequest) -> dict[str, Outcome]:
    """By the names of the cases."""
    cases: list[Case] = [
        item.callspec.params["case"]
        for item in request.session.items
        if isinstance(item, pytest.Function)
        and hasattr(item, "callspec")
        and "case" in item.callspec.params
        and isinstance(item.callspec.params["case"], Case)
    ]
    return asyncio.run(run(cases, Gateway()))
