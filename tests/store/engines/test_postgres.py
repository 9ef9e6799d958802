"""What PostgreSQL alone can do to a store: hold it up, lose it, and be too small for it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack

import asyncpg
import pytest

from rosterd.store.engine import Conflict, Store, StoreError, StoreUnavailable, open_store
from rosterd.store.engines import postgres, postgres_server
from rosterd.store.engines.postgres import CONNECTIONS
from rosterd.store.engines.postgres_tx import Transaction
from tests.servers import Databases

pytestmark = pytest.mark.anyio

LIMITS = {
    "client_connection_check_interval": "5s",
    "lock_timeout": "5s",
    "idle_in_transaction_session_timeout": "1min",
    "statement_timeout": "0",  # it could strike a commit that waits for its standby, and call it done
}

SLEEP = "SELECT 1 FROM pg_sleep(60)"


@pytest.fixture
def url(databases: Databases) -> Iterator[str]:
    with databases.migrated() as made:
        yield made


@pytest.fixture
async def hasty(url: str, anyio_backend: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Store]:
    """A store of little patience."""
    monkeypatch.setattr(postgres, "PATIENCE", 0.2)
    monkeypatch.setattr(postgres, "LONGEST_STATEMENT", 0.2)
    store = await open_store(url)
    yield store
    await store.close()


async def test_when_every_connection_is_taken_the_next_one_is_told_so(hasty: Store) -> None:
    async with AsyncExitStack() as stack:
        for _ in range(CONNECTIONS):
            await stack.enter_async_context(hasty.write())
        with pytest.raises(StoreUnavailable, match="no PostgreSQL connection was free"):
            async with hasty.write():
                pytest.fail("the body must not run")
        async with hasty.read() as tx:  # reads have connections of their own
            assert await tx.one("SELECT 1")
    async with hasty.write() as tx:
        assert await tx.one("SELECT 1")


async def test_a_statement_without_an_answer_is_given_up_and_its_connection_dropped(hasty: Store) -> None:
    with pytest.raises(StoreUnavailable, match="no answer in time"):
        async with hasty.write() as tx:
            await tx.one(SLEEP)
    async with hasty.write() as tx:
        assert await tx.one("SELECT 1")


async def test_a_body_that_goes_on_after_a_statement_was_given_up_is_not_kept(hasty: Store) -> None:
    with pytest.raises(StoreUnavailable):
        async with hasty.write() as tx:
            with pytest.raises(StoreUnavailable):
                await tx.one(SLEEP)


async def test_with_a_lost_connection_go_the_idle_ones(hasty: Store) -> None:
    async with AsyncExitStack() as stack:
        for _ in range(4):
            await stack.enter_async_context(hasty.read())
    with pytest.raises(StoreUnavailable):
        async with hasty.read() as tx:
            await tx.one(SLEEP)
    async with hasty.read() as tx:
        row = await tx.one(
            "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle'"
        )
    assert row is not None
    assert row[0] == 0


NAME = "INSERT INTO names (org_id, name, kind, holder_id) VALUES ($1, $2, 'user', $3) ON CONFLICT DO NOTHING"
ADDRESS = "INSERT INTO emails (org_id, email, user_id) VALUES ($1, $2, $3)"


async def held(store: Store) -> list[tuple[str, ...]]:
    async with store.read() as tx:
        return [tuple(row) for row in await tx.all("SELECT name, kind, holder_id FROM names ORDER BY name")]


@pytest.mark.parametrize(
    ("names", "inserted"),
    [
        ((), 0),
        (("bob",), 1),
        (("ann",), 0),
        (("bob", "cyd", "dan"), 3),
        (("bob", "ann", "cyd"), 1),
        (("ann", "bob"), 0),
        (("bob", "bob"), 1),
    ],
)
async def test_of_steps_together_each_is_done_only_after_all_before_it(
    hasty: Store, names: tuple[str, ...], inserted: int
) -> None:
    async with hasty.write() as tx:
        await tx.run(NAME, "E1", "ann", "W1")
    async with hasty.write() as tx:
        assert isinstance(tx, Transaction)
        assert await tx.together([(NAME, ("E1", name, "W2")) for name in names]) == inserted
    assert await held(hasty) == [("ann", "user", "W1"), *((name, "user", "W2") for name in names[:inserted])]


async def test_statements_together_are_kept_together_or_not_at_all(hasty: Store) -> None:
    with pytest.raises(Conflict):
        async with hasty.write() as tx:
            assert isinstance(tx, Transaction)
            await tx.together([(NAME, ("E1", "bob", "W2")), (ADDRESS, ("E1", "bob@example.com", "W2"))])
    assert await held(hasty) == []


async def test_reads_of_a_write_see_what_others_commit_until_it_writes_and_then_itself(hasty: Store) -> None:
    sql = "SELECT COUNT(*) FROM names WHERE org_id = $1"
    async with hasty.write() as tx:
        assert await tx.one(sql, "E1") == (0,)
        async with hasty.write() as other:
            await other.run(NAME, "E1", "ann", "W1")
        assert await tx.one(sql, "E1") == (1,)
        await tx.run(NAME, "E1", "bob", "W2")
        assert await tx.one(sql, "E1") == (2,)
        async with hasty.read() as other:
            assert await other.one(sql, "E1") == (1,)


async def test_a_write_whose_read_failed_is_not_kept(hasty: Store) -> None:
    with pytest.raises(StoreError, match="had failed and its body went on"):
        async with hasty.write() as tx:
            with pytest.raises(asyncpg.UndefinedTableError):
                await tx.one("SELECT 1 FROM nowhere")
            await tx.run(NAME, "E1", "ann", "W1")
    assert await held(hasty) == []


async def test_a_server_keeps_neither_locks_nor_statements_of_those_who_are_gone(url: str) -> None:
    connection = await postgres_server.connect(url)
    found = {name: await connection.fetchval(f"SHOW {name}") for name in LIMITS}
    await connection.close()
    assert found == LIMITS
