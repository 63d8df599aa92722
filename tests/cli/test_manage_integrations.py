"""`gateway integration`: each command, what it prints for people and for scripts, and what it asks before it ends something."""

from __future__ import annotations

import json
import signal
import time
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from gateway.core.usage import HourlyCount, NetworkUse, TokenUse, UsageBatch
from gateway.storage.database import connect
from gateway.storage.usage import record_usage
from tests.cli.conftest import Start
from tests.cli.process import PATIENCE_SECONDS, Warm
from tests.cli.test_commands import is_token
from tests.cli.test_manage import NOBODY, Office, office_on
from tests.wiring.databases import Databases, run

TOKEN = {"id", "secret", "hint", "created_at"}


@pytest.fixture(scope="module")
def office(databases: Databases, command: Warm, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with office_on(databases, command, tmp_path_factory.mktemp("office")) as made:
        yield made


@pytest.fixture(scope="module")
def account(office: Office) -> str:
    return office.account()


def make(office: Office, account: str, *more: str) -> Any:
    """A new integration."""
    options = ("--account", account, "--name", "Sync", "--scope", "contacts.readonly")
    return office.json("integration", "create", *options, *more)


def of(integration: Any) -> str:
    return str(integration["integration"]["id"])


# Made, shown, edited.


def test_the_token_of_a_new_integration_stands_alone(office: Office, account: str) -> None:
    options = (
        "--account",
        account,
        "--name",
        "Sync",
        "--scope",
        "contacts.write",
        "--scope",
        "contacts.readonly",
    )
    result = office("integration", "create", *options)
    secret = result.out.removesuffix("\n")
    assert result.status == 0
    assert is_token(secret)
    assert secret not in result.err
    told = office.json("integration", "create", *options, "--description", "Nightly")
    assert told.keys() == {"integration", "token", "revision"}
    assert told["token"].keys() == TOKEN
    made = told["integration"]
    assert (made["state"], made["description"]) == ("one", "Nightly")
    assert made["scopes"] == ["contacts.readonly", "contacts.write"]
    for shown in (
        office("integration", "list", "--account", account),
        office("integration", "show", made["id"]),
        office("integration", "show", made["id"], "--json"),
    ):
        assert shown.status == 0
        assert told["token"]["secret"] not in shown.out + shown.err
        assert told["token"]["hint"] in shown.out


def test_an_integration_without_a_token_is_told_by_its_id(office: Office, account: str) -> None:
    result = office(
        "integration",
        "create",
        "--account",
        account,
        "--name",
        "x",
        "--scope",
        "contacts.readonly",
        "--no-token",
    )
    assert result.out.startswith("pi_")
    issued = office("integration", "issue", result.out.strip())
    assert is_token(issued.out.removesuffix("\n"))
    assert office.json("integration", "show", result.out.strip())["state"] == "one"


def test_an_integration_is_found_by_its_id_alone_or_in_its_account_only(office: Office, account: str) -> None:
    made = make(office, account)
    alone = office.json("integration", "show", of(made))
    assert alone == made["integration"]
    assert office.json("integration", "show", of(made), "--account", account) == alone
    other = office.account("Other")
    line = office.refused("integration", "show", of(made), "--account", other)
    assert f"there is no integration '{of(made)}'" in line


def test_editing_touches_no_token(office: Office, account: str) -> None:
    made = make(office, account)
    edit = ("integration", "edit", of(made))
    told = office.json(*edit, "--name", "Other", "--description", "Words")
    assert told.keys() == {"integration", "revision"}
    assert (told["integration"]["name"], told["integration"]["description"]) == ("Other", "Words")
    told = office.json(*edit, "--add-scope", "contacts.write", "--add-scope", "locations.readonly")
    assert told["integration"]["scopes"] == ["contacts.readonly", "contacts.write", "locations.readonly"]
    told = office.json(*edit, "--remove-scope", "contacts.write")
    assert told["integration"]["scopes"] == ["contacts.readonly", "locations.readonly"]
    told = office.json(*edit, "--scope", "contacts.write")
    assert told["integration"]["scopes"] == ["contacts.write"]
    assert told["integration"]["tokens"] == made["integration"]["tokens"]
    assert "does not hold contacts.readonly" in office.refused(*edit, "--remove-scope", "contacts.readonly")
    assert "--scope: " in office.refused(*edit, "--remove-scope", "contacts.write", status=2)
    assert "say what to change" in office.refused(*edit, status=2)
    assert office.refused(*edit, "--scope", "contacts.write", "--add-scope", "x", status=2)
    assert "did you mean contacts.readonly?" in office.refused(*edit, "--add-scope", "contacts.redonly")
    assert "agencies.readonly" in office.refused(*edit, "--scope", "agencies.readonly")


def test_suspended_resumed_and_deleted(office: Office, account: str) -> None:
    pi = of(make(office, account))
    assert office.json("integration", "suspend", pi)["integration"]["state"] == "suspended"
    assert office("integration", "suspend", pi).lines == [f"suspended {pi} 'Sync'"]
    assert office.json("integration", "resume", pi)["integration"]["state"] == "one"
    told = office.json("integration", "delete", pi, "--yes")
    assert told.keys() == {"integration", "revision"}
    assert (told["integration"]["state"], told["integration"]["tokens"]) == ("deleted", [])
    assert office.json("integration", "show", pi)["state"] == "deleted"
    listed = [i["id"] for i in office.json("integration", "list", "--account", account)["items"]]
    assert pi not in listed
    search = ("integration", "list", "--account", account, "--search", pi)
    assert office.json(*search)["items"] == []
    assert [i["id"] for i in office.json(*search, "--deleted")["items"]] == [pi]
    assert office(*search[:-1], "x" * 201).status == 2
    with_deleted = office.json("integration", "list", "--account", account, "--deleted")["items"]
    assert pi in [i["id"] for i in with_deleted]
    assert "is deleted" in office.refused("integration", "resume", pi)


# Tokens.


def test_rotating_later_and_back_or_on(office: Office, account: str) -> None:
    made = make(office, account)
    pi = of(made)
    told = office.json("integration", "rotate", pi, "--later", "--window", "24h")
    assert told.keys() == {"integration", "token", "revision"}
    assert [token["role"] for token in told["integration"]["tokens"]] == ["old", "new"]
    line = office.refused("integration", "rotate", pi, "--later")
    assert "a rotation is under way" in line
    assert "it ends at 20" in line
    assert "expire-old" in line
    told = office.json("integration", "cancel-rotation", pi)
    assert told.keys() == {"integration", "revision"}
    assert [token["hint"] for token in told["integration"]["tokens"]] == [made["token"]["hint"]]
    again = office("integration", "rotate", pi, "--later")
    secret = again.out.removesuffix("\n")
    assert is_token(secret)
    assert "the old token works until 20" in again.err
    assert secret not in again.err
    ended = office("integration", "expire-old", pi)
    assert (ended.status, ended.out) == (0, "")
    (left,) = office.json("integration", "show", pi)["tokens"]
    assert left["hint"] == f"{secret[:8]}…{secret[-4:]}"


def test_rotating_now_and_expiring(office: Office, account: str) -> None:
    made = make(office, account)
    pi = of(made)
    told = office.json("integration", "rotate", pi, "--now", "--yes")
    assert told["token"].keys() == TOKEN
    assert told["integration"]["tokens"][0]["id"] != made["token"]["id"]
    assert "has stopped" in office("integration", "rotate", pi, "--now", "--yes").err
    told = office.json("integration", "expire", pi, "--yes")
    assert (told["integration"]["state"], told["integration"]["tokens"]) == ("none", [])
    for arguments in (("rotate", pi, "--later"), ("cancel-rotation", pi), ("expire", pi, "--yes")):
        line = office.refused("integration", *arguments)
        assert "`gateway integration issue`" in line
    assert office.json("integration", "issue", pi)["integration"]["state"] == "one"
    assert "`gateway integration rotate`" in office.refused("integration", "issue", pi)
    assert "rotate --later" in office.refused("integration", "expire-old", pi)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("rotate",), "--later"),
        (("rotate", "--later", "--now"), "--later"),
        (("rotate", "--now", "--window", "1h", "--yes"), "--window"),
        (("rotate", "--later", "--window", "soon"), '--window: "soon" is not a duration'),
        (("activity", "--from", "yesterday"), "--from: "),
    ],
)
def test_bad_usage_is_2(office: Office, arguments: tuple[str, ...], words: str) -> None:
    command, *options = arguments
    assert words in office.refused("integration", command, NOBODY["pi"], *options, status=2)


