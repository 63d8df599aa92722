"""My Team: the members of the account, their roles and permissions."""

from __future__ import annotations

from typing import Any

from gateway.admin.management.refusals import ConflictingState, Forbidden, Unprocessable
from gateway.admin.management.requests import MemberEdit, NewMember
from gateway.admin.management.values import parse
from gateway.admin.management.views import MemberView
from gateway.admin.pages.answers import Answer, Done, Show
from gateway.admin.pages.visit import Visit
from gateway.admin.pages.words import by_field

_PAGE_SIZE = 50
# What the three choices of the permission are, as the form sends them.
_PERMISSIONS = {"role": None, "on": True, "off": False}


async def team(visit: Visit) -> Answer:
    """The members."""
    found = await visit.management.members.list(
        visit.principal, visit.account.id, limit=_PAGE_SIZE, cursor=visit.query.get("cursor") or None
    )
    return Show("team.html", {"found": found})


async def new_member(visit: Visit) -> Answer:
    """The form for another member."""
    visit.require_admin()
    return Show("member_new.html", {"values": {"email": "", "name": "", "role": "user"}})


async def add_member(visit: Visit) -> Answer:
    """Adds a member."""
    visit.require_admin()
    values = {name: visit.form.get(name) for name in ("email", "name", "role")}
    try:
        new = parse(NewMember, {**values, "password": visit.form.get("password") or None})
        await visit.management.members.create(visit.principal, visit.account.id, new)
    except Unprocessable as refusal:
        return Show("member_new.html", {"values": values, "errors": by_field(refusal.flaws)}, 422)
    except ConflictingState as refusal:
        return Show("member_new.html", {"values": values, "errors": {"email": refusal.detail}}, 409)
    return visit.go("team", done=Done.MEMBER_ADDED)


async def member(visit: Visit) -> Answer:
    """One member: user info, roles and permissions."""
    return _member(visit, await _get(visit))


async def edit_member(visit: Visit) -> Answer:
    """Saves name, role and permission; of oneself, the name."""
    found = await _get(visit)
    form = visit.form
    sent: dict[str, Any] = {"name": form.get("name")}
    if not _is_self(visit, found):
        sent["role"] = form.get("role")
        permission = form.get("permission")
        sent["permissions"] = {"private_integrations": _PERMISSIONS.get(permission, permission)}
    try:
        edit = parse(MemberEdit, sent)
        await visit.management.members.edit(visit.principal, visit.account.id, found.id, edit)
    except Unprocessable as refusal:
        return _member(visit, found, by_field(refusal.flaws), status=422)
    except Forbidden as refusal:
        return _member(visit, found, {"permission": refusal.detail}, status=403)
    return visit.go("team", done=Done.MEMBER_UPDATED)


async def set_password(visit: Visit) -> Answer:
    """Sets a member's password, which ends their sessions."""
    found = await _get(visit)
    try:
        edit = parse(MemberEdit, {"password": visit.form.get("password")})
        await visit.management.members.edit(visit.principal, visit.account.id, found.id, edit)
    except Unprocessable as refusal:
        return _member(visit, found, by_field(refusal.flaws), status=422)
    return visit.go("team", done=Done.MEMBER_UPDATED)


async def ask_removal(visit: Visit) -> Answer:
    """The warning before a member is removed."""
    return Show("member_remove.html", {"member": await _get(visit)})


async def remove_member(visit: Visit) -> Answer:
    """Removes a member."""
    await visit.management.members.delete(visit.principal, visit.account.id, _id(visit))
    return visit.go("team", done=Done.MEMBER_REMOVED)


def _id(visit: Visit) -> str:
    return visit.segment("member_id", "member")


async def _get(visit: Visit) -> MemberView:
    return await visit.management.members.get(visit.principal, visit.account.id, _id(visit))


def _is_self(visit: Visit, member: MemberView) -> bool:
    return visit.member is not None and visit.member.id == member.id


def _member(
    visit: Visit, member: MemberView, errors: dict[str, str] | None = None, *, status: int = 200
) -> Show:
    given = visit.form.get("name") if status != 200 else member.name
    chosen = next(
        name for name, value in _PERMISSIONS.items() if value == member.permissions.private_integrations
    )
    return Show(
        "member.html",
        {
            "member": member,
            "name": given or member.name,
            "chosen": chosen,
            "is_self": _is_self(visit, member),
            "errors": errors or {},
        },
        status,
    )
