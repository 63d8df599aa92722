"""Where each setting was written: a variable, a line of the file, or nowhere."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING

from gateway.core.model import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.core.rules import Rule
    from gateway.settings.yaml_document import Document, KeyPath


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """The file, if there is one, and the variables over it."""

    document: Document | None
    variables: Mapping[KeyPath, str]

    def wrote(self, path: KeyPath) -> bool:
        """Whether the setting itself was written, in the file or by a variable."""
        return path in self.variables or (self.document is not None and path in self.document.lines)

    def problem(self, path: KeyPath, message: str, rule: Rule) -> Problem:
        """What is wrong with a setting, at its variable or line, or at that of the nearest section that was written."""
        place = self._place(path)
        if isinstance(place, str):
            return Problem(where=place, message=message, rule=rule)
        return place.problem(path, message, rule)

    def _place(self, path: KeyPath) -> str | Document:
        # A variable replaces a list as a whole: its items have no place of their own.
        keys = tuple(takewhile(lambda part: isinstance(part, str), path))
        for length in range(len(keys), 0, -1):
            above = keys[:length]
            if above in self.variables:
                return self.variables[above]
            if self.document is not None and above in self.document.lines:
                return self.document
            inside = [name for written, name in self.variables.items() if written[:length] == above]
            if inside:
                return inside[0]
        if self.document is not None:
            return self.document
        return next(iter(self.variables.values()), "the defaults")
