"""The tables about refusals cover what there is."""

from __future__ import annotations

import pytest

from gateway.admin.api.problems import STATUSES
from gateway.admin.management import refusals
from gateway.admin.management.refusals import ConflictingState, Refusal, StaleVersion, translated
from gateway.storage.errors import Conflict, ConflictReason, StoreUnavailable


def test_every_refusal_has_a_status() -> None:
    kinds = {kind for kind in vars(refusals).values() if isinstance(kind, type) and issubclass(kind, Refusal)}
    assert set(STATUSES) == kinds - {Refusal}


@pytest.mark.parametrize("reason", ConflictReason)
def test_every_conflict_of_the_store_becomes_a_refusal(reason: ConflictReason) -> None:
    with pytest.raises(Refusal) as refused, translated():
        raise Conflict(reason, "it is so")
    expected = StaleVersion if reason is ConflictReason.VERSION else ConflictingState
    assert type(refused.value) is expected


def test_a_failure_of_the_store_stays_one() -> None:
    with pytest.raises(StoreUnavailable), translated():
        raise StoreUnavailable("away")
