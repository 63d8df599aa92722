"""Members: added, changed and removed by the admins of their account. Nobody changes their own role, or grants what they lack."""

from __future__ import annotations

from gateway.admin.management.access import Right, enter
from gateway.admin.management.codes import Code
from gateway.admin.management.hashing import PasswordHashing
from gateway.admin.management.outcomes import MemberChanged, MemberList
from gateway.admin.management.principal import Person, Principal, may_manage_integrations
from gateway.admin.management.refusals import Forbidden, translated
from gateway.admin.management.requests import MemberEdit, NewMember
from gateway.admin.management.store import Store
from gateway.admin.management.views import MemberView, Permissions
from gateway.storage import members
from gateway.storage.member_passwords import set_password
from gateway.storage.members import Member, Role


def member_view(member: Member) -> MemberView:
    """A member as shown."""
    return MemberView(
        id=member.id,
        account_id=member.account_id,
        email=member.email,
        name=member.name,
        role=member.role,
        permissions=Permissions(private_integrations=member.private_integrations),
        may_manage_integrations=may_manage_integrations(member.role, member.private_integrations),
        created_at=member.created_at,
    )


def _fields(edit: MemberEdit) -> members.MemberEdit:
    fields: members.MemberEdit = {}
    sent = edit.model_fields_set
    if "name" in sent:
        fields["name"] = edit.name
    if "role" in sent:
        fields["role"] = edit.role
    if "permissions" in sent:
        fields["private_integrations"] = edit.permissions.private_integrations
    return fields


def _check_grant(principal: Principal, before: bool, after: bool) -> None:
    """An admin who was barred from integrations cannot get there through somebody else."""
    if not isinstance(principal, Person) or before or not after:
        return
    member = principal.member
    if not may_manage_integrations(member.role, member.private_integrations):
        raise Forbidden(Code.CANNOT_GRANT, "You cannot permit others what you are not permitted yourself.")


class Members:
    """What can be done with the members of an account."""

    def __init__(self, store: Store, hashing: PasswordHashing) -> None:
        self._store = store
        self._hashing = hashing

    async def list(
        self, principal: Principal, account_id: str, *, limit: int, cursor: str | None = None
    ) -> MemberList:
        """The members of an account, newest first."""
        reading = self._store.reading
        await enter(reading, principal, account_id, Right.ADMINISTER)
        with translated():
            page = await members.list_page(reading, account_id=account_id, limit=limit, cursor=cursor)
        return MemberList(items=tuple(map(member_view, page.items)), next_cursor=page.next)

    async def get(self, principal: Principal, account_id: str, member_id: str) -> MemberView:
        """One member."""
        await enter(self._store.reading, principal, account_id, Right.ADMINISTER)
        with translated():
            return member_view(
                await members.get(self._store.reading, account_id=account_id, member_id=member_id)
            )

    async def create(self, principal: Principal, account_id: str, new: NewMember) -> MemberChanged:
        """A new member; without a password one that cannot log in yet."""
        # Before the hash is made: that is work nobody else shall cause.
        await enter(self._store.reading, principal, account_id, Right.ADMINISTER)
        permission = new.permissions.private_integrations
        _check_grant(principal, before=False, after=may_manage_integrations(new.role, permission))
        password_hash = None if new.password is None else await self._hashing.hash(new.password)
        async with self._store.change(principal) as change:
            await enter(change, principal, account_id, Right.ADMINISTER)
            member = await members.create(
                change,
                account_id=account_id,
                email=new.email,
                name=new.name,
                role=new.role,
                password_hash=password_hash,
                private_integrations=permission,
            )
        return MemberChanged(member=member_view(member), revision=await self._store.revision(change))

    async def edit(
        self, principal: Principal, account_id: str, member_id: str, edit: MemberEdit
    ) -> MemberChanged:
        """Changes what was sent."""
        before = await self.get(principal, account_id, member_id)
        sent = edit.model_fields_set
        if _is_self(principal, member_id) and sent - {"name"}:
            raise Forbidden(
                Code.OWN_MEMBERSHIP,
                "Another admin changes your role and permissions; your password has its own call.",
            )
        role: Role = edit.role if "role" in sent else before.role
        permission = (edit if "permissions" in sent else before).permissions.private_integrations
        _check_grant(
            principal, before.may_manage_integrations, after=may_manage_integrations(role, permission)
        )
        password_hash = await self._hashing.hash(edit.password) if "password" in sent else None
        async with self._store.change(principal) as change:
            await enter(change, principal, account_id, Right.ADMINISTER)
            member = await members.edit(change, account_id=account_id, member_id=member_id, **_fields(edit))
            if password_hash is not None:
                await set_password(
                    change, account_id=account_id, member_id=member_id, password_hash=password_hash
                )
        return MemberChanged(member=member_view(member), revision=await self._store.revision(change))

    async def delete(self, principal: Principal, account_id: str, member_id: str) -> MemberChanged:
        """Removes a member and ends the sessions. Not oneself: the last admin would be gone."""
        if _is_self(principal, member_id):
            raise Forbidden(Code.OWN_MEMBERSHIP, "Another admin removes you from the account.")
        async with self._store.change(principal) as change:
            await enter(change, principal, account_id, Right.ADMINISTER)
            member = await members.get(change, account_id=account_id, member_id=member_id)
            await members.delete(change, account_id=account_id, member_id=member_id)
        return MemberChanged(member=member_view(member), revision=await self._store.revision(change))


def _is_self(principal: Principal, member_id: str) -> bool:
    return isinstance(principal, Person) and principal.member.id == member_id
