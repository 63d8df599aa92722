"""The requests are what their description says, the same in every run, and all of them allowed."""

from __future__ import annotations

import re

import pytest

from gateway.settings.route_map import load_route_map
from gateway.wiring.routes import shipped_map
from tests.bench.field import LOGGING, PEERS, names
from tests.bench.mix import OPERATIONS, PROFILES, WORDS, Mix, requests
from tests.bench.population import caller

CALLERS = [caller(number) for number in range(64)]


def test_the_operations_are_the_shipped_map_s() -> None:
    shipped = {(route.method, route.template, route.scopes) for route in load_route_map(shipped_map()).routes}
    assert [each for each in OPERATIONS if (each.method, each.template, (each.scope,)) not in shipped] == []
    assert sum(operation.share for operation in OPERATIONS) == 100


def test_the_first_caller_holds_everything_and_the_second_lacks_something() -> None:
    needed = {operation.scope for operation in OPERATIONS}
    assert needed <= set(PROFILES[0])
    assert needed - set(PROFILES[1])


@pytest.mark.parametrize("mix", Mix)
def test_every_run_sends_the_same(mix: Mix) -> None:
    assert requests(mix, CALLERS, host="h") == requests(mix, CALLERS, host="h")
    assert WORDS[mix]


@pytest.mark.parametrize("mix", Mix)
def test_every_request_is_one_that_its_caller_may_make(mix: Mix) -> None:
    by_token = {each.token.encode(): each for each in CALLERS}
    for request in (each for group in requests(mix, CALLERS, host="h") for each in group):
        head, _, body = request.partition(b"\r\n\r\n")
        method, target, _ = head.split(b"\r\n")[0].decode().split(" ")
        token = re.search(rb"^Authorization: Bearer (\S+)\r?$", head, re.MULTILINE)
        assert token is not None
        meant = [
            each
            for each in OPERATIONS
            if each.method == method and re.fullmatch(each.pattern, target.partition("?")[0])
        ]
        assert any(each.scope in by_token[token[1]].scopes for each in meant), target
        length = re.search(rb"Content-Length: (\d+)", head)
        assert len(body) == (int(length[1]) if length else 0)


def test_the_mixes_differ_in_what_shares_a_connection() -> None:
    def tokens(group: list[bytes]) -> int:
        return len({re.search(rb"Bearer (\S+)", request)[1] for request in group})  # type: ignore[index]

    mixed, callers, single = (requests(mix, CALLERS, host="h") for mix in Mix)
    assert [tokens(group) for group in mixed] == [64]
    assert len(set(mixed[0])) == len(mixed[0]) == 4096
    assert [tokens(group) for group in callers] == [1] * 8
    assert [len(group) for group in single] == [1]


def test_each_peer_is_there_with_and_without_its_log() -> None:
    assert len(set(names())) == len(names())
    assert {name + log for name in PEERS for log in ("", LOGGING)} < set(names())
