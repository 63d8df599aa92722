"""The calls about one's own session and password."""

from __future__ import annotations

from typing import Final

from gateway.admin.api.operation import Access, Answer, Call, Operation, Waiting
from gateway.admin.management.outcomes import MemberChanged
from gateway.admin.management.requests import Credentials, PasswordChange
from gateway.admin.management.services import Management
from gateway.admin.management.views import SessionView


async def _log_in(management: Management, call: Call) -> Answer:
    begun = await management.sessions.log_in(call.body, call.address)
    return Answer(value=begun.view, begin_session=begun.session_id, begun_until=begun.view.expires_at)


async def _who_am_i(management: Management, call: Call) -> Answer:
    return Answer(value=await management.sessions.view(call.session_id or "", call.address))


async def _log_out(management: Management, call: Call) -> Answer:
    await management.sessions.log_out(call.person)
    return Answer(value=None, end_session=True)


async def _log_out_everywhere(management: Management, call: Call) -> Answer:
    await management.sessions.log_out_everywhere(call.person)
    return Answer(value=None, end_session=True)


async def _change_password(management: Management, call: Call) -> Answer:
    return Answer(value=await management.sessions.change_password(call.person, call.body))


OPERATIONS: Final = (
    Operation(
        method="POST",
        path="/session",
        id="logIn",
        summary="Log in; the answer sets the session's cookie",
        tag="Session",
        handle=_log_in,
        access=Access.ANYONE,
        body=Credentials,
        status=201,
        answers=SessionView,
        refusals=frozenset({401, 403, 429}),
    ),
    Operation(
        method="GET",
        path="/session",
        id="whoAmI",
        summary="Who is logged in",
        tag="Session",
        handle=_who_am_i,
        access=Access.MEMBER,
        answers=SessionView,
    ),
    Operation(
        method="DELETE",
        path="/session",
        id="logOut",
        summary="Log out",
        tag="Session",
        handle=_log_out,
        access=Access.MEMBER,
        status=204,
        answers=None,
    ),
    Operation(
        method="DELETE",
        path="/session/all",
        id="logOutEverywhere",
        summary="Log out everywhere",
        tag="Session",
        handle=_log_out_everywhere,
        access=Access.MEMBER,
        status=204,
        answers=None,
    ),
    Operation(
        method="PUT",
        path="/session/password",
        id="changePassword",
        summary="Set one's own password; other sessions end",
        tag="Session",
        handle=_change_password,
        access=Access.MEMBER,
        body=PasswordChange,
        query=Waiting,
        answers=MemberChanged,
        refusals=frozenset({429}),
    ),
)
