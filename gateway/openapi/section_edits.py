"""Upstreams and words for scopes, added to their sections of a map's text or taken out of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from gateway.openapi.draft import UpstreamDraft
from gateway.openapi.map_text import Member
from gateway.openapi.old_map import OldMap
from gateway.openapi.rendering import scope_entry, upstream_entry
from gateway.openapi.text_edits import TextEdits


def add_upstreams(old: OldMap, edits: TextEdits, upstreams: Iterable[UpstreamDraft]) -> None:
    """Add upstreams behind those that are there."""
    section = old.root.member("upstreams")
    assert section is not None, "a valid map has it"
    if section.value.flow:
        # A comment would swallow the brace.
        _add_to_braces(edits, section, [upstream_entry(replace(each, guessed=False)) for each in upstreams])
        return
    column = " " * section.value.members[0].start.column
    edits.add_lines(section.value.end.line, [f"{column}{upstream_entry(each)}" for each in upstreams])


def add_scopes(old: OldMap, edits: TextEdits, words: Mapping[str, str]) -> None:
    """Add words for scopes, each behind the nearest one before it in the alphabet."""
    if not words:
        return
    lines = {scope: scope_entry(scope, text) for scope, text in sorted(words.items())}
    section = old.root.member("scopes")
    if section is None:
        edits.add_lines(len(edits.lines) - 1, ["", "scopes:", *(f"  {line}" for line in lines.values())])
    elif section.value.flow:
        _add_to_braces(edits, section, list(lines.values()))
    else:
        members = section.value.members
        column = " " * (members[0].start.column if members else section.start.column + 2)
        for scope, line in lines.items():
            before = max(
                (member for member in members if member.key < scope),
                key=lambda member: member.key,
                default=None,
            )
            after = section.start.line if before is None else before.value.end.line
            edits.add_lines(after, [f"{column}{line}"])


def remove_scopes(old: OldMap, edits: TextEdits, scopes: Iterable[str]) -> None:
    """Take the words for scopes out that nothing needs any more. Those in braces stay: a warning names them."""
    section = old.root.member("scopes")
    if section is None or section.value.flow:
        return
    unneeded = set(scopes)
    members = section.value.members
    leaving = [member for member in members if member.key in unneeded]
    for member in leaving:
        edits.remove_lines(member.start.line, member.value.end.line)


def _add_to_braces(edits: TextEdits, section: Member, entries: list[str]) -> None:
    if not entries:
        return
    end = section.value.end
    brace = replace(end, column=end.column - 1)
    separator = ", " if section.value.members else ""
    edits.replace(brace, brace, f"{separator}{', '.join(entries)}")
