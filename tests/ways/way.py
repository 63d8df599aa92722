"""The ways in which a connection of the gateway carries a request and its response, and how a test makes it take each.

No switch in the gateway does this: the test takes the place of the two readers, or cuts the bytes so that they see no whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from unittest.mock import patch

from gateway.core.ordinary_head import OrdinaryHeads
from gateway.core.policy import Deny
from gateway.core.request import RequestHead
from gateway.core.whole_response import WholeResponse, read_whole
from gateway.proxy import upstream
from gateway.proxy.heads import Head, HeadReader
from gateway.proxy.response_reader import Pieces, ResponseReader


class Way(StrEnum):
    """`fast` is what callers get. `general`: neither of its readers ever has an answer. `apart`: both would have one, but
    what they get comes in pieces.
    """

    FAST = "fast"
    GENERAL = "general"
    APART = "apart"


@dataclass(slots=True)
class Taken:
    """How many heads of requests and how many responses were read, by which of the two readers of each."""

    ordinary_heads: int = 0
    parsed_heads: int = 0
    whole_responses: int = 0
    parsed_responses: int = 0


@contextmanager
def taking(way: Way) -> Iterator[Taken]:
    """Every connection of this process goes this way until the end of the block."""
    taken = Taken()
    ordinary, parsed = OrdinaryHeads.read, HeadReader.read
    whole, begin = read_whole, ResponseReader.__init__

    def read_ordinary(self: OrdinaryHeads, buffer: bytes) -> RequestHead | None:
        if way is Way.GENERAL:
            return None
        head = ordinary(self, buffer)
        taken.ordinary_heads += head is not None
        return head

    def read_parsed(self: HeadReader, buffer: bytes) -> Head | Deny | None:
        head = parsed(self, buffer)
        taken.parsed_heads += head is not None
        return head

    def read_at_once(data: bytes, *, request_method: str) -> WholeResponse | None:
        if way is Way.GENERAL:
            return None
        response = whole(data, request_method=request_method)
        taken.whole_responses += response is not None
        return response

    def begin_parsed(self: ResponseReader, receiver: Pieces, method: str) -> None:
        taken.parsed_responses += 1
        begin(self, receiver, method)

    with (
        patch.object(OrdinaryHeads, "read", read_ordinary),
        patch.object(HeadReader, "read", read_parsed),
        patch.object(upstream, "read_whole", read_at_once),
        patch.object(ResponseReader, "__init__", begin_parsed),
    ):
        yield taken
