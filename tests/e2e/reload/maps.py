"""A route map that tests rewrite while it is in use."""

from __future__ import annotations

MAP = """
upstreams:
  main: {urls: ["MAIN"]}
services:
  contacts:
    upstream: main
    routes:
      GET /contacts/{contactId}: SCOPE
      POST /contacts/: contacts.write
MORE
"""


def written(main: str, *, scope: str = "contacts.readonly", more: str = "", note: str = "") -> str:
    """The map, with `more` routes; `note` makes it another one that means the same."""
    lines = "\n".join(f"      {line}" for line in more.splitlines())
    return MAP.replace("MAIN", main).replace("SCOPE", scope).replace("MORE", lines) + f"# {note}\n"
