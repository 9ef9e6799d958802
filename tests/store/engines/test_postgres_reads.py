"""Reads gathered into few statements: everybody gets their own rows, whatever happens to the others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from rosterd.store.engine import StoreUnavailable, open_store
from rosterd.store.engines import postgres_reads
from rosterd.store.engines.postgres import PostgresStore
from rosterd.store.engines.postgres_link import Link
from tests.servers import Databases

pytestmark = pytest.mark.anyio

BY_NAME = "SELECT name, holder_id FROM names WHERE org_id = $1 AND name = $2"
BY_HOLDER = "SELECT name FROM names WHERE org_id = $1 AND holder_id = $2 ORDER BY name DESC"
MANY = 100


@pytest.fixture
def url(databases: Databases) -> Iterator[str]:
    with databases.migrated() as made:
        yield made


@pytest.fixture
async def store(url: str, anyio_backend: str) -> AsyncIterator[PostgresStore]:
    """Two names for each of many people, and some of whom there is nothing."""
    opened = await open_store(url)
    assert isinstance(opened, PostgresStore)
    async with opened.write() as tx:
        rows = [("E1", f"{letter}{n}", "user", f"W{n}") for n in range(MANY) for letter in "ab"]
        await tx.many("INSERT INTO names (org_id, name, kind, holder_id) VALUES ($1, $2, $3, $4)", rows)
    yield opened
    await opened.close()


async def test_everybody_gets_the_rows_of_their_own_arguments(store: PostgresStore) -> None:
    numbers = range(MANY + 10)
    found = await asyncio.gather(*(store.ask(BY_NAME, "E1", f"a{n}") for n in numbers))
    assert [[tuple(row) for row in rows] for rows in found] == [
        [(f"a{n}", f"W{n}")] if n < MANY else [] for n in numbers
    ]


async def test_rows_stay_in_the_order_that_the_statement_asks_for(store: PostgresStore) -> None:
    found = await asyncio.gather(*(store.ask(BY_HOLDER, "E1", f"W{n}") for n in range(MANY)))
    assert [[name for (name,) in rows] for rows in found] == [[f"b{n}", f"a{n}"] for n in range(MANY)]


async def test_different_statements_wait_for_each_other_and_are_not_mixed_up(store: PostgresStore) -> None:
    asked = [
        store.ask(sql, "E1", f"{what}{n}")
        for n in range(9)
        for sql, what in ((BY_NAME, "b"), (BY_HOLDER, "W"))
    ]
    found = await asyncio.gather(*asked)
    assert [len(rows) for rows in found] == [1, 2] * 9


async def test_many_who_ask_at_once_take_few_round_trips(
    store: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    trips: list[str] = []
    fetch = Link.fetch

    async def counted(link: Link, sql: str, args: tuple[Any, ...], limit: float) -> list[Any]:
        trips.append(sql)
        return await fetch(link, sql, args, limit)

    monkeypatch.setattr(Link, "fetch", counted)
    await asyncio.gather(*(store.ask(BY_NAME, "E1", f"a{n}") for n in range(MANY)))
    await asyncio.gather(*(store.ask(BY_NAME, "E1", "a1") for n in range(MANY)))
    assert len(trips) == 2
    assert trips[1] == BY_NAME  # the same for all, and asked once


async def test_numbers_and_nothing_are_arguments_too(store: PostgresStore) -> None:
    sql = "SELECT COUNT(*) FROM names WHERE org_id = $1 AND length(name) = $2 AND kind = COALESCE($3, kind)"
    found = await asyncio.gather(
        *(store.ask(sql, "E1", n, kind) for n in (2, 3) for kind in (None, "user", "channel"))
    )
    assert [rows[0][0] for rows in found] == [20, 20, 0, 180, 180, 0]


async def test_what_is_asked_after_a_commit_sees_it(store: PostgresStore) -> None:
    async def rename(n: int) -> None:
        async with store.write() as tx:
            await tx.run(
                "UPDATE names SET holder_id = $2 WHERE org_id = 'E1' AND name = $1", f"a{n}", "changed"
            )
        [row] = await store.ask(BY_NAME, "E1", f"a{n}")
        assert row[1] == "changed"

    await asyncio.gather(*map(rename, range(MANY)))


async def test_an_argument_that_postgresql_refuses_fails_alone(store: PostgresStore) -> None:
    names = ["a1", "nul\0", "a2", "\ud800", "a3"]
    found = await asyncio.gather(*(store.ask(BY_NAME, "E1", name) for name in names), return_exceptions=True)
    assert [isinstance(each, Exception) for each in found] == [False, True, False, True, False]
    assert not any(isinstance(each, StoreUnavailable) for each in found)


async def test_who_is_cancelled_takes_nobody_along(store: PostgresStore) -> None:
    async def ask(n: int) -> str:
        async with store.read() as tx:
            row = await tx.one(BY_NAME, "E1", f"a{n % 3}")
        assert row is not None
        return str(row[1])

    tasks = [asyncio.create_task(ask(n)) for n in range(30)]
    for turn in range(4):
        await asyncio.sleep(0)
        for task in tasks[turn::5]:
            task.cancel()
    found = await asyncio.gather(*tasks, return_exceptions=True)
    assert found[4::5] == [f"W{n % 3}" for n in range(30)][4::5]
    assert await ask(1) == "W1"


async def test_a_lost_connection_fails_those_who_wait_and_the_next_gets_another(
    store: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_reads, "READERS", 1)
    under_way = [store.ask("SELECT $1, pg_sleep(60)", name) for name in "ab"]
    await asyncio.sleep(0.1)
    waiting = store.ask(BY_NAME, "E1", "a1")
    async with store.write() as tx:
        await tx.run(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
            " AND datname = current_database()"
        )
    for answer in (*under_way, waiting):
        with pytest.raises(StoreUnavailable):
            await answer
    [row] = await store.ask(BY_NAME, "E1", "a1")
    assert tuple(row) == ("a1", "W1")


async def test_what_is_not_plain_is_asked_alone(store: PostgresStore) -> None:
    async with store.read() as tx:
        rows = await tx.all(
            "SELECT name FROM names WHERE org_id = $1 AND name IN each($2) ORDER BY name", "E1", ["a1", "b1"]
        )
        assert [name for (name,) in rows] == ["a1", "b1"]
        assert await tx.run("DELETE FROM names WHERE org_id = $1 AND name = $2", "E1", "a1") == 1


async def test_a_store_closes_after_its_answers_and_then_says_so(store: PostgresStore) -> None:
    answer = store.ask(BY_NAME, "E1", "a1")
    await store.close()
    assert len(await answer) == 1
    with pytest.raises(StoreUnavailable, match="closed"):
        await store.ask(BY_NAME, "E1", "a1")
