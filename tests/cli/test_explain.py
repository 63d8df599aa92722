"""`gateway explain` as a person and a script use it: its steps, its verdict, its exit status."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Site
from tests.cli.process import Warm
from tests.wiring.standing import Standing


def test_the_steps_and_the_verdict_last(command: Warm, site: Site) -> None:
    result = command(
        "explain", "POST", "/contacts/", "--scopes", "contacts.readonly", "--config", site.config
    )
    assert result.status == 1
    lines = result.out.splitlines()
    assert lines[0].split() == ["STEP", "WHAT"]
    assert [line.split()[:2] for line in lines[1:13]] == [
        ["read", "ok"], ["path", "ok"], ["match", "ok"], ["credential", "ok"], ["token", "ok"], ["operation", "ok"],
        ["account", "ok"], ["scope", "NO"], ["version", "."], ["limits", "."], ["shadow", "."], ["forward", "."],
    ]  # fmt: skip
    assert lines[-1] == (
        "refused: 403 scope_missing (contacts.write): The token is not authorized for this scope."
    )
    assert "give the integration the scope contacts.write" in result.err


def test_what_is_let_through_ends_well(command: Warm, site: Site, standing: Standing) -> None:
    config = ("--config", site.config)
    for given in (
        ("--token", standing.reader.secret),
        ("--integration", standing.reader.integration_id),
        ("--scopes", "contacts.readonly other"),
    ):
        result = command("explain", "GET", "https://api.test/contacts/1?x=1", *given, *config)
        assert result.status == 0, result.err
        assert result.out.splitlines()[-1] == "let through: the upstream answers"
        assert standing.reader.secret not in result.out + result.err
    told = command("explain", "GET", "/contacts/1", *given, "--json", *config)
    assert (told.status, told.json["allowed"], told.json["route"]["path"]) == (
        0,
        True,
        "/contacts/{contactId}",
    )


def test_a_token_comes_from_standard_input(command: Warm, site: Site, standing: Standing) -> None:
    question = ("explain", "GET", "/contacts/1", "--token", "-", "--json", "--config", site.config)
    result = command(*question, given=standing.suspended.secret + "\n")
    assert (result.status, result.json["code"]) == (1, "integration_suspended")
    assert command(*question, given="").status == 2


def test_headers_and_bodies_are_part_of_the_question(command: Warm, site: Site) -> None:
    config = ("--scopes", "contacts.readonly contacts.write", "--json", "--config", site.config)
    versioned = ("explain", "GET", "/versioned", "-H", "Version: 2021-07-28")
    assert command(*versioned, *config).status == 0
    assert command(*versioned, "-H", "Version: 2021-07-28", *config).json["code"] == "version_required"
    assert command("explain", "POST", "/small", "--body-bytes", "1024", *config).status == 0
    assert command("explain", "POST", "/small", "--body-bytes", "1025", *config).json["status"] == 413
    agency = ("explain", "GET", "/contacts/1", "--account-kind", "agency", *config)
    assert command(*agency).json["code"] == "account_kind"


def test_another_map_is_tried_without_a_database(command: Warm, site: Site, standing: Standing) -> None:
    """Also with one, where a token has to be looked up."""
    site.routes.write_text(
        "upstreams: {u: {urls: ['http://127.0.0.1:9']}}\nservices:\n  a:\n    upstream: u\n    routes:\n"
        "      GET /new: {scope: contacts.readonly, shadow: {scope: contacts.write}}\n"
    )
    question = ("explain", "GET", "/new", "--routes", site.routes)
    nowhere = command(*question, "--scopes", "contacts.readonly")
    assert (nowhere.status, "its shadow would refuse it with scope_missing" in nowhere.err) == (0, True)
    told = command(*question, "--token", standing.reader.secret, "--json", "--config", site.config)
    assert (told.status, told.json["shadow"]) == (0, {"code": "scope_missing", "scope": "contacts.write"})


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("GET",), "PATH"),
        (("GET", "/a", "--token", "x", "--scopes", "a"), "--token and --scopes exclude each other"),
        (("GET", "/a", "--trace", "x"), "--trace stands in place of METHOD, PATH"),
        (("--trace", "x", "--body-bytes", "1"), "--trace stands in place of METHOD, PATH"),
        (("--trace", "a b"), "--trace: "),
        ((), "write METHOD and PATH, or --trace ID"),
        (("GET", "/a", "-H", "nonsense"), "write 'Name: value'"),
        (("GET", "/a\n"), "PATH: "),
        (("GET", "/a", "--body-bytes", "-1"), "--body-bytes: "),
        (("GET", "/a", "--account-kind", "x"), "--account-kind"),
        (("GET", "/a", "--routes", "/nonexistent.yaml"), "cannot be read"),
    ],
)
def test_bad_usage_is_told_in_a_line(
    command: Warm, site: Site, arguments: tuple[str, ...], words: str
) -> None:
    result = command("explain", *arguments, "--config", site.config)
    assert (result.status, result.out) == (2, "")
    assert words in result.err


def test_a_request_that_was_not_recorded_is_told(command: Warm, site: Site) -> None:
    result = command("explain", "--trace", "unknown", "--config", site.config)
    assert (result.status, result.out) == (1, "")
    assert "--trace: There is no recorded request with this trace id" in result.err


def test_an_integration_that_is_not_there_is_told(command: Warm, site: Site) -> None:
    result = command("explain", "GET", "/a", "--integration", "pi_none", "--config", site.config)
    assert (result.status, result.out) == (1, "")
    assert "--integration: There is no such integration" in result.err
