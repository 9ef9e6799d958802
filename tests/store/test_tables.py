"""The migrations make what tables.py says, on both engines."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, create_engine
from sqlalchemy.ext.asyncio import create_async_engine

from rosterd.store.engine import Store
from rosterd.store.tables import metadata


def differences(connection: Connection) -> list[Any]:
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    return list(compare_metadata(context, metadata))


async def differences_on_postgresql(url: str) -> list[Any]:
    engine = create_async_engine(url.replace("postgresql://", "postgresql+asyncpg://"))
    async with engine.connect() as connection:
        found = await connection.run_sync(differences)
    await engine.dispose()
    return found


def test_the_migrated_schema_is_the_one_of_the_tables(database_url: str) -> None:
    if database_url.startswith("sqlite"):
        engine = create_engine(database_url)
        with engine.connect() as connection:
            found = differences(connection)
        engine.dispose()
    else:
        found = asyncio.run(differences_on_postgresql(database_url))
    assert found == []


ROUTING = {
    "orgs_pk",
    "orgs_domain",
    "tokens_pk",
    "apps_pk",
    "oauth_codes_pk",
    "sessions_pk",
    "signin_links_pk",
}
"""What leads to an organisation."""


@pytest.mark.parametrize("table", metadata.sorted_tables, ids=lambda table: table.name)
def test_every_key_and_index_starts_with_the_organisation(table: Any) -> None:
    for key in (table.primary_key, *table.constraints, *table.indexes):
        columns = [column.name for column in key.columns]
        assert key.name in ROUTING or columns[0] == "org_id", key.name


@pytest.mark.anyio
async def test_all_text_on_postgresql_is_in_the_order_of_code_points(store: Store) -> None:
    if store.url.startswith("sqlite"):
        pytest.skip("SQLite knows no other order")
    async with store.read() as tx:
        others = await tx.all(
            "SELECT table_name, column_name FROM information_schema.columns"
            " WHERE table_schema = 'public' AND data_type = 'text' AND collation_name IS DISTINCT FROM 'C'"
        )
    assert others == []


@pytest.mark.anyio
async def test_sqlite_is_told_what_to_expect_of_every_index(store: Store) -> None:
    if not store.url.startswith("sqlite"):
        pytest.skip("PostgreSQL measures by itself")
    async with store.read() as tx:
        expected = set(await tx.all("SELECT tbl, idx FROM sqlite_stat1"))
        indexes = set(await tx.all("SELECT tbl_name, name FROM sqlite_schema WHERE type = 'index'"))
        keyed = {
            table.name
            for table in metadata.sorted_tables
            if not table.dialect_options["sqlite"]["with_rowid"]
        }
    assert expected == {pair for pair in indexes if pair[0] != "alembic_version"} | {(n, n) for n in keyed}
