"""What a page comes to: something shown, or a way on. And the headers that every answer carries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, TypeAlias

BASE: Final = "/settings"
# The pages of those who run the gateway; the others belong to an account.
OPERATORS: Final = f"{BASE}/operator"

HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; form-action 'self';"
        " base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    # Not no-referrer: with that, browsers send forms with Origin: null, and older ones say nothing else of their site.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


class Done(StrEnum):
    """What was just done, told once on the page that the browser is sent to."""

    SIGNED_OUT = "signed_out"
    SIGNED_OUT_EVERYWHERE = "signed_out_everywhere"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - no password
    UPDATED = "updated"
    SUSPENDED = "suspended"
    RESUMED = "resumed"
    DELETED = "deleted"
    ROTATION_CANCELLED = "rotation_cancelled"
    OLD_EXPIRED = "old_expired"
    EXPIRED = "expired"
    MEMBER_ADDED = "member_added"
    MEMBER_UPDATED = "member_updated"
    MEMBER_REMOVED = "member_removed"
    LABS_ON = "labs_on"
    LABS_OFF = "labs_off"
    RULES_SAVED = "rules_saved"
    ACCOUNT_CREATED = "account_created"
    KEY_REVOKED = "key_revoked"
    MAP_RELOADED = "map_reloaded"


DONE_WORDS: Final = {
    Done.SIGNED_OUT: "You are signed out.",
    Done.SIGNED_OUT_EVERYWHERE: "You are signed out everywhere.",
    Done.PASSWORD_CHANGED: "Your password was changed. Your other sessions have ended.",
    Done.UPDATED: "The private integration was updated. Its token stays the same.",
    Done.SUSPENDED: "The private integration is suspended. Its tokens are refused until you resume it.",
    Done.RESUMED: "The private integration works again.",
    Done.DELETED: "The private integration was deleted, and its tokens no longer work.",
    Done.ROTATION_CANCELLED: "The rotation was cancelled. The old token stays, the new one no longer works.",
    Done.OLD_EXPIRED: "The old token no longer works. The new one stays.",
    Done.EXPIRED: "The token no longer works. Generate an access token when you need one again.",
    Done.MEMBER_ADDED: "The member was added.",
    Done.MEMBER_UPDATED: "The member was updated.",
    Done.MEMBER_REMOVED: "The member was removed.",
    Done.LABS_ON: "Private Integrations is on. You find it under Other Settings.",
    Done.LABS_OFF: "Private Integrations is off. Tokens that exist keep working.",
    Done.RULES_SAVED: "The token rules were saved.",
    Done.ACCOUNT_CREATED: "The account was created. Add its first admin here.",
    Done.MAP_RELOADED: "The files were read again. Below is the map in force.",
    Done.KEY_REVOKED: "The admin key was revoked. Sessions that were begun with it are over.",
}


@dataclass(frozen=True, slots=True)
class Show:
    """A page: its template and what goes into it."""

    template: str
    context: Mapping[str, Any] = field(default_factory=dict)
    status: int = 200
    # An answer to a form that changed nothing: it may be asked for again.
    is_repeatable: bool = False

    def __repr__(self) -> str:
        return f"Show({self.template!r}, {self.status})"


@dataclass(frozen=True, slots=True)
class Go:
    """Another page to go to (303)."""

    location: str


Answer: TypeAlias = Show | Go


def is_done(answer: Answer) -> bool:
    """Whether the form that was answered so has done its work."""
    return isinstance(answer, Go) or (answer.status < 400 and not answer.is_repeatable)


def path(*segments: str, done: Done | None = None) -> str:
    """A path of ours; identifiers need no quoting."""
    joined = "/".join((BASE, *segments))
    return joined if done is None else f"{joined}?done={done.value}"
