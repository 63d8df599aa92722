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
from gateway.admin.pages.answers import BASE, OPERATORS, Show

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
    Code.OPERATOR_REQUIRED: "This is for those who run the gateway. Sign in with an admin key for all accounts.",
    Code.PRIVATE_INTEGRATIONS_NOT_PERMITTED: (
        "You do not have the permission for Private Integrations. An admin of the account can enable it for you under"
        " My Team, Roles and Permissions."
    ),
}


def error_page(
    status: int, detail: str, *, title: str = "", way: tuple[str, str] = ("Go to Settings", BASE)
) -> Show:
    """A page for a status. `way` is where to go on: the words, and the address."""
    return Show(
        "error.html",
        {"status": status, "title": title or _TITLES[status], "detail": detail, "way": way},
        status,
    )


def of_refusal(refusal: Refusal) -> Show:
    """The page for a refusal."""
    detail = _DETAILS.get(refusal.code, refusal.detail)
    if refusal.code is Code.OPERATOR_REQUIRED:
        return error_page(403, detail, way=("Sign in with an admin key", f"{OPERATORS}/sign-in"))
    return error_page(_STATUSES[type(refusal)], detail)