@pytest.mark.parametrize("does", ["show", "suspend", "issue", "cutover"])
def test_an_unknown_integration_is_named(office: Office, does: str) -> None:
    assert f"there is no integration '{NOBODY['pi']}'" in office.refused("integration", does, NOBODY["pi"])


def test_a_window_that_is_too_long_is_refused(office: Office, account: str) -> None:
    pi = of(make(office, account))
    assert "--window: The longest" in office.refused(
        "integration", "rotate", pi, "--later", "--window", "3000d"
    )


def test_while_the_labs_switch_is_off_the_way_to_switch_it_on_is_told(office: Office) -> None:
    account = office.account()
    pi = of(make(office, account))
    office("account", "edit", account, "--private-integrations", "off")
    for arguments in (("show", pi), ("rotate", pi, "--later"), ("list", "--account", account)):
        line = office.refused("integration", *arguments)
        assert "gateway account edit ACCOUNT --private-integrations on" in line


# Confirmation.


@pytest.mark.parametrize("arguments", [("delete",), ("expire",), ("rotate", "--now")])
def test_nobody_to_ask_and_no_yes_ends_nothing(
    office: Office, account: str, arguments: tuple[str, ...]
) -> None:
    made = make(office, account)
    command, *options = arguments
    assert "--yes" in office.refused("integration", command, of(made), *options, status=2, given="y\n")
    assert office.json("integration", "show", of(made)) == made["integration"]


