"""The databases that tests get are as new, whoever had them before."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from tests.servers import Databases


def after(databases: Databases, statement: str) -> tuple[str, str, int]:
    """The database in which this was run, the one that comes next, and how many names are in that."""

    async def run(url: str) -> None:
        connection = await asyncpg.connect(url)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    async def count(url: str) -> int:
        connection = await asyncpg.connect(url)
        try:
            return int(await connection.fetchval("SELECT COUNT(*) FROM names"))
        finally:
            await connection.close()

    with databases.migrated() as url:
        asyncio.run(run(url))
    with databases.migrated() as next_url:
        return url, next_url, asyncio.run(count(next_url))


NAMES = "INSERT INTO names (org_id, name, kind) SELECT 'E1', n, 'user' FROM generate_series(1, {}) n"


def test_a_database_with_a_few_rows_is_emptied_and_used_again(databases: Databases) -> None:
    url, next_url, rows = after(databases, NAMES.format(9))
    assert (next_url, rows) == (url, 0)


@pytest.mark.parametrize(
    "statement",
    [
        NAMES.format(2_000),
        "CREATE TABLE scratch (id BIGINT)",
        "ALTER TABLE names RENAME COLUMN kind TO sort",
        "ALTER TABLE users ALTER COLUMN email DROP NOT NULL",
        "CREATE INDEX odd ON users (card)",
        "DROP TABLE names CASCADE",
        "DROP TABLE alembic_version",
        "UPDATE alembic_version SET version_num = '9999'",
        "ANALYZE users; INSERT INTO names (org_id, name, kind) VALUES ('E1', 'a', 'user'); ANALYZE names",
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET work_mem = 64', current_database()); END $$",
        "CREATE FUNCTION f () RETURNS int LANGUAGE sql AS 'SELECT 1'",
    ],
)
def test_a_database_in_which_more_was_done_goes_to_nobody(databases: Databases, statement: str) -> None:
    url, next_url, rows = after(databases, statement)
    assert (next_url != url, rows) == (True, 0)
