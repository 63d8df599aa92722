"""Measures how the gateway's cost grows: with routes, tokens, connections, bodies."""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.bench.document import text
from tests.bench.machine import facts
from tests.bench.scale import (
    bodies,
    connections,
    first_seen,
    profile,
    records,
    routes,
    start,
    tokens,
    workers,
)
from tests.bench.scale.readings import Reading, as_json, as_text
from tests.bench.scale.stand import Stand, standing

_ROOT: Final = Path(__file__).parents[3]
_CALLERS: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    measure: Callable[[Stand], Iterator[Reading]]
    tokens: int = _CALLERS


PARTS: Final = {
    routes.PART: _Part(measure=routes.measure),
    connections.PART: _Part(measure=connections.measure),
    workers.PART: _Part(measure=workers.measure),
    bodies.PART: _Part(measure=bodies.measure),
    tokens.PART: _Part(measure=tokens.measure, tokens=tokens.SIZES[-1]),
    first_seen.PART: _Part(measure=first_seen.measure, tokens=tokens.SIZES[-1]),
    records.PART: _Part(measure=records.measure),
    start.PART: _Part(measure=start.measure, tokens=start.MANY),
    # Last: it needs rights that not everybody has.
    profile.PART: _Part(measure=profile.measure),
}


def read_options(words: Sequence[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench scale", description=__doc__)
    parser.add_argument("--part", action="append", choices=list(PARTS), default=[], help="repeat for more")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3, help="at full load, per case and round")
    parser.add_argument("--core", type=int, default=0, help="for the gateway")
    parser.add_argument("--load-core", type=int, default=1, help="for the load, the upstream and PostgreSQL")
    parser.add_argument("--add", action="store_true", help="to the rounds that the JSON holds of these parts")
    parser.add_argument(
        "--keep",
        type=Path,
        metavar="FOLDER",
        help="keep the databases there: filling a million takes minutes",
    )
    parser.add_argument("--json", type=Path, default=_ROOT / "build" / "scale.json")
    return parser.parse_args(words)


def run(words: Sequence[str]) -> None:
    """Measure, print, write. Raises Failed."""
    options = read_options(words)
    wanted = options.part or list(PARTS)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    os.sched_setaffinity(0, {options.load_core})
    held = json.loads(options.json.read_text()) if options.json.exists() else {"readings": [], "machine": {}}
    readings = [Reading(**each) for each in held["readings"] if options.add or each["part"] not in wanted]
    for part in wanted:
        done = max((each.round for each in readings if each.part == part), default=0)
        rounds = range(done + 1, done + 1 + options.rounds)
        for reading in _measured(PARTS[part], part, rounds, options):
            print(f"{part} {reading.case}: {reading.figure} {reading.value:.2f}", file=sys.stderr, flush=True)
            readings.append(reading)
        machine = {**held["machine"], part: facts()}
        held["machine"] = machine
        _write(options, readings, machine)
    print(as_text([each for each in readings if each.part in wanted]))
    print(f"All rounds, and the machine: {options.json}")


def _measured(part: _Part, name: str, rounds: range, options: argparse.Namespace) -> Iterator[Reading]:
    with ExitStack() as stack:
        if options.keep is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gateway-bench-")))
        else:
            folder = options.keep / str(part.tokens)
            folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o711)
        stand = stack.enter_context(
            standing(
                folder,
                core=options.core,
                load_core=options.load_core,
                rounds=rounds,
                seconds=options.seconds,
                tokens=part.tokens,
                callers=_CALLERS,
            )
        )
        yield from part.measure(stand)


def _write(options: argparse.Namespace, readings: list[Reading], machine: dict[str, object]) -> None:
    options.json.parent.mkdir(parents=True, exist_ok=True)
    setting = {"command": 'make bench ARGS="scale"', "machine": machine}
    options.json.write_text(text({**setting, **as_json(readings)}))
