"""Other needs written into an entry, and everything else in it left as people wrote it."""

from __future__ import annotations

from gateway.core.model import Access, AccountKind
from gateway.openapi.draft import Entry
from gateway.openapi.map_text import Member, Spot
from gateway.openapi.old_map import OldEntry
from gateway.openapi.rendering import entry_value, long_need, word
from gateway.openapi.text_edits import TextEdits
from gateway.settings.route_needs import NEEDS

_KINDLESS = frozenset({Access.PUBLIC, Access.DENY})


def write_needs(entry: OldEntry, taken: Entry, account: AccountKind | None, edits: TextEdits) -> None:
    """Let `entry`, in a service for `account`, need what `taken` needs."""
    value = entry.member.value
    if not value.is_mapping or _KINDLESS & {taken.needs.access, entry.route.access}:
        _write_whole(entry, entry_value(taken, account), edits)
        return
    need = next(member for member in value.members if member.key in NEEDS)
    pairs = [long_need(taken)]
    _write_pair(
        value.member("versions"),
        f"versions: [{', '.join(map(word, taken.versions))}]",
        pairs,
        edits,
        wanted=bool(taken.versions),
    )
    _write_pair(
        value.member("account"),
        f"account: {taken.account or 'any'}",
        pairs,
        edits,
        wanted=taken.account != account,
    )
    between = ", " if value.flow else "\n" + " " * need.start.column
    edits.replace(need.start, need.value.end, between.join(pairs))


def _write_pair(
    member: Member | None, pair: str, pairs: list[str], edits: TextEdits, *, wanted: bool
) -> None:
    """Change a pair where it stands; one that is wanted and not there joins the others."""
    if member is not None:
        edits.replace(member.start, member.value.end, pair)
    elif wanted:
        pairs.append(pair)


def _write_whole(entry: OldEntry, value: str, edits: TextEdits) -> None:
    start, end = entry.member.value.start, entry.member.value.end
    if entry.member.value.is_block:
        # It begins on a line of its own; what is short belongs behind the key, before the key's comment.
        line = edits.bare(entry.member.key_end.line)
        colon = line.index(":", entry.member.key_end.column)
        edits.replace(
            Spot(entry.member.key_end.line, colon + 1),
            Spot(entry.member.key_end.line, colon + 1),
            f" {value}",
        )
        edits.remove_lines(start.line, end.line)
        return
    edits.replace(start, end, value)
