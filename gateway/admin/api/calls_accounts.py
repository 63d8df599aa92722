"""The calls about accounts, their members and their audit."""

from __future__ import annotations

from typing import Final

from gateway.admin.api.operation import AccountsQuery, Answer, AuditQuery, Call, Operation, Paged, Waiting
from gateway.admin.management.outcomes import (
    AccountChanged,
    AccountList,
    AuditList,
    MemberChanged,
    MemberList,
)
from gateway.admin.management.requests import AccountEdit, MemberEdit, NewAccount, NewMember
from gateway.admin.management.services import Management
from gateway.admin.management.views import AccountView, MemberView
from gateway.storage.audit_search import Wanted

_ACCOUNT: Final = "/accounts/{account_id}"
_MEMBERS: Final = f"{_ACCOUNT}/members"
_MEMBER: Final = f"{_MEMBERS}/{{member_id}}"


async def _list_accounts(management: Management, call: Call) -> Answer:
    query: AccountsQuery = call.query
    return Answer(
        value=await management.accounts.list(
            call.by, limit=query.limit, cursor=query.cursor, parent_id=query.parent_id
        )
    )


async def _create_account(management: Management, call: Call) -> Answer:
    return Answer(value=await management.accounts.create(call.by, call.body))


async def _get_account(management: Management, call: Call) -> Answer:
    return Answer(value=await management.accounts.get(call.by, call.account_id))


async def _edit_account(management: Management, call: Call) -> Answer:
    return Answer(value=await management.accounts.edit(call.by, call.account_id, call.body))


async def _list_members(management: Management, call: Call) -> Answer:
    return Answer(
        value=await management.members.list(
            call.by, call.account_id, limit=call.query.limit, cursor=call.query.cursor
        )
    )


async def _create_member(management: Management, call: Call) -> Answer:
    return Answer(value=await management.members.create(call.by, call.account_id, call.body))


async def _get_member(management: Management, call: Call) -> Answer:
    return Answer(value=await management.members.get(call.by, call.account_id, call.path["member_id"]))


async def _edit_member(management: Management, call: Call) -> Answer:
    return Answer(
        value=await management.members.edit(call.by, call.account_id, call.path["member_id"], call.body)
    )


async def _delete_member(management: Management, call: Call) -> Answer:
    return Answer(value=await management.members.delete(call.by, call.account_id, call.path["member_id"]))


async def _list_audit(management: Management, call: Call) -> Answer:
    query: AuditQuery = call.query
    wanted = Wanted(
        account_id=call.path.get("account_id"),
        action=query.action,
        actor_id=query.actor,
        subject_id=query.subject,
        since=query.since,
        until=query.until,
    )
    return Answer(value=await management.audit.list(call.by, wanted, limit=query.limit, cursor=query.cursor))


OPERATIONS: Final = (
    Operation(
        method="GET",
        path="/accounts",
        id="listAccounts",
        summary="The accounts within reach, newest first",
        tag="Accounts",
        handle=_list_accounts,
        query=AccountsQuery,
        answers=AccountList,
    ),
    Operation(
        method="POST",
        path="/accounts",
        id="createAccount",
        summary="Make an account (operators)",
        tag="Accounts",
        handle=_create_account,
        body=NewAccount,
        query=Waiting,
        status=201,
        answers=AccountChanged,
        refusals=frozenset({409}),
    ),
    Operation(
        method="GET",
        path=_ACCOUNT,
        id="getAccount",
        summary="One account",
        tag="Accounts",
        handle=_get_account,
        answers=AccountView,
    ),
    Operation(
        method="PATCH",
        path=_ACCOUNT,
        id="editAccount",
        summary="Change an account's name, Labs switches and settings",
        tag="Accounts",
        handle=_edit_account,
        body=AccountEdit,
        query=Waiting,
        answers=AccountChanged,
    ),
    Operation(
        method="GET",
        path=_MEMBERS,
        id="listMembers",
        summary="The members of an account, newest first",
        tag="Members",
        handle=_list_members,
        query=Paged,
        answers=MemberList,
    ),
    Operation(
        method="POST",
        path=_MEMBERS,
        id="createMember",
        summary="Add a member",
        tag="Members",
        handle=_create_member,
        body=NewMember,
        query=Waiting,
        status=201,
        answers=MemberChanged,
        refusals=frozenset({409, 429}),
    ),
    Operation(
        method="GET",
        path=_MEMBER,
        id="getMember",
        summary="One member",
        tag="Members",
        handle=_get_member,
        answers=MemberView,
    ),
    Operation(
        method="PATCH",
        path=_MEMBER,
        id="editMember",
        summary="Change a member's name, role, permissions or password",
        tag="Members",
        handle=_edit_member,
        body=MemberEdit,
        query=Waiting,
        answers=MemberChanged,
        refusals=frozenset({429}),
    ),
    Operation(
        method="DELETE",
        path=_MEMBER,
        id="deleteMember",
        summary="Remove a member and end the sessions",
        tag="Members",
        handle=_delete_member,
        query=Waiting,
        answers=MemberChanged,
    ),
    Operation(
        method="GET",
        path=f"{_ACCOUNT}/audit",
        id="listAccountAudit",
        summary="Who changed what in an account, newest first",
        tag="Audit",
        handle=_list_audit,
        query=AuditQuery,
        answers=AuditList,
    ),
    Operation(
        method="GET",
        path="/audit",
        id="listAudit",
        summary="Who changed what in all accounts and among the admin keys, newest first (operators)",
        tag="Audit",
        handle=_list_audit,
        query=AuditQuery,
        answers=AuditList,
    ),
)
