"""Route maps made of a few lines, and strategies for whole ones, for tests that compare maps."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

from hypothesis import strategies as st

from gateway.core.model import Access, AccountKind, Caller, Route, RouteMap, TokenRecord, Upstream
from gateway.core.routes import shape, split

UPSTREAMS = ("crm", "media")


def needing(needs: str) -> tuple[Access, tuple[str, ...]]:
    """`a.read b.read`: all of them; `a.read | b.read`: one of them; a word of the map: that."""
    if needs in {access.value for access in Access}:
        return Access(needs), ()
    if "|" in needs:
        return Access.ANY_OF, tuple(scope.strip() for scope in needs.split("|"))
    return Access.ALL_OF, tuple(needs.split())


def route(key: str, needs: str = "a.read", **more: Any) -> Route:
    """A route such as `route("GET /a/{x}", "a.read")`."""
    method, template = key.split()
    access, scopes = needing(needs)
    made = Route(method=method, template=template, service="s", upstream="crm", access=access, scopes=scopes)
    return replace(made, **more)


def made_map(*routes: Route, scopes: dict[str, str] | None = None, **urls: str) -> RouteMap:
    """A map of these routes; `urls` are the addresses of upstreams by their names, blank-separated."""
    return RouteMap(
        upstreams={
            name: Upstream(name=name, urls=tuple(urls.get(name, f"http://{name}:1").split()))
            for name in UPSTREAMS
        },
        routes=routes,
        scopes=scopes or {},
        scope_lines={},
        version="0" * 64,
    )


SCOPES = ("a.read", "a.write", "b.read")
SEGMENTS = ("a", "b", "x:y", "x%3Ay", "~")
_needs = st.sampled_from([access.value for access in Access if access not in {Access.ALL_OF, Access.ANY_OF}])
_forms = st.one_of(
    _needs.map(needing),
    st.tuples(
        st.sampled_from([Access.ALL_OF, Access.ANY_OF]),
        st.lists(st.sampled_from(SCOPES), min_size=1, max_size=2, unique=True).map(tuple),
    ),
)
kinds = st.sampled_from([None, *AccountKind])
# Few words, so that templates overlap and cross.
_parts = st.sampled_from(["{}", "{}", "a", "a", "b", "{}", "a", *SEGMENTS])
_templates = st.lists(_parts, min_size=1, max_size=2).map(
    lambda parts: "/" + "/".join(f"{{p{at}}}" if part == "{}" else part for at, part in enumerate(parts))
)


@st.composite
def routes(draw: st.DrawFn) -> Route:
    """Any route of a small world, in which templates often overlap."""
    access, scopes = draw(_forms)
    made = Route(
        method=draw(st.sampled_from(["GET", "GET", "GET", "POST", "HEAD"])),
        template=draw(_templates),
        service=draw(st.sampled_from(["s", "t"])),
        upstream=draw(st.sampled_from(UPSTREAMS)),
        access=access,
        scopes=scopes,
        account=draw(kinds),
        versions=draw(st.sampled_from([(), ("v1",), ("v2",), ("v1", "v2")])),
        body_limit=draw(st.sampled_from([None, 1])),
    )
    if draw(st.booleans()) or access in {Access.PUBLIC, Access.DENY}:
        return made
    # As `shadow: true` is read: what the route needs is only judged.
    return replace(made, access=Access.AUTHENTICATED, scopes=(), account=None, versions=(), shadow=made)


def _one_of_each_shape(found: list[Route]) -> list[Route]:
    return list({(one.method, shape(one.template)): one for one in found}.values())


publishable_routes = st.lists(routes(), max_size=6).map(_one_of_each_shape)


@st.composite
def map_pairs(draw: st.DrawFn) -> tuple[RouteMap, RouteMap]:
    """A map, and another that has some of its routes, some changed, and some of its own."""
    old = draw(publishable_routes)
    kept = [draw(st.sampled_from([one, replace(one, scopes=one.scopes[:1]), None])) for one in old]
    new = _one_of_each_shape([*(one for one in kept if one is not None), *draw(publishable_routes)])
    return made_map(*old), made_map(*draw(st.permutations(new)))


# Every request that the words above can make, and one word that no template has.
PATHS = tuple(
    "/" + "/".join(parts) for length in (1, 2) for parts in product((*SEGMENTS, "zz"), repeat=length)
)
METHODS = ("GET", "POST", "HEAD", "DELETE")


VERSIONS: tuple[tuple[str, ...], ...] = ((), ("v1",), ("v2",), ("v3",))


@st.composite
def records(draw: st.DrawFn) -> TokenRecord | None:
    """Somebody's live token, or none."""
    scopes = draw(st.frozensets(st.sampled_from(SCOPES)))
    kind = draw(st.sampled_from(AccountKind))
    caller = Caller(
        account_id="acc_1", account_kind=kind, integration_id="int_1", token_id="tok_1", scopes=scopes
    )
    return draw(
        st.sampled_from([None, TokenRecord(caller=caller, suspended=False, ends_at=None, ending=None)])
    )


def takes(template: str, path: str) -> bool:
    """Whether the template fits the path, segment by segment."""
    ours, theirs = split(template), split(path)
    return len(ours) == len(theirs) and all(
        one.startswith("{") or one == other for one, other in zip(ours, theirs, strict=True)
    )
