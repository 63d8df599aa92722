"""Measures the gateway beside others that do the same job: CPU per request, and the latency each adds."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import signal
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import NoReturn

from tests.bench.contender import Job
from tests.bench.document import text
from tests.bench.field import REFERENCES, contenders, missing, names
from tests.bench.figures import Sample, refused
from tests.bench.installed_gateway import Installation
from tests.bench.load import Load
from tests.bench.machine import facts
from tests.bench.mix import WORDS, Mix, requests
from tests.bench.programs import Failed, found
from tests.bench.proof import prove
from tests.bench.report import as_json, as_text
from tests.bench.rounds import Course, Referee
from tests.bench.scale import command as scale
from tests.bench.upstream import Upstream

ROOT = Path(__file__).parents[2]
TOKENS = 64
# What rounds must have in common to stand in one table.
_SAME = ("mix", "connections", "rate", "paced_connections", "seconds", "paced_seconds")


def measure(options: argparse.Namespace, wanted: Sequence[str]) -> list[Sample]:
    """Start everything, run the rounds, end everything. Raises Failed."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gateway-bench-")))
        folder.chmod(0o711)
        upstream = Upstream(folder, core=options.load_core)
        stack.callback(upstream.stop)
        installation = Installation(folder, upstream_port=upstream.port, tokens=TOKENS)
        stack.callback(installation.stop)
        job = Job(
            folder=folder,
            core=options.core,
            upstream_port=upstream.port,
            callers=installation.callers(TOKENS),
        )
        entered = contenders(wanted, job, installation)
        for contender in entered:
            stack.callback(contender.stop)
            contender.start()
            prove(contender, job)
        load = Load(
            core=options.load_core,
            requests=requests(options.mix, job.callers, host="api.example.com"),
            folder=folder,
            connections=options.connections,
            rate=options.rate,
            paced_connections=options.paced_connections,
        )
        referee = Referee(
            load,
            core=options.core,
            upstream_port=upstream.port,
            database_pids=lambda: installation.database_pids,
            say=lambda line: print(line, file=sys.stderr, flush=True),
        )
        course = Course(
            rounds=options.rounds,
            seconds=options.seconds,
            paced_seconds=options.paced_seconds,
            warm_up_seconds=options.warm_up_seconds,
        )
        samples = referee.run(entered, course)
        # What did the job at the start does it still.
        for contender in entered:
            prove(contender, job)
    return samples


def chosen(only: Sequence[str]) -> list[str]:
    """The contenders so named that can be started here; what is missing is said. Raises Failed when none is left."""
    wanted = [name for name in names() if not only or name in only]
    unknown = set(only) - set(names())
    if unknown:
        raise Failed(
            f"no contender is called {' or '.join(sorted(unknown))}; there are: {'; '.join(names())}"
        )
    lost = missing(wanted)
    for name, way in lost.items():
        print(f"bench: {name} is left out: it is not here; {way}", file=sys.stderr)
    left = [name for name in wanted if name.partition(",")[0] not in lost]
    if not left:
        raise Failed("no contender is left")
    return left


def read_options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=4, help="at full load, per contender and round")
    parser.add_argument("--connections", type=int, default=32, help="at full load")
    parser.add_argument(
        "--rate", type=float, default=2000, help="requests per second where latency is measured"
    )
    parser.add_argument("--paced-connections", type=int, default=8, help="at that rate")
    parser.add_argument(
        "--paced-seconds", type=float, default=2, help="at that rate, per contender and round"
    )
    parser.add_argument("--warm-up-seconds", type=int, default=2, help="at full load, per contender, once")
    parser.add_argument("--mix", type=Mix, choices=list(Mix), default=Mix.MIXED, help="what is asked for")
    parser.add_argument(
        "--add", action="store_true", help="to the rounds that the JSON holds, of the same options"
    )
    parser.add_argument("--core", type=int, default=0, help="for the contenders")
    parser.add_argument("--load-core", type=int, default=1, help="for the load and the upstream")
    parser.add_argument(
        "--only", action="append", default=[], metavar="NAME", help="this contender; repeat for more"
    )
    parser.add_argument(
        "--json",
        type=Path,
        help="where the JSON goes; else build/bench.json, with the mix in its name if it is another",
    )
    options = parser.parse_args()
    if options.json is None:
        suffix = "" if options.mix is Mix.MIXED else f"-{options.mix}"
        options.json = ROOT / "build" / f"bench{suffix}.json"
    return options


def kept(options: argparse.Namespace) -> list[Sample]:
    """The rounds of earlier runs. Raises Failed when they were run otherwise."""
    if not options.json.exists():
        return []
    held = json.loads(options.json.read_text())
    settings = vars(options)
    other = [name for name in _SAME if held["options"].get(name) != settings[name]]
    if other:
        raise Failed(
            f"{options.json} holds rounds with another {' and '.join(other)}; leave out --add, or name another --json"
        )
    return [Sample(**each) for each in held["rounds"]]


def check_machine(options: argparse.Namespace) -> None:
    """Raise Failed unless there are two cores and the programs."""
    usable = os.sched_getaffinity(0)
    if options.core == options.load_core or not {options.core, options.load_core} <= usable:
        raise Failed(f"two different cores are needed for --core and --load-core; here are {sorted(usable)}")
    missing = [program for program in ("nginx", "wrk") if found(program) is None]
    if missing:
        packages = " ".join("nginx-light" if program == "nginx" else program for program in missing)
        raise Failed(f"{' and '.join(missing)} missing; on Debian and Ubuntu: apt install {packages}")


def _end(number: int, frame: FrameType | None) -> NoReturn:
    """Unwind once, whatever else is pressed meanwhile: every program is ended on the way."""
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)
    raise KeyboardInterrupt


def main() -> int:
    """0 measured, 1 some contender was refused or the bench failed, 130 interrupted."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _end)
    try:
        if sys.argv[1:2] == ["scale"]:
            scale.run(sys.argv[2:])
            return 0
        options = read_options()
        check_machine(options)
        # Also for all that is started: only contenders are put elsewhere.
        os.sched_setaffinity(0, {options.load_core})
        machine = facts()
        samples = kept(options) if options.add else []
        done = max((sample.round for sample in samples), default=0)
        samples += [
            replace(sample, round=sample.round + done) for sample in measure(options, chosen(options.only))
        ]
    except Failed as failure:
        print(f"bench: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("bench: interrupted; everything it started has ended", file=sys.stderr)
        return 130
    setting = {
        "mix": WORDS[options.mix],
        "command": "make bench" + (f' ARGS="{shlex.join(sys.argv[1:])}"' if sys.argv[1:] else ""),
        "machine": machine,
        "options": {name: getattr(options, name) for name in _SAME},
    }
    options.json.parent.mkdir(parents=True, exist_ok=True)
    result = as_json(samples, references=REFERENCES, setting=setting)
    options.json.write_text(text(result))
    print(as_text(samples, references=REFERENCES, rate=options.rate))
    print(f"\nAll rounds, and the machine: {options.json}")
    return 1 if refused(samples) else 0


if __name__ == "__main__":
    sys.exit(main())
