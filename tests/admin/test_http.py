"""What every call has in common: credentials, bodies, unknown paths and methods, and failures of the store."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

import gateway
from gateway.admin.management.codes import Code
from gateway.core.tokens import mint
from tests.admin.conftest import NEW, Client, Console


@pytest.mark.parametrize(
    ("header", "code", "challenge"),
    [
        (None, "credentials_missing", 'Bearer realm="gateway-admin"'),
        ("Bearer", "admin_key_invalid", 'Bearer realm="gateway-admin", error="invalid_token"'),
        ("Bearer nonsense", "admin_key_invalid", 'Bearer realm="gateway-admin", error="invalid_token"'),
        (
            f"Bearer {mint('adm', bytes(32))}",
            "admin_key_invalid",
            'Bearer realm="gateway-admin", error="invalid_token"',
        ),
        (
            f"Bearer {mint('pit', bytes(32))}",
            "admin_key_invalid",
            'Bearer realm="gateway-admin", error="invalid_token"',
        ),
        ("Basic YTpi", "admin_key_invalid", 'Bearer realm="gateway-admin", error="invalid_token"'),
    ],
)
async def test_without_a_good_credential_the_answer_is_401_with_a_challenge(
    console: Console, header: str | None, code: str, challenge: str
) -> None:
    client = console.client() if header is None else console.client(Authorization=header)
    reply = await client.get("/accounts")
    assert reply.told() == (401, code)
    assert reply.headers["WWW-Authenticate"] == challenge


async def test_an_integrations_token_is_no_admin_key(console: Console, operator: Client) -> None:
    account = await console.account()
    made = await operator.post(f"/accounts/{account.id}/integrations", NEW)
    assert (await console.holding(made.json["token"]["secret"]).get("/accounts")).status == 401


async def test_the_scheme_of_a_credential_has_no_case(console: Console, operator: Client) -> None:
    operator.headers["Authorization"] = operator.headers["Authorization"].replace("Bearer ", "bEARER  ")
    assert (await operator.get("/accounts")).status == 200


@pytest.mark.parametrize(
    ("data", "headers", "told"),
    [
        (b"{", {}, (400, "json_malformed")),
        (b"", {}, (400, "json_malformed")),
        (b'{"name": "\xff"}', {}, (400, "json_malformed")),
        (b'{"name": "\\ud800"}', {}, (400, "json_malformed")),
        (b"[" * 100_000, {}, (400, "json_malformed")),
        (b"[]", {}, (422, "invalid")),
        (b"null", {}, (422, "invalid")),
        (b"{}", {"Content-Type": "text/plain"}, (415, "content_type")),
        (b"name=x", {"Content-Type": "application/x-www-form-urlencoded"}, (415, "content_type")),
        (b" " * (256 * 1024 + 1), {}, (413, "body_too_large")),
    ],
)
async def test_a_body_that_is_not_what_is_asked_for(
    console: Console, operator: Client, data: bytes, headers: dict[str, str], told: tuple[int, str]
) -> None:
    reply = await operator.call("POST", "/accounts", data=data, headers=headers)
    assert reply.told() == told


async def test_a_body_that_never_says_its_length_is_bounded(console: Console, operator: Client) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(300):
            yield b" " * 1024

    headers = {**operator.headers, "Content-Type": "application/json"}
    async with operator.session.post(f"{console.url}/accounts", data=chunks(), headers=headers) as response:
        assert response.status == 413
        assert (await response.json(content_type=None))["code"] == "body_too_large"


async def test_json_with_a_charset_is_json(operator: Client) -> None:
    reply = await operator.call(
        "POST",
        "/accounts",
        {"name": "Shop", "kind": "agency"},
        headers={"Content-Type": "application/json; charset=utf-8"},
    )
    assert reply.status == 201


@pytest.mark.parametrize("path", ["", "/", "/nothing", "/accounts/", "/accounts/x/y/z", "/session/some"])
async def test_an_unknown_path_is_a_problem_too(console: Console, path: str) -> None:
    assert (await console.client().get(path)).told() == (404, "path_unknown")


async def test_a_wrong_method_names_the_right_ones(console: Console) -> None:
    reply = await console.client().call("PUT", "/accounts")
    assert reply.told() == (405, "method_refused")
    assert reply.headers["Allow"] == "GET, POST"


async def test_a_failing_store_is_503_and_says_that_the_outcome_is_open(console: Console) -> None:
    operator = await console.operator()
    await console.database.close()
    reply = await operator.get("/accounts")
    assert reply.told() == (503, "store_unavailable")
    assert int(reply.headers["Retry-After"]) > 0
    assert "may have been made" in reply.json["detail"]
    assert len(console.failures) == 1
    console.failures.clear()


async def test_what_nobody_foresaw_is_500_without_a_detail(
    console: Console, operator: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def explode(*_given: object, **_named: object) -> None:
        raise RuntimeError("a secret detail")

    monkeypatch.setattr(type(console.services.accounts), "list", explode)
    reply = await operator.get("/accounts")
    assert reply.told() == (500, "internal_error")
    assert b"secret detail" not in reply.content
    assert [str(error) for _, error in console.failures] == ["a secret detail"]
    console.failures.clear()


def test_every_code_is_one_that_something_answers_with() -> None:
    sources = "\n".join(path.read_text() for path in (Path(gateway.__file__).parent / "admin").rglob("*.py"))
    assert [code for code in Code if f"Code.{code.name}" not in sources] == []
