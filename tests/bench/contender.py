"""What every contender has to do, how that is proved, and what one looks like to the rounds."""

from __future__ import annotations

import http.client
import json
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.bench.programs import Failed, Program

# One operation of the shipped map, GET /contacts/{contactId}: what is measured, and where the upstream shows what
# reached it.
PATH: Final = "/contacts/abc123"
MIRROR_PATH: Final = "/contacts/mirror"
SCOPE: Final = "contacts.readonly"
IDENTITY_HEADER: Final = "X-Gateway-Account-Id"
BODY: Final = json.dumps(
    {"contact": {"id": "abc123", "firstName": "Ada", "lastName": "Lovelace", "email": "ada@example.com"}}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Stand on `core` in front of the upstream: let this one token through, as that account, without the token."""

    folder: Path
    core: int
    upstream_port: int
    token: str
    account_id: str

    @property
    def credential(self) -> str:
        """The value of Authorization."""
        return f"Bearer {self.token}"


class Contender(ABC):
    """One way to do the job. `port` is where it listens, once started."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.port = 0
        self._program: Program | None = None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r} {self._program}>"

    @abstractmethod
    def start(self) -> None:
        """Start it and wait until it accepts connections. Raises Failed."""

    @property
    def pids(self) -> list[int]:
        """The processes whose CPU time is this contender's."""
        return self._program.pids if self._program is not None else []

    def stop(self) -> None:
        """End it."""
        if self._program is not None:
            self._program.stop()


def prove(contender: Contender, job: Job) -> None:
    """Raise Failed unless the contender does the whole job: check, vouch, strip, forward."""
    answers = {
        PATH: (200, BODY.encode()),
        MIRROR_PATH: (200, mirrored(account=job.account_id, authorization="").encode()),
    }
    for path, expected in answers.items():
        if _get(contender.port, path, job.credential) != expected:
            raise Failed(f"{contender.name} does not do the job: GET {path} did not answer as it must")
    forged = job.credential[:-1] + ("0" if job.credential[-1] != "0" else "1")
    for credential in (forged, None):
        status, _ = _get(contender.port, PATH, credential)
        if status != 401:
            raise Failed(f"{contender.name} does not do the job: it let a wrong token through, with {status}")


def mirrored(*, account: str, authorization: str) -> str:
    """What the upstream answers at MIRROR_PATH."""
    return f'{{"account":"{account}","authorization":"{authorization}"}}'


def _get(port: int, path: str, credential: str | None) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path, headers={"Authorization": credential} if credential else {})
        answer = connection.getresponse()
        return answer.status, answer.read()
    except (OSError, http.client.HTTPException) as error:
        raise Failed(f"no answer to GET {path} on port {port}: {error!r}") from None
    finally:
        connection.close()
