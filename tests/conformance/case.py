"""What a case is: the bytes to send, how the upstream behaves, what must hold; and what was seen when it ran.

Stand-ins keep cases independent of the run: LANE for the first path segment of the lane a case runs in, TOKEN for a token
that may do everything. Both are as long as what they stand for, so that lengths written into a case stay true.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

LANE: Final = b"/@@"
TOKEN: Final = b"pit_" + b"T" * 38

# An arrival under this name was hidden in another request's bytes: nobody may ever take it for a request.
HIDDEN: Final = LANE + b"/items/hidden"
# This one follows another request in plain sight. Who refuses the first may not serve it; who repairs the first may.
NEXT: Final = LANE + b"/items/next"
# The value of everything that a caller claims without right.
EVIL: Final = b"evil"


class Kind(StrEnum):
    """The classes of the table."""

    FRAMING = "request framing"
    TARGET = "targets and Host"
    PATH = "paths"
    CREDENTIAL = "credentials"
    IDENTITY = "identity headers"
    BODY = "bodies and connections"
    UPSTREAM = "misbehaving upstream"
    UPGRADE = "upgrades"


class Verdict(StrEnum):
    """`unsafe`: two readings, a spoof, a smuggled request, a poisoned connection. `broken`: no service where it is due."""

    SAFE = "safe"
    BROKEN = "broken"
    UNSAFE = "unsafe"


# Steps of a caller.


@dataclass(frozen=True, slots=True)
class Send:
    """Send these bytes."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Trickle:
    """Send these bytes one by one."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Arrived:
    """Wait until the upstream has seen this many heads, or an answer has come instead."""

    count: int = 1


@dataclass(frozen=True, slots=True)
class Answered:
    """Wait for this many final responses."""

    count: int = 1


@dataclass(frozen=True, slots=True)
class Continued:
    """Wait for an interim response, or a final one instead."""


@dataclass(frozen=True, slots=True)
class Settled:
    """Wait until nothing has happened for a moment."""


@dataclass(frozen=True, slots=True)
class HalfClose:
    """Send no more, and say so."""


@dataclass(frozen=True, slots=True)
class Leave:
    """Reset the connection."""


Step = Send | Trickle | Arrived | Answered | Continued | Settled | HalfClose | Leave


# Actions of an upstream, after it has read a head.


@dataclass(frozen=True, slots=True)
class ReadBody:
    """Read the request's body to its end."""


@dataclass(frozen=True, slots=True)
class Say:
    """Send these bytes."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Echo:
    """Answer 200 with what was asked for."""


@dataclass(frozen=True, slots=True)
class AfterAnswer:
    """Wait until the caller has a final response in hand."""


@dataclass(frozen=True, slots=True)
class Pause:
    """Let what was sent travel alone."""


@dataclass(frozen=True, slots=True)
class Silence:
    """Do nothing until the connection or the case ends."""


@dataclass(frozen=True, slots=True)
class Accept:
    """Answer 101 with the proof that the handshake asks for; then send back whatever comes."""

    proof: bytes | None = None


@dataclass(frozen=True, slots=True)
class Close:
    """Close the connection, or reset it."""

    reset: bool = False


Action = ReadBody | Say | Echo | AfterAnswer | Pause | Silence | Accept | Close
Script = tuple[Action, ...]
SERVE: Final[Script] = (ReadBody(), Echo())


# What was seen.


@dataclass(slots=True, eq=False, kw_only=True)
class Arrival:
    """One request, as a strict server sees it. `faults` are what such a server would refuse it for."""

    raw: bytes
    method: bytes = b""
    target: bytes = b""
    fields: tuple[tuple[bytes, bytes], ...] = ()
    body: bytes = b""
    whole: bool = False
    tunnelled: bytes = b""
    faults: list[str] = field(default_factory=list)

    def values(self, name: bytes) -> list[bytes]:
        """The values of a field, its name in any case."""
        return [value for other, value in self.fields if other.lower() == name.lower()]

    def alike(self, prefix: bytes) -> list[tuple[bytes, bytes]]:
        """The fields whose names begin with `prefix`, as servers see it that turn what is no letter into one character."""
        return [(name, value) for name, value in self.fields if folded(name).startswith(folded(prefix))]


def folded(name: bytes) -> bytes:
    """What CGI and its kin make of a field name."""
    return bytes(code if chr(code).isalnum() and code < 128 else ord("-") for code in name.lower())


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One response, as a strict client sees it. `whole` False: the connection ended inside it."""

    status: int
    fields: tuple[tuple[bytes, bytes], ...]
    body: bytes
    whole: bool
    interim: tuple[int, ...]

    def values(self, name: bytes) -> list[bytes]:
        """The values of a field, its name in any case."""
        return [value for other, value in self.fields if other.lower() == name.lower()]


class End(StrEnum):
    """How the caller's connection was found at last."""

    OPEN = "open"
    CLOSED = "closed"
    RESET = "reset"


@dataclass(slots=True, eq=False, kw_only=True)
class Observation:
    """All that both sides saw of one case, with the stand-ins put back."""

    received: bytes = b""
    answers: tuple[Answer, ...] = ()
    surplus: bytes = b""
    faults: tuple[str, ...] = ()
    end: End = End.OPEN
    arrivals: tuple[Arrival, ...] = ()
    late: bool = False  # the bounded wait was over before what was waited for came
    poison: str = ""  # what the next caller got instead of an answer of its own
    starved: str = ""  # the next caller's own answer, which was an error


Problems = list[str]
Check = Callable[[Observation], Problems]


def _nothing(seen: Observation) -> Problems:
    return []


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What must hold.

    `exact` is what this project promises. `safety` and `service` are asked of every product: no harm, and what a valid
    request is due. `closes`: whether to wait for the end of the caller's connection.
    """

    exact: Check = _nothing
    safety: Check = _nothing
    service: Check = _nothing
    closes: bool = False


class Stand(StrEnum):
    """Which gateway a case needs: one with the usual settings, or one with short time-outs."""

    USUAL = "usual"
    HASTY = "hasty"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One conversation. `methods` are those of the requests that are answered, in order."""

    name: str
    kind: Kind
    steps: tuple[Step, ...]
    expect: Expectation
    script: Script = SERVE
    methods: tuple[str, ...] = ("GET",)
    stand: Stand = Stand.USUAL
