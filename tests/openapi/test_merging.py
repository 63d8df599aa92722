"""A new version of a description in a map that people have edited: theirs stays to the letter, the rest is added and marked."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.core.model import Access
from gateway.openapi.drafting import Wishes
from gateway.openapi.importing import Imported
from gateway.openapi.merging import MergeWishes
from gateway.openapi.scope_list import read_scope_list
from gateway.settings.errors import ConfigurationError
from tests.openapi.made import BY_SCHEME, TARGET, imported, line, merged, operation, routes

EDITED = """\
# Ours: ask Kim before you change it.
upstreams: {crm: {urls: ["http://10.0.0.5:9001"]}}   # one for all

services:

  # The heart of it.
  people:                       # it was called contacts
    upstream: crm
    account: sub_account
    routes:
      # Reading
      GET /contacts/{contactId}: {scope: contacts.readonly, timeout: 5m}   # slow on Mondays
      GET /contacts/lookup: [contacts.readonly, locations.readonly]
      # Writing
      POST /contacts/:
        {scope: contacts.write, body_limit: 1MiB}  # Ümläute
      PUT /contacts/{contactId}:   # long
        scope: contacts.write   # why not
        # one that only people write
        shadow: {scope: contacts.admin}
        timeout: 10s
      DELETE /contacts/{contactId}: deny  # no scope: the description names none
      GET /contacts/ours: contacts.readonly  # by hand

scopes:
  contacts.readonly: View contacts   # for everyone
  contacts.write: Change contacts

