"""Failures as a person at a terminal should meet them: one line that says what to do, and an exit status."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from gateway.admin.management.refusals import Refusal
from gateway.cli.ways_out import in_words
from gateway.proxy.server import PurePythonParser
from gateway.settings.errors import ConfigurationError
from gateway.storage.errors import StorageError
from gateway.wiring.listening import ListenError
from gateway.wiring.workers.supervisor import WorkersKeepDying

FAILED = 1
BAD_USAGE = 2


class Refused(Exception):
    """A command that cannot be done as asked. The text says why and what to do."""

    def __init__(self, message: str, *, status: int = FAILED) -> None:
        super().__init__(message)
        self.status = status


def guarded(run: Callable[[], object]) -> int:
    """Run a command; its exit status. Whatever was foreseen is told in a line, without a traceback."""
    try:
        run()
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else FAILED if error.code else 0
    except ConfigurationError as error:
        for problem in error.problems:
            _say(str(problem))
        return BAD_USAGE
    except Refused as error:
        _say(str(error))
        return error.status
    except Refusal as refusal:
        _say(in_words(refusal))
        return FAILED
    except (StorageError, ListenError, PurePythonParser, WorkersKeepDying) as error:
        _say(str(error))
        return FAILED
    except BrokenPipeError:
        # Whoever read our output has seen enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        if type(error).__name__ == "EmbeddedError":  # not imported where it is not used
            _say(str(error))
            return FAILED
        raise
    return 0


def _say(line: str) -> None:
    print(f"gateway: {line}", file=sys.stderr)
