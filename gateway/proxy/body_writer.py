"""Request content on its way to an upstream: held until there is one, in the framing that the upstream was promised."""

from __future__ import annotations


class BodyWriter:
    """Collects content until it can be sent. `complete`: the caller has sent the last of it."""

    __slots__ = ("_chunked", "_pieces", "complete")

    def __init__(self, *, chunked: bool) -> None:
        self._chunked = chunked
        self._pieces: list[bytes] = []
        self.complete = False

    def __repr__(self) -> str:
        return (
            f"BodyWriter({len(self._pieces)} pieces held, {'complete' if self.complete else 'more to come'})"
        )

    @property
    def untouched(self) -> bool:
        """Whether nothing of the body has come yet."""
        return not self._pieces and not self.complete

    def hold(self, content: bytes, *, complete: bool) -> None:
        """Take content; `complete`: it was the last."""
        if content:
            self._pieces.append(content)
        self.complete = complete

    def take(self) -> bytes:
        """What is held, framed, to be sent."""
        pieces, self._pieces = self._pieces, []
        if not self._chunked:
            return pieces[0] if len(pieces) == 1 else b"".join(pieces)
        framed: list[bytes] = []
        for piece in pieces:
            framed += (b"%x\r\n" % len(piece), piece, b"\r\n")
        if self.complete:
            framed.append(b"0\r\n\r\n")
        return b"".join(framed)
