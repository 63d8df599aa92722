"""How many files, which is to say connections, the system lets this process have open."""

from __future__ import annotations

import resource
from typing import Final

# What is open beside callers' connections, at least: the store's, the log, listeners, and some to upstreams.
_OTHERS: Final = 100


def raise_open_files() -> int:
    """Take as many as the system allows at all, where it begins with fewer; returns how many that are.

    Shells and service managers begin with 1,024 for the sake of programs that use `select`, which this one does not.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == hard:
        return soft
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    except (OSError, ValueError):  # macOS says that there is no limit, and has one
        return soft
    return hard


def too_few(open_files: int, max_connections: int) -> bool:
    """Whether that many connections of callers cannot be had."""
    return open_files != resource.RLIM_INFINITY and open_files < max_connections + _OTHERS
