"""A short run of the fuzzers; `python -m tests.fuzz --minutes 10` is the long one."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvloop
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from tests.fuzz import responses
from tests.fuzz.cases import METHODS, REQUESTS, RESPONSES, RequestCase, ResponseCase
from tests.fuzz.live import LiveProxy
from tests.fuzz.mutation import cut, seeds
from tests.fuzz.strict_reader import complete_requests
from tests.wiring.standing import Standing

_SHORT = settings(
    max_examples=1500,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
_SHORTER = settings(_SHORT, max_examples=1000)


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.Runner]:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        yield runner


@pytest.fixture(scope="module")
def proxy(
    loop: asyncio.Runner, standing: Standing, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LiveProxy]:
    folder: Path = tmp_path_factory.mktemp("fuzz")
    proxy = loop.run(LiveProxy.start(folder, standing))
    yield proxy
    loop.run(proxy.close())


@pytest.mark.parametrize("name", seeds("request"))
def test_each_request_of_the_corpus_in_single_bytes_keeps_the_rules(
    loop: asyncio.Runner, proxy: LiveProxy, name: str
) -> None:
    data = seeds("request")[name]
    loop.run(proxy.check([data]))
    loop.run(proxy.check(cut(data, list(range(len(data))))))
    loop.run(proxy.check([data + data]))


def test_whatever_a_caller_sends_the_connection_answers_or_closes_and_no_request_is_made_up(
    loop: asyncio.Runner, proxy: LiveProxy
) -> None:
    @_SHORTER
    @given(REQUESTS)
    def run(case: RequestCase) -> None:
        note(repr(case.packets()))
        loop.run(proxy.check(case.packets()))

    run()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", seeds("response"))
def test_each_response_of_the_corpus_is_the_same_however_it_is_cut(name: str, method: str) -> None:
    data = seeds("response")[name]
    for at in range(len(data)):
        responses.check(method, cut(data, [at]))


@_SHORT
@given(RESPONSES)
def test_whatever_an_upstream_sends_is_seen_the_same_however_it_is_cut(case: ResponseCase) -> None:
    note(f"{case.method} {case.pieces()!r}")
    responses.check(case.method, case.pieces())


@_SHORT
@given(st.lists(st.sampled_from(sorted(seeds("request"))), max_size=4), st.integers(0, 4095))
def test_the_reference_reads_no_request_into_a_part_of_the_bytes(names: list[str], place: int) -> None:
    """What it finds in a prefix is what it finds in the whole: it never takes back a request, nor changes one."""
    data = b"".join(seeds("request")[name] for name in names)
    whole = complete_requests(data)
    part = complete_requests(data[: place % (len(data) + 1)])
    assert part == whole[: len(part)]
