"""What every client does through the gateway: what it asks, what it must have seen, what the service must have got."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from tests.e2e.clients.service import CONTENT, COOKIES, DIGEST, ELSEWHERE, SIZE, ZIPPED, Service
from tests.e2e.clients.work import Ask, Seen

Check = Callable[[Sequence[Seen], Service], None]
JSON: Final = '{"firstName": "Ünïcødé", "tags": ["a", "b"]}'.encode()
_COOKIE: Final = 'a="1 2"; b=%20; c'
MANY: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """`check` raises AssertionError when something did not travel as it should."""

    asks: tuple[Ask, ...]
    check: Check


def _got(seen: Sequence[Seen], service: Service) -> None:
    assert seen[0].status == 200
    assert json.loads(seen[0].body) == {"method": "GET", "body": ""}
    assert service.arrived[0][:2] == ("GET", "/contacts/c%201?limit=20&startAfter=a%2Fb")


def _posted(seen: Sequence[Seen], service: Service) -> None:
    assert json.loads(seen[0].body) == {"method": "POST", "body": JSON.decode()}
    assert service.arrived[0][2]["Content-Type"] == "application/json"


def _uploaded(framing: str) -> Check:
    def check(seen: Sequence[Seen], service: Service) -> None:
        assert json.loads(seen[0].body) == {"digest": DIGEST, "size": SIZE, "framing": framing}
        assert "Expect" not in service.arrived[0][2], "the gateway itself answers it"

    return check


def _downloaded(seen: Sequence[Seen], service: Service) -> None:
    assert seen[0].status == 200
    assert hashlib.sha256(seen[0].body).hexdigest() == DIGEST


def _moved(seen: Sequence[Seen], service: Service) -> None:
    assert (seen[0].status, seen[0].values("Location")) == (302, [ELSEWHERE])
    assert len(service.arrived) == 1


def _zipped(seen: Sequence[Seen], service: Service) -> None:
    assert (seen[0].body, seen[0].values("Content-Encoding")) == (ZIPPED, ["gzip"])
    assert service.arrived[0][2]["Accept-Encoding"] == "gzip, br;q=0.5"


def _cookies(seen: Sequence[Seen], service: Service) -> None:
    assert seen[0].values("Set-Cookie") == list(COOKIES)
    assert service.arrived[0][2]["Cookie"] == _COOKIE
    assert "Cookie" not in service.arrived[1][2], "nothing of one request is kept for the next"


def _head(seen: Sequence[Seen], service: Service) -> None:
    assert (seen[0].status, seen[0].body, seen[0].values("Content-Length")) == (200, b"", [str(SIZE)])
    assert (service.arrived[0][0], seen[1].status, seen[1].body) == ("HEAD", 200, CONTENT)


def _many(seen: Sequence[Seen], service: Service) -> None:
    assert [one.status for one in seen] == [200] * MANY
    assert [path for _, path, _ in service.arrived] == [f"/contacts/c{number}" for number in range(MANY)]


JOBS: Final[dict[str, Job]] = {
    "get": Job(asks=(Ask(method="GET", path="/contacts/c%201?limit=20&startAfter=a%2Fb"),), check=_got),
    "json post": Job(
        asks=(
            Ask(method="POST", path="/contacts/", headers={"Content-Type": "application/json"}, body=JSON),
        ),
        check=_posted,
    ),
    "upload with length": Job(
        asks=(Ask(method="POST", path="/files/upload", body=CONTENT),), check=_uploaded(str(SIZE))
    ),
    "upload chunked": Job(
        asks=(Ask(method="POST", path="/files/upload", body=CONTENT, chunked=True),),
        check=_uploaded("chunked"),
    ),
    "download": Job(asks=(Ask(method="GET", path="/files/f1"),), check=_downloaded),
    "download chunked": Job(asks=(Ask(method="GET", path="/files/f1/chunked"),), check=_downloaded),
    "redirect": Job(asks=(Ask(method="GET", path="/moved"),), check=_moved),
    "gzip": Job(
        asks=(Ask(method="GET", path="/zipped", headers={"Accept-Encoding": "gzip, br;q=0.5"}),),
        check=_zipped,
    ),
    "cookies": Job(
        asks=(
            Ask(method="GET", path="/cookies", headers={"Cookie": _COOKIE}),
            Ask(method="GET", path="/contacts/c1"),
        ),
        check=_cookies,
    ),
    "head": Job(
        asks=(Ask(method="HEAD", path="/files/f1"), Ask(method="GET", path="/files/f1")), check=_head
    ),
    "keep-alive": Job(
        asks=tuple(Ask(method="GET", path=f"/contacts/c{number}") for number in range(MANY)), check=_many
    ),
}
