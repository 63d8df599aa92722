"""Ten thousand random requests, each carried in every way: upstream, caller and record must not show which it was."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from random import Random
from typing import Final

from tests.ways.comparing import difference
from tests.ways.conversation import Conversation, Desk
from tests.ways.ends import Upstream
from tests.ways.flows import watching
from tests.ways.record import Record
from tests.ways.replies import make_reply
from tests.ways.requests import Requests, packets
from tests.ways.stand import forget_connections, open_gateways, tokens_of
from tests.ways.talk import Reply, Seen, Talk
from tests.ways.way import Taken, Way, taking
from tests.wiring.rig import Rig

SEED: Final = "one pipeline"
REQUESTS: Final = 10_000
# Behind a request that is refused as a whole nothing is read, so more must be sent than shall be served.
_SENT: Final = 12_500
_TOLD: Final = 3


def make_talk(number: int, requests: Requests) -> Talk:
    """The talk of this number, the same in every run."""
    name = f"{SEED}/{number}"
    random = Random(name)
    asked = [requests.make(random) for _ in range(random.choice((1, 1, 1, 1, 1, 1, 2, 2, 3, 4, 5)))]
    last = asked[-1]
    early = last.sound and last.framed and len(last.body) > 1 and random.random() < 0.3
    missing = random.randrange(1, len(last.body)) if early else 0
    sent = packets(random, asked, missing=missing)
    return Talk(name, sent, len(asked), partial(_reply, name), early=early)


def _reply(name: str, number: int, method: bytes) -> Reply:
    return make_reply(Random(f"{name}/{number}"), method)


def _make_talks(requests: Requests) -> Iterator[Talk]:
    count = number = 0
    while count < _SENT:
        talk = make_talk(number, requests)
        yield talk
        number += 1
        count += talk.count


async def test_no_way_of_carrying_requests_shows(
    rig: Rig, record_property: Callable[[str, object], None]
) -> None:
    tokens = tokens_of(rig.standing)
    talks = list(_make_talks(Requests(tokens)))
    seen, taken = await _carried_in_every_way(rig, talks)
    for way, counts in taken.items():
        record_property(way.value, repr(counts))
        print(f"{way}: {counts}, {sum(len(one.records) for one in seen[way])} requests")
    told = [
        found
        for way in (Way.GENERAL, Way.APART)
        for talk, fast, other in zip(talks, seen[Way.FAST], seen[way], strict=True)
        if (found := difference(talk, fast, other, named=way, tokens=tokens))
    ]
    assert not told, f"{len(told)} talks differ, of seed {SEED!r}\n\n" + "\n\n".join(told[:_TOLD])
    _ways_were_taken(taken, [record for one in seen[Way.FAST] for record in one.records])


def _ways_were_taken(taken: dict[Way, Taken], records: list[Record]) -> None:
    """A comparison of a way with itself finds nothing."""
    assert len(records) >= REQUESTS
    fast, general, apart = taken[Way.FAST], taken[Way.GENERAL], taken[Way.APART]
    assert fast.ordinary_heads > REQUESTS * 0.7
    assert fast.whole_responses > REQUESTS * 0.35
    assert general.ordinary_heads == general.whole_responses == 0
    assert general.parsed_heads >= fast.ordinary_heads + fast.parsed_heads
    assert general.parsed_responses >= fast.whole_responses
    assert apart.ordinary_heads < fast.ordinary_heads * 0.2
    assert apart.whole_responses < fast.whole_responses * 0.2


async def _carried_in_every_way(
    rig: Rig, talks: list[Talk]
) -> tuple[dict[Way, list[Seen]], dict[Way, Taken]]:
    upstream, desk = Upstream(), Desk()
    seen: dict[Way, list[Seen]] = {}
    taken: dict[Way, Taken] = {}
    await upstream.start()
    try:
        gateways = await open_gateways(rig, upstream, desk)
        with watching() as flows:
            for way in Way:
                forget_connections(gateways)
                seen[way] = []
                with taking(way) as taken[way]:
                    for number, talk in enumerate(talks):
                        port = gateways[number % 4 == 3].node.proxy_port
                        conversation = Conversation(
                            talk, way, port=port, upstream=upstream, desk=desk, flows=flows
                        )
                        seen[way].append(await conversation.run())
    finally:
        await upstream.stop()
    return seen, taken
