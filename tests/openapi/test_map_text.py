"""Places in a text, to the column, and changes there: what a merge stands on."""

from __future__ import annotations

import yaml
from hypothesis import given
from hypothesis import strategies as st

from gateway.openapi.map_text import Node, Spot, lines_of, read_nodes
from gateway.openapi.text_edits import TextEdits

TEXT = """\
a: x  # one
b:
  - "ü": {c: d,
      e: [f, g]}   # two
  - |
    text

h: 'i'
"""


def between(text: str, start: Spot, end: Spot) -> str:
    lines = lines_of(text)
    if start.line == end.line:
        return lines[start.line][start.column : end.column]
    inner = "".join(lines[start.line + 1 : end.line])
    return lines[start.line][start.column :] + inner + lines[end.line][: end.column]


def shown(text: str, node: Node) -> str:
    return between(text, node.start, node.end)


def test_values_stand_where_they_are_said_to_stand() -> None:
    root = read_nodes(TEXT)
    assert [member.key for member in root.members] == ["a", "b", "h"]
    first, second, last = (member.value for member in root.members)
    assert (shown(TEXT, first), shown(TEXT, last)) == ("x", "'i'")
    assert (second.is_sequence, second.is_block, root.is_block) == (True, True, True)
    assert root.member("h") is root.members[2]
    assert root.member("z") is None


def test_braces_end_where_they_are_closed() -> None:
    text = TEXT.replace('- "ü"', 'k:\n      "ü"').replace("  - |\n    text\n", "")
    node = read_nodes(text).members[1].value.members[0].value.members[0].value
    assert (node.flow, node.is_block) == (True, False)
    assert shown(text, node) == "{c: d,\n      e: [f, g]}"
    assert shown(text, node.members[1].value) == "[f, g]"


@given(st.text(st.sampled_from("ab\r\n\x85\u2028\u2029\x0b\x0c\x1c"), max_size=20))
def test_lines_are_put_together_again_and_are_libyamls(text: str) -> None:
    lines = lines_of(text)
    assert "".join(lines) == text
    if not set(text) & set("\x0b\x0c\x1c"):
        scalar = list(yaml.parse(f"'{text}'", Loader=yaml.CSafeLoader))[2]
        assert scalar.end_mark is not None
        assert scalar.end_mark.line == len(lines_of(f"'{text}'")) - 1


def test_changes_do_not_move_each_other() -> None:
    edits = TextEdits("one: 1\ntwo: 2\nthree: 3\n")
    edits.add_lines(1, ["after: two"])
    edits.replace(Spot(0, 5), Spot(0, 6), "eins")
    edits.replace(Spot(0, 6), Spot(0, 6), "  # one")
    edits.remove_lines(2, 2)
    edits.add_lines(1, ["and: then"])
    edits.add_lines(0, [])
    assert edits.applied() == "one: eins  # one\ntwo: 2\nafter: two\nand: then\n"


def test_a_change_over_lines_leaves_what_follows_it() -> None:
    edits = TextEdits("a: [1,\n 2]  # why\nb: 3")
    edits.replace(Spot(0, 3), Spot(1, 3), "[4]")
    edits.replace(Spot(1, 3), Spot(1, 10), "  # how")
    edits.add_lines(2, ["c: 5"])
    assert edits.applied() == "a: [4]  # how\nb: 3\nc: 5\n"


@given(st.text(st.sampled_from("ab \r\n"), max_size=20))
def test_nothing_to_do_is_nothing_done(text: str) -> None:
    assert TextEdits(text).applied() == text