# The end.
"""

ALL: dict[str, Any] = {
    "/contacts/{id}": {
        "get": operation("contacts.readonly", tags=["Contacts"]),
        "put": operation("contacts.write", tags=["Contacts"]),
        "delete": operation(tags=["Contacts"]),
    },
    "/contacts/lookup": {"get": operation("locations.readonly", "contacts.readonly", tags=["Contacts"])},
    "/contacts": {"post": operation("contacts.write", tags=["Contacts"])},
}


def differences(before: str, made: Imported) -> tuple[list[str], list[str]]:
    """The lines that went and those that came."""
    old, new = before.split("\n"), made.data.decode().split("\n")
    return [each for each in old if each not in new], [each for each in new if each not in old]


def test_what_is_described_already_changes_not_a_letter() -> None:
    made = merged(EDITED, ALL)
    assert made.data.decode() == EDITED
    assert made.changes is not None
    assert (made.changes.kept, made.changes.added, made.changes.gone) == (6, [], [])


def test_what_came_stands_behind_what_it_follows_in_the_service_that_people_renamed() -> None:
    paths = {
        **ALL,
        "/contacts/{id}/notes": {"get": operation("notes.readonly", tags=["Contacts"])},
        "/contacts/export": {"get": operation("contacts.readonly", tags=["Contacts"])},
    }
    made = merged(EDITED, paths)
    gone, came = differences(EDITED, made)
    assert gone == []
    assert came == [
        "      GET /contacts/export: {scope: contacts.readonly, account: any}  # new in 1.0",
        "      GET /contacts/{id}/notes: {scope: notes.readonly, account: any}  # new in 1.0",
    ]
    text = made.data.decode().split("\n")
    assert text[text.index(came[0]) - 1] == "        {scope: contacts.write, body_limit: 1MiB}  # Ümläute"
    assert (
        text[text.index(came[1]) - 1]
        == "      DELETE /contacts/{contactId}: deny  # no scope: the description names none"
    )


def test_a_new_service_comes_last_with_the_maps_own_upstream() -> None:
    made = merged(EDITED, {**ALL, "/teams": {"get": operation("teams.readonly", tags=["Teams"])}})
    text = made.data.decode()
    assert differences(EDITED, made)[0] == []
    assert (
        "      GET /contacts/ours: contacts.readonly  # by hand\n\n  teams:\n    upstream: crm\n    routes:\n"
        "      GET /teams: teams.readonly  # new in 1.0\n\nscopes:\n"
    ) in text


def test_a_named_upstream_is_added_where_the_others_are() -> None:
    paths = {**ALL, "/teams": {"get": operation("teams.readonly", tags=["Teams"])}}
    made = merged(
        EDITED, paths, Wishes(upstreams={"hr": ("http://10.0.0.9",)}), MergeWishes(own_upstreams=True)
    )
    assert (
        'upstreams: {crm: {urls: ["http://10.0.0.5:9001"]}, hr: {urls: ["http://10.0.0.9"]}}   # one for all\n'
        in made.data.decode()
    )
    block = EDITED.replace(
        'upstreams: {crm: {urls: ["http://10.0.0.5:9001"]}}',
        'upstreams:\n   crm:\n      urls: ["http://10.0.0.5:9001"]',
    )
    made = merged(
        block, paths, Wishes(upstreams={"hr": ("http://10.0.0.9",)}), MergeWishes(own_upstreams=True)
    )
    assert (
        '      urls: ["http://10.0.0.5:9001"]   # one for all\n   hr: {urls: ["http://10.0.0.9"]}\n'
        in made.data.decode()
    )


def test_what_went_is_marked_or_taken_out_and_what_is_ours_is_left_alone() -> None:
    paths = {path: item for path, item in ALL.items() if path != "/contacts/lookup"}
    made = merged(EDITED, paths)
    assert line(made, "GET /contacts/lookup").endswith(
        "[contacts.readonly, locations.readonly]  # gone from the description"
    )
    assert differences(EDITED, made)[0] == [
        "      GET /contacts/lookup: [contacts.readonly, locations.readonly]"
    ]
    assert made.changes is not None
    assert made.changes.gone == ["GET /contacts/lookup"]
    back = merged(made.data, ALL)
    assert back.data.decode() == EDITED, "it is back, and so is its line"
    pruned = merged(EDITED, paths, merge_wishes=MergeWishes(prune=True))
    assert differences(EDITED, pruned) == (
        ["      GET /contacts/lookup: [contacts.readonly, locations.readonly]"],
        [],
    )
    assert "GET /contacts/ours" in pruned.data.decode()


def test_words_for_scopes_go_with_the_last_route_that_needs_them() -> None:
    paths = {"/contacts/{id}": {"get": ALL["/contacts/{id}"]["get"]}}
    made = merged(EDITED, paths, merge_wishes=MergeWishes(prune=True))
    assert made.route_map.scopes == {"contacts.readonly": "View contacts"}
    assert "# The end.\n" in made.data.decode()


def test_a_service_that_went_as_a_whole_is_taken_out_as_a_whole() -> None:
    two = imported({**ALL, "/teams": {"get": operation("x", tags=["Teams"])}}).data
    made = merged(two, ALL, merge_wishes=MergeWishes(prune=True))
    assert "teams" not in made.data.decode()
    assert routes(made).keys() == routes(imported(ALL)).keys()


def test_a_part_of_the_descriptions_says_nothing_of_other_services() -> None:
    two = imported({**ALL, "/teams": {"get": operation("x", tags=["Teams"])}}).data
    assert merged(two, ALL, merge_wishes=MergeWishes(part=True, prune=True)).data == two
    assert b"gone from the description" in merged(two, ALL).data


def test_another_need_is_marked_and_kept() -> None:
    paths = {**ALL, "/contacts": {"post": operation("contacts.create", tags=["Contacts"])}}
    made = merged(EDITED, paths)
    assert differences(EDITED, made) == (
        ["        {scope: contacts.write, body_limit: 1MiB}  # Ümläute"],
        [
            "        {scope: contacts.write, body_limit: 1MiB}  # Ümläute; described: {scope: contacts.create, account: any}"
        ],
    )
    assert made.changes is not None
    assert made.changes.differing == [
        ("POST /contacts/", "contacts.write", "{scope: contacts.create, account: any}")
    ]
    assert merged(made.data, paths).data == made.data
    assert merged(made.data, ALL).data.decode() == EDITED, "the mark goes when the reason does"


@pytest.mark.parametrize(
    ("path", "method", "scopes", "before", "after"),
    [
        (
            "/contacts",
            "post",
            ("a", "b"),
            "        {scope: contacts.write, body_limit: 1MiB}  # Ümläute",
            "        {all_of: [a, b], body_limit: 1MiB}  # Ümläute",
        ),
        (
            "/contacts/lookup",
            "get",
            ("a",),
            "      GET /contacts/lookup: [contacts.readonly, locations.readonly]",
            "      GET /contacts/lookup: a",
        ),
        (
            "/contacts/{id}",
            "put",
            ("a", "b"),
            "        scope: contacts.write   # why not",
            "        all_of: [a, b]   # why not",
        ),
    ],
)
def test_another_need_is_taken_over_where_that_is_wished_and_everything_beside_it_stays(
    path: str, method: str, scopes: tuple[str, ...], before: str, after: str
) -> None:
    paths = {**ALL, path: {**ALL[path], method: operation(*scopes, tags=["Contacts"])}}
    made = merged(EDITED, paths, merge_wishes=MergeWishes(take_described=True))
    gone, came = differences(EDITED, made)
    assert (before in gone, came) == (True, [after])
    assert merged(made.data, paths).data == made.data


def test_kinds_of_account_and_versions_are_taken_over_with_the_needs() -> None:
    header = {"name": "Version", "in": "header", "required": True, "schema": {"enum": ["v2"]}}
    old = EDITED.replace(
        "GET /contacts/{contactId}: {scope: contacts.readonly, timeout: 5m}",
        "GET /contacts/{contactId}: {account: any, scope: contacts.readonly, timeout: 5m, versions: [v1]}",
    )
    get = operation("contacts.readonly", scheme="Agency", parameters=[header], tags=["Contacts"])
    put = operation("contacts.write", scheme="Agency", parameters=[header], tags=["Contacts"])
    paths = {**ALL, "/contacts/{id}": {**ALL["/contacts/{id}"], "get": get, "put": put}}
    made = merged(old, paths, Wishes(reading=BY_SCHEME), MergeWishes(take_described=True))
    assert line(made, "GET /contacts/{contactId}") == (
        "GET /contacts/{contactId}: {account: agency, scope: contacts.readonly, timeout: 5m, versions: [v2]}   # slow on Mondays"
    )
    assert "        scope: contacts.write\n        account: agency   # why not\n" in made.data.decode()
    assert routes(made)["PUT /contacts/{contactId}"].versions == (), "nobody asked for them before"


def test_a_denial_that_nobody_touched_is_filled_by_the_description_or_a_list() -> None:
    paths = {
        **ALL,
        "/contacts/{id}": {
            **ALL["/contacts/{id}"],
            "delete": operation("contacts.delete", tags=["Contacts"]),
        },
    }
    made = merged(EDITED, paths)
    assert (
        line(made, "DELETE /contacts/{contactId}")
        == "DELETE /contacts/{contactId}: {scope: contacts.delete, account: any}"
    )
    assert made.changes is not None
    assert made.changes.filled == ["DELETE /contacts/{id}"]
    scopes = read_scope_list(
        TARGET.with_name("own.csv"), b"method,path,scope,account\nDELETE,/contacts/{x},c.delete,sub_account\n"
    )
    made = merged(EDITED, ALL, Wishes(scope_list=scopes))
    assert (
        line(made, "DELETE /contacts/{contactId}")
        == "DELETE /contacts/{contactId}: c.delete  # scope from own.csv"
    )
    assert made.denied == []


def test_a_denial_that_people_wrote_stays_theirs() -> None:
    old = EDITED.replace("deny  # no scope: the description names none", "deny  # dangerous")
    paths = {
        **ALL,
        "/contacts/{id}": {
            **ALL["/contacts/{id}"],
            "delete": operation("contacts.delete", tags=["Contacts"]),
        },
    }
    made = merged(old, paths)
    assert routes(made)["DELETE /contacts/{contactId}"].access is Access.DENY
    assert line(made, "DELETE /contacts/{contactId}") == (
        "DELETE /contacts/{contactId}: deny  # dangerous; described: {scope: contacts.delete, account: any}"
    )


def test_a_scope_that_people_wrote_where_none_is_described_is_no_difference() -> None:
    old = EDITED.replace(
        "deny  # no scope: the description names none",
        "contacts.write  # no scope: the description names none",
    )
    assert merged(old, ALL).data.decode() == old


def test_needs_that_are_only_tried_are_needs_all_the_same() -> None:
    old = EDITED.replace("body_limit: 1MiB}", "shadow: true}")
    assert merged(old, ALL).data.decode() == old
    paths = {**ALL, "/contacts": {"post": operation("contacts.create", tags=["Contacts"])}}
    assert (
        "# Ümläute; described: {scope: contacts.create, account: any}\n" in merged(old, paths).data.decode()
    )
    made = merged(old, paths, merge_wishes=MergeWishes(take_described=True))
    assert "        {scope: contacts.create, shadow: true}  # Ümläute\n" in made.data.decode()


def test_deprecation_comes_and_goes() -> None:
    paths = {**ALL, "/contacts": {"post": operation("contacts.write", tags=["Contacts"], deprecated=True)}}
    made = merged(EDITED, paths)
    assert "# Ümläute; deprecated\n" in made.data.decode()
    assert merged(made.data, ALL).data.decode() == EDITED


def test_line_endings_and_a_byte_order_mark_stay_and_are_used() -> None:
    old = b"\xef\xbb\xbf" + EDITED.replace("\n", "\r\n").encode()
    assert merged(old, ALL).data == old
    made = merged(old, {**ALL, "/teams": {"get": operation("x", tags=["Teams"])}})
    assert made.data.count(b"\n") == made.data.count(b"\r\n")
    assert made.data.startswith(b"\xef\xbb\xbf#")


def test_a_last_line_without_an_ending_gets_one() -> None:
    old = EDITED[: EDITED.index("\nscopes:")].rstrip("\n")
    flows = {"implicit": {"scopes": {"teams.readonly": "View teams", "contacts.write": "Change"}}}
    more: dict[str, Any] = {"components": {"securitySchemes": {"bearer": {"type": "oauth2", "flows": flows}}}}
    made = merged(old, {**ALL, "/teams": {"get": operation("teams.readonly", tags=["Teams"])}}, **more)
    assert made.data.decode().startswith(old + "\n")
    assert made.data.decode().endswith(
        "\n\nscopes:\n  contacts.write: Change\n  teams.readonly: View teams\n"
    )
    block = merged(EDITED, {**ALL, "/teams": {"get": operation("teams.readonly", tags=["Teams"])}}, **more)
    assert (
        "  contacts.write: Change contacts\n  teams.readonly: View teams\n\n# The end." in block.data.decode()
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "upstreams: {u: {urls: ['http://x']}}\nservices: {a: {upstream: u, routes: {GET /a: x}}}\n",
            "routes.yaml:2: services is written in braces, and nothing can be added there",
        ),
        (
            "upstreams: {u: {urls: ['http://x']}}\nservices:\n  a: {upstream: u, routes: {GET /a: x}}\n",
            "routes.yaml:3: a is written in braces",
        ),
        (
            "upstreams: {u: {urls: ['http://x']}}\nservices:\n  a:\n    upstream: u\n    routes: {GET /a: x}\n",
            "routes.yaml:5: routes is written in braces",
        ),
        (
            "{upstreams: {u: {urls: ['http://x']}}, services: {a: {upstream: u, routes: {GET /a: x}}}}",
            "in braces",
        ),
        ("upstreams: {}\n", "`services:` is missing"),
        ("a: [\n", "this is not YAML"),
        ("services:\n  a: *x\n", "alias *x is not read"),
        ("", "there is no route map here"),
    ],
)
def test_a_map_that_cannot_be_merged_into_is_told_by_its_line(text: str, told: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        merged(text, ALL)
    assert told in str(caught.value)


# Whole lives of a map: versions of a description, with people between them.

SCOPES = st.lists(st.sampled_from(["a.read", "a.write", "b.read"]), max_size=2, unique=True)
PATHS = ["/a", "/a/{id}", "/a/x", "/b/{id}", "/b/{id}/c", "/c/"]


@st.composite
def described_paths(draw: st.DrawFn) -> dict[str, Any]:
    paths: dict[str, Any] = {"/always": {"get": operation("always", tags=["one"])}}
    for path in draw(st.lists(st.sampled_from(PATHS), unique=True)):
        item: dict[str, Any] = {}
        for method in draw(st.lists(st.sampled_from(["get", "post"]), min_size=1, unique=True)):
            tag = draw(st.sampled_from(["one", "two"]))
            scheme = draw(st.sampled_from(["Location", "Agency", "bearer"]))
            item[method] = operation(*draw(SCOPES), scheme=scheme, tags=[tag], deprecated=draw(st.booleans()))
        paths[path] = item
    return paths


@st.composite
def edits(draw: st.DrawFn, text: str) -> str:
    """What people do to a map between two imports."""
    lines = text.split("\n")
    for number, each in enumerate(lines):
        if not each.startswith("      ") or not draw(st.booleans()):
            continue
        key, _, rest = each.partition(": ")
        match draw(st.integers(0, 5)):
            case 0:
                lines[number] = f"{each}; ours" if "#" in each else f"{each}  # ours"
            case 1:
                lines[number] = f"      # about the next one\n{each}"
            case 2:
                lines[number] = f"{key}: {{scope: ours, timeout: 5m}}"
            case 3:
                lines[number] = (
                    f"{key}:\n        any_of:\n        - ours\n        - theirs  # and why\n        websocket: false"
                )
            case 4:
                lines[number] = f"{key}: deny"
            case 5:
                lines[number] = f"{key}:\n        {rest}\n"
    return "\n".join(lines)


WISHES = Wishes(reading=BY_SCHEME)


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.data())
def test_merging_again_changes_nothing_and_keeps_what_people_wrote(data: st.DataObject) -> None:
    first = imported(data.draw(described_paths()), WISHES)
    edited = data.draw(edits(first.data.decode()))
    newer = data.draw(described_paths())
    how = MergeWishes(take_described=data.draw(st.booleans()), prune=data.draw(st.booleans()))
    made = merged(edited, newer, WISHES, how)
    assert merged(made.data, newer, WISHES, how).data == made.data, "a second time changes nothing"

    text = made.data.decode()
    if not how.prune:
        assert text.count("# about the next one") == edited.count("# about the next one")
    keys = {route.method + " " + route.template for route in made.route_map.routes}
    for drafted in made.drafted.entries:
        assert any(
            drafted.identity == (route.method, _shape(route.template)) for route in made.route_map.routes
        )
    if not how.prune and not how.take_described:
        assert text.count("ours") == edited.count("ours")
        assert text.count("timeout: 5m") == edited.count("timeout: 5m")
        assert keys >= {route.method + " " + route.template for route in first.route_map.routes}
    assert all(route.scopes or route.access is Access.DENY for route in made.route_map.routes)


@given(described_paths())
def test_an_import_merged_with_itself_is_itself(paths: dict[str, Any]) -> None:
    first = imported(paths, WISHES)
    assert merged(first.data, paths, WISHES).data == first.data


def _shape(template: str) -> str:
    from gateway.core.routes import shape

    return shape(template)
