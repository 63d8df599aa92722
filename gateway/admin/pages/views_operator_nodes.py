"""For operators: the nodes of the gateway, what each runs, and how far each has come."""

from __future__ import annotations

from gateway.admin.pages.answers import Answer, Show
from gateway.admin.pages.visit import Visit


async def nodes(visit: Visit) -> Answer:
    """Every node that was heard from lately, and which of them shows this page."""
    newest = await visit.management.nodes.newest_revision(visit.principal)
    found = await visit.management.nodes.list(visit.principal)
    return Show(
        "operator_nodes.html",
        {
            "nodes": found.items,
            "newest": max([newest, *(node.applied_revision for node in found.items)]),
            "own": visit.rules.health(),
        },
    )
