"""Whether a request that is still under way would be let in again: streams and sockets obey revocation and a new map."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from gateway.core.model import Access, Route, TokenRecord
from gateway.core.paths import RefusedPath, canonical_path
from gateway.core.policy import Credential, Deny, authenticate, authorize, read_credential
from gateway.core.reasons import Code
from gateway.core.request import RequestHead
from gateway.index.cache import MISS
from gateway.proxy.gate import Gate
from gateway.storage.errors import StoreUnavailable

CHECK_SECONDS: Final = 1.0
# A token that the index no longer knows and the store cannot tell about is trusted no longer than this.
UNKNOWN_SECONDS: Final = 4.0
_PUBLIC: Final = Access.PUBLIC


class Standing:
    """Judges one request again and again, and tells once when it would no longer be let in.

    `credential` None: its route was public. The token is judged always; the operation, by the gate that `newest` tells, only
    where `check` is asked to: a request that was sent whole is not refused half-way for a map that came after it.
    """

    __slots__ = (
        "_credential",
        "_gate",
        "_is_socket",
        "_newest",
        "_next",
        "_on_end",
        "_request",
        "_route",
        "_task",
        "_unknown_since",
    )

    def __init__(
        self,
        request: RequestHead,
        credential: Credential | None,
        route: Route,
        *,
        gate: Gate,
        newest: Callable[[], Gate],
        is_socket: bool,
        on_end: Callable[[Deny], None],
        now: float,
    ) -> None:
        self._request = request
        self._credential = credential
        self._route = route
        self._gate = gate
        self._newest = newest
        self._is_socket = is_socket
        self._on_end = on_end
        self._next = now + CHECK_SECONDS
        self._unknown_since: float | None = None
        self._task: asyncio.Task[None] | None = None

    def __repr__(self) -> str:
        return f"Standing({self._route.method} {self._route.template})"

    def check(self, now: float, *, operation: bool = True) -> None:
        """Judge again when it is time. `now` is monotonic seconds; `operation`: whether by a new map as well."""
        if now < self._next or self._task is not None:
            return
        self._next = now + CHECK_SECONDS
        if operation and (gate := self._newest()) is not self._gate:
            deny = self._move(gate)
            if deny is not None:
                self._on_end(deny)
                return
        credential = self._credential
        if credential is None:
            return
        record = self._gate.index.find(credential.digest)
        if record is MISS:
            self._task = asyncio.get_running_loop().create_task(self._load(credential.token, now))
        else:
            self._judge(record)

    def stop(self) -> None:
        """The request has ended."""
        if self._task is not None:
            self._task.cancel()

    def _move(self, gate: Gate) -> Deny | None:
        """Take the request to another gate: the operation that it means there, and the token that it needs."""
        self._gate = gate
        request = self._request
        path = canonical_path(request.path, gate.policy.path_allow)
        if isinstance(path, RefusedPath):
            return Deny(Code.PATH_REFUSED, detail=path.detail)
        plan = gate.live.table.match(request.method, path)
        if plan is None:
            return Deny(Code.ROUTE_UNKNOWN, detail="the map has no such route any more")
        if self._is_socket and not plan.route.websocket:
            return Deny(Code.ROUTE_UNKNOWN, detail="the route takes no WebSockets any more")
        self._route = plan.route
        if plan.route.access is _PUBLIC:
            self._credential = None
            return None
        token = read_credential(request.authorization, gate.policy.token_form)
        if isinstance(token, Deny):
            return token
        self._credential = Credential(token, gate.index.digest(token))
        return None

    async def _load(self, token: bytes, now: float) -> None:
        try:
            record = await self._gate.index.load(token)
        except StoreUnavailable as error:
            if self._unknown_since is None:
                self._unknown_since = now
            elif now - self._unknown_since > UNKNOWN_SECONDS:
                self._on_end(Deny(Code.STORE_UNAVAILABLE, detail=str(error)))
        else:
            self._unknown_since = None
            self._judge(record)
        finally:
            self._task = None

    def _judge(self, record: TokenRecord | None) -> None:
        caller = authenticate(record, self._gate.clock.now())
        verdict = (
            caller
            if isinstance(caller, Deny)
            else authorize(caller, self._route, self._request.fields.api_versions)
        )
        if isinstance(verdict, Deny):
            self._on_end(verdict)
