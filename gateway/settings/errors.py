"""The one way in which reading a configuration fails: with everything that is wrong with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gateway.core.model import Problem
from gateway.core.rules import Rule

if TYPE_CHECKING:
    from collections.abc import Iterable

# Nobody mends more at once; and a text of aliases could make millions.
MAX_PROBLEMS: Final = 1000


class ConfigurationError(Exception):
    """A configuration that cannot be used. `problems` holds all that was found, at least one."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


def add_problem(problems: list[Problem], problem: Problem) -> None:
    """Add one more. Raises ConfigurationError with all of them when no more are taken."""
    problems.append(problem)
    if len(problems) >= MAX_PROBLEMS:
        message = f"{MAX_PROBLEMS} problems were found, and the rest was not read; mend these first"
        raise ConfigurationError(
            [*problems, Problem(where=problem.where, message=message, rule=Rule.TOO_MANY)]
        )
