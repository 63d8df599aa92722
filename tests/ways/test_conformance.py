"""Every case of the conformance corpus in both ways: upstream, caller and record must not show which it was."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, fields, replace
from typing import Final

from gateway.proxy.server import ProxyServer
from gateway.wiring.routes import publishable
from tests.conformance.case import Arrival, Case, Observation, Say, Script, Send, Stand
from tests.conformance.conversation import Conversation, Door
from tests.conformance.corpus import corpus
from tests.conformance.lane import Lane
from tests.conformance.products.gateway import route_map
from tests.conformance.verdicts import problems_of
from tests.ways.conversation import Desk
from tests.ways.record import Record
from tests.ways.stand import USUAL
from tests.ways.way import Taken, Way, taking
from tests.wiring.rig import Gateway, Rig

# One character for each: their names must be as long as their stand-in.
_LANES: Final = b"0123456789abcdefghij"
_HASTY: Final = USUAL | {
    "proxy__timeouts__head": "1200ms",
    "proxy__timeouts__body": "1200ms",
    "proxy__timeouts__idle": "1800ms",
    "upstream__timeouts__first_byte": "1200ms",
    "upstream__timeouts__silence": "1200ms",
}
_TOLD: Final = 5
# How often what differed is carried again; more than a few have no time-out to blame.
_AGAIN: Final = 3
_FEW: Final = 40
# What is longer may come in several pieces, as the kernel likes: then the case's own expectation is what can be held.
_ONE_PIECE: Final = 32 * 1024


class OpenLane(Lane):
    """A lane that keeps every byte that comes while a case is on, of each connection apart."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.prefix = b"/l" + _LANES[number : number + 1]
        self.heard: dict[int, bytearray] = {}
        self._connections = itertools.count()

    def begin(self, script: Script, news: asyncio.Event) -> None:
        super().begin(script, news)
        self.heard = {}

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        feed, number = reader.feed_data, next(self._connections)

        def feed_data(data: bytes) -> None:
            self.heard.setdefault(number, bytearray()).extend(data)
            feed(data)

        reader.feed_data = feed_data  # type: ignore[method-assign, assignment]
        super()._accept(reader, writer)


@dataclass(frozen=True, slots=True)
class Sighting:
    """All that was seen of one case. `heard` are the bytes that came to the upstream, of each connection."""

    seen: Observation
    heard: tuple[bytes, ...]
    records: tuple[Record, ...]

    def parts(self) -> dict[str, object]:
        """What is compared, by its name."""
        seen = self.seen
        told: dict[str, object] = {
            field.name: getattr(seen, field.name) for field in fields(Observation) if field.name != "arrivals"
        }
        told["heard"] = self.heard
        for number, arrival in enumerate(seen.arrivals):
            told |= {
                f"arrival {number} {field.name}": getattr(arrival, field.name) for field in fields(Arrival)
            }
        for number, record in enumerate(self.records):
            told |= {f"record {number} {field.name}": getattr(record, field.name) for field in fields(Record)}
        return told


@dataclass(frozen=True, slots=True)
class Row:
    """One lane with the two listeners in front of it, whose requests are numbered and recorded at a desk."""

    lane: OpenLane
    door: Door
    desk: Desk

    async def carry(self, number: int, case: Case) -> Sighting:
        self.desk.begin()
        seen = await Conversation(case, self.door, self.lane, number).run()
        return Sighting(
            seen, tuple(bytes(part) for part in self.lane.heard.values()), tuple(self.desk.records)
        )


async def _rows(rig: Rig, dsn: str, stack: AsyncExitStack) -> list[Row]:
    lanes = [OpenLane(number) for number in range(len(_LANES))]
    for lane in lanes:
        await lane.start()
        stack.push_async_callback(lane.stop)
    path = rig.folder / "lanes.yaml"
    path.write_text(route_map(lanes))
    served, _ = publishable(path)
    gateways = {
        Stand.USUAL: await rig.gateway(served, dsn=dsn, **USUAL),
        Stand.HASTY: await rig.gateway(served, dsn=dsn, **_HASTY),
    }
    token = await gateways[Stand.USUAL].tenants.issue("items.write")
    rows = []
    for lane in lanes:
        desk = Desk()
        ports = {stand: await _listen(gateway, desk, stack) for stand, gateway in gateways.items()}
        rows.append(Row(lane, Door(ports, dict.fromkeys(Stand, token.secret), patience=10.0), desk))
    return rows


