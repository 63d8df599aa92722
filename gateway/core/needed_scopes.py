"""Which of its scopes an integration needed for what it did."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.core.model import Route
from gateway.core.scopes import judged


def needed_scopes(
    used: Iterable[tuple[str, str]], granted: frozenset[str], routes: Iterable[Route]
) -> dict[tuple[str, str], frozenset[str]]:
    """For each used operation (method, template) of the map: the granted scopes that let it pass.

    Where any one of several would have done, all that are held count: which is the needed one cannot be told, and what
    is called unused may be taken away. So do those that a shadow needs: they will be missed when it is enforced.
    """
    known = {(route.method, route.template): route for route in routes}
    needed = {}
    for method, template in used:
        route = known.get((method, template))
        if route is None and method == "HEAD":
            route = known.get(("GET", template))
        named = {scope for form in judged([route] if route is not None else []) for scope in form.scopes}
        if named:
            needed[method, template] = granted.intersection(named)
    return needed
