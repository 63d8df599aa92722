"""`gateway requests`: what happened to a request, by its trace id, or among many."""

from __future__ import annotations

from gateway.storage.database import connect
from tests.cli.conftest import Site
from tests.cli.process import Warm
from tests.wiring.databases import run
from tests.wiring.recorded import entry, store
from tests.wiring.tenants import Issued, Tenants


async def _fill(dsn: str) -> Issued:
    database = await connect(dsn, pool_size=1)
    try:
        issued = await Tenants(database).issue("contacts.readonly")
        whose = {
            "account": issued.account_id,
            "integration": issued.integration_id,
            "token": issued.token_id,
        }
        await store(
            database,
            entry("first", ago=3.0, **whose),
            entry("again", ago=2.0, **whose),
            entry("again", ago=1.0, status=403, code="scope_missing", **whose),
            entry("left", ago=0.5, status=0, code="caller_left", **whose),
            entry("stranger", status=401, code="token_unknown"),
        )
        return issued
    finally:
        await database.close()


def test_requests_are_listed_newest_first_and_narrowed(command: Warm, own_site: Site) -> None:
    issued = run(_fill(own_site.dsn))

    def traces(*options: str) -> list[str]:
        result = command("requests", "list", *options, "--config", own_site.config, "--json")
        assert result.status == 0, result.err
        return [item["trace_id"] for item in result.json["items"]]

    assert traces() == ["stranger", "left", "again", "again", "first"]
    assert traces("--integration", issued.integration_id, "--limit", "2") == ["left", "again"]
    assert traces("--account", issued.account_id, "--token", issued.token_id, "--status", "2xx") == [
        "again",
        "first",
    ]
    assert traces("--code", "token_unknown") == ["stranger"]
    assert traces("--route", "GET /nowhere") == []
    assert traces("--trace", "again", "--from", "2020-01-01T00:00:00Z") == ["again", "again"]
    assert traces("--to", "2020-01-01T00:00:00Z") == []
    result = command("requests", "list", "--config", own_site.config, "--limit", "3")
    header, *lines = result.out.splitlines()
    assert header.split() == ["AT", "STATUS", "CODE", "OPERATION", "MS", "INTEGRATION", "CLIENT", "TRACE"]
    assert [line.split()[-1] for line in lines] == ["stranger", "left", "again"]
    assert "scope_missing" in lines[2]
    assert "3 requests; there are older ones" in result.err


def test_one_is_shown_by_its_trace_id(command: Warm, own_site: Site) -> None:
    issued = run(_fill(own_site.dsn))
    result = command("requests", "show", "again", "--config", own_site.config)
    assert result.status == 0
    facts = dict(
        line.split(maxsplit=1) for line in result.out.splitlines() if line.startswith(("status", "code"))
    )
    assert facts == {"status": "403", "code": "scope_missing"}
    assert "1 other request with this trace id: `gateway requests list --trace again`" in result.err
    told = command("requests", "show", "first", "--config", own_site.config, "--json").json
    assert (told["token_id"], told["others"], told["client"]) == (issued.token_id, 0, "192.0.2.0/24")
    elsewhere = command(
        "requests", "show", "stranger", "--account", issued.account_id, "--config", own_site.config
    )
    assert elsewhere.status == 1


def test_what_is_not_recorded_says_why_it_may_not_be(command: Warm, own_site: Site) -> None:
    result = command("requests", "show", "never", "--config", own_site.config)
    assert (result.status, result.out) == (1, "")
    assert "there is no request record 'never' (it may not be of the sample" in result.err
    assert command("requests", "list", "--config", own_site.config).err.endswith("0 requests\n")


def test_what_cannot_be_asked_is_bad_usage(command: Warm, own_site: Site) -> None:
    result = command("requests", "list", "--config", own_site.config, "--status", "teapot", "--from", "noon")
    assert (result.status, result.out) == (2, "")
    assert "--status: Write a status such as 404, a class such as 5xx, or 0" in result.err
    assert "--from: " in result.err
    result = command("requests", "show", "a b", "--config", own_site.config)
    assert (result.status, "TRACE: " in result.err) == (2, True)
