"""Proves that a contender does the whole job before its figures count, and after them."""

from __future__ import annotations

import http.client
import json
import re
from collections.abc import Mapping
from typing import Final

from tests.bench.contender import ACCOUNT, FORWARDED, IDENTITY, Contender, Job, vouched
from tests.bench.mix import OPERATIONS, Caller
from tests.bench.programs import Failed
from tests.bench.upstream import ITEM, LIST, MIRROR, SHOWN

_MIRROR_TEMPLATE: Final = "/contacts/{contactId}"
_FORGED: Final = "forged"


def prove(contender: Contender, job: Job) -> None:
    """Raise Failed unless the contender checks, judges, vouches, strips and forwards."""
    _proof_of_identity(contender, job)
    everything, narrow = job.callers[0], job.callers[1]
    for operation in OPERATIONS:
        path = re.sub(r"\{[^}]+\}", "abc123", operation.template)
        _expect(contender, 200, operation.method, path, everything)
        if operation.scope not in narrow.scopes:
            _expect(contender, 403, operation.method, path, narrow)
    token = everything.token
    forged = token[:-1] + ("0" if token[-1] != "0" else "1")
    _expect(contender, 401, "GET", "/contacts/abc123", None)
    _expect(contender, 401, "GET", "/contacts/abc123", everything, Authorization=f"Bearer {forged}")


def _proof_of_identity(contender: Contender, job: Job) -> None:
    for caller in job.callers:
        forged = dict.fromkeys(contender.vouches, _FORGED)
        status, echoed, body = _ask(
            contender.port, "GET", MIRROR, {"Authorization": caller.credential} | forged
        )
        if status != 200:
            raise Failed(f"{contender.name} does not do the job: GET {MIRROR} was answered {status}")
        seen = json.loads(body)
        expected = vouched(caller, _MIRROR_TEMPLATE)
        wrong = {name: seen[name] for name in contender.vouches if seen[name] != expected[name]}
        wrong |= {name: "" for name in FORWARDED if not seen[name]}
        if seen["Authorization"]:
            wrong["Authorization"] = seen["Authorization"]
        if not echoed or echoed != seen["X-Request-Id"]:
            wrong["X-Request-Id"] = str(echoed)
        if wrong:
            raise Failed(f"{contender.name} does not do the job: behind it the upstream sees {wrong}")


def _expect(
    contender: Contender, status: int, method: str, path: str, caller: Caller | None, **extra: str
) -> None:
    headers = {"Authorization": caller.credential} if caller is not None else {}
    got, _, body = _ask(contender.port, method, path, headers | extra)
    if got != status or (status == 200 and body.decode() not in (ITEM, LIST)):
        who = "no one" if caller is None else f"one with {' '.join(caller.scopes)}"
        raise Failed(
            f"{contender.name} does not do the job: {method} {path} by {who} was answered {got}, not {status}"
        )


def _ask(port: int, method: str, path: str, headers: Mapping[str, str]) -> tuple[int, str | None, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    body = "{}" if method != "GET" else None
    try:
        connection.request(method, path, body=body, headers=dict(headers))
        answer = connection.getresponse()
        return answer.status, answer.getheader("X-Request-Id"), answer.read()
    except (OSError, http.client.HTTPException) as error:
        raise Failed(f"no answer to {method} {path} on port {port}: {error!r}") from None
    finally:
        connection.close()


assert {ACCOUNT, *IDENTITY, *FORWARDED} <= set(SHOWN)
