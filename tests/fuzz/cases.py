"""Cases as hypothesis draws and shrinks them: seeds of the corpus, mutations of them, places to cut."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from hypothesis import strategies as st

from tests.fuzz.mutation import CUTS, MUTATIONS, Mutation, cut, mutated, seeds

METHODS: Final = ("GET", "HEAD", "POST")
_REQUESTS: Final = seeds("request")
_RESPONSES: Final = seeds("response")


@dataclass(frozen=True, slots=True)
class RequestCase:
    """Requests one after the other on one connection, each with its own damage, cut into packets."""

    parts: tuple[tuple[str, list[Mutation]], ...]
    cuts: list[int]

    def packets(self) -> list[bytes]:
        return cut(b"".join(mutated(_REQUESTS[name], changes) for name, changes in self.parts), self.cuts)


@dataclass(frozen=True, slots=True)
class ResponseCase:
    """One damaged response to a request of this method, cut into packets."""

    method: str
    name: str
    mutations: list[Mutation]
    cuts: list[int]

    def pieces(self) -> list[bytes]:
        return cut(mutated(_RESPONSES[self.name], self.mutations), self.cuts)


REQUESTS: Final = st.builds(
    RequestCase,
    st.lists(st.tuples(st.sampled_from(sorted(_REQUESTS)), MUTATIONS), min_size=1, max_size=4).map(tuple),
    CUTS,
)
RESPONSES: Final = st.builds(
    ResponseCase, st.sampled_from(METHODS), st.sampled_from(sorted(_RESPONSES)), MUTATIONS, CUTS
)
