"""Sessions of members: login, who am I, logout, logout everywhere, a new password.

What the browser holds is 256 random bits; stored is their SHA-256. The token against forged requests is derived from
the same bits, so that nothing that opens a session is in the database.
"""

from __future__ import annotations

import asyncio
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from hmac import compare_digest
from typing import Final

from gateway.admin.management.access import Right, enter
from gateway.admin.management.accounts import account_view
from gateway.admin.management.codes import Code
from gateway.admin.management.hashing import PasswordHashing
from gateway.admin.management.members import member_view
from gateway.admin.management.outcomes import MemberChanged
from gateway.admin.management.principal import Operator, Person
from gateway.admin.management.refusals import Forbidden, Refusal, Throttled, Unauthenticated, flaw
from gateway.admin.management.requests import Credentials, PasswordChange
from gateway.admin.management.store import Store
from gateway.admin.management.throttle import Pace, Throttle
from gateway.admin.management.views import SessionView
from gateway.storage import members, sessions
from gateway.storage.audit import Actor, ActorKind
from gateway.storage.errors import StorageError
from gateway.storage.member_passwords import renew_hash, set_password
from gateway.storage.members import Member

IDLE: Final = timedelta(hours=12)
LASTS: Final = timedelta(days=7)
_ID_BYTES: Final = 32
# A stranger who tries another's e-mail address from elsewhere must not be able to lock them out: the tight pace is for
# the two together, the one for an e-mail address alone only bounds what many networks can try.
_PER_BOTH: Final = Pace(burst=10, per_seconds=600.0)
_PER_ADDRESS: Final = Pace(burst=50, per_seconds=600.0)
_PER_EMAIL: Final = Pace(burst=200, per_seconds=600.0)

# Whoever gives a wrong password is not known to be the member.
_SOMEBODY: Final = Actor(kind=ActorKind.SYSTEM, id="sign-in", name="Sign-in")


def _digest(session_id: str) -> bytes:
    return sha256(session_id.encode("utf-8", "surrogateescape")).digest()


def csrf_token(session_id: str) -> str:
    """The token that a page of this session sends along."""
    derived = sha256(b"csrf\0" + session_id.encode("utf-8", "surrogateescape")).digest()
    return urlsafe_b64encode(derived).rstrip(b"=").decode("ascii")


