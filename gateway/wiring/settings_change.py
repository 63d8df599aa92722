"""Which settings take effect while the gateway runs, and which only at its next start."""

from __future__ import annotations

from typing import Any, Final

from gateway.settings.model import Settings
from gateway.settings.section import Section

# What was opened, made or handed out under them cannot be exchanged beneath those who use it. All others take effect at
# once.
NEEDS_RESTART: Final = (
    "data_dir",
    "proxy.listen",
    "proxy.tls",
    "admin.listen",
    "database.url",
    "database.url_file",
    "database.pool_size",
    "tokens.prefix",
    "tokens.pepper_file",
    "index.max_entries",
    "index.max_unknown",
    "records.keep",
    "records.sample",
    "records.errors",
    "records.strangers",
    "records.client",
    "records.queue",
)
# Of these only whether they are there at all: another certificate or another time to keep takes effect at once.
_COMES_OR_GOES: Final = frozenset({"proxy.tls", "records.keep"})


def applicable(running: Settings, wanted: Settings) -> tuple[Settings, tuple[str, ...]]:
    """The settings to run on from now on, and the names of those that wait for a restart with another value."""
    waiting = []
    for name in NEEDS_RESTART:
        path = name.split(".")
        before, after = _value(running, path), _value(wanted, path)
        if before == after or (name in _COMES_OR_GOES and bool(before) == bool(after)):
            continue
        waiting.append(name)
        wanted = _with(wanted, path, before)
    return wanted, tuple(waiting)


def _value(settings: Section, path: list[str]) -> Any:
    found: Any = settings
    for name in path:
        found = getattr(found, name)
    return found


def _with(section: Any, path: list[str], value: Any) -> Any:
    name, *below = path
    inner = _with(getattr(section, name), below, value) if below else value
    return section.model_copy(update={name: inner})
