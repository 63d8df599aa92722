"""Which requests show every difference between two route tables: one for each set of paths that both treat alike.

Whatever path a template of one table takes and a template of the other takes, their overlap takes too, and no template
takes the overlap that does not take the path. So one path from each template and from each overlap of two stands for all.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice, product

from gateway.core.model import Route
from gateway.core.routes import DELIMITERS, decoded, is_parameter, split


@dataclass(frozen=True, slots=True)
class Cell:
    """Requests that mean one thing to each table. `template` is theirs for people, `path` is one of them.

    With a `spelling` they are those of the template's requests that have a literal of one table, in a spelling such as
    this that it does not have, as the value of a parameter.
    """

    method: str
    template: str
    path: str
    spelling: str = ""

    def has(self, other: Cell) -> bool:
        """Whether these requests are all of the other's, if both mean the same to each table."""
        ours, theirs = split(self.template), split(other.template)
        if len(ours) != len(theirs) or (self.spelling and not other.spelling):
            return False
        return all(is_parameter(one) or one == another for one, another in zip(ours, theirs, strict=True))


def cells(old: Collection[Route], new: Collection[Route]) -> Iterator[Cell]:
    """Every cell of two tables, the widest first; some may be told twice."""
    literals = [_literals(old), _literals(new)]
    strange = _strange(*literals)
    fresh = _fresh(literals[0] | literals[1] | set(strange))
    methods = {route.method for route in (*old, *new)}
    for method in sorted(methods):
        # HEAD falls back to GET where it has no route of its own.
        served = {method, "GET"} if method == "HEAD" else {method}
        ours = [split(route.template) for route in old if route.method in served]
        theirs = [split(route.template) for route in new if route.method in served]
        wide = [*theirs, *ours]
        for segments in sorted([*wide, *_overlaps(ours, theirs)], key=_width):
            template = _joined(segments)
            yield Cell(method, template, sample(template, fresh))
        for segments, value in product(sorted(wide, key=_width), strange):
            for spelled in _with(segments, value):
                yield Cell(method, _joined(segments), sample(_joined(spelled), fresh), value)


def overlap(template: str, other: str) -> bool:
    """Whether some path is one that both take."""
    ours, theirs = split(template), split(other)
    return len(ours) == len(theirs) and all(
        one == another or is_parameter(one) or is_parameter(another)
        for one, another in zip(ours, theirs, strict=True)
    )


def sample(template: str, fresh: str) -> str:
    """A path that the template takes, with `fresh` for each parameter."""
    return "/" + "/".join(fresh if is_parameter(segment) else segment for segment in split(template))


def fresh_value(*maps: Iterable[Route]) -> str:
    """A value for parameters that no literal of these maps looks like."""
    return _fresh({literal for routes in maps for literal in _literals(routes)})


def _joined(segments: list[str]) -> str:
    return "/" + "/".join(segments)


def _width(segments: list[str]) -> tuple[int, list[str]]:
    return -sum(map(is_parameter, segments)), ["{}" if is_parameter(one) else one for one in segments]


def _with(segments: list[str], value: str) -> Iterator[list[str]]:
    """The template with this value in one of its parameters."""
    for at, one in enumerate(segments):
        if is_parameter(one):
            yield [*segments[:at], value, *segments[at + 1 :]]


def _literals(routes: Iterable[Route]) -> set[str]:
    return {segment for route in routes for segment in split(route.template) if not is_parameter(segment)}


def _fresh(taken: Collection[str]) -> str:
    # Without a delimiter: its escaped form is never taken for a literal.
    value = "~"
    while value in taken:
        value += "~"
    return value


class _Node:
    __slots__ = ("children", "is_end")

    def __init__(self) -> None:
        self.children: dict[str, _Node] = {}
        self.is_end = False


def _overlaps(ours: Iterable[list[str]], theirs: Iterable[list[str]]) -> Iterator[list[str]]:
    """What each two templates that share a path have in common, named as `theirs` names it."""
    root = _Node()
    for segments in ours:
        node = root
        for segment in segments:
            node = node.children.setdefault("{}" if is_parameter(segment) else segment, _Node())
        node.is_end = True
    for segments in theirs:
        yield from _meet(root, segments, [])


def _meet(node: _Node, segments: list[str], done: list[str]) -> Iterator[list[str]]:
    if len(done) == len(segments):
        if node.is_end and done != segments:
            yield done
        return
    segment = segments[len(done)]
    if not is_parameter(segment):
        for key in (segment, "{}"):
            if key in node.children:
                yield from _meet(node.children[key], segments, [*done, segment])
        return
    for key, child in node.children.items():
        yield from _meet(child, segments, [*done, segment if key == "{}" else key])


def _strange(ours: set[str], theirs: set[str]) -> list[str]:
    """Values of parameters that one table refuses, as a literal in another spelling, and the other takes."""
    spellings = [_spellings(ours), _spellings(theirs)]
    found: list[str] = []
    for text in sorted(spellings[0].keys() & spellings[1].keys()):
        found += sorted(spellings[0][text] ^ spellings[1][text])
    for here, there in (spellings, spellings[::-1]):
        alone = (text for text in sorted(here.keys() - there.keys()))
        # They look like no literal at all, so one of them stands for all.
        respelled = (other for text in alone for other in _respelled(text) if other not in here[text])
        found += islice(respelled, 1)
    return found


def _spellings(literals: set[str]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for literal in literals:
        text = decoded(literal)
        if DELIMITERS.search(text):
            found.setdefault(text, set()).add(literal)
    return found


def _respelled(text: str) -> Iterator[str]:
    """Every way to write a segment: each delimiter as it is, or escaped."""
    ways = [(char, f"%{ord(char):02X}") if DELIMITERS.match(char) else (char,) for char in text]
    return ("".join(spelled) for spelled in product(*ways))
