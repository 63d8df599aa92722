"""How much the state machines did, written down where it can be quoted from."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

_FIGURES = Path(__file__).parents[2] / "build" / "rotation-machine.json"


@dataclass
class MachineFigures:
    """What one machine did in one run."""

    sequences: int = 0
    steps: int = 0
    operations_done: int = 0
    operations_refused: int = 0
    calls: int = 0

    def write(self, name: str) -> None:
        """Keeps them under this name, beside those of the other machine, and prints them."""
        _FIGURES.parent.mkdir(exist_ok=True)
        figures = json.loads(_FIGURES.read_text()) if _FIGURES.exists() else {}
        figures[name] = asdict(self)
        _FIGURES.write_text(json.dumps(figures, indent=1) + "\n")
        print(name, figures[name])
