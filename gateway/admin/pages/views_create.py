"""Create new Integration: name and description, then the scopes, then the token, which is shown once."""

from __future__ import annotations

from pydantic import ValidationError

from gateway.admin.management.outcomes import IntegrationIssued
from gateway.admin.management.refusals import Unprocessable
from gateway.admin.management.requests import NewIntegration
from gateway.admin.management.values import Description, Name, Value, as_unprocessable, parse
from gateway.admin.pages.answers import Answer, Show
from gateway.admin.pages.curl_line import curl_line, sample_route
from gateway.admin.pages.scope_choices import services
from gateway.admin.pages.visit import Visit
from gateway.admin.pages.words import by_field


class Details(Value):
    """The first step. It travels in the address: going back and forth loses nothing, and nothing is kept here."""

    name: Name
    description: Description = ""


def read_details(visit: Visit) -> Details:
    """The first step's values. Raises Unprocessable."""
    try:
        return Details(
            name=visit.query.get("name", ""),
            description=visit.query.get("description", "").replace("\r\n", "\n"),
        )
    except ValidationError as error:
        raise as_unprocessable(error) from None


async def details(visit: Visit) -> Answer:
    """Step 1."""
    visit.require_integrations()
    values = {name: visit.query.get(name, "") for name in ("name", "description")}
    return Show("create_details.html", {"values": values})


async def scopes(visit: Visit) -> Answer:
    """Step 2."""
    visit.require_integrations()
    try:
        given = read_details(visit)
    except Unprocessable as refusal:
        values = {name: visit.query.get(name, "") for name in ("name", "description")}
        return Show("create_details.html", {"values": values, "errors": by_field(refusal.flaws)}, 422)
    return _scopes(visit, given.name, given.description, ())


async def create(visit: Visit) -> Answer:
    """Makes the integration. The answer is the one page that has its token."""
    form = visit.form
    name, description, chosen = form.get("name"), form.get("description"), form.all("scopes")
    try:
        new = parse(NewIntegration, {"name": name, "description": description, "scopes": tuple(chosen)})
        made = await visit.management.integrations.create(visit.principal, visit.account.id, new)
    except Unprocessable as refusal:
        errors = by_field(refusal.flaws)
        if "name" in errors or "description" in errors:
            values = {"name": name, "description": description}
            return Show("create_details.html", {"values": values, "errors": errors}, 422)
        return _scopes(visit, name, description, chosen, errors)
    return issued(visit, made, "Your private integration is ready")


def _scopes(
    visit: Visit,
    name: str,
    description: str,
    chosen: list[str] | tuple[str, ...],
    errors: dict[str, str] | None = None,
) -> Show:
    found = services(visit.rules.live_map(), visit.account.kind, chosen=set(chosen))
    return Show(
        "create_scopes.html",
        {
            "name": name,
            "description": description,
            "services": found,
            "chosen": sum(service.chosen for service in found),
            "errors": errors or {},
        },
        422 if errors else 200,
    )


def issued(visit: Visit, made: IntegrationIssued, title: str) -> Show:
    """The page with a token that was just made."""
    assert made.token is not None
    route = sample_route(visit.rules.live_map(), visit.account.kind, made.integration.scopes)
    line = None
    if route is not None:
        line = curl_line(route, proxy_url=visit.rules.proxy_url(visit.host), secret=made.token.secret)
    return Show(
        "token.html",
        {
            "integration": made.integration,
            "secret": made.token.secret,
            "curl": line,
            "title": title,
            "onward": visit.here("private-integrations", made.integration.id),
        },
    )
