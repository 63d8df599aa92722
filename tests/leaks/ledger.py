"""What the run may not tell, and what it has told: every secret that was made, every word that was logged.

The secrets are looked for when the run is over, because one may be logged before anybody here knows it for one. Kept are
not the texts but the long words in them: a token that is not cut off is in one word, or is recognised by its form.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Final

from gateway.core.tokens import CHECKSUM_LENGTH, TokenForm

# What is shown of a token is its first 8 and last 4 characters, and of one that is cut out of a log the first 8.
_SHOWN: Final = 12
WINDOW: Final = 16
_STRIDE: Final = 4
_WORD: Final = re.compile(rf"[0-9A-Za-z_\-]{{{WINDOW},}}")
_TOKEN: Final = re.compile(r"(?<![0-9A-Za-z])([a-z][a-z0-9]{0,15})_[0-9A-Za-z]{38}(?![0-9A-Za-z])")
# A window of fewer is a run of zeros or a word of a test, not a part of a secret.
_DISTINCT: Final = 8
# Shorter ones are words that anybody may say.
_PASSWORD_LENGTH: Final = 12


@dataclass(frozen=True, slots=True)
class Leak:
    """A secret that was told: the beginning of it, by which test, on which channel."""

    secret: str
    test: str
    channel: str

    def __str__(self) -> str:
        return f"{self.test}: {self.secret} in {self.channel}"


class Ledger:
    """Notes secrets and what was said, and finds the one in the other."""

    def __init__(self) -> None:
        self._secrets: set[str] = set()
        self._phrases: set[str] = set()
        # Each word with the first test that said it, and where.
        self._words: dict[str, tuple[str, str]] = {}
        self._leaks: dict[Leak, None] = {}

    def __repr__(self) -> str:
        return f"Ledger({len(self._secrets)} secrets, {len(self._words)} words)"

    def secret(self, text: str) -> None:
        """A token, a key, an id of a session: random characters without a blank."""
        self._secrets.add(text)

    def phrase(self, text: str) -> None:
        """A password, or a secret in a form with other characters than letters and digits."""
        if len(text) >= _PASSWORD_LENGTH:
            self._phrases.add(text)

    def pepper(self, pepper: bytes) -> None:
        """The key of the digests, in every form in which bytes are printed."""
        self.secret(pepper.hex())
        self.phrase(repr(pepper)[2:-1])

    def shown(self, text: str) -> None:
        """What a command printed for its user: a secret may be in it, and is one from now on."""
        for found in _TOKEN.finditer(text):
            self.secret(found[0])

    def logged(self, text: str | bytes, channel: str, *, test: str | None = None) -> None:
        """What was written where others may read it. `test` is the one that runs, unless it is told."""
        words = text.decode(errors="replace") if isinstance(text, bytes) else text
        by = (running_test() if test is None else test, channel)
        for found in _TOKEN.finditer(words):
            if TokenForm(found[1]).is_valid(found[0].encode("ascii")):
                self._leaks[Leak(_beginning(found[0]), *by)] = None
        for phrase in self._phrases:
            if phrase in words:
                self._leaks[Leak(_beginning(phrase), *by)] = None
        for word in _WORD.findall(words):
            self._words.setdefault(word.lower(), by)

    def leaks(self) -> list[Leak]:
        """Everything that was told and should not have been. Takes a second or so after a long run."""
        parts = {
            secret[at : at + WINDOW].lower(): secret
            for secret in self._secrets
            for at in range(0, len(secret) - WINDOW + 1, _STRIDE)
            if len(set(secret[at : at + WINDOW])) >= _DISTINCT
        }
        found = dict(self._leaks)
        for word, by in self._words.items():
            for at in range(len(word) - WINDOW + 1):
                secret = parts.get(word[at : at + WINDOW])
                if secret is not None:
                    found[Leak(_beginning(secret), *by)] = None
                    break
        return list(found)


def _beginning(secret: str) -> str:
    return f"{secret[:6]!r} and {len(secret) - 6} characters more"


def running_test() -> str:
    """The test that runs, by pytest's own account."""
    return os.environ.get("PYTEST_CURRENT_TEST", "the session").rpartition(" ")[0] or "the session"


ledger: Final = Ledger()
assert CHECKSUM_LENGTH < _SHOWN < WINDOW
