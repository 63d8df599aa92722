"""What can be done to an integration's tokens with one press: each is warned about first, then done."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, assert_never

from gateway.admin.management.refusals import Unprocessable
from gateway.admin.management.requests import IntegrationEdit, OldToken, Rotation
from gateway.admin.management.values import parse
from gateway.admin.management.views import IntegrationView
from gateway.admin.pages.answers import Answer, Done, Go, Show
from gateway.admin.pages.integration_reading import as_seen, live_integration
from gateway.admin.pages.moments import span_words
from gateway.admin.pages.views_create import issued
from gateway.admin.pages.visit import Visit
from gateway.admin.pages.windows import as_sent, choices
from gateway.admin.pages.words import by_field

_SECTION: Final = "private-integrations"


class Action(StrEnum):
    """The last segment of the address."""

    ISSUE = "generate-token"
    ROTATE_LATER = "rotate-later"
    ROTATE_NOW = "rotate-now"
    CANCEL_ROTATION = "cancel-rotation"
    EXPIRE_OLD = "expire-old"
    EXPIRE = "expire"
    SUSPEND = "suspend"
    RESUME = "resume"


@dataclass(frozen=True, slots=True, kw_only=True)
class Caution:
    """The words before it is done. `is_grave`: somebody may be cut off."""

    title: str
    text: tuple[str, ...]
    button: str = "Continue"
    is_grave: bool = False


WARNINGS: Final = {
    Action.ISSUE: Caution(
        title="Generate an access token",
        text=(
            "The private integration has no token. A new one is generated with its scopes.",
            "The token is shown once. Have a safe place ready for it.",
        ),
        button="Generate Access Token",
    ),
    Action.ROTATE_LATER: Caution(
        title="Rotate and expire this token later",
        text=(
            "A new token is generated. For the time that you choose the old and the new token both work; then the old one"
            " expires.",
            "Until then you can cancel the rotation, or expire the old token at once.",
            "The new token is shown once. Have a safe place ready for it.",
        ),
    ),
    Action.ROTATE_NOW: Caution(
        title="Rotate and expire this token now",
        text=(
            "A new token is generated, and every token that works now stops working at once.",
            "Your third-party application cannot connect until it has the new token.",
            "The new token is shown once. Have a safe place ready for it.",
        ),
        is_grave=True,
    ),
    Action.CANCEL_ROTATION: Caution(
        title="Cancel rotation",
        text=(
            "The old token stays and no longer has a deadline. The new token stops working at once.",
            "If your application already uses the new token, it is cut off.",
        ),
    ),
    Action.EXPIRE_OLD: Caution(
        title="Expire the old token now",
        text=(
            "The old token stops working at once. The new token stays.",
            "Do this when your third-party application has been updated with the new token.",
        ),
        is_grave=True,
    ),
    Action.EXPIRE: Caution(
        title="Expire token",
        text=(
            "The token stops working at once, without a replacement.",
            "Your third-party application cannot connect until you generate a new access token.",
        ),
        is_grave=True,
    ),
    Action.SUSPEND: Caution(
        title="Suspend",
        text=(
            "Every request of the private integration is refused until you resume it.",
            "Its tokens and settings stay as they are.",
        ),
        is_grave=True,
    ),
    Action.RESUME: Caution(
        title="Resume",
        text=("The tokens of the private integration work again.",),
    ),
}

_View = Callable[[Visit], Awaitable[Answer]]


def asking(action: Action) -> _View:
    """The page with the warning."""

    async def ask(visit: Visit) -> Answer:
        return _asked(visit, action, await live_integration(visit))

    return ask


def _asked(
    visit: Visit, action: Action, integration: IntegrationView, errors: dict[str, str] | None = None
) -> Show:
    """The warning; for a rotation that leaves the old token for a while, with the times to choose from."""
    rules = visit.rules
    windows = choices(rules.rotation_window, rules.longest_window) if action is Action.ROTATE_LATER else ()
    chosen = visit.form.get("window") or as_sent(rules.rotation_window)
    return Show(
        "confirm.html",
        {
            "integration": integration,
            "warning": WARNINGS[action],
            "windows": [(as_sent(window), span_words(window)) for window in windows],
            "usual": as_sent(rules.rotation_window),
            "chosen": chosen,
            "ends_at": rules.now() + rules.rotation_window,
            "errors": errors or {},
        },
        422 if errors else 200,
    )


def doing(action: Action) -> _View:
    """The form's way: does it, and shows the token or goes back to the integration."""

    async def do(visit: Visit) -> Answer:
        return await _do(visit, action, await as_seen(visit))

    return do


async def _do(visit: Visit, action: Action, integration: IntegrationView) -> Answer:
    tokens, integrations = visit.management.tokens, visit.management.integrations
    where = (visit.principal, visit.account.id, integration.id)
    match action:
        case Action.ISSUE:
            return issued(visit, await tokens.issue(*where), "Here is your access token")
        case Action.ROTATE_LATER:
            try:
                rotation = parse(
                    Rotation,
                    {"old_token": OldToken.EXPIRE_LATER, "window": visit.form.get("window") or None},
                )
                made = await tokens.rotate(*where, rotation)
            except Unprocessable as refusal:
                return _asked(visit, action, integration, by_field(refusal.flaws))
            return issued(visit, made, "Here is the new token")
        case Action.ROTATE_NOW:
            rotation = Rotation(old_token=OldToken.EXPIRE_NOW)
            return issued(visit, await tokens.rotate(*where, rotation), "Here is the new token")
        case Action.CANCEL_ROTATION:
            await tokens.cancel_rotation(*where)
            done = Done.ROTATION_CANCELLED
        case Action.EXPIRE_OLD:
            await tokens.expire_old(*where)
            done = Done.OLD_EXPIRED
        case Action.EXPIRE:
            await tokens.expire(*where)
            done = Done.EXPIRED
        case Action.SUSPEND:
            await integrations.edit(*where, IntegrationEdit(suspended=True))
            done = Done.SUSPENDED
        case Action.RESUME:
            await integrations.edit(*where, IntegrationEdit(suspended=False))
            done = Done.RESUMED
        case _:
            assert_never(action)
    return _back(visit, integration, done)


def _back(visit: Visit, integration: IntegrationView, done: Done) -> Go:
    return visit.go(_SECTION, integration.id, done=done)
