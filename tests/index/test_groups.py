"""A change of an integration or an account drops exactly its tokens: nothing may be lost between one member and many."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.index.groups import Groups

NAMES = st.sampled_from(["a", "b"])
MEMBERS = st.sampled_from([b"1", b"2", b"3"])


@given(st.lists(st.tuples(st.sampled_from(["add", "discard"]), NAMES, MEMBERS)))
def test_groups_hold_what_sets_would(steps: list[tuple[str, str, bytes]]) -> None:
    groups: Groups[bytes] = Groups()
    model: dict[str, set[bytes]] = {}
    for step, name, member in steps:
        getattr(groups, step)(name, member)
        getattr(model.setdefault(name, set()), step)(member)
        for each, members in model.items():
            assert sorted(groups.of(each)) == sorted(members)
        assert len(groups) == len([each for each in model.values() if each])


def test_a_cleared_group_is_empty() -> None:
    groups: Groups[str] = Groups()
    groups.add("a", "1")
    groups.clear()
    assert groups.of("a") == ()
    assert len(groups) == 0
