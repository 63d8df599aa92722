"""Who sends tokens that were never issued is slowed down; who holds a good one never waits, whatever its neighbours do."""

from __future__ import annotations

import asyncio
import time
from typing import Final

import pytest

from tests.proxy.caller import Answer, Caller, request
from tests.wiring.rig import PATIENCE_SECONDS, Gateway, Rig
from tests.wiring.tenants import never_issued

FREE: Final = 3
DELAY: Final = 1.0 - 0.01  # timers count in whole milliseconds
GUESSING: Final = {"free": FREE, "per": "1h", "delay": "1s"}
# Where this is the delay, whoever is answered has not waited, however slow the machine is.
ENDLESS: Final = {**GUESSING, "delay": "1h"}


async def timed(gateway: Gateway, token: str | None, *fields: bytes) -> tuple[Answer, float]:
    asked_at = time.monotonic()
    answer = await gateway.get("/contacts/c1", *fields, token=token)
    return answer, time.monotonic() - asked_at


async def spend(gateway: Gateway, *fields: bytes) -> None:
    """Use up the free failures of an address."""
    for _ in range(FREE):
        assert (await gateway.get("/contacts/c1", *fields, token=never_issued())).code == "token_unknown"


async def guess(gateway: Gateway, *fields: bytes) -> Caller:
    """A caller whose guess waits for its answer."""
    caller = await gateway.caller()
    await caller.send(request("GET", "/contacts/c1", *fields, token=never_issued()))
    return caller


async def test_failures_beyond_the_free_ones_wait_and_are_answered_the_same(rig: Rig) -> None:
    gateway = await rig.gateway(await rig.upstream(), proxy__guessing=GUESSING)
    await spend(gateway)
    both = await asyncio.gather(timed(gateway, never_issued()), timed(gateway, "pit_nonsense"))
    assert [answer.code for answer, _ in both] == ["token_unknown", "token_malformed"]
    assert all(seconds >= DELAY for _, seconds in both)


async def test_good_tokens_of_the_same_address_never_wait(rig: Rig) -> None:
    """Also one that the index does not know yet, and the neighbours' guesses are still waiting."""
    gateway = await rig.gateway(await rig.upstream(), proxy__guessing=ENDLESS)
    await spend(gateway)
    guesses = [await guess(gateway) for _ in range(10)]
    for token in (rig.token, rig.token, rig.standing.other.secret):
        assert (await gateway.get("/contacts/c1", token=token)).status == 200
    assert all(await asyncio.gather(*(each.is_silent(0.05) for each in guesses)))


@pytest.mark.parametrize("dead", ["rotated", "expired", "revoked", "deleted", "suspended", "reader", None])
async def test_what_is_no_guess_neither_waits_nor_counts(rig: Rig, dead: str | None) -> None:
    """A dead token, a missing scope, no token: an app that goes on with its old one is not taken for a guesser."""
    gateway = await rig.gateway(await rig.upstream(), proxy__guessing=ENDLESS)
    secret = getattr(rig.standing, dead).secret if dead is not None else None
    caller = await gateway.caller()
    for _ in range(2 * FREE):
        answer = await caller.ask(request("GET", "/contacts/lookup", token=secret))
        assert answer.status in (401, 403)
    await spend(gateway)
    assert (await caller.ask(request("GET", "/contacts/lookup", token=secret))).status in (401, 403)


async def test_none_free_turns_it_off(rig: Rig) -> None:
    gateway = await rig.gateway(await rig.upstream(), proxy__guessing={**ENDLESS, "free": 0})
    for _ in range(30):
        assert (await gateway.get("/contacts/c1", token=never_issued())).code == "token_unknown"
    assert repr(gateway.node._proxy.gate.guessing) == "GuessingGuard(0 addresses)"


async def test_a_stranger_cannot_hide_behind_forged_addresses(rig: Rig) -> None:
    gateway = await rig.gateway(await rig.upstream(), proxy__guessing=GUESSING)
    for number in range(FREE):
        await timed(gateway, never_issued(), b"X-Forwarded-For: 192.0.2.%d" % number)
    answer, seconds = await timed(gateway, never_issued(), b"X-Forwarded-For: 192.0.2.99")
    assert (answer.code, seconds >= DELAY) == ("token_unknown", True)


async def test_behind_a_trusted_proxy_each_caller_has_an_account_of_its_own(rig: Rig) -> None:
    gateway = await rig.gateway(
        await rig.upstream(), proxy__guessing=ENDLESS, proxy__trusted_proxies=["127.0.0.0/8"]
    )
    guesser, other = b"X-Forwarded-For: 192.0.2.1", b"X-Forwarded-For: 192.0.2.2"
    await spend(gateway, guesser)
    slow = await guess(gateway, b"X-Forwarded-For: 203.0.113.5, 192.0.2.1")
    assert (await gateway.get("/contacts/c1", other, token=never_issued())).code == "token_unknown"
    assert await slow.is_silent(0.3), "what the caller itself puts in front is not believed"


async def test_a_guesser_that_leaves_while_it_waits_leaves_nothing(rig: Rig) -> None:
    """The rig finds what is left over."""
    gateway = await rig.gateway(await rig.upstream(), proxy__guessing=ENDLESS)
    await spend(gateway)
    caller = await guess(gateway)
    assert await caller.is_silent(0.05)
    caller.leave()
    await gone(gateway)


async def test_requests_behind_a_guess_wait_with_it_and_are_served_after_it(rig: Rig) -> None:
    upstream = await rig.upstream()
    gateway = await rig.gateway(upstream, proxy__guessing={**GUESSING, "delay": "300ms"})
    await spend(gateway)
    caller = await gateway.caller()
    bad = request("POST", "/contacts/", token=never_issued(), body=b"x" * 1000)
    await caller.send(bad + request("GET", "/contacts/c1", token=rig.token))
    assert (await caller.answer("POST")).code == "token_unknown"
    assert (await caller.answer()).body == b"ok"
    assert [arrival.method for arrival in upstream.arrivals] == ["GET"]


async def gone(gateway: Gateway) -> None:
    """Waits until the gateway has no caller left."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while gateway.node._proxy.connection_count:  # noqa: ASYNC110 - the gateway tells nobody
            await asyncio.sleep(0.005)


async def test_a_flood_of_guesses_from_one_address_holds_up_nobody_else(rig: Rig) -> None:
    """What a waiting guess holds is a timer; the good caller's requests go on at their own pace."""
    gateway = await rig.gateway(await rig.upstream(), proxy__guessing=ENDLESS)
    await spend(gateway)
    callers = [await Caller.connect(gateway.node.proxy_port) for _ in range(100)]
    for caller in callers:
        await caller.send(request("GET", "/contacts/c1", token=never_issued()))
    good = await gateway.caller()
    for _ in range(20):
        assert (await good.ask(request("GET", "/contacts/c1", token=rig.token))).status == 200
    for caller in callers:
        caller.leave()
    await good.close()
    await gone(gateway)
