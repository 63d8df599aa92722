"""Jobs come round again whatever goes wrong, and one node at a time does each."""

from __future__ import annotations

import asyncio

import pytest

from gateway.jobs.runner import Job, JobRunner
from gateway.storage.database import connect_alone
from gateway.storage.errors import StoreUnavailable
from gateway.storage.job_locks import JobLocks

PATIENCE_SECONDS = 30


class Work:
    """Something that is done, and may fail or take long."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.turns = 0
        self.at_once = 0
        self.most_at_once = 0
        self.turned = asyncio.Event()
        self.hold: asyncio.Event | None = None

    async def __call__(self) -> None:
        self.turns += 1
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        self.turned.set()
        try:
            if self.failures:
                raise self.failures.pop(0)
            await (self.hold.wait() if self.hold else asyncio.sleep(0.001))
        finally:
            self.at_once -= 1

    async def reaches(self, turns: int) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while self.turns < turns:
                self.turned.clear()
                await self.turned.wait()


def runner(dsn: str, work: Work, *, name: str = "work") -> JobRunner:
    return JobRunner([Job(name=name, every_seconds=0.01, work=work)], JobLocks(dsn))


@pytest.mark.parametrize(
    "failure", [StoreUnavailable("away"), RuntimeError("a defect")], ids=["the store", "a defect"]
)
async def test_a_job_that_failed_is_tried_again(own_dsn: str, failure: Exception) -> None:
    work = Work(failure)
    jobs = runner(own_dsn, work)
    jobs.start()
    await work.reaches(3)
    await jobs.stop()
    assert jobs.counts["work"].failed == 1
    assert jobs.counts["work"].done >= 1


async def test_of_two_nodes_one_at_a_time_does_a_job(own_dsn: str) -> None:
    work = Work()
    nodes = [runner(own_dsn, work) for _ in range(2)]
    for node in nodes:
        node.start()
    await work.reaches(40)
    for node in nodes:
        await node.stop()
    assert work.most_at_once == 1


async def test_another_node_takes_over_from_one_that_is_gone(own_dsn: str) -> None:
    stuck, work = Work(), Work()
    stuck.hold = asyncio.Event()
    first, second = runner(own_dsn, stuck), runner(own_dsn, work)
    first.start()
    await stuck.reaches(1)
    second.start()
    async with asyncio.timeout(PATIENCE_SECONDS):
        while second.counts["work"].elsewhere < 3:  # noqa: ASYNC110 - nothing else waits for it
            await asyncio.sleep(0.005)
    assert work.turns == 0
    await first.stop()
    await work.reaches(1)
    await second.stop()


async def test_other_jobs_are_not_kept_waiting(own_dsn: str) -> None:
    stuck, work = Work(), Work()
    stuck.hold = asyncio.Event()
    jobs = JobRunner(
        [Job(name="stuck", every_seconds=0.01, work=stuck), Job(name="work", every_seconds=0.01, work=work)],
        JobLocks(own_dsn),
    )
    jobs.start()
    await stuck.reaches(1)
    await work.reaches(5)
    await jobs.stop()
    assert stuck.turns == 1


async def test_a_lost_connection_is_opened_again(own_dsn: str) -> None:
    work = Work()
    jobs = runner(own_dsn, work)
    jobs.start()
    await work.reaches(2)
    connection = await connect_alone(own_dsn)
    killed = await connection.fetchval(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
    )
    await connection.close()
    assert killed == 1
    await work.reaches(work.turns + 5)
    await jobs.stop()


async def test_stopping_ends_what_is_being_done(own_dsn: str) -> None:
    work = Work()
    work.hold = asyncio.Event()
    jobs = runner(own_dsn, work)
    jobs.start()
    await work.reaches(1)
    await jobs.stop()
    assert work.at_once == 0
    await jobs.stop()
