"""A gateway that may serve 10,000 connections is not held to the 1,024 files of a shell."""

from __future__ import annotations

import resource
from collections.abc import Iterator

import pytest

from gateway.wiring.descriptors import raise_open_files, too_few


@pytest.fixture(autouse=True)
def limits() -> Iterator[tuple[int, int]]:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield before
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_the_soft_limit_is_raised_to_the_hard_one(limits: tuple[int, int]) -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (1024, limits[1]))
    assert raise_open_files() == limits[1]
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == (limits[1], limits[1])
    assert raise_open_files() == limits[1]


def test_a_refusal_leaves_what_there_was(monkeypatch: pytest.MonkeyPatch, limits: tuple[int, int]) -> None:
    def refuse(*_: object) -> None:
        raise ValueError("not allowed to raise maximum limit")

    resource.setrlimit(resource.RLIMIT_NOFILE, (1024, limits[1]))
    monkeypatch.setattr(resource, "setrlimit", refuse)
    assert raise_open_files() == 1024
    monkeypatch.undo()


@pytest.mark.parametrize(
    ("open_files", "max_connections", "few"),
    [
        (1024, 10_000, True),
        (10_000, 10_000, True),
        (10_100, 10_000, False),
        (resource.RLIM_INFINITY, 10_000, False),
    ],
)
def test_room_is_needed_for_more_than_callers(open_files: int, max_connections: int, few: bool) -> None:
    assert too_few(open_files, max_connections) is few
