"""What most tests of the proxy start from: a small route map, and a database with one token of each sort."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gateway.core.model import AccountKind, RouteMap
from gateway.core.rotation import Operation
from gateway.storage.database import connect
from gateway.wiring.routes import publishable
from tests.wiring.tenants import Issued, Tenants, never_issued

MAP = """
upstreams:
  main: {urls: ["MAIN"]}
  same_host: {urls: ["MAIN"], preserve_host: true}
  away: {urls: ["AWAY"]}
  half_away: {urls: ["AWAY", "MAIN"]}
services:
  contacts:
    upstream: main
    account: sub_account
    routes:
      GET /contacts/{contactId}: contacts.readonly
      POST /contacts/: contacts.write
      PUT /contacts/{contactId}: contacts.write
      PATCH /contacts/{contactId}: contacts.write
      DELETE /contacts/{contactId}: contacts.write
      OPTIONS /contacts/{contactId}: contacts.readonly
      GET /contacts/lookup: [contacts.readonly, locations.readonly]
      GET /contacts/either: {any_of: [contacts.readonly, contacts.write]}
      GET /versioned: {scope: contacts.readonly, versions: [2021-07-28, 2021-04-15]}
      POST /small: {scope: contacts.write, body_limit: 1KiB}
      POST /large: {scope: contacts.write, body_limit: 300KiB}
      GET /impatient: {scope: contacts.readonly, timeout: 150ms}
  agencies:
    upstream: main
    account: agency
    routes:
      GET /agencies/{agencyId}: agencies.readonly
  open:
    upstream: main
    routes:
      GET /public/ping: authenticated
      POST /oauth/token: public
      GET /oauth/keys: public
  hosted:
    upstream: same_host
    routes:
      GET /hosted/{id}: contacts.readonly
  away:
    upstream: away
    routes:
      GET /away/{id}: contacts.readonly
      POST /away/{id}: contacts.write
  half:
    upstream: half_away
    routes:
      GET /half/{id}: contacts.readonly
      POST /half/{id}: contacts.write
"""
SCOPES = ("contacts.readonly", "contacts.write", "locations.readonly", "agencies.readonly")


def small_map(folder: Path, *, main: str, away: str = "http://127.0.0.1:9") -> RouteMap:
    """The map above with its upstreams' addresses."""
    path = folder / "routes.yaml"
    path.write_text(MAP.replace("MAIN", main).replace("AWAY", away))
    return publishable(path)[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Tokens that no test changes. The last ones are dead, each in its own way."""

    dsn: str
    full: Issued
    other: Issued
    agency: Issued
    reader: Issued
    bare: Issued
    suspended: Issued
    rotated: Issued
    expired: Issued
    revoked: Issued
    cancelled: str
    deleted: Issued
    unknown: str


async def make_standing(dsn: str) -> Standing:
    database = await connect(dsn, pool_size=2)
    try:
        tenants = Tenants(database)
        (
            full,
            other,
            reader,
            bare,
            suspended,
            rotated,
            expired,
            revoked,
            cancelled,
            deleted,
        ) = await tenants.issue_many(
            [
                SCOPES,
                ["contacts.readonly"],
                ["contacts.readonly"],
                [],
                *(["contacts.readonly"],) * 6,
            ]
        )
        agency = await tenants.issue(*SCOPES, kind=AccountKind.AGENCY)
        await tenants.suspend(suspended)
        await tenants.operate(rotated, Operation.ROTATE_LATER)
        await tenants.let_the_deadline_pass(rotated.token_id)
        await tenants.operate(expired, Operation.EXPIRE)
        await tenants.operate(revoked, Operation.ROTATE_NOW)
        _, dropped = await tenants.operate(cancelled, Operation.ROTATE_LATER)
        await tenants.operate(cancelled, Operation.CANCEL_ROTATION)
        await tenants.delete(deleted)
        assert dropped is not None
        return Standing(
            dsn=dsn,
            full=full,
            other=other,
            agency=agency,
            reader=reader,
            bare=bare,
            suspended=suspended,
            rotated=rotated,
            expired=expired,
            revoked=revoked,
            cancelled=dropped,
            deleted=deleted,
            unknown=never_issued(),
        )
    finally:
        await database.close()
