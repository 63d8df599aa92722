"""Pages for what was refused or failed: the status, what it means here, and a way on."""

from __future__ import annotations

from typing import Final

from gateway.admin.management.codes import Code
from gateway.admin.management.refusals import (
    ConflictingState,
    Forbidden,
    Missing,
    Refusal,
    StaleVersion,
    Throttled,
    Unauthenticated,
    Unprocessable,
)
from gateway.admin.pages.answers import Show

_STATUSES: Final[dict[type[Refusal], int]] = {
    Unauthenticated: 401,
    Forbidden: 403,
    Missing: 404,
    ConflictingState: 409,
    StaleVersion: 412,
    Unprocessable: 422,
    Throttled: 429,
}
_TITLES: Final = {
    400: "That did not arrive whole",
    403: "You cannot open this",
    404: "Not found",
    405: "Not possible here",
    409: "That is not possible now",
    412: "Somebody was faster",
    413: "Too large",
    415: "Not a form",
    422: "That cannot be shown",
    429: "Too many attempts",
    500: "Something went wrong",
    503: "Not available at the moment",
}
_DETAILS: Final = {
    Code.VERSION_STALE: "The private integration was changed since you opened this page. Look at it again, then decide.",
    Code.LABS_PRIVATE_INTEGRATIONS_OFF: "Private Integrations is switched off. An admin of the account can enable it in Labs.",
    Code.PRIVATE_INTEGRATIONS_NOT_PERMITTED: (
        "You do not have the permission for Private Integrations. An admin of the account can enable it for you under"
        " My Team, Roles and Permissions."
    ),
}


def error_page(status: int, detail: str, *, title: str = "") -> Show:
    """A page for a status."""
    return Show("error.html", {"status": status, "title": title or _TITLES[status], "detail": detail}, status)


def of_refusal(refusal: Refusal) -> Show:
    """The page for a refusal."""
    return error_page(_STATUSES[type(refusal)], _DETAILS.get(refusal.code, refusal.detail))
