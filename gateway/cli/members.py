"""`gateway member`: the people of an account, their roles, permissions and passwords."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from gateway.admin.management.outcomes import MemberChanged, MemberList
from gateway.admin.management.requests import MemberEdit, NewMember
from gateway.admin.management.views import MemberView
from gateway.cli.confirmation import YesOption, ask, must_ask
from gateway.cli.context import ConfigOption, JsonOption
from gateway.cli.desk import Desk, WaitOption, change, known, manage
from gateway.cli.failures import BAD_USAGE, Refused
from gateway.cli.given import given, read_password, sent
from gateway.cli.output import as_data, counted, note, print_facts, print_json, print_table
from gateway.cli.pages import everything
from gateway.cli.told import tell
from gateway.storage.members import Role

app = typer.Typer(help="Members: the people of an account.", no_args_is_help=True)

OfAccount = Annotated[str, typer.Option("--account", help="The account's id.")]
MemberArgument = Annotated[str, typer.Argument(metavar="MEMBER", help="The member's id, mem_…")]
PasswordOption = Annotated[
    bool,
    typer.Option("--password", help="Set a password: asked for, or the first line of standard input."),
]


_PERMITTED: Final = {"on": True, "off": False, "default": None}
_PERMISSION: Final = "private_integrations"
PermissionOption = Annotated[
    str | None,
    typer.Option(
        metavar=f"{_PERMISSION}=on|off|default",
        help="Whether they may manage integrations, whatever their role; default: as the role has it.",
    ),
]


def _permissions(given_as: str | None) -> dict[str, bool | None] | None:
    """What --permission says; None where it is not given. Raises Refused."""
    if given_as is None:
        return None
    name, _, value = given_as.partition("=")
    if name != _PERMISSION or value not in _PERMITTED:
        raise Refused(
            f"--permission: {given_as!r} is none; write {_PERMISSION}=on, {_PERMISSION}=off or "
            f"{_PERMISSION}=default",
            status=BAD_USAGE,
        )
    return {name: _PERMITTED[value]}


@app.command()
def create(
    email: Annotated[str, typer.Argument(help="The address they log in with.")],
    account: OfAccount,
    name: Annotated[str, typer.Option(help="What people call them.")],
    role: Annotated[Role, typer.Option(help="Admins manage the account.")] = Role.USER,
    permission: PermissionOption = None,
    password: PasswordOption = False,
    wait: WaitOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add a member; without --password one that cannot log in yet. The id goes to standard output, alone."""
    values: dict[str, object] = {"email": email, "name": name, "role": role}
    permissions = _permissions(permission)
    if permissions is not None:
        values["permissions"] = permissions
    if password:
        values["password"] = read_password()
    new = given(NewMember, values, email="EMAIL")

    async def work(desk: Desk) -> MemberChanged:
        return await desk.management.members.create(desk.by, known(account, "account"), new)

    done = change(config, wait, work)
    member = done.outcome.member
    tell(done, as_json, f"created {member.role.value} {member.email}", identifier=member.id)


@app.command("list")
def list_(account: OfAccount, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """List the members of an account, newest first."""

    async def work(desk: Desk) -> MemberList:
        return await everything(
            lambda limit, cursor: desk.management.members.list(
                desk.by, known(account, "account"), limit=limit, cursor=cursor
            )
        )

    found = manage(config, work)
    if as_json:
        print_json(as_data(found))
        return
    print_table(
        ("ID", "E-MAIL", "NAME", "ROLE", "MAY MANAGE INTEGRATIONS", "CREATED"),
        ((m.id, m.email, m.name, m.role.value, m.may_manage_integrations, m.created_at) for m in found.items),
    )
    note(counted(len(found.items), "member"))


@app.command()
def show(
    member: MemberArgument, account: OfAccount, config: ConfigOption = None, as_json: JsonOption = False
) -> None:
    """Show one member."""

    async def work(desk: Desk) -> MemberView:
        return await desk.management.members.get(desk.by, known(account, "account"), known(member, "member"))

    found = manage(config, work)
    if as_json:
        print_json(as_data(found))
        return
    permission = next(
        name for name, value in _PERMITTED.items() if value is found.permissions.private_integrations
    )
    print_facts(
        (
            ("id", found.id),
            ("account", found.account_id),
            ("e-mail", found.email),
            ("name", found.name),
            ("role", found.role.value),
            ("permission for integrations", permission),
            ("may manage integrations", found.may_manage_integrations),
            ("created", found.created_at),
        )
    )


@app.command()
def edit(
    member: MemberArgument,
    account: OfAccount,
    name: Annotated[str | None, typer.Option(help="Another name.")] = None,
    role: Annotated[Role | None, typer.Option(help="Another role.")] = None,
    permission: PermissionOption = None,
    password: PasswordOption = False,
    wait: WaitOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Change a member; what is not given stays. A new password ends the member's sessions."""
    values = sent(
        name=name,
        role=role,
        permissions=_permissions(permission),
        password=read_password() if password else None,
    )
    edited = given(MemberEdit, values)

    async def work(desk: Desk) -> MemberChanged:
        return await desk.management.members.edit(
            desk.by, known(account, "account"), known(member, "member"), edited
        )

    done = change(config, wait, work)
    tell(done, as_json, f"edited {done.outcome.member.id} {done.outcome.member.email}")


@app.command()
def delete(
    member: MemberArgument,
    account: OfAccount,
    yes: YesOption = False,
    wait: WaitOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Remove a member and end the sessions."""
    asking = must_ask(yes, "removing a member")

    async def work(desk: Desk) -> MemberChanged:
        where = (known(account, "account"), known(member, "member"))
        if asking:
            found = await desk.management.members.get(desk.by, *where)
            ask(f"Remove {found.name!r} <{found.email}>, {found.role.value} of {found.account_id}?")
        return await desk.management.members.delete(desk.by, *where)

    done = change(config, wait, work)
    tell(done, as_json, f"removed {done.outcome.member.id} {done.outcome.member.email}")
