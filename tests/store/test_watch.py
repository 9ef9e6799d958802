"""What the engines count about themselves."""

from __future__ import annotations

import asyncio

import pytest

from rosterd.store.engine import Store
from rosterd.store.watch import Watch

pytestmark = pytest.mark.anyio


async def write(store: Store) -> None:
    async with store.write() as tx:
        await tx.one("SELECT 1")


def commits(watch: Watch) -> int:
    return sum(watch.commits.counts)


async def test_every_write_is_in_one_counted_commit(store: Store) -> None:
    await asyncio.gather(*(write(store) for _ in range(20)))
    watch = store.watch
    assert watch.writes.total == 20
    assert 0 < commits(watch) == sum(watch.writes.counts) <= 20
    assert watch.commits.total > 0
    assert watch.failed == 0


async def test_on_sqlite_writes_in_flight_share_commits(store: Store) -> None:
    await asyncio.gather(*(write(store) for _ in range(20)))
    shared = store.url.startswith("sqlite")
    assert (commits(store.watch) < 20) == shared


async def test_reads_and_what_was_refused_commit_nothing(store: Store) -> None:
    async with store.read() as tx:
        await tx.one("SELECT 1")
    async with store.scan() as tx:
        await tx.one("SELECT 1")
    with pytest.raises(LookupError):
        async with store.write() as tx:
            raise LookupError
    assert (commits(store.watch), store.watch.failed) == (0, 0)


async def test_who_waits_is_counted_with_the_time_of_waiting(store: Store) -> None:
    watch = store.watch
    waits = watch.turn if store.url.startswith("sqlite") else watch.connection
    before = sum(waits.counts)
    entered, go_on = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        async with store.write():
            entered.set()
            await go_on.wait()

    holders = [asyncio.create_task(hold()) for _ in range(1 if waits is watch.turn else 16)]
    await entered.wait()
    while sum(waits.counts) < before + len(holders):
        await asyncio.sleep(0.01)
    waiting = asyncio.create_task(write(store))
    await asyncio.sleep(0.2)
    go_on.set()
    await asyncio.gather(waiting, *holders)
    assert sum(waits.counts) == before + len(holders) + 1
    assert waits.total >= 40_000_000
