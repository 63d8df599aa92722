"""Changes to a text, noted by place and applied at once, so that no change moves the place of another."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import accumulate
from typing import Final

from gateway.openapi.map_text import Spot, lines_of

_ENDINGS: Final = "\r\n\x85\u2028\u2029"


@dataclass(frozen=True, slots=True, order=True)
class _Edit:
    start: int
    end: int
    number: int
    text: str


@dataclass(slots=True)
class TextEdits:
    """What is to be done to a text. Lines that are added get the ending that its first line has."""

    text: str
    lines: list[str] = field(init=False)
    _starts: list[int] = field(init=False)
    _edits: list[_Edit] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        self.lines = lines_of(self.text)
        self._starts = [0, *accumulate(map(len, self.lines))]

    def bare(self, line: int) -> str:
        """A line without its ending."""
        return self.lines[line].rstrip(_ENDINGS)

    def replace(self, start: Spot, end: Spot, text: str) -> None:
        """Put `text` in the place of what stands between two spots."""
        self._note(self._starts[start.line] + start.column, self._starts[end.line] + end.column, text)

    def remove_lines(self, first: int, last: int) -> None:
        """Take whole lines out."""
        self._note(self._starts[first], self._starts[min(last + 1, len(self.lines))], "")

    def add_lines(self, after: int, lines: list[str]) -> None:
        """Put lines behind the line `after`. Of several additions in one place, the first stands first."""
        if not lines:
            return
        ending = "\r\n" if self.lines[0].endswith("\r\n") else "\n"
        broken = "" if self.lines[after][-1:] in _ENDINGS else ending
        at = self._starts[after + 1]
        self._note(at, at, broken + "".join(f"{line}{ending}" for line in lines))

    def applied(self) -> str:
        """The text with all of it done."""
        found: list[str] = []
        at = 0
        for edit in sorted(self._edits):
            found += (self.text[at : edit.start], edit.text)
            at = max(at, edit.end)
        return "".join([*found, self.text[at:]])

    def _note(self, start: int, end: int, text: str) -> None:
        self._edits.append(_Edit(start, end, len(self._edits), text))
