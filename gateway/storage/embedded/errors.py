"""The one exception of this package: what went wrong with the embedded server, and the way out, for people."""

from __future__ import annotations


class EmbeddedError(Exception):
    """The embedded PostgreSQL cannot be used. Its text is for the person at the terminal."""