def test_at_a_terminal_the_answer_decides(office: Office, account: str) -> None:
    made = make(office, account)
    rotate = ("integration", "rotate", of(made), "--now")
    refused = office.at_terminal(*rotate, answers=[("[y/N] ", "")])
    assert (refused.status, refused.out) == (1, "")
    assert "nothing was changed" in refused.err
    assert made["token"]["hint"] in refused.err, "what would stop is named"
    assert office.json("integration", "show", of(made)) == made["integration"]
    done = office.at_terminal(*rotate, answers=[("[y/N] ", "y")])
    assert done.status == 0
    assert is_token(done.out.removesuffix("\n")), "the question is not on standard output"


def test_ctrl_c_while_waiting_for_nodes_does_not_lose_the_secret(
    office: Office, account: str, start: Start
) -> None:
    options = ("--account", account, "--name", "Sync", "--scope", "contacts.readonly")
    with office.node(0):
        running = start("integration", "create", *options, "--wait", "30s", "--config", office.site.config)
        deadline = time.monotonic() + PATIENCE_SECONDS
        # The change is made, and its nodes are asked about.
        while not office.sql(
            "SELECT FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            " AND state = 'idle' AND query LIKE '%applied_revision >= $1%'"
        ):
            assert time.monotonic() < deadline
        running.tell(signal.SIGINT)
        assert running.wait() == 0
    assert is_token(running.rest().decode().removesuffix("\n"))
    assert "not known" in running.said


# Use; and the same from the API.


def _use(office: Office, token_id: str) -> None:
    now = int(time.time())
    batch = UsageBatch(
        uses=(TokenUse(token_id, now, now),),
        hours=(HourlyCount(token_id, now - now % 3600, "GET /contacts/{contactId}", "2xx", 3),),
        networks=(NetworkUse(token_id, "192.0.2.0/24", now, now, 3),),
    )

    async def record() -> None:
        database = await connect(office.site.dsn, pool_size=1)
        try:
            await record_usage(database, batch)
        finally:
            await database.close()

    run(record())


