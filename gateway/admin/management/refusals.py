"""What the management says no with: a shallow tree. Each refusal has a code for programs and a text for people.

Also where the store's refusals are turned into these; its failures pass through.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from gateway.admin.management.codes import Code
from gateway.core.model import Problem
from gateway.storage.errors import Conflict, ConflictReason, Invalid, NotFound


@dataclass(frozen=True, slots=True, kw_only=True)
class Flaw:
    """One thing wrong with what was sent. `pointer` is a JSON Pointer (RFC 6901) into it, `code` is for programs."""

    pointer: str
    message: str
    code: str


class Refusal(Exception):
    """We said no, and nothing was changed. The text may be shown to whoever asked."""

    def __init__(self, code: Code, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


class Unauthenticated(Refusal):
    """Nobody we know: no credential, or one that is not good (any more)."""


class Forbidden(Refusal):
    """Known, and not allowed."""


class Missing(Refusal):
    """There is no such thing, or it is another account's."""

    def __init__(self, kind: str) -> None:
        super().__init__(Code.NOT_FOUND, f"There is no such {kind}.")


class ConflictingState(Refusal):
    """It does not fit what is there. `state` and `rotation_ends_at` say what is, where it is about tokens."""

    def __init__(
        self, code: Code, detail: str, *, state: str | None = None, rotation_ends_at: datetime | None = None
    ) -> None:
        super().__init__(code, detail)
        self.state = state
        self.rotation_ends_at = rotation_ends_at


class StaleVersion(Refusal):
    """It was changed since it was read."""


class Unprocessable(Refusal):
    """What was sent is not valid; every flaw is named."""

    def __init__(self, flaws: Sequence[Flaw]) -> None:
        super().__init__(Code.INVALID, " ".join(flaw.message for flaw in flaws[:3]))
        self.flaws = tuple(flaws)


class MapRefused(Refusal):
    """The configuration on disk cannot be taken into use; every problem is named, with its line."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(
            Code.CONFIGURATION_INVALID,
            "The configuration on disk was not taken into use; the one before stays.",
        )
        self.problems = tuple(problems)


class Throttled(Refusal):
    """Too many attempts; another may succeed after `retry_after_seconds`."""

    def __init__(self, detail: str, *, retry_after_seconds: int) -> None:
        super().__init__(Code.RATE_LIMITED, detail)
        self.retry_after_seconds = retry_after_seconds


_CODES: Final = {
    ConflictReason.STATE: Code.CONFLICT,
    ConflictReason.DELETED: Code.INTEGRATION_DELETED,
    ConflictReason.EMAIL_TAKEN: Code.EMAIL_TAKEN,
    ConflictReason.PARENT: Code.PARENT_REFUSED,
}


def flaw(pointer: str, message: str, code: str = "invalid") -> Unprocessable:
    """The refusal of one value."""
    return Unprocessable([Flaw(pointer=pointer, message=message, code=code)])


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


@contextmanager
def translated() -> Iterator[None]:
    """Turns the store's refusals into the management's."""
    try:
        yield
    except NotFound as error:
        raise Missing(error.kind) from error
    except Conflict as error:
        if error.reason is ConflictReason.VERSION:
            raise StaleVersion(
                Code.VERSION_STALE, "It was changed since it was read; read it again."
            ) from error
        raise ConflictingState(_CODES[error.reason], _sentence(str(error))) from error
    except Invalid as error:
        # Values are checked before; what is left are cursors.
        raise flaw("/cursor", _sentence(str(error)), "cursor_invalid") from error
