"""The session's cookie. Behind TLS its name makes browsers insist that this host set it, over TLS, for all its paths."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from aiohttp import web

_PLAIN: Final = "gateway_session"
_SECURE: Final = f"__Host-{_PLAIN}"


def _name(is_secure: bool) -> str:
    return _SECURE if is_secure else _PLAIN


def read_cookie(request: web.Request, *, is_secure: bool) -> str | None:
    """The session that the browser holds; over TLS only the one that was set over TLS."""
    return request.cookies.get(_name(is_secure)) or None


def set_cookie(
    response: web.StreamResponse, session_id: str, *, is_secure: bool, until: datetime, now: datetime
) -> None:
    """Gives the session to the browser, for as long as the session can last."""
    response.set_cookie(
        _name(is_secure),
        session_id,
        max_age=max(1, int((until - now).total_seconds())),
        path="/",
        httponly=True,
        samesite="Lax",
        secure=is_secure,
    )


def drop_cookie(response: web.StreamResponse, *, is_secure: bool) -> None:
    """Takes it away."""
    response.del_cookie(_name(is_secure), path="/", httponly=True, samesite="Lax", secure=is_secure)
