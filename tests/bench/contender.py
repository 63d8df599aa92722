"""What every contender has to do, and what one looks like to the rounds."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final

from tests.bench.mix import Caller
from tests.bench.programs import Program

# What the upstream is told of a caller, in the gateway's words.
ACCOUNT: Final = "X-Gateway-Account-Id"
KIND: Final = "sub_account"
IDENTITY: Final = (
    ACCOUNT,
    "X-Gateway-Account-Kind",
    "X-Gateway-Integration-Id",
    "X-Gateway-Token-Id",
    "X-Gateway-Scopes",
    "X-Gateway-Route",
)
FORWARDED: Final = ("X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Request-Id")


def vouched(caller: Caller, template: str) -> dict[str, str]:
    """The identity of a caller on a route."""
    values = (
        caller.account_id,
        KIND,
        caller.integration_id,
        caller.token_id,
        " ".join(caller.scopes),
        template,
    )
    return dict(zip(IDENTITY, values, strict=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Stand on `core` in front of the upstream: let these callers through to the operations of their scopes.

    The upstream is told who calls (IDENTITY) and how the call came (FORWARDED) and sees no token; the caller is told
    the request's id. Who has no known token is answered 401, whose token lacks the operation's scope 403.
    """

    folder: Path
    core: int
    upstream_port: int
    callers: Sequence[Caller]


class Contender(ABC):
    """One way to do the job. `port` is where it listens, once started; `log` is whether it writes an access log."""

    # The headers of IDENTITY that it can inject, and what else of the job it leaves undone, for people.
    vouches: ClassVar[Sequence[str]] = IDENTITY
    leaves: ClassVar[str] = ""

    def __init__(self, name: str, job: Job, *, log: bool = False) -> None:
        self.name = name
        self.port = 0
        self.log = log
        self._job = job
        self._program: Program | None = None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r} {self._program}>"

    @classmethod
    def missing(cls) -> str | None:
        """How to install it, where it cannot be started here."""
        return None

    @abstractmethod
    def start(self) -> None:
        """Start it and wait until it accepts connections. Raises Failed."""

    @property
    def folder(self) -> Path:
        """A place of its own, made when it is first asked for."""
        place = self._job.folder / self.name.replace(" ", "-").replace(",", "")
        place.mkdir(exist_ok=True)
        return place

    @property
    def pids(self) -> list[int]:
        """The processes whose CPU time is this contender's."""
        return self._program.pids if self._program is not None else []

    def stop(self) -> None:
        """End it."""
        if self._program is not None:
            self._program.stop()
