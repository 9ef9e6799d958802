"""What PostgreSQL alone can do to a store: hold it up, lose it, and be too small for it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack

import pytest

from rosterd.store import postgres, postgres_server
from rosterd.store.engine import Store, StoreUnavailable, open_store
from rosterd.store.postgres import CONNECTIONS
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
            async with hasty.read():
                pytest.fail("the body must not run")
    async with hasty.read() as tx:
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


async def test_a_server_keeps_neither_locks_nor_statements_of_those_who_are_gone(url: str) -> None:
    connection = await postgres_server.connect(url)
    found = {name: await connection.fetchval(f"SHOW {name}") for name in LIMITS}
    await connection.close()
    assert found == LIMITS
