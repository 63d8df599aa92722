"""Who may do what. An account that somebody cannot reach is missing to them; within reach, what is not allowed is forbidden."""

from __future__ import annotations

from enum import StrEnum

from gateway.admin.management.codes import Code
from gateway.admin.management.principal import Operator, Person, Principal, may_manage_integrations
from gateway.admin.management.refusals import Forbidden, Missing, translated
from gateway.storage import accounts
from gateway.storage.accounts import Account
from gateway.storage.database import Reader
from gateway.storage.members import Role


class Right(StrEnum):
    """What may be done within an account."""

    READ_ACCOUNT = "read_account"
    ADMINISTER = "administer"  # its settings, its members, its audit
    MANAGE_INTEGRATIONS = "manage_integrations"


_DENIALS = {
    Right.ADMINISTER: (Code.ADMIN_REQUIRED, "Only an admin of the account may do this."),
    Right.MANAGE_INTEGRATIONS: (
        Code.PRIVATE_INTEGRATIONS_NOT_PERMITTED,
        "You may not manage private integrations; an admin of the account can permit it.",
    ),
}


def _person_may(person: Person, right: Right) -> bool:
    member = person.member
    match right:
        case Right.READ_ACCOUNT:
            return True
        case Right.ADMINISTER:
            return member.role is Role.ADMIN
        case Right.MANAGE_INTEGRATIONS:
            return may_manage_integrations(member.role, member.private_integrations)


def _reaches(principal: Principal, account: Account) -> bool:
    if isinstance(principal, Operator):
        return principal.account_id in {None, account.id}
    member = principal.member
    # Only an agency can be a parent: the store sees to it.
    return member.account_id == account.id or (
        member.role is Role.ADMIN and account.parent_id == member.account_id
    )


def has_right(principal: Principal, account: Account, right: Right) -> bool:
    """Whether they may, the Labs switch aside."""
    return _reaches(principal, account) and (isinstance(principal, Operator) or _person_may(principal, right))


async def enter(reader: Reader, principal: Principal, account_id: str, right: Right) -> Account:
    """The account, for somebody who has this right in it. Raises Missing and Forbidden.

    Integrations are closed to everybody, operators as well, while the account's Labs switch is off.
    """
    with translated():
        account = await accounts.get(reader, account_id)
    if not _reaches(principal, account):
        raise Missing("account")
    if isinstance(principal, Person) and not _person_may(principal, right):
        raise Forbidden(*_DENIALS[right])
    if right is Right.MANAGE_INTEGRATIONS and not account.labs_private_integrations:
        raise Forbidden(
            Code.LABS_PRIVATE_INTEGRATIONS_OFF,
            "Private integrations are switched off in the Labs settings of this account.",
        )
    return account


def require_operator(principal: Principal) -> Operator:
    """An operator for all accounts. Raises Forbidden."""
    if isinstance(principal, Operator) and principal.account_id is None:
        return principal
    raise Forbidden(Code.OPERATOR_REQUIRED, "Only an operator whose key is for all accounts may do this.")
