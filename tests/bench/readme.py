"""The README's section on cost, made from the results that are kept beside this file; `make figures` runs it.

Run with nothing it takes the newest results of the bench from build/, keeps them, and writes the section anew.
"""

from __future__ import annotations

import json
import re
import sys
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from tests.bench.field import BASELINE, GATEWAY, LOGGING, PEERS
from tests.bench.figures import Figure
from tests.bench.mix import Mix
from tests.bench.table import shown

ROOT: Final = Path(__file__).parents[2]
README: Final = ROOT / "README.md"
RESULTS: Final = Path(__file__).with_name("results")
BUILD: Final = ROOT / "build"
BEGIN: Final = "<!-- made by `make figures` from tests/bench/results -->"
END: Final = "<!-- end of what `make figures` makes -->"
_LUA: Final = "nginx + Lua"
# Where the results of a run are, and under which name they are kept.
KEPT: Final = {
    "bench.json": f"{Mix.MIXED}.json",
    "bench-callers.json": f"{Mix.CALLERS}.json",
    "bench-single.json": f"{Mix.SINGLE}.json",
    "scale.json": "scale.json",
}

Result = Mapping[str, Any]


def held() -> dict[str, Result]:
    """The results that are kept, by their names."""
    return {file.stem: json.loads(file.read_text()) for file in sorted(RESULTS.glob("*.json"))}


def section(results: Mapping[str, Result]) -> str:
    """Markdown, from the mark to the mark."""
    lines = [BEGIN, *_beside(results[Mix.MIXED])]
    others = [results[mix] for mix in (Mix.CALLERS, Mix.SINGLE) if mix in results]
    if others:
        lines += ["", *_by_mix([results[Mix.MIXED], *others])]
    if "scale" in results:
        lines += ["", *_growth(results["scale"])]
    return "\n".join([*lines, END])


def written(readme: str, results: Mapping[str, Result]) -> str:
    """The README with the section as the results make it. Raises ValueError where the marks are not there once each."""
    if readme.count(BEGIN) != 1 or readme.count(END) != 1:
        raise ValueError(f"the README has not once each of {BEGIN} and {END}")
    before, _, rest = readme.partition(BEGIN)
    return before + section(results) + rest.partition(END)[2]


def _figure(value: Mapping[str, Any]) -> Figure:
    return Figure(**value)


def _cell(value: Mapping[str, Any] | None, digits: int) -> str:
    return "–" if value is None else shown(_figure(value), digits)


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _rule(columns: int) -> str:
    return _row(["---", *["--:"] * (columns - 1)])


def _lua_of(name: str) -> str:
    """Whom a contender is set against: nginx with Lua, with a log if it writes one itself."""
    return _LUA + LOGGING if name.endswith(LOGGING) else _LUA


def _beside(result: Result) -> list[str]:
    options, machine = result["options"], result["machine"]
    head = ["", "µs CPU per request", f"× {_LUA}", "× nginx", f"× {BASELINE}", "requests/s", "core"]
    head += [f"at {options['rate']:,.0f}/s: µs CPU", f"× {_LUA}", "ms p50", "p99", "p99.9"]
    rows = []
    for standing in result["standings"]:
        name, ratios = standing["contender"], standing["ratios"]
        told = [
            _cell(standing["cpu_microseconds"], 1),
            _cell(ratios.get(_lua_of(name)), 2),
            _cell(ratios.get("nginx"), 2),
            _cell(ratios.get(BASELINE), 2),
            f"{standing['requests_per_second']['median']:,.0f}",
            f"{standing['core_share']['median']:.0%}",
            _cell(standing["paced_cpu_microseconds"], 1),
            _cell(standing["paced_ratios"].get(_lua_of(name)), 2),
            *(_cell(standing[each], 2) for each in ("p50", "p99", "p999")),
        ]
        mark = "**" if name.startswith(GATEWAY) else ""
        rows.append(_row([f"{mark}{name}{mark}", *told]))
    left = [f"{name}: {PEERS[name].leaves}" for name in PEERS if PEERS[name].leaves]
    rounds = max(standing["cpu_microseconds"]["rounds"] for standing in result["standings"])
    words = (
        f"`make bench`: the same job in front of the same upstream, one process on one core, the load ({options['connections']} kept-alive "
        f"connections) and the upstream on the other, {rounds} interleaved rounds; CPU from the processes' own accounting. "
        "Each checks the token, looks up what the operation needs, adds the identity and forwarding headers and a request id, takes the token off. "
        f"The load is {result['mix']}. The gateway has its default settings, with all 576 routes; _log_ is with an access log, "
        f"and × {_LUA} compares like with like. Median (least–most), ratios within a round, on {machine['cpu']}, {machine['cores']} cores, "
        f"Python {machine['python']}. Where the core is not full the load was the limit. "
        f"At {options['rate']:,.0f} requests/s, as a server has them that is not overloaded, nobody finds the next one waiting and everybody is woken for each."
    )
    remarks = (
        f"What the others leave out, in their favour: they know the operations of the load alone ({_LUA}: all 576); "
        + "; ".join(left)
        + f". {BASELINE}: the usual aiohttp proxy, `Application` and `ClientSession`."
    )
    return [*_wrapped(words), "", _row(head), _rule(len(head)), *rows, "", *_wrapped(remarks)]


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, 150, break_long_words=False, break_on_hyphens=False)


def _by_mix(results: Sequence[Result]) -> list[str]:
    names = [GATEWAY, GATEWAY + LOGGING]
    head = [f"µs CPU per request (× {_LUA})", *names]
    rows = []
    for result in results:
        standings = {each["contender"]: each for each in result["standings"]}
        told = []
        for name in names:
            each = standings.get(name)
            compared = each["ratios"].get(_lua_of(name)) if each else None
            told.append(f"{_cell(each['cpu_microseconds'], 1)} · ×{_cell(compared, 2)}" if each else "–")
        rows.append(_row([result["mix"], *told]))
    return [_row(head), _rule(len(head)), *rows]


def _growth(result: Result) -> list[str]:
    figures = result["figures"]
    lines = [
        '`make bench ARGS="scale"`: how the cost grows. Median (least–most); × is to the first line, within a round.'
    ]
    for part in dict.fromkeys(figure["part"] for figure in figures):
        own = [figure for figure in figures if figure["part"] == part]
        names = list(dict.fromkeys(figure["figure"] for figure in own))
        cells = {(figure["case"], figure["figure"]): figure for figure in own}
        lines += ["", _row([part, *names]), _rule(len(names) + 1)]
        for case in dict.fromkeys(figure["case"] for figure in own):
            lines.append(_row([case, *(_grown(cells.get((case, name))) for name in names)]))
    return lines


def _grown(cell: Mapping[str, Any] | None) -> str:
    if cell is None:
        return "–"
    text = _cell(cell["value"], cell["digits"])
    return text if cell["growth"] is None else f"{text} ×{cell['growth']['median']:.2f}"


def main() -> int:
    """Keep what is new in build/, write the README."""
    RESULTS.mkdir(exist_ok=True)
    for made, kept in KEPT.items():
        if (BUILD / made).exists():
            text = (BUILD / made).read_text()
            if re.search(r'"/[^"]*"', text):
                print(f"{made} names places of this machine", file=sys.stderr)
                return 1
            (RESULTS / kept).write_text(text)
            print(f"kept {made} as {RESULTS.relative_to(ROOT) / kept}")
    README.write_text(written(README.read_text(), held()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
