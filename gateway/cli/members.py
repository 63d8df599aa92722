"""`gateway member`: the people of an account, their roles, permissions and passwords."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from gateway.admin.management.outcomes import MemberChanged, MemberList
from gateway.admin.management.requests import MemberEdit, NewMember
from gateway.admin.management.views import MemberView
from gateway.cli.confirmation import YesOption, ask, must_ask
from gateway.cli.context import ConfigOption, JsonOption
from gateway.cli.desk import Desk, WaitOption, change, known, manage
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


class Permission(StrEnum):
    """Whether a member may manage integrations; default: as the role has it."""

    YES = "yes"
    NO = "no"
    DEFAULT = "default"


_PERMITTED = {Permission.YES: True, Permission.NO: False, Permission.DEFAULT: None}


@app.command()
def create(
    email: Annotated[str, typer.Argument(help="The address they log in with.")],
    account: OfAccount,
    name: Annotated[str, typer.Option(help="What people call them.")],
    role: Annotated[Role, typer.Option(help="Admins manage the account.")] = Role.USER,
    password: PasswordOption = False,
    wait: WaitOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add a member; without --password one that cannot log in yet. The id goes to standard output, alone."""
    new = given(
        NewMember,
        {"email": email, "name": name, "role": role, "password": read_password() if password else None},
        email="EMAIL",
    )

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
            ("permission for integrations", permission.value),
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
    permission: Annotated[
        Permission | None, typer.Option(help="Whether they may manage integrations, whatever their role.")
    ] = None,
    password: PasswordOption = False,
    wait: WaitOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Change a member; what is not given stays. A new password ends the member's sessions."""
    values = sent(
        name=name,
        role=role,
        permissions=None if permission is None else {"private_integrations": _PERMITTED[permission]},
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