async def _listen(gateway: Gateway, desk: Desk, stack: AsyncExitStack) -> int:
    """Another listener of this gateway, with a desk of its own."""
    proxy = gateway.node._proxy
    gate = replace(proxy.gate, recorder=desk, new_request_id=desk.new_request_id)
    server = ProxyServer(gate, pools=(), tick_seconds=proxy._tick_seconds)
    stack.push_async_callback(server.stop)
    return await server.listen("127.0.0.1", 0)


async def _carried(
    rows: Sequence[Row], cases: Mapping[int, Case], way: Way
) -> tuple[dict[int, Sighting], Taken]:
    """All cases in this way, each in the same lane in every run."""
    found: dict[int, Sighting] = {}
    # What is waited for is waited for side by side.
    order = sorted(cases, key=lambda number: cases[number].stand is Stand.USUAL)

    async def work(row: Row, numbers: Sequence[int]) -> None:
        for number in numbers:
            found[number] = await row.carry(number, cases[number])

    with taking(way) as taken:
        await asyncio.gather(*(work(row, order[at :: len(rows)]) for at, row in enumerate(rows)))
    return found, taken


async def test_no_case_shows_which_way_it_went(
    own_dsn: str, rig: Rig, record_property: Callable[[str, object], None]
) -> None:
    cases = dict(enumerate(corpus()))
    async with AsyncExitStack() as stack:
        rows = await _rows(rig, own_dsn, stack)
        fast, by_fast = await _carried(rows, cases, Way.FAST)
        general, by_general = await _carried(rows, cases, Way.GENERAL)
        # Cases know time-outs and callers who leave, and what one of them sees may depend on when: those are carried
        # again, one by one. What the ways do not have in common differs each time.
        different = _different(cases, fast, general)
        unlike = len(different)
        for _ in range(_AGAIN if unlike <= _FEW else 0):
            left = {number: cases[number] for number in different}
            fast_again, _ = await _carried(rows[:1], left, Way.FAST)
            general_again, _ = await _carried(rows[:1], left, Way.GENERAL)
            different = _different(left, fast_again, general_again)
    told = list(different.values())
    for way, taken in ((Way.FAST, by_fast), (Way.GENERAL, by_general)):
        record_property(way.value, repr(taken))
        print(f"{way}: {taken}, {unlike} carried again")
    assert not told, f"{len(told)} cases differ\n\n" + "\n\n".join(told[:_TOLD])
    assert by_fast.ordinary_heads > len(cases)
    assert by_fast.whole_responses > len(cases)
    assert by_general.ordinary_heads == by_general.whole_responses == 0
    assert by_general.parsed_heads > len(cases)
    assert by_general.parsed_responses > len(cases)


def _different(
    cases: Mapping[int, Case], fast: Mapping[int, Sighting], general: Mapping[int, Sighting]
) -> dict[int, str]:
    """The cases that are not well, and why."""
    return {
        number: found
        for number, case in cases.items()
        if (found := _difference(case, fast[number], general[number]))
    }


def _difference(case: Case, fast: Sighting, general: Sighting) -> str:
    """What is not the same, or not as the case wants it, for the person who has to find out; empty if all is well."""
    lines = [
        f"  {way}: {problem}"
        for way, sighting in ((Way.FAST, fast), (Way.GENERAL, general))
        for problem in problems_of(case, sighting.seen, exact=True)[1]
    ]
    if not any(
        len(part.data) > _ONE_PIECE for part in (*case.steps, *case.script) if isinstance(part, Send | Say)
    ):
        ours, theirs = fast.parts(), general.parts()
        lines += [
            f"  {name}:\n    {ours.get(name)!r:.1500}\n    {theirs.get(name)!r:.1500}"
            for name in {**ours, **theirs}
            if ours.get(name) != theirs.get(name)
        ]
    return "\n".join((f"{case.name}, fast and then general:", *lines)) if lines else ""
