"""Forms of values that both files know, as JSON Schema: what an editor may accept where a duration or a size stands."""

from __future__ import annotations

from typing import Any, Final

from gateway.settings.units import DURATION as _DURATION
from gateway.settings.units import LARGEST_SIZE
from gateway.settings.units import SHARE as _SHARE
from gateway.settings.units import SIZE as _SIZE

Schema = dict[str, Any]
# What editors support throughout. Newer drafts add nothing that is needed here.
DRAFT: Final = "http://json-schema.org/draft-07/schema#"


def text(pattern: str, otherwise: str) -> Schema:
    """Text that matches as a whole. The pattern is one of both Python and ECMA-262.

    `otherwise` is what an editor says where it does not match.
    """
    return {"type": "string", "pattern": f"^(?:{pattern})$", "patternErrorMessage": otherwise}


_DURATIONS: Final = "Write a duration such as 500ms, 10s, 5m, 24h or 7d."
DURATION: Final[Schema] = text(_DURATION.pattern, _DURATIONS)
POSITIVE_DURATION: Final[Schema] = text(f"(?!0+[a-z]){_DURATION.pattern}", _DURATIONS)
SIZE: Final[Schema] = {
    "anyOf": [
        {"type": "integer", "minimum": 0, "maximum": LARGEST_SIZE},
        text(_SIZE.pattern, "Write a size such as 8KiB or 100MiB, or a number of bytes."),
    ]
}
SHARE: Final[Schema] = {
    "anyOf": [
        {"type": "number", "minimum": 0, "maximum": 1},
        text(_SHARE.pattern, "Write a number from 0 to 1, such as 0.1."),
    ]
}


def when(condition: Schema, consequence: Schema) -> Schema:
    """What holds only under a condition. Editors point at what breaks it, which they do not do for alternatives."""
    return {"if": condition, "then": consequence}
