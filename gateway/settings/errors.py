"""The one way in which reading a configuration fails: with everything that is wrong with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.core.model import Problem


class ConfigurationError(Exception):
    """A configuration that cannot be used. `problems` holds all that was found, at least one."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))
