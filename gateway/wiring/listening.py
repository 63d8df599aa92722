"""Sockets that listen, made before there is anybody to serve them, so that several processes can share an address."""

from __future__ import annotations

import os
import socket
from typing import Any, Final

from gateway.settings.addresses import ListenAddress

_BACKLOG: Final = 2048


class ListenError(Exception):
    """An address cannot be listened on. The text is for the operator."""


def cannot_listen(setting: str, address: ListenAddress, error: OSError) -> ListenError:
    """The error, with the way out."""
    reason = os.strerror(error.errno) if error.errno else str(error)
    return ListenError(
        f"cannot listen on {address}: {reason.lower()}; free it, or set {setting} to another address"
    )


def listening(setting: str, address: ListenAddress) -> socket.socket:
    """A socket that listens on an address. Raises ListenError."""
    try:
        made = _bound(*_resolved(address), shared=False)
        made.listen(_BACKLOG)
    except OSError as error:
        raise cannot_listen(setting, address, error) from None
    return made


def held_address(setting: str, address: ListenAddress) -> socket.socket:
    """A socket that keeps an address for others that listen on it, and does not listen itself. Raises ListenError."""
    try:
        family, where = _resolved(address)
        # With SO_REUSEPORT a port that another program of this user shares in the same way would look free.
        with _bound(family, where, shared=False) as probe:
            where = probe.getsockname()
        return _bound(family, where, shared=True)
    except OSError as error:
        raise cannot_listen(setting, address, error) from None


def listening_beside(held: socket.socket) -> socket.socket:
    """One more socket that listens on the address that is held (SO_REUSEPORT): the kernel spreads connections over them."""
    made = _bound(held.family, held.getsockname(), shared=True)
    made.listen(_BACKLOG)
    return made


def _resolved(address: ListenAddress) -> tuple[int, Any]:
    family, _, _, _, where = socket.getaddrinfo(
        address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    return family, where


def _bound(family: int, where: Any, *, shared: bool) -> socket.socket:
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.setblocking(False)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        made.bind(where)
    except BaseException:
        made.close()
        raise
    return made
