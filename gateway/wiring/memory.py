"""What the process does so that a large index does not hold it up."""

from __future__ import annotations

import gc


def settle() -> None:
    """What is alive now is left out of all later collections of garbage.

    A full collection walks through every object: with a million tokens in the index that stops all requests for more than
    a second. The index is in no cycle, so nothing is lost: what it lets go of is freed at once, as ever. Of other things a
    cycle that is alive at this moment stays in memory when it ends, so this is for when the index has grown, not for
    every second.
    """
    gc.collect(1)
    gc.freeze()
