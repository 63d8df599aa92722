"""Keeps the workers: starts them, replaces those that die, ends them in order. It serves no request itself."""

from __future__ import annotations

import asyncio
import base64
import os
import pickle
import socket
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass, field
from typing import Any, Final

import structlog

from gateway.admin.health import WorkerState
from gateway.settings.errors import ConfigurationError
from gateway.wiring.configuration import Configuration, ConfigurationFiles
from gateway.wiring.settings_change import applicable
from gateway.wiring.workers.channel import Channel, Gone
from gateway.wiring.workers.figures import Figures, counted

# Who dies within that time after its start died of its start. The next one waits, longer each time.
QUICK_SECONDS: Final = 5.0
PAUSES_SECONDS: Final = (0.0, 0.0, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
# So often, and nobody serves: then there is no use in trying further. While others serve it is tried on: what keeps a
# worker from starting, such as a database that is away, does not keep those that run from serving.
MOST_QUICK_DEATHS: Final = 5
# At a kill -9 what was counted since then is lost.
FIGURES_EVERY_SECONDS: Final = 5.0
_FIGURES_SECONDS: Final = 3.0
_RELOAD_SECONDS: Final = 8.0
# Beyond `proxy.drain`: for closing the database, and a last flush.
_GRACE_SECONDS: Final = 15.0


class WorkersKeepDying(Exception):
    """There is no use in starting more. The text is for the operator."""


@dataclass(slots=True, eq=False)
class _Worker:
    """One place, and the process that is in it at the moment."""

    slot: int
    proxy: socket.socket
    process: asyncio.subprocess.Process | None = None
    channel: Channel | None = None
    node: str = ""
    map_version: str = ""
    serving: bool = False
    restarts: int = 0
    quick_deaths: int = 0
    figures: Figures = field(default_factory=list)

    def state(self) -> WorkerState:
        """How it is, for `/healthz`."""
        state = "serving" if self.serving else "starting" if self.process is not None else "waiting"
        return WorkerState(
            slot=self.slot,
            state=state,
            pid=None if self.process is None else self.process.pid,
            node=self.node,
            map_version=self.map_version,
            restarts=self.restarts,
        )


class Supervisor:
    """`count` workers on one address. `command` starts one; the number of its channel's descriptor is put behind it.

    The listening sockets are made here by `listen`, one for each worker (SO_REUSEPORT): the kernel spreads connections over
    them, and those that wait in a dead worker's queue are taken by its successor. Where none comes at once the socket is
    closed, so that new connections go to the others. `admin` is carried by the first worker.
    """

    def __init__(
        self,
        *,
        command: Sequence[str],
        count: int,
        configuration: Configuration,
        files: ConfigurationFiles,
        dsn: str,
        listen: Callable[[], socket.socket],
        admin: socket.socket,
    ) -> None:
        self._command = tuple(command)
        self._configuration = configuration
        self._files = files
        self._dsn = dsn
        self._admin = admin
        self._listen = listen
        self._workers = [_Worker(slot, listen()) for slot in range(count)]
        self._former: Figures = []
        self._all_serve = asyncio.Event()
        self._end_asked = asyncio.Event()
        self._log = structlog.get_logger("gateway")

    def __repr__(self) -> str:
        return f"<Supervisor {sum(worker.serving for worker in self._workers)} of {len(self._workers)} serve>"

    async def run(self) -> None:
        """Keep all workers until `end`, and see them off. Raises WorkersKeepDying, when all have ended."""
        collecting = asyncio.create_task(self._collect_figures())
        keeping = {asyncio.create_task(self._keep(worker)) for worker in self._workers}
        asked = asyncio.create_task(self._end_asked.wait())
        try:
            # One that is over failed, or was told to end.
            await asyncio.wait({*keeping, asked}, return_when=asyncio.FIRST_COMPLETED)
            if not self._is_ending():
                self.end()
            await self._see_off(keeping)
        finally:
            for task in (collecting, asked, *keeping):
                task.cancel()
            await asyncio.gather(collecting, asked, return_exceptions=True)
        for task in keeping:
            await task

    async def all_serve(self) -> None:
        """Wait until each worker has served at least once."""
        await self._all_serve.wait()

    def _is_ending(self) -> bool:
        return self._end_asked.is_set()

    def reload(self) -> None:
        """Have every worker read its files anew."""
        for worker in self._workers:
            if worker.channel is not None:
                worker.channel.tell("reload", "SIGHUP")

    def end(self) -> None:
        """Let the workers finish what is in flight, and start none any more; the second time, cut what is left."""
        self._end_asked.set()
        # The last holder of a listening socket is then its worker, which closes it when it drains.
        self._admin.close()
        for worker in self._workers:
            worker.proxy.close()
            if worker.channel is not None:
                # Not by signals, of which two in quick succession are one.
                worker.channel.tell("stop")

    async def _see_off(self, keeping: set[asyncio.Task[None]]) -> None:
        """Wait for the workers' ends; those that take longer than the drain and a grace are killed."""
        seconds = self._configuration.settings.proxy.drain + _GRACE_SECONDS
        _, late = await asyncio.wait(keeping, timeout=seconds)
        if late:
            self._log.error("workers that did not end were killed", count=len(late))
            for worker in self._workers:
                if worker.process is not None:
                    with suppress(ProcessLookupError):
                        worker.process.kill()
            await asyncio.wait(late)

    # One worker.

    async def _keep(self, worker: _Worker) -> None:
        loop = asyncio.get_running_loop()
        while not self._is_ending():
            began = loop.time()
            try:
                how = await self._live(worker)
            except OSError as error:  # no process, no descriptor, or an address that somebody else took
                how = f"it could not be started: {error}"
            if self._is_ending():
                return
            served, worker.serving = worker.serving, False
            quick = not served or loop.time() - began < QUICK_SECONDS
            worker.quick_deaths = worker.quick_deaths + 1 if quick else 0
            worker.restarts += 1
            self._tell_all()
            if worker.quick_deaths >= MOST_QUICK_DEATHS and not any(one.serving for one in self._workers):
                raise WorkersKeepDying(
                    f"worker {worker.slot} died {worker.quick_deaths} times in a row right after its start, "
                    f"the last time by {how}; its own lines above say why"
                )
            pause = PAUSES_SECONDS[min(worker.quick_deaths, len(PAUSES_SECONDS) - 1)]
            self._log.error("a worker died and is replaced", worker=worker.slot, how=how, pause_seconds=pause)
            if not pause:
                continue
            worker.proxy.close()
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._end_asked.wait()
                    return

    async def _live(self, worker: _Worker) -> str:
        """One life of a worker; how it ended. Raises OSError where it could not begin."""
        await self._look_at_files()
        if self._is_ending():
            return "not started"
        if worker.proxy.fileno() < 0:
            worker.proxy = self._listen()
        orders = self._orders(worker)
        handed = [worker.proxy, *([self._admin] if worker.slot == 0 else [])]
        ours, theirs = socket.socketpair()
        with ExitStack() as undo, theirs:
            undo.enter_context(ours)
            process = worker.process = await asyncio.create_subprocess_exec(
                *self._command,
                str(theirs.fileno()),
                stdin=asyncio.subprocess.DEVNULL,
                pass_fds=[theirs.fileno(), *(one.fileno() for one in handed)],
                # Ctrl-C is the supervisor's to hear: it ends them in order.
                start_new_session=True,
                env={name: value for name, value in os.environ.items() if name != "NOTIFY_SOCKET"},
            )
            undo.pop_all()
        channel = worker.channel = await Channel.over(
            ours, answer=lambda what, value: self._answer(worker, what, value)
        )
        self._tell_all()
        channel.tell("start", orders)
        if self._is_ending():  # it was told to end while this one was started
            channel.tell("stop")
        talking = asyncio.create_task(channel.serve())
        try:
            status = await process.wait()
            return f"signal {-status}" if status < 0 else f"exit status {status}"
        finally:
            talking.cancel()
            channel.close()
            worker.channel = worker.process = None
            # What it had counted stays counted: totals never go back.
            self._former = counted(self._former, worker.figures)
            worker.figures = []

    def _orders(self, worker: _Worker) -> dict[str, object]:
        return {
            "slot": worker.slot,
            "configuration": base64.b64encode(pickle.dumps(self._configuration)).decode(),
            "dsn": self._dsn,
            "proxy": worker.proxy.fileno(),
            "admin": self._admin.fileno() if worker.slot == 0 else None,
        }

    async def _look_at_files(self) -> None:
        """A worker starts with what the others serve by now, or with the last that was right."""
        try:
            found = await asyncio.to_thread(self._files.read)
        except ConfigurationError:
            return
        settings, _ = applicable(self._configuration.settings, found.settings)
        self._configuration = Configuration(
            settings=settings,
            route_map=found.route_map,
            warnings=found.warnings,
            map_text=found.map_text,
            source=found.source,
            certificates=found.certificates,
        )

    # What workers say and ask.

    async def _answer(self, worker: _Worker, what: str, value: Any) -> object:
        match what:
            case "serving":
                worker.node, worker.map_version = value["node"], value["map_version"]
                worker.serving = True
                self._tell_all()
                if all(one.serving for one in self._workers):
                    self._all_serve.set()
                # Should its like have to be replaced later, and the file be wrong then, this is what was right.
                if value["map_version"] != self._configuration.route_map.version:
                    await self._look_at_files()
            case "figures":
                worker.figures = value
                await self._ask_figures(but=worker)
                return {
                    "workers": {str(one.slot): one.figures for one in self._workers if one.figures},
                    "former": self._former,
                }
            case "reload others":
                others = [
                    one.channel for one in self._workers if one is not worker and one.channel is not None
                ]
                asked = (
                    channel.ask("reload", "another worker was asked to", seconds=_RELOAD_SECONDS)
                    for channel in others
                )
                await asyncio.gather(*asked, return_exceptions=True)
        return None

    def _tell_all(self) -> None:
        states = [asdict(worker.state()) for worker in self._workers]
        for worker in self._workers:
            if worker.channel is not None:
                worker.channel.tell("crew", states)

    async def _ask_figures(self, *, but: _Worker | None = None) -> None:
        async def ask(worker: _Worker) -> None:
            if worker.channel is None or worker is but or not worker.serving:
                return
            with suppress(Gone, TimeoutError):
                channel = worker.channel
                figures = await channel.ask("figures", seconds=_FIGURES_SECONDS)
                if figures is not None and worker.channel is channel:
                    worker.figures = figures

        await asyncio.gather(*map(ask, self._workers))

    async def _collect_figures(self) -> None:
        while True:
            await asyncio.sleep(FIGURES_EVERY_SECONDS)
            await self._ask_figures()
