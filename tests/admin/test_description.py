"""The description of the API: valid, complete, and true of what is answered; and the page that shows it."""

from __future__ import annotations

import asyncio
import re
import sys
from html.parser import HTMLParser
from pathlib import Path

from openapi_spec_validator import OpenAPIV31SpecValidator

from gateway.admin.api.openapi import describe
from gateway.admin.api.table import BASE, OPERATIONS
from gateway.core.model import AccountKind
from tests.admin.conftest import NEW, Client, Console, published
from tests.wiring.recorded import entry, store

ST_SECONDS = 600


def test_it_is_valid_openapi() -> None:
    OpenAPIV31SpecValidator(describe(version="1")).validate()


def test_every_call_is_described_once() -> None:
    described = describe(version="1")
    ids = [one["operationId"] for item in described["paths"].values() for one in item.values()]
    assert sorted(ids) == sorted(operation.id for operation in OPERATIONS)
    assert len(set(ids)) == len(ids)
    assert {(one.method, BASE + one.path) for one in OPERATIONS} == {
        (method.upper(), path) for path, item in described["paths"].items() for method in item
    }


async def test_anybody_can_read_it(console: Console) -> None:
    reply = await console.client().get("/openapi.json")
    assert (reply.status, reply.json) == (200, describe(version="1"))


class Page(HTMLParser):
    """What a page links to and has inside."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.ids: list[str] = []
        self.inline: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            if name in {"href", "src"}:
                self.links.append(value or "")
            elif name == "id":
                self.ids.append(value or "")
            elif name == "style" or name.startswith("on"):
                self.inline.append(name)


async def test_the_page_shows_every_call_and_asks_nobody_else(console: Console) -> None:
    reply = await console.client().get("/docs")
    assert (reply.status, reply.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    policy = reply.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    page = Page()
    page.feed(reply.content.decode())
    assert not {"script", "iframe", "img", "style"} & set(page.tags)
    assert page.inline == []
    assert {operation.id for operation in OPERATIONS} <= set(page.ids)
    assert len(set(page.ids)) == len(page.ids)
    here = {link for link in page.links if link.startswith("#")}
    assert {link[1:] for link in here} <= set(page.ids)
    assert set(page.links) - here == {"docs.css", "openapi.json"}
    style = await console.client().get("/docs.css")
    assert (style.status, style.headers["Content-Type"]) == (200, "text/css; charset=utf-8")
    assert b"url(" not in style.content
    assert b"@import" not in style.content


async def test_what_is_answered_is_what_is_described(
    console: Console, operator: Client, tmp_path: Path
) -> None:
    """Schemathesis calls everything, with what the description allows and with what it does not."""
    agency = await console.account(AccountKind.AGENCY)
    account = await console.account(parent=agency)
    member = await console.member(account)
    made = await operator.post(f"/accounts/{account.id}/integrations", NEW)
    ids = {
        "account_id": account.id,
        "member_id": member.id,
        "integration_id": made.json["integration"]["id"],
        "key_id": (await operator.post("/admin-keys", {"name": "Spare"})).json["admin_key"]["id"],
        "trace_id": "a-trace",
        "version": await published(console),
    }
    await store(
        console.database, entry("a-trace", account=account.id, integration=ids["integration_id"], code="x")
    )
    settings = tmp_path / "schemathesis.toml"
    lines = [f'"path.{name}" = "{value}"' for name, value in ids.items()]
    # What a value may be is not all in the schema: which scopes there are, which window is too long, which bounds go
    # together. So that something valid is refused with 422 is no finding.
    settings.write_text(
        "\n".join(["[parameters]", *lines, "[checks.positive_data_acceptance]", "enabled = false"])
    )
    # One worker: ast.parse of CPython 3.11 raises SystemError in two threads at once.
    process = await asyncio.create_subprocess_exec(
        Path(sys.executable).with_name("st"),
        *("--config-file", str(settings)),
        "run",
        f"{console.url}/openapi.json",
        *("--header", f"Authorization: {operator.headers['Authorization']}"),
        *("--max-examples", "8", "--seed", "1", "--phases", "examples,coverage,fuzzing"),
        *("--workers", "1", "--continue-on-failure", "--generation-database", "none"),
        cwd=tmp_path,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(ST_SECONDS):
        output, _ = await process.communicate()
    text = re.sub(rb"adm_[0-9A-Za-z]+", b"adm_", output).decode(errors="replace")
    assert process.returncode == 0, text[-15000:]
    assert console.failures == []