def _csrf_digest(token: str) -> str:
    return sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A session that was just begun. `session_id` goes into the cookie; the repr does not show it."""

    session_id: str
    view: SessionView

    def __repr__(self) -> str:
        return f"Begun({self.view.member.id!r})"


class Sessions:
    """What can be done with sessions. `monotonic` is in seconds."""

    def __init__(self, store: Store, hashing: PasswordHashing, *, monotonic: Callable[[], float]) -> None:
        self._store = store
        self._hashing = hashing
        self._monotonic = monotonic
        self._by_both = Throttle(_PER_BOTH)
        self._by_address = Throttle(_PER_ADDRESS)
        self._by_email = Throttle(_PER_EMAIL)
        self._notes: set[asyncio.Task[None]] = set()

    async def log_in(self, credentials: Credentials, address: str | None) -> Begun:
        """Begins a session. Raises Throttled; Unauthenticated, which does not tell whether the address is known."""
        email = credentials.email.strip()
        self._count(email, address)
        login = None if "\0" in email else await members.find_login(self._store.reading, email)
        known_hash = None if login is None else login.password_hash
        if not await self._hashing.matches(known_hash, credentials.password):
            if login is not None:
                self._note_refusal(login.member, address)
            raise _wrong_login()
        assert login is not None
        assert known_hash is not None
        session_id = secrets.token_urlsafe(_ID_BYTES)
        person = Person(member=login.member, session=_digest(session_id), address=address)
        async with self._store.change(person) as change:
            begun = await sessions.begin(
                change,
                id_hash=person.session,
                csrf=_csrf_digest(csrf_token(session_id)),
                member=login.member,
                password_hash=known_hash,
                address=address,
                lasts=LASTS,
            )
        if not begun:
            raise _wrong_login()
        self._by_both.forgive(_both(email, address))
        with suppress(StorageError, Throttled):
            await self._renew(login.member.id, known_hash, credentials.password)
        return Begun(session_id=session_id, view=await self.view(session_id, address))

    async def authenticate(self, session_id: str, address: str | None) -> Person:
        """Who this session belongs to. Raises Unauthenticated when it is over."""
        session = await sessions.find(self._store.reading, _digest(session_id), idle=IDLE)
        if session is None:
            raise Unauthenticated(Code.SESSION_OVER, "The session is over; log in again.")
        with suppress(StorageError):
            await sessions.see(self._store.reading, session.id_hash)
        return Person(member=session.member, session=session.id_hash, address=address)

    def check_csrf(self, session_id: str, token: str | None) -> None:
        """Raises Forbidden unless the token is this session's."""
        if token is None or not compare_digest(
            csrf_token(session_id).encode(), token.encode("utf-8", "surrogateescape")
        ):
            raise Forbidden(
                Code.CSRF_REFUSED, "The X-CSRF-Token header does not carry the token of this session."
            )

    async def view(self, session_id: str, address: str | None) -> SessionView:
        """The session, its member and account. Raises Unauthenticated when it is over."""
        reading = self._store.reading
        session = await sessions.find(reading, _digest(session_id), idle=IDLE)
        if session is None:
            raise Unauthenticated(Code.SESSION_OVER, "The session is over; log in again.")
        person = Person(member=session.member, session=session.id_hash, address=address)
        account = await enter(reading, person, session.member.account_id, Right.READ_ACCOUNT)
        return SessionView(
            member=member_view(session.member),
            account=account_view(account),
            csrf_token=csrf_token(session_id),
            began_at=session.began_at,
            expires_at=session.expires_at,
        )

    async def log_out(self, person: Person) -> None:
        """Ends this session."""
        async with self._store.change(person) as change:
            await sessions.end(change, person.member, person.session)

    async def log_out_everywhere(self, person: Person) -> None:
        """Ends every session of the member."""
        async with self._store.change(person) as change:
            await sessions.end_all(change, person.member)

    async def change_password(self, person: Person, change: PasswordChange) -> MemberChanged:
        """Sets the member's own password and ends the member's other sessions."""
        member = person.member
        self._count(member.email, person.address)
        login = await members.find_login(self._store.reading, member.email)
        known_hash = None if login is None else login.password_hash
        if not await self._hashing.matches(known_hash, change.current_password):
            raise flaw("/current_password", "This is not your password.", "password_wrong")
        self._by_both.forgive(_both(member.email, person.address))
        password_hash = await self._hashing.hash(change.new_password)
        async with self._store.change(person) as mutation:
            changed = await set_password(
                mutation,
                account_id=member.account_id,
                member_id=member.id,
                password_hash=password_hash,
                keep_session=person.session,
            )
        return MemberChanged(member=member_view(changed), revision=await self._store.revision(mutation))

    def _note_refusal(self, member: Member, address: str | None) -> None:
        """Has it written beside the answer: one that waited for that would tell which addresses are known."""
        note = asyncio.get_running_loop().create_task(self._write_refusal(member, address))
        self._notes.add(note)
        note.add_done_callback(self._notes.discard)

    async def _write_refusal(self, member: Member, address: str | None) -> None:
        # While the store is away nobody signs in either.
        with suppress(StorageError, Refusal):
            async with self._store.change(Operator(actor=_SOMEBODY, address=address)) as change:
                sessions.refuse(change, member)

    async def settled(self) -> None:
        """Waits until every refused sign-in is written down."""
        await asyncio.gather(*self._notes)

    def _count(self, email: str, address: str | None) -> None:
        now = self._monotonic()
        wait = (
            self._by_address.try_again_after(address or "", now)
            or self._by_both.try_again_after(_both(email, address), now)
            or self._by_email.try_again_after(email.lower()[:320], now)
        )
        if wait:
            raise Throttled("Too many logins were tried; try again later.", retry_after_seconds=wait)

    async def _renew(self, member_id: str, known_hash: str, password: str) -> None:
        renewed = await self._hashing.renewed(known_hash, password)
        if renewed is not None:
            await renew_hash(self._store.reading, member_id, before=known_hash, after=renewed)


def _both(email: str, address: str | None) -> str:
    return f"{email.lower()[:320]} {address}"


def _wrong_login() -> Unauthenticated:
    return Unauthenticated(Code.LOGIN_REFUSED, "The e-mail address or the password is wrong.")
