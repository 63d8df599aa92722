"""Notices that a file of the configuration changed, however it was changed: written, replaced, or its link turned."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing, suppress
from pathlib import Path
from typing import Final

import structlog
from watchfiles import awatch

from gateway.wiring.configuration import ConfigurationFiles

# What the kernel does not tell, on network file systems and some mounts of containers, is found by looking.
LOOK_SECONDS: Final = 5.0
# A save is several events. The first is waited on until nothing has followed for a while, at most so long.
_QUIET_MILLISECONDS: Final = 100
_LONGEST_MILLISECONDS: Final = 1000


class FileWatcher:
    """Calls `on_change` when a file is not what it was at the last reading.

    Folders are watched, not files: a name that is pointed at another file is no event of either file.
    """

    def __init__(
        self,
        files: ConfigurationFiles,
        on_change: Callable[[], Awaitable[object]],
        *,
        look_seconds: float = LOOK_SECONDS,
    ) -> None:
        self._files = files
        self._on_change = on_change
        self._look_seconds = look_seconds
        self._task: asyncio.Task[None] | None = None
        self._log = structlog.get_logger("gateway")

    def __repr__(self) -> str:
        return f"FileWatcher({self._files!r})"

    def start(self) -> None:
        """Begin."""
        self._task = asyncio.create_task(self._run(), name="file-watcher")

    async def stop(self) -> None:
        """End."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _run(self) -> None:
        while True:
            await self._look()
            try:
                await self._watch(self._folders())
            except (OSError, RuntimeError) as error:
                # Too few watches, or a folder that went: there is still the looking.
                self._log.debug("the configuration's folders cannot be watched", problem=str(error))
                await asyncio.sleep(self._look_seconds)

    async def _watch(self, folders: frozenset[Path]) -> None:
        """Until other folders are to be watched."""
        changes = awatch(
            *folders,
            watch_filter=None,
            recursive=False,
            step=_QUIET_MILLISECONDS,
            debounce=_LONGEST_MILLISECONDS,
            rust_timeout=round(self._look_seconds * 1000),
            yield_on_timeout=True,
        )
        async with aclosing(changes):
            async for _ in changes:
                await self._look()
                if self._folders() != folders:
                    return

    async def _look(self) -> None:
        if self._files.changed():
            await self._on_change()

    def _folders(self) -> frozenset[Path]:
        """Those of the files as they are named, and of the files that links lead to."""
        found = {folder for path in self._files.paths() for folder in (path.parent, path.resolve().parent)}
        return frozenset(folder for folder in found if folder.is_dir())
