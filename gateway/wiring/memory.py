"""What the process does so that a large index does not hold it up."""

from __future__ import annotations

import gc
from typing import Final

# Of a round: some tens of megabytes of what a busy node makes and lets go.
_YOUNG_OBJECTS: Final = 50_000
_YOUNG_ROUNDS: Final = 20
_MIDDLE_ROUNDS: Final = 50


def settle() -> None:
    """What is alive now is left out of all later collections of garbage.

    A full collection walks through every object: with a million tokens in the index that stops all requests for more than
    a second. The index is in no cycle, so nothing is lost: what it lets go of is freed at once, as ever. Of other things a
    cycle that is alive at this moment stays in memory when it ends, so this is for when the index has grown, not for
    every second.
    """
    gc.collect(1)
    gc.freeze()


def rarely_collect() -> None:
    """Call once, when all is set up: collections of garbage become rare, and leave out what is there already.

    A request leaves no cycle behind, so hardly anything is ever found; looking for it took a twelfth of the time.
    """
    gc.set_threshold(_YOUNG_OBJECTS, _YOUNG_ROUNDS, _MIDDLE_ROUNDS)
    gc.collect()
    gc.freeze()
