"""The judges themselves: what a strict reader and the verdicts would let pass, no case would find."""

from __future__ import annotations

import pytest

from tests.conformance.case import HIDDEN, Answer, Arrival, End, Kind, Observation, Verdict
from tests.conformance.cases.writing import case
from tests.conformance.expect import forwarded, refused
from tests.conformance.messages import ITEM, OK, POISON, request
from tests.conformance.readings import areas
from tests.conformance.strict import read_answers, read_arrival
from tests.conformance.verdicts import problems_of


@pytest.mark.parametrize(
    "head",
    [
        b"GET /a HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
        b"GET /a HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"GET /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n",
        b"GET /a HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET /a HTTP/1.1\r\nHost: a\r\nX : b\r\n\r\n",
        b"GET /a HTTP/1.1\r\nHost: a\r\nX: b\nY: c\r\n\r\n",
        b"GET /a HTTP/1.1\r\nHost: a\r\nX: b\0\r\n\r\n",
        b"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n",
    ],
)
def test_a_strict_server_minds_an_ambiguous_head(head: bytes) -> None:
    assert read_arrival(head).faults


def test_a_strict_server_takes_a_plain_head() -> None:
    arrival = read_arrival(b"GET /a HTTP/1.1\r\nHost: a\r\nX: caf\xe9\r\n\r\n")
    assert (arrival.method, arrival.target, arrival.faults) == (b"GET", b"/a", [])


def test_a_second_response_is_nobodys() -> None:
    answers, surplus, faults = read_answers(OK + POISON, ("GET",), closed=True)
    assert ([answer.body for answer in answers], surplus, faults) == ([b"ok"], POISON, ())


def test_an_answer_that_was_cut_is_not_whole() -> None:
    answers, _, _ = read_answers(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n", ("GET",), closed=True
    )
    assert [(answer.body, answer.whole) for answer in answers] == [(b"ok", False)]


@pytest.mark.parametrize(
    "path",
    [
        b"/@@/items/../admin",
        b"/@@/items/%2e%2e/admin",
        b"/@@/items/..%2fadmin",
        b"/@@/items\\..\\admin",
        b"/@@/items/..;/admin",
    ],
)
def test_every_reading_of_a_path_is_found(path: bytes) -> None:
    assert b"/@@/admin" in areas(path)


def test_a_plain_path_has_one_reading() -> None:
    assert areas(b"/@@/items/a%20b/") == {b"/@@/items"}


def test_verdicts_tell_harm_from_failure() -> None:
    """`unsafe` before `broken` before `safe`."""
    served = case(Kind.FRAMING, "x", request(), forwarded(target=ITEM))
    smuggled = Observation(arrivals=(Arrival(raw=b"", method=b"GET", target=HIDDEN, whole=True),))
    assert problems_of(served, smuggled, exact=False)[0] is Verdict.UNSAFE
    assert problems_of(served, Observation(poison="poisoned"), exact=False)[0] is Verdict.UNSAFE
    assert problems_of(served, Observation(late=True), exact=False)[0] is Verdict.BROKEN
    refusal = Answer(status=400, fields=(), body=b"", whole=True, interim=())
    denied = Observation(answers=(refusal,), end=End.CLOSED)
    assert problems_of(served, denied, exact=False)[0] is Verdict.BROKEN
    bad = case(Kind.FRAMING, "y", request(), refused(400))
    assert problems_of(bad, denied, exact=False)[0] is Verdict.SAFE


def test_a_spoofed_identity_is_harm() -> None:
    served = case(Kind.IDENTITY, "x", request(), forwarded(target=ITEM))
    for name in (b"X-Gateway-Account-Id", b"X_Gateway_Account_Id", b"x-gateway.account-id"):
        arrival = Arrival(raw=b"", method=b"GET", target=ITEM, fields=((name, b"evil"),), whole=True)
        assert problems_of(served, Observation(arrivals=(arrival,)), exact=False)[0] is Verdict.UNSAFE
