"""Where the requests of one connection come from, as the upstream and the log are told. Only trusted proxies are believed."""

from __future__ import annotations

from typing import Final

from gateway.core.clients import Networks, client_address, is_trusted
from gateway.core.request_fields import RequestFields


def _lines(hops: bytes, proto: bytes, host: bytes) -> bytes:
    lines = b"X-Forwarded-For: %b\r\nX-Forwarded-Proto: %b\r\n" % (hops, proto)
    return lines + b"X-Forwarded-Host: %b\r\n" % host if host else lines


class Provenance:
    """Knows who connected. `peer` is an address, or empty where there is none; `scheme` the listener's."""

    __slots__ = ("_known_host", "_lines", "_peer_field", "_scheme", "_trusted_proxies", "is_trusted", "peer")

    def __init__(self, peer: str, *, trusted_proxies: Networks, scheme: str) -> None:
        self.peer = peer
        self.is_trusted: Final = is_trusted(peer, trusted_proxies)
        self._trusted_proxies = trusted_proxies
        self._scheme = scheme.encode("ascii")
        self._peer_field = peer.encode("ascii", "replace") or b"unknown"
        # What a caller who is not believed comes from depends on its Host alone.
        self._known_host: bytes | None = None
        self._lines = b""

    def __repr__(self) -> str:
        return f"Provenance({self.peer}{', trusted' if self.is_trusted else ''})"

    def client(self, fields: RequestFields) -> str:
        """The address of the caller."""
        if not self.is_trusted:
            return self.peer
        return client_address(self.peer, fields.forwarded_for, self._trusted_proxies)

    def lines(self, fields: RequestFields) -> bytes:
        """The `X-Forwarded-*` lines for the upstream, each ended by CRLF."""
        if self.is_trusted:
            hops = b", ".join((*fields.forwarded_for, self._peer_field))
            return _lines(hops, fields.forwarded_proto or self._scheme, fields.forwarded_host or fields.host)
        if fields.host != self._known_host:
            self._known_host = fields.host
            self._lines = _lines(self._peer_field, self._scheme, fields.host)
        return self._lines
