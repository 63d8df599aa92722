"""What is everybody's own: where they land, their profile and password, signing out."""

from __future__ import annotations

from gateway.admin.management.refusals import Unprocessable, flaw
from gateway.admin.management.requests import PasswordChange
from gateway.admin.management.values import parse
from gateway.admin.pages.answers import OPERATORS, Answer, Done, Go, Show, path
from gateway.admin.pages.navigation import groups
from gateway.admin.pages.visit import Visit
from gateway.admin.pages.words import by_field


async def home(visit: Visit) -> Answer:
    """To the section that people come for, or to what they have."""
    if visit.entered is None:
        return Go(f"{OPERATORS}/accounts")
    if visit.sees_integrations:
        return visit.go("private-integrations")
    for group in groups(visit):
        return Go(group.items[0].location)
    return Go(path("profile"))


async def profile(visit: Visit) -> Answer:
    """Who one is, and the form for a new password."""
    return Show("profile.html", {"member": visit.person.member})


async def change_password(visit: Visit) -> Answer:
    """Sets one's own password."""
    form = visit.form
    try:
        change = parse(
            PasswordChange,
            {"current_password": form.get("current_password"), "new_password": form.get("new_password")},
        )
        if form.get("new_password") != form.get("repeated_password"):
            raise flaw("/repeated_password", "This is not the same as the new password.")
        await visit.management.sessions.change_password(visit.person, change)
    except Unprocessable as refusal:
        return Show("profile.html", {"member": visit.person.member, "errors": by_field(refusal.flaws)}, 422)
    return Go(path("profile", done=Done.PASSWORD_CHANGED))


async def sign_out(visit: Visit) -> Answer:
    """Ends this session."""
    if visit.member is None:
        await visit.management.operator_sessions.log_out(visit.session_id)
        return Go(f"{OPERATORS}/sign-in?done={Done.SIGNED_OUT.value}")
    await visit.management.sessions.log_out(visit.person)
    return Go(path("sign-in", done=Done.SIGNED_OUT))


async def sign_out_everywhere(visit: Visit) -> Answer:
    """Ends all sessions of the member."""
    await visit.management.sessions.log_out_everywhere(visit.person)
    return Go(path("sign-in", done=Done.SIGNED_OUT_EVERYWHERE))
