"""Logging of events: JSON lines for machines, short lines for a terminal, to standard error."""

from __future__ import annotations

import logging
import select
import sys
from contextlib import suppress
from typing import Any, BinaryIO, Final, TextIO, cast

import orjson
import structlog

from gateway.proxy.access_log import AccessLog, JsonLines, Timer, as_text
from gateway.settings.model import AccessLog as AccessLogChoice
from gateway.settings.model import Log, LogFormat


def as_text_wanted(settings: Log) -> bool:
    """Whether lines are for people: by setting, else when standard error is a terminal."""
    if settings.format is LogFormat.AUTO:
        return sys.stderr.isatty()
    return settings.format is LogFormat.TEXT


class _StandardError:
    """Standard error, whose end ends nothing: a terminal may be closed, a pipe's reader may be gone."""

    def write(self, data: str | bytes) -> None:
        """Say it, if anybody is there."""
        with suppress(OSError):
            if isinstance(data, bytes):
                sys.stderr.buffer.write(data)
            else:
                sys.stderr.write(data)

    def flush(self) -> None:
        """Let it be read."""
        with suppress(OSError):
            sys.stderr.flush()


_STANDARD_ERROR: Final = _StandardError()


def configure(settings: Log) -> None:
    """Set up structlog and what libraries say through `logging`."""
    level = logging.getLevelNamesMapping()[settings.level.value.upper()]
    processors: list[Any] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        structlog.processors.format_exc_info,
    ]
    factory: Any
    if as_text_wanted(settings):
        processors.append(structlog.dev.ConsoleRenderer(timestamp_key="at", colors=sys.stderr.isatty()))
        factory = structlog.PrintLoggerFactory(cast(TextIO, _STANDARD_ERROR))
    else:
        processors.append(structlog.processors.JSONRenderer(serializer=orjson.dumps))
        factory = structlog.BytesLoggerFactory(cast(BinaryIO, _STANDARD_ERROR))
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=factory,
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(level=max(level, logging.WARNING), handlers=[_ToStructlog()], force=True)
    # Its pool tells of every failed reconnection with a traceback; that the store is away is said once, by the follower.
    logging.getLogger("asyncpg").setLevel(logging.ERROR)


class _ToStructlog(logging.Handler):
    """What aiohttp, asyncio and asyncpg say, in the same form."""

    def emit(self, record: logging.LogRecord) -> None:
        logger = structlog.get_logger(record.name)
        event = record.getMessage()
        if record.exc_info is not None:
            logger.log(record.levelno, event, exc_info=record.exc_info)
        else:
            logger.log(record.levelno, event)


def access_log(settings: Log, timer: Timer) -> AccessLog | None:
    """The access log that the settings ask for."""
    if settings.access is AccessLogChoice.OFF:
        return None
    return AccessLog(
        _write_lines,
        form=as_text if as_text_wanted(settings) else JsonLines(),
        errors_only=settings.access is AccessLogChoice.ERRORS,
        timer=timer,
    )


def share_output() -> None:
    """Other processes write to the same standard error: from now on write so that no line is broken by one of theirs."""
    global _write_lines  # noqa: PLW0603 - what standard error is is global as well
    _write_lines = _write_in_pieces


def _write_at_once(lines: bytes) -> None:
    _STANDARD_ERROR.write(lines)
    _STANDARD_ERROR.flush()


def _write_in_pieces(lines: bytes) -> None:
    """Whole lines, as many at once as the kernel puts into a pipe undivided. A longer line is on its own."""
    while len(lines) > select.PIPE_BUF:
        end = lines.rfind(b"\n", 0, select.PIPE_BUF) + 1 or lines.find(b"\n") + 1
        _write_at_once(lines[:end])
        lines = lines[end:]
    _write_at_once(lines)


_write_lines = _write_at_once
