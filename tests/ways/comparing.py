"""Two sightings of one talk beside each other, and what is not the same, for the person who has to find out why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Final

from tests.ways.record import Record
from tests.ways.talk import Seen, Talk

_AROUND: Final = 160
_LONGEST: Final = 700


def difference(talk: Talk, fast: Seen, other: Seen, *, named: str, tokens: Mapping[str, str]) -> str:
    """What is not the same; empty if all is. `named` is the other way; `tokens` are not told but by their names."""
    lines = [line for field in fields(Seen) for line in _unlike(field.name, fast, other)]
    if not lines:
        return ""
    sent = [f"sent {_short(packet.data)}, cut at {packet.cuts}" for packet in talk.packets]
    replies = [talk.reply(number, one.data.partition(b" ")[0]) for number, one in enumerate(fast.arrived)]
    said = [
        f"said {_short(reply.packet.data)}, cut at {reply.packet.cuts}{', then closed' if reply.closes else ''}"
        for reply in replies
    ]
    told = "\n  ".join((f"{talk.name}, fast and then {named}:", *sent, *said, *lines))
    for name, token in tokens.items():
        told = told.replace(token, f"<{name}>")
    return told


def _unlike(name: str, fast: Seen, other: Seen) -> list[str]:
    ours, theirs = getattr(fast, name), getattr(other, name)
    if ours == theirs:
        return []
    if isinstance(ours, bytes):
        return [f"{name}:", *_where(ours, theirs)]
    if isinstance(ours, str):
        return [f"{name}: {ours!r} and {theirs!r}"]
    if len(ours) != len(theirs):
        return [
            f"{name}: {len(ours)} and {len(theirs)}",
            *(f"  {_short_of(one)}" for one in (*ours, None, *theirs)),
        ]
    return [
        line
        for number, (one, another) in enumerate(zip(ours, theirs, strict=True))
        if one != another
        for line in (f"{name} {number}:", *_beside(one, another))
    ]


def _beside(one: object, another: object) -> list[str]:
    if isinstance(one, bytes) and isinstance(another, bytes):
        return _where(one, another)
    assert type(one) is type(another)
    lines = []
    for field in fields(one):  # type: ignore[arg-type]
        ours, theirs = getattr(one, field.name), getattr(another, field.name)
        if ours != theirs and isinstance(ours, bytes):
            lines += _where(ours, theirs)
        elif ours != theirs:
            of = f" of {one.method} {one.path}" if isinstance(one, Record) else ""
            lines.append(f"  {field.name}{of}: {ours!r} and {theirs!r}")
    return lines


def _where(ours: bytes, theirs: bytes) -> list[str]:
    """Both from a little before the first byte that is not the same."""
    same = next(
        (at for at, (a, b) in enumerate(zip(ours, theirs, strict=False)) if a != b),
        min(len(ours), len(theirs)),
    )
    start = max(0, same - _AROUND)
    return [f"  from byte {start}: {data[start : same + _AROUND]!r}" for data in (ours, theirs)]


def _short(data: bytes) -> str:
    return repr(data) if len(data) <= _LONGEST else f"{data[:_LONGEST]!r} and {len(data) - _LONGEST} more"


def _short_of(one: object) -> str:
    return "" if one is None else repr(one)[:_LONGEST]
