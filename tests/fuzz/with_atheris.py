"""Coverage-guided fuzzing of the upstream response parser, where atheris is installed; not a part of the tests.

`python -m tests.fuzz.with_atheris NEW tests/fuzz/corpus`, with libFuzzer's options such as `-max_total_time=60`. What it
finds to be worth keeping goes into the folder NEW.
"""

from __future__ import annotations

import importlib
import sys
from typing import Final

from tests.fuzz.cases import METHODS
from tests.fuzz.mutation import cut

_CUTS: Final = 4


def one(data: bytes) -> None:
    """The last bytes choose the method and where to cut; what is before them is what the upstream sends."""
    sent, chosen = data[: -1 - 2 * _CUTS], data[-1 - 2 * _CUTS :]
    if not sent:
        return
    method = METHODS[chosen[0] % len(METHODS)]
    places = [int.from_bytes(chosen[at : at + 2], "big") for at in range(1, len(chosen), 2)]
    importlib.import_module("tests.fuzz.responses").check(method, cut(sent, places))


def main() -> None:
    atheris = importlib.import_module("atheris")
    with atheris.instrument_imports(include=["gateway"]):
        importlib.import_module("tests.fuzz.responses")
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
