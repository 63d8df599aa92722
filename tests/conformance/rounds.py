"""Runs a corpus against a product: a few lanes at once, in each lane one case after the other."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final, Protocol

from tests.conformance.case import Case, Observation, Problems, Stand, Verdict
from tests.conformance.conversation import Conversation, Door
from tests.conformance.lane import Lane
from tests.conformance.verdicts import problems_of

LANES: Final = 8


class Product(Protocol):
    """A proxy that can be put in front of lanes. `exact`: it is this project's own."""

    name: str
    exact: bool

    def missing(self) -> str | None:
        """Why it cannot run here, if it cannot."""

    async def start(self, lanes: Sequence[Lane]) -> Door:
        """Start it, ready to serve."""

    async def stop(self) -> None:
        """End it."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The verdict on one case, and why."""

    case: Case
    seen: Observation
    verdict: Verdict
    problems: Problems

    def explain(self) -> str:
        """For the person who has to find out."""
        sent = "".join(f"\n  {step}" for step in self.case.steps)
        arrived = "".join(f"\n  {arrival.raw!r} {arrival.body[:80]!r}" for arrival in self.seen.arrivals)
        return (
            (f"{self.case.name}: {self.verdict}\n  " + "\n  ".join(self.problems))[:3000]
            + f"\nsteps:{sent[:3000]}\nreceived ({self.seen.end}):\n  {self.seen.received[:600]!r}\narrived:{arrived[:3000]}"
        )


@asynccontextmanager
async def open_lanes(count: int = LANES) -> AsyncIterator[list[Lane]]:
    """Lanes that listen."""
    lanes = [Lane(number) for number in range(count)]
    try:
        for lane in lanes:
            await lane.start()
        yield lanes
    finally:
        for lane in lanes:
            await lane.stop()


async def run(cases: Iterable[Case], product: Product) -> dict[str, Outcome]:
    """The outcomes by the names of the cases."""
    async with open_lanes() as lanes:
        door = await product.start(lanes)
        try:
            return await run_through(cases, door, lanes, exact=product.exact)
        finally:
            await product.stop()


async def run_through(
    cases: Iterable[Case], door: Door, lanes: Sequence[Lane], *, exact: bool
) -> dict[str, Outcome]:
    """Run the cases through an open door."""
    # The slow ones first: what is waited for, is waited for side by side.
    waiting = deque(sorted(enumerate(cases), key=lambda item: item[1].stand is Stand.USUAL))
    outcomes: dict[str, Outcome] = {}

    async def work(lane: Lane) -> None:
        while waiting:
            number, case = waiting.popleft()
            seen = await Conversation(case, door, lane, number).run()
            verdict, problems = problems_of(case, seen, exact=exact)
            outcomes[case.name] = Outcome(case, seen, verdict, problems)

    await asyncio.gather(*(work(lane) for lane in lanes))
    return outcomes
