"""Editing in two steps, which leaves the token alone, and deleting, which asks for the name."""

from __future__ import annotations

from gateway.admin.management.refusals import Unprocessable
from gateway.admin.management.requests import IntegrationEdit
from gateway.admin.management.values import parse
from gateway.admin.management.views import IntegrationView
from gateway.admin.pages.answers import Answer, Done, Show
from gateway.admin.pages.integration_reading import live_integration, seen_version
from gateway.admin.pages.scope_choices import services
from gateway.admin.pages.views_create import read_details
from gateway.admin.pages.visit import Visit
from gateway.admin.pages.words import by_field


async def details(visit: Visit) -> Answer:
    """Step 1: name and description."""
    integration = await live_integration(visit)
    values = {
        "name": visit.query.get("name", integration.name),
        "description": visit.query.get("description", integration.description),
    }
    return Show("edit_details.html", {"integration": integration, "values": values})


async def scopes(visit: Visit) -> Answer:
    """Step 2: the scopes."""
    integration = await live_integration(visit)
    try:
        given = read_details(visit)
    except Unprocessable as refusal:
        values = {name: visit.query.get(name, "") for name in ("name", "description")}
        return Show(
            "edit_details.html",
            {"integration": integration, "values": values, "errors": by_field(refusal.flaws)},
            422,
        )
    return _scopes(visit, integration, given.name, given.description, integration.scopes)


async def update(visit: Visit) -> Answer:
    """Saves both steps, unless somebody else was faster."""
    integration = await live_integration(visit)
    form = visit.form
    name, description, chosen = form.get("name"), form.get("description"), form.all("scopes")
    try:
        edit = parse(IntegrationEdit, {"name": name, "description": description, "scopes": tuple(chosen)})
        await visit.management.integrations.edit(
            visit.principal, visit.account.id, integration.id, edit, versions=frozenset({seen_version(visit)})
        )
    except Unprocessable as refusal:
        return _scopes(visit, integration, name, description, chosen, by_field(refusal.flaws))
    return visit.go("private-integrations", integration.id, done=Done.UPDATED)


def _scopes(
    visit: Visit,
    integration: IntegrationView,
    name: str,
    description: str,
    chosen: list[str] | tuple[str, ...],
    errors: dict[str, str] | None = None,
) -> Show:
    found = services(visit.rules.live_map(), visit.account.kind, chosen=set(chosen))
    offered = {choice.scope for service in found for choice in service.choices}
    return Show(
        "edit_scopes.html",
        {
            "integration": integration,
            "name": name,
            "description": description,
            "services": found,
            "chosen": sum(service.chosen for service in found),
            "gone": sorted(set(integration.scopes) - offered),
            "errors": errors or {},
        },
        422 if errors else 200,
    )


async def ask_deletion(visit: Visit) -> Answer:
    """The warning before an integration is deleted."""
    return Show("delete.html", {"integration": await live_integration(visit)})


async def delete(visit: Visit) -> Answer:
    """Deletes it, if its name was typed."""
    integration = await live_integration(visit)
    if visit.form.get("name").strip() != integration.name:
        return Show(
            "delete.html",
            {
                "integration": integration,
                "errors": {"name": "This is not the name of the private integration."},
            },
            422,
        )
    await visit.management.integrations.delete(visit.principal, visit.account.id, integration.id)
    return visit.go("private-integrations", done=Done.DELETED)
