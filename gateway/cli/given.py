"""What was typed, read into what the services take: a value that cannot be right is bad usage, told by its option."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from getpass import getpass
from pathlib import Path
from typing import Any, TypeVar

from gateway.admin.management.refusals import Unprocessable
from gateway.admin.management.values import Value, parse
from gateway.cli.failures import BAD_USAGE, Refused
from gateway.cli.ways_out import flaws_in_words

V = TypeVar("V", bound=Value)


def given(kind: type[V], values: Mapping[str, Any], **names: str) -> V:
    """The value that these members make; `names` are those that were given as arguments. Raises Refused."""
    try:
        return parse(kind, values)
    except Unprocessable as refusal:
        raise Refused(flaws_in_words(refusal.flaws, names), status=BAD_USAGE) from None


def sent(**values: Any) -> dict[str, Any]:
    """The options that were given. Raises Refused when none was: there is nothing to change."""
    found = {name: value for name, value in values.items() if value is not None}
    if not found:
        raise Refused("say what to change; --help lists what can be", status=BAD_USAGE)
    return found


def read_password() -> str:
    """A password, asked for twice at a terminal, else the first line of standard input. Raises Refused."""
    if not sys.stdin.isatty():
        line = sys.stdin.readline().rstrip("\r\n")
        if not line:
            raise Refused("--password: standard input has no password on its first line", status=BAD_USAGE)
        return line
    password = getpass("Password: ")
    if getpass("Once more: ") != password:
        raise Refused("the passwords differ; nothing was changed", status=BAD_USAGE)
    return password


def read_lines(source: str) -> list[tuple[int, str]]:
    """The lines of a file, or of standard input for `-`, with their numbers; blank ones and `# comments` are left out.

    Raises Refused.
    """
    try:
        data = sys.stdin.buffer.read() if source == "-" else Path(source).read_bytes()
        text = data.decode("utf-8-sig")
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        raise Refused(f"{source} cannot be read: {reason}", status=BAD_USAGE) from None
    except UnicodeDecodeError:
        raise Refused(f"{source} is not text in UTF-8", status=BAD_USAGE) from None
    lines = ((number, line.partition("#")[0].strip()) for number, line in enumerate(text.splitlines(), 1))
    return [(number, line) for number, line in lines if line]