def test_the_use_of_an_integration_is_shown(office: Office, account: str) -> None:
    made = make(office, account, "--scope", "contacts.write")
    pi = of(made)
    assert office("integration", "cutover", pi).lines == ["no rotation is under way"]
    office("integration", "rotate", pi, "--later")
    _use(office, made["token"]["id"])
    told = office.json("integration", "activity", pi, "--bucket", "day")
    assert told["totals"] == {"2xx": 3}
    assert {"from", "to", "bucket"} <= told.keys()
    table = office("integration", "activity", pi).out
    for words in ("3 requests", "GET /contacts/{contactId}", "192.0.2.0/24", made["token"]["hint"]):
        assert words in table
    assert office.json("integration", "cutover", pi)["cutover"]["old"]["token_id"] == made["token"]["id"]
    table = office("integration", "cutover", pi).out
    assert made["token"]["hint"] in table
    assert "192.0.2.0/24" in table
    needed = {s["scope"]: s["last_needed_at"] for s in office.json("integration", "scopes-used", pi)["items"]}
    assert needed["contacts.readonly"] is not None
    assert needed["contacts.write"] is None
    unused = office("integration", "scopes-used", pi)
    assert unused.out.splitlines()[0].split() == ["SCOPE", "LAST", "NEEDED"]
    assert "1 of 2 were not needed" in unused.err


def test_json_is_what_the_api_answers(office: Office, account: str, start: Start) -> None:
    """Scripts can go from one to the other; and a change through a command reaches a running node."""
    made = make(office, account)
    pi = of(made)
    office("integration", "rotate", pi, "--later")
    _use(office, made["token"]["id"])
    office("member", "create", "z@example.com", "--name", "Z", "--account", account)
    key = office.json("admin-key", "create", "compare")["secret"]
    running = start("serve", "--config", office.site.config)
    base = f"http://{running.event('ready')['admin']}/api/v1"

    def call(path: str, method: str = "GET", body: object = None) -> Any:
        request = urllib.request.Request(
            base + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as answer:
            return json.load(answer)

    one, many = f"/accounts/{account}/integrations/{pi}", f"/accounts/{account}/integrations"
    span = {"from": "2026-01-01T00:00:00Z", "to": "2026-01-02T00:00:00Z"}
    query = "&".join(f"{name}={value}" for name, value in span.items())
    options = [text for name, value in span.items() for text in (f"--{name}", value)]
    for path, arguments in (
        ("/scopes", ("scope", "list")),
        ("/accounts?limit=200", ("account", "list")),
        (f"/accounts/{account}", ("account", "show", account)),
        (f"/accounts/{account}/members", ("member", "list", "--account", account)),
        (f"{many}?deleted=true&limit=200", ("integration", "list", "--account", account, "--deleted")),
        (one, ("integration", "show", pi)),
        (f"{one}/activity?{query}", ("integration", "activity", pi, *options)),
        (f"{one}/scopes-used?from={span['from']}", ("integration", "scopes-used", pi, *options[:2])),
        ("/admin-keys", ("admin-key", "list")),
        (f"/accounts/{account}/audit?limit=200", ("audit", "list", "--account", account, "--limit", "200")),
        ("/audit?limit=1", ("audit", "list", "--limit", "1")),
    ):
        assert office.json(*arguments) == call(path), path
    by_api, by_command = call(f"{one}/cutover"), office.json("integration", "cutover", pi)
    assert by_command["cutover"].keys() == by_api["cutover"].keys(), "judged at another time"
    by_api, by_command = call("/nodes"), office.json("nodes", "list")
    assert [node.keys() for node in by_api["items"]] == [node.keys() for node in by_command["items"]]

    by_api = call(f"{one}?wait=30s", "PATCH", {"description": "By API"})
    by_command = office.json("integration", "edit", pi, "--description", "By command", "--wait", "30s")
    assert by_command.keys() == by_api.keys()
    assert (by_command["applied_by"], by_command["waiting_for"]) == (1, [])
    assert by_command["integration"] == {**by_api["integration"], "description": "By command"}
    running.stop()
