"""What is asked for: operations of the shipped map in the proportions of an ordinary client, by many callers.

Knows requests as bytes, and nothing of who answers them. Made with a fixed seed: every run sends the same.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation of the shipped map. Of a hundred requests it is `share`; `query` comes behind its path."""

    method: str
    template: str
    scope: str
    share: int
    query: str = ""

    @property
    def is_list(self) -> bool:
        """Whether the upstream's answer is a long one."""
        return bool(self.query)

    @property
    def pattern(self) -> str:
        """A regular expression for the paths it means, without anchors."""
        return re.sub(r"\{[^}]+\}", "[^/]+", self.template)


def _read(template: str, scope: str, share: int, query: str = "") -> Operation:
    return Operation(method="GET", template=template, scope=scope, share=share, query=query)


def _write(method: str, template: str, scope: str, share: int) -> Operation:
    return Operation(method=method, template=template, scope=scope, share=share)


_PAGE: Final = "?locationId={id}&limit=20"
OPERATIONS: Final = (
    _read("/contacts/{contactId}", "contacts.readonly", 30),
    _read("/contacts/", "contacts.readonly", 10, _PAGE),
    _write("POST", "/contacts/", "contacts.write", 5),
    _write("PUT", "/contacts/{contactId}", "contacts.write", 5),
    _read("/contacts/{contactId}/notes", "contacts.readonly", 5, _PAGE),
    _read("/contacts/{contactId}/tasks/{taskId}", "contacts.readonly", 3),
    _read("/opportunities/search", "opportunities.readonly", 8, _PAGE),
    _read("/opportunities/{id}", "opportunities.readonly", 8),
    _read("/calendars/events", "calendars/events.readonly", 5, _PAGE + "&startTime=1763942400000"),
    _read("/calendars/events/appointments/{eventId}", "calendars/events.readonly", 5),
    _read("/conversations/{conversationId}", "conversations.readonly", 5),
    _write("POST", "/conversations/messages", "conversations/message.write", 5),
    _read("/locations/{locationId}", "locations.readonly", 3),
    _read("/products/{productId}", "products.readonly", 3),
)
# What integrations are for: the scopes each kind of them holds, sorted.
_EVERYTHING: Final = tuple(sorted({operation.scope for operation in OPERATIONS}))
PROFILES: Final = (
    _EVERYTHING,
    ("contacts.readonly", "contacts.write"),
    ("calendars/events.readonly", "contacts.readonly", "locations.readonly"),
    ("contacts.readonly", "conversations/message.write", "opportunities.readonly", "products.readonly"),
)
# What client libraries send of themselves.
_CLIENTS: Final = (
    "User-Agent: python-requests/2.32.5\r\nAccept-Encoding: gzip, deflate\r\nAccept: application/json\r\n",
    "Accept: application/json, text/plain, */*\r\nUser-Agent: axios/1.13.2\r\nAccept-Encoding: gzip, br\r\n",
    "User-Agent: Go-http-client/1.1\r\nAccept: application/json\r\nAccept-Encoding: gzip\r\n",
    "User-Agent: curl/8.14.1\r\nAccept: application/json\r\n",
)
_BODY: Final = {"firstName": "Ada", "lastName": "Lovelace", "email": "ada@example.com", "tags": ["a", "b"]}
_IDENTIFIER: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_REQUESTS: Final = 4096
_LINES: Final = 8
_SEED: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """An integration with its token. `scopes` are sorted."""

    token: str
    account_id: str
    integration_id: str
    token_id: str
    scopes: tuple[str, ...]

    @property
    def credential(self) -> str:
        """The value of Authorization."""
        return f"Bearer {self.token}"


class Mix(StrEnum):
    """Which requests go down a connection one after the other."""

    MIXED = "mixed"
    CALLERS = "callers"
    SINGLE = "single"


# For people: what the figures are figures of.
WORDS: Final = {
    Mix.MIXED: (
        f"{_REQUESTS} different requests ({len(OPERATIONS)} operations, 15 % of them writes with a small body; 64 tokens), "
        "shuffled: each connection carries all tokens in turn, as behind a load balancer"
    ),
    Mix.CALLERS: (
        f"{_REQUESTS} different requests ({len(OPERATIONS)} operations, 15 % of them writes with a small body), "
        f"each connection with one of {_LINES} tokens"
    ),
    Mix.SINGLE: "one request, again and again: the same GET with the same token",
}


def requests(mix: Mix, callers: Sequence[Caller], *, host: str) -> list[list[bytes]]:
    """The requests, in lists of those that may share a connection. Each list is repeated as long as it is needed."""
    chance = random.Random(_SEED)
    if mix is Mix.SINGLE:
        return [[_request(OPERATIONS[0], callers[0], 0, chance, host)]]
    if mix is Mix.MIXED:
        return [_shuffled(callers, _REQUESTS, chance, host)]
    return [_shuffled([caller], _REQUESTS // _LINES, chance, host) for caller in callers[:_LINES]]


def _shuffled(callers: Sequence[Caller], count: int, chance: random.Random, host: str) -> list[bytes]:
    made = []
    for number in range(count):
        at = number % len(callers)
        possible = [operation for operation in OPERATIONS if operation.scope in callers[at].scopes]
        (operation,) = chance.choices(possible, [each.share for each in possible])
        made.append(_request(operation, callers[at], at, chance, host))
    chance.shuffle(made)
    return made


def _request(operation: Operation, caller: Caller, at: int, chance: random.Random, host: str) -> bytes:
    def identifier(_: re.Match[str] | None = None) -> str:
        return "".join(chance.choices(_IDENTIFIER, k=20))

    target = re.sub(r"\{[^}]+\}", identifier, operation.template + operation.query)
    head = (
        f"{operation.method} {target} HTTP/1.1\r\nHost: {host}\r\n{_CLIENTS[at % len(_CLIENTS)]}"
        f"Version: 2021-07-28\r\nAuthorization: {caller.credential}\r\n"
    )
    if operation.method == "GET":
        return f"{head}\r\n".encode()
    body = json.dumps(_BODY | {"locationId": identifier()})
    return f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
