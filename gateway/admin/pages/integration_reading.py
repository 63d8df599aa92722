"""The integration that a page is about."""

from __future__ import annotations

from gateway.admin.management.codes import Code
from gateway.admin.management.refusals import Missing, StaleVersion
from gateway.admin.management.views import IntegrationView
from gateway.admin.pages.forms import Unreadable
from gateway.admin.pages.visit import Visit
from gateway.storage.integration_state import IntegrationState


async def any_integration(visit: Visit) -> IntegrationView:
    """The integration in the path, a deleted one as well. Raises Missing and Forbidden."""
    return await visit.management.integrations.get(
        visit.principal, visit.account.id, visit.segment("integration_id", "integration")
    )


async def live_integration(visit: Visit) -> IntegrationView:
    """The integration in the path. Raises Missing for a deleted one, too: there is nothing left to do to it."""
    found = await any_integration(visit)
    if found.state is IntegrationState.DELETED:
        raise Missing("private integration")
    return found


def seen_version(visit: Visit) -> int:
    """The version on which the form was made. Raises Unreadable."""
    given = visit.form.get("version")
    if not given.isascii() or not given.isdigit() or len(given) > 18:
        raise Unreadable(400, "The form is not complete. Open the page again and repeat what you did.")
    return int(given)


async def as_seen(visit: Visit) -> IntegrationView:
    """The integration, if it is still as the form showed it. Raises StaleVersion.

    So a form that is sent twice, to two processes, does not replace the token that it has just made.
    """
    found = await live_integration(visit)
    if found.version != seen_version(visit):
        raise StaleVersion(
            Code.VERSION_STALE, "The integration was changed since it was read; read it again."
        )
    return found
