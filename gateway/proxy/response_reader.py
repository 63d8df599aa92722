"""Reads one response that does not come whole in one piece, and tells its receiver as it goes.

llhttp (through httptools) reads the bytes; what they mean is judged by `core.response`.
"""

from __future__ import annotations

from typing import Final, Protocol

import httptools

from gateway.core.fields import ResponseFieldRules
from gateway.core.response import BadResponse, Framing, ResponseHead, read_response

MAX_HEAD: Final = 64 * 1024
MAX_FIELDS: Final = 256
MAX_TRAILERS: Final = 16 * 1024
_RULES: Final = ResponseFieldRules()
_NONE: Final = Framing.NONE


class Pieces(Protocol):
    """Who takes a response piece by piece."""

    def interim(self, head: ResponseHead) -> None: ...

    def response(self, head: ResponseHead) -> None: ...

    def content(self, data: bytes) -> None: ...


class ResponseReader:
    """One response, from its first byte. `head` is the final one's; `complete`: the response has been read to its end.

    `surplus`: bytes were found that belong to no response that was asked for.
    """

    def __init__(self, receiver: Pieces, method: str) -> None:
        """`method` is the request's: it decides whether a body follows."""
        self.head: ResponseHead | None = None
        self.complete = False
        self.surplus = False
        self._receiver = receiver
        self._method = method
        self._parser = httptools.HttpResponseParser(self)
        self._fields: list[tuple[bytes, bytes]] = []
        self._fields_size = 0
        self._reason = b""
        self._raw_head = b""
        self._heads = 0
        self._seen = False

    def __repr__(self) -> str:
        return f"<ResponseReader {self.head} complete={self.complete}>"

    @property
    def reusable(self) -> bool:
        """Whether the connection may carry another request."""
        return self.complete and not self.surplus and self.head is not None and self.head.reusable

    def feed(self, data: bytes) -> bytes | None:
        """Read on. Bytes: the upstream switched protocols, and these stand behind its 101; `head` is that head.

        Raises BadResponse when there is no meaning, or two, before anybody has seen any of it. Bytes behind a response
        that was seen are `surplus`.
        """
        if self.head is None:
            self._raw_head += data
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as switch:
            self.head = self._judge(101)
            return data[switch.args[0] :]
        except (httptools.HttpParserError, BadResponse) as error:
            if not self.complete:
                raise BadResponse(_detail(error)) from None
            self.surplus = True
        head = self.head
        if head is None and len(self._raw_head) > MAX_HEAD:
            raise BadResponse("the response head is too large")
        if head is not None and head.framing is _NONE and not self._ends_with_head():
            self.surplus = True
        if self.surplus and not self._seen:
            # Bytes behind the response make all of it doubtful, and nobody has seen any of it yet.
            raise BadResponse("bytes after the response")
        self._seen = head is not None
        return None

    def _ends_with_head(self) -> bool:
        """Whether nothing stands behind the head of a response without a body.

        The parser does not know what was asked for: it would swallow the beginning of a body behind a HEAD's answer, and
        the rest of it would answer the next request.
        """
        return self._raw_head.endswith(b"\r\n\r\n") and self._raw_head.count(b"\r\n\r\n") == self._heads

    def _judge(self, status: int) -> ResponseHead:
        version = self._parser.get_http_version()
        if version not in ("1.1", "1.0"):
            raise BadResponse(f"HTTP/{version}")
        minor = 1 if version == "1.1" else 0
        return read_response(
            status, self._reason, minor, self._fields, rules=_RULES, request_method=self._method
        )

    # httptools callbacks. An exception here ends the parse; httptools wraps it.

    def on_message_begin(self) -> None:
        if self.complete:
            self.surplus = True
            raise BadResponse("a second response")
        self._fields = []
        self._fields_size = 0
        self._reason = b""

    def on_status(self, status: bytes) -> None:
        self._reason += status
        if len(self._reason) > MAX_HEAD:
            raise BadResponse("the reason phrase is too large")

    def on_header(self, name: bytes, value: bytes | None) -> None:
        value = value or b""
        self._fields_size += len(name) + len(value)
        if self.head is not None:  # a trailer: bounded and dropped
            if self._fields_size > MAX_TRAILERS:
                raise BadResponse("too many trailers")
            return
        self._fields.append((name, value.strip(b" \t")))
        if len(self._fields) > MAX_FIELDS or self._fields_size > MAX_HEAD:
            raise BadResponse("the response head is too large")

    def on_headers_complete(self) -> None:
        self._heads += 1
        status = self._parser.get_status_code()
        if status == 101:
            return  # judged where the switch is seen
        head = self._judge(status)
        if status < 200:
            self._receiver.interim(head)
            return
        self.head = head
        self._fields_size = 0
        self._receiver.response(head)
        if head.framing is _NONE:
            self.complete = True

    def on_body(self, data: bytes) -> None:
        if self.head is None or self.head.framing is _NONE:
            self.surplus = True
            raise BadResponse("a body where none may be")
        self._receiver.content(data)

    def on_message_complete(self) -> None:
        if self.head is not None:
            self.complete = True


def _detail(error: BaseException) -> str:
    cause = error.__context__ if isinstance(error, httptools.HttpParserCallbackError) else None
    return f"the response is malformed: {cause or error}"
