"""Which request methods there are here: those a route may have, and those that are refused whatever the map says."""

from __future__ import annotations

from typing import Final

# RFC 9110 section 9.3: one asks for a tunnel, the other echoes credentials.
REFUSED_METHODS: Final = frozenset({"CONNECT", "TRACE"})
# What llhttp reads as a method of an HTTP request; any other word is no request to it.
ROUTE_METHODS: Final = frozenset(
    {
        *("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"),
        *("ACL", "BIND", "CHECKOUT", "COPY", "LINK", "LOCK", "M-SEARCH", "MERGE", "MKACTIVITY", "MKCALENDAR"),
        *("MKCOL", "MOVE", "NOTIFY", "PROPFIND", "PROPPATCH", "PURGE", "QUERY", "REBIND", "REPORT", "SEARCH"),
        *("SOURCE", "SUBSCRIBE", "UNBIND", "UNLINK", "UNLOCK", "UNSUBSCRIBE"),
    }
)
