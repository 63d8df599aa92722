"""Runs the corpus against the gateway and against other proxies, and prints what became of it."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from pathlib import Path
from typing import Final

from tests.conformance.case import Case, Verdict
from tests.conformance.corpus import corpus
from tests.conformance.products.everyone import PRODUCTS
from tests.conformance.report import as_json, as_list, as_table
from tests.conformance.rounds import Outcome, run

_ROOT: Final = Path(__file__).parents[2]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.conformance", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=PRODUCTS, default=list(PRODUCTS), metavar="PRODUCT")
    parser.add_argument(
        "--case", default="", help="only cases whose names contain this; says all that was seen"
    )
    parser.add_argument("--output", type=Path, default=_ROOT / "build" / "conformance.json")
    return parser.parse_args()


def _run(names: list[str], cases: list[Case]) -> tuple[dict[str, list[Outcome]], dict[str, str]]:
    results: dict[str, list[Outcome]] = {}
    not_run: dict[str, str] = {}
    for name in names:
        product = PRODUCTS[name]()
        reason = product.missing()
        if reason is not None:
            not_run[product.name] = f"missing: {reason}"
            continue
        print(f"{product.name}: {len(cases)} cases", file=sys.stderr)
        outcomes = asyncio.run(run(cases, product))
        results[product.name] = [outcomes[case.name] for case in cases]
    return results, not_run


def main() -> int:
    """Exit status 1 when the gateway is not safe in every case."""
    options = _options()
    cases = [case for case in corpus() if options.case in case.name]
    results, not_run = _run(options.only, cases)
    print(as_table(results, not_run))
    print(as_list(results, Verdict.UNSAFE))
    own = results.get("gateway", [])
    if any(outcome.verdict is Verdict.BROKEN for outcome in own):
        print(as_list({"gateway": own}, Verdict.BROKEN))
    if options.case:
        for outcomes in results.values():
            print(*(f"\n{outcome.explain()}" for outcome in outcomes), sep="\n")
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(as_json(results, not_run), indent=1))
    return int(any(outcome.verdict is not Verdict.SAFE for outcome in own))


if __name__ == "__main__":
    sys.exit(main())
