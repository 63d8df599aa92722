"""`gateway suggest` at a terminal and in a script."""

from __future__ import annotations

from tests.cli.conftest import Site
from tests.cli.process import Warm


def test_what_is_unused_is_listed_and_the_doubt_is_said(command: Warm, own_site: Site) -> None:
    made = command(
        "account", "create", "Bluebird", "--kind", "sub_account", "--json", "--config", own_site.config
    )
    account = made.json["account"]["id"]
    words = (
        "--account",
        account,
        "--name",
        "Sync",
        "--scope",
        "contacts.readonly",
        "--config",
        own_site.config,
    )
    assert command("integration", "create", *words).status == 0
    result = command("suggest", "--config", own_site.config)
    assert result.status == 0, result.err
    assert "0.0 hours of these 30.0 days were counted" in result.out
    assert "ROUTES THAT NOBODY CALLED" in result.out
    assert "/contacts/{contactId}" in result.out
    assert "/oauth/token" not in result.out
    assert "1 integration made since then, without the time" in result.err
    assert "not all of this time was counted (it never was)" in result.err
    told = command("suggest", "--unused-for", "1h", "--json", "--config", own_site.config)
    assert (told.status, told.json["is_complete"], told.json["next_cursor"]) == (0, False, None)


def test_a_time_that_makes_no_sense_is_bad_usage(command: Warm, site: Site) -> None:
    for span in ("soon", "5m", "400d"):
        result = command("suggest", "--unused-for", span, "--config", site.config)
        assert (result.status, result.out) == (2, "")
        assert "--unused-for: " in result.err
