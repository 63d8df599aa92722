"""References are followed inside the folder of the description, and nowhere else, and not for ever."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.openapi.references import Document, References
from gateway.settings.errors import ConfigurationError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "in" / "below").mkdir(parents=True)
    (tmp_path / "outside.yaml").write_text("secret: yes\n")
    (tmp_path / "in" / "below" / "b.yaml").write_text("x: {$ref: '../c.yaml#/y'}\nz: {$ref: '#/x'}\n")
    (tmp_path / "in" / "c.yaml").write_text("y: {found: 1}\n")
    (tmp_path / "in" / "link.yaml").symlink_to(tmp_path / "outside.yaml")
    return tmp_path / "in"


def references(folder: Path | None) -> References:
    return References(folder, Path.read_bytes)


def home(root: object, folder: Path | None = None) -> Document:
    return Document("spec.yaml", root, None if folder is None else folder / "spec.yaml")


def follow(root: object, reference: str, folder: Path | None = None) -> object:
    return references(folder).follow({"$ref": reference}, home(root, folder))[0]


def refused(root: object, reference: str, folder: Path | None = None) -> str:
    with pytest.raises(ConfigurationError) as caught:
        follow(root, reference, folder)
    (problem,) = caught.value.problems
    return str(problem)


def test_a_value_without_a_reference_is_itself() -> None:
    value = {"a": 1}
    document = home(value)
    assert references(None).follow(value, document) == (value, document)
    assert references(None).follow({"$ref": {"not": "text"}}, document)[0] == {"$ref": {"not": "text"}}


@pytest.mark.parametrize(
    ("reference", "found"),
    [
        ("#/a/b", 1),
        ("#/paths/~1x~1{id}/get", 2),
        ("#/paths/~1x~1%7Bid%7D/get", 2),
        ("#/t~0m", 3),
        ("#/list/1", "second"),
        ("#/chain", 1),
        ("#", "whole"),
    ],
)
def test_pointers(reference: str, found: object) -> None:
    root = {
        "a": {"b": 1},
        "paths": {"/x/{id}": {"get": 2}},
        "t~m": 3,
        "list": ["first", "second"],
        "chain": {"$ref": "#/a/b"},
    }
    assert follow(root, reference) == (root if found == "whole" else found)


def test_members_beside_a_reference_win() -> None:
    root = {"a": {"x": 1, "y": 1}, "b": {"$ref": "#/a", "y": 2}}
    assert references(None).follow({"$ref": "#/b", "z": 3}, home(root))[0] == {"x": 1, "y": 2, "z": 3}


def test_files_are_followed_from_where_they_are(folder: Path) -> None:
    value, document = references(folder).follow({"$ref": "below/b.yaml#/z"}, home({}, folder))
    assert value == {"found": 1}
    assert document.path == folder / "c.yaml"


def test_a_file_is_read_once(folder: Path) -> None:
    read: list[Path] = []

    def reading(path: Path) -> bytes:
        read.append(path)
        return path.read_bytes()

    follower = References(folder, reading)
    for _ in range(3):
        follower.follow({"$ref": "c.yaml#/y"}, home({}, folder))
    assert read == [folder / "c.yaml"]


@pytest.mark.parametrize(
    "reference",
    ["../outside.yaml", "below/../../outside.yaml", "link.yaml", "%2e%2e/outside.yaml", "/etc/passwd"],
)
def test_nothing_outside_the_folder_is_read(folder: Path, reference: str) -> None:
    assert "is outside" in refused({}, reference, folder)


@pytest.mark.parametrize(
    "reference",
    ["http://127.0.0.1:1/x.yaml", "https://x/y#/z", "//host/x.yaml", "file:///etc/passwd", "ftp://x/y"],
)
def test_no_address_is_followed(folder: Path, reference: str) -> None:
    assert "is an address, and only files are followed" in refused({}, reference, folder)


def test_a_description_from_elsewhere_has_no_files() -> None:
    assert "came without a folder" in refused({}, "b.yaml")


@pytest.mark.parametrize(
    ("root", "reference", "told"),
    [
        ({"a": {"$ref": "#/a"}}, "#/a", "leads in a circle"),
        ({"a": {"$ref": "#/b"}, "b": {"$ref": "#/a"}}, "#/a", "leads in a circle"),
        ({f"a{n}": {"$ref": f"#/a{n + 1}"} for n in range(100)}, "#/a0", "leads in a circle"),
        ({}, "#/a", 'leads nowhere: there is no "a"'),
        ({"a": [1]}, "#/a/1", "leads nowhere"),
        ({"a": [1]}, "#/a/-1", "leads nowhere"),
        ({}, "#anchor", "names an anchor"),
    ],
)
def test_references_that_lead_nowhere(root: object, reference: str, told: str) -> None:
    assert told in refused(root, reference)


def test_a_missing_file_is_named(folder: Path) -> None:
    from gateway.settings.yaml_document import read_bytes

    with pytest.raises(ConfigurationError) as caught:
        References(folder, read_bytes).follow({"$ref": "gone.yaml"}, home({}, folder))
    assert "gone.yaml: cannot be read: no such file or directory" in str(caught.value)
