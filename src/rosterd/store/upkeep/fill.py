"""An empty database filled with a copy of another: wholly, or not at all.

Rules of this module:

1. Only what is empty is filled: for SQLite a file that is not there yet, for PostgreSQL a database
   without tables, or with rosterd's tables and no rows.
2. On SQLite a file beside the wanted one is filled without a journal, which is fast, and gets its
   name when it is complete and on disk. On PostgreSQL one transaction holds everything.
3. A caller whose slices end in an exception thereby calls the whole off.
"""

from __future__ import annotations

import os
import secrets
import sqlite3
from collections import Counter
from collections.abc import AsyncIterable
from pathlib import Path

import asyncpg

from rosterd.store import migrate
from rosterd.store.contract import StoreError
from rosterd.store.engines import postgres_server, sqlite_file
from rosterd.store.upkeep.copy import Shape, Slice, shapes
from rosterd.store.upkeep.dump import flush

_FAST = (
    "PRAGMA journal_mode = OFF",  # whatever fails, the file is thrown away
    "PRAGMA synchronous = OFF",  # it is flushed as a whole at the end
    "PRAGMA cache_size = -131072",  # KiB: every index grows at random places
)


async def fill(url: str, slices: AsyncIterable[Slice]) -> dict[str, int]:
    """Make the tables, if there are none, and copy these rows into them. Returns table → rows.

    On success everything is on disk and counted. Raises :class:`StoreError` where the database is
    not empty, cannot be reached or refuses a row, and whatever the slices raise; then nothing is
    there that was not before, but for empty tables on PostgreSQL.
    """
    if postgres_server.is_postgresql(url):
        return await _fill_postgresql(url, slices)
    return await _fill_sqlite(sqlite_file.path_of(url), slices)


async def _fill_sqlite(path: Path, slices: AsyncIterable[Slice]) -> dict[str, int]:
    _check_new(path)
    partial = path.with_name(f"{path.name}.partial-{secrets.token_hex(4)}")
    try:
        await migrate.upgrade(f"sqlite:///{partial}")
        counts = await _load_sqlite(partial, slices)
        _put_in_place(partial, path)
    finally:
        for leftover in (partial, *(partial.with_name(partial.name + end) for end in ("-wal", "-shm"))):
            leftover.unlink(missing_ok=True)
    return counts


async def _load_sqlite(path: Path, slices: AsyncIterable[Slice]) -> dict[str, int]:
    connection = sqlite_file.connect(path)
    try:
        for setting in _FAST:
            connection.execute(setting)
        connection.execute("BEGIN")
        given: Counter[str] = Counter()
        async for table, rows in slices:
            connection.executemany(_insert(table), rows)
            given[table.name] += len(rows)
        counts = {shape.name: connection.execute(_count(shape)).fetchone()[0] for shape in shapes()}
        _check(counts, given)
        connection.execute("COMMIT")
        connection.execute("PRAGMA journal_mode = WAL")
    except sqlite3.Error as error:
        raise sqlite_file.explained(error) from error
    finally:
        connection.close()
    return counts


def _check_new(path: Path) -> None:
    """A log that was left behind would be played into the new file by whoever opens it."""
    for name in (path.name, *(f"{path.name}-{kind}" for kind in ("wal", "shm", "journal"))):
        if os.path.lexists(path.with_name(name)):
            raise StoreError(
                f"{path.with_name(name)} is there already: name a file that is not, or remove it"
            )


def _put_in_place(partial: Path, path: Path) -> None:
    """Flush the file and give it its name, unless somebody else has taken that meanwhile."""
    try:
        flush(partial)
        _check_new(path)
        os.link(partial, path)
        flush(path.absolute().parent)
    except OSError as error:
        raise StoreError(f"cannot make {path}: {error.strerror}") from error


async def _fill_postgresql(url: str, slices: AsyncIterable[Slice]) -> dict[str, int]:
    found = await migrate.current(url)
    if found is None:
        await migrate.upgrade(url)
    else:
        migrate.check(found, migrate.revisions())
    connection = await postgres_server.connect(url)
    try:
        async with connection.transaction():
            return await _load_postgresql(connection, slices)
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
        raise StoreError(f"PostgreSQL: {error}") from error
    finally:
        await connection.close()


async def _load_postgresql(connection: asyncpg.Connection, slices: AsyncIterable[Slice]) -> dict[str, int]:
    tables = ", ".join(shape.name for shape in shapes())
    await connection.execute(f"LOCK TABLE {tables} IN EXCLUSIVE MODE")  # readers may go on, they see nothing
    for shape in shapes():
        if await connection.fetchval(f"SELECT EXISTS (SELECT 1 FROM {shape.name})"):
            raise StoreError(f"the database is not empty: there are rows in {shape.name}")
    given: Counter[str] = Counter()
    async for table, rows in slices:
        await connection.copy_records_to_table(table.name, records=rows, columns=table.columns)
        given[table.name] += len(rows)
    counts = {shape.name: await connection.fetchval(_count(shape)) for shape in shapes()}
    _check(counts, given)
    await connection.execute(f"ANALYZE {tables}")  # the planner would expect empty tables
    return counts


def _insert(table: Shape) -> str:
    places = ", ".join("?" * len(table.columns))
    return f"INSERT INTO {table.name} ({', '.join(table.columns)}) VALUES ({places})"


def _count(table: Shape) -> str:
    return f"SELECT COUNT(*) FROM {table.name}"


def _check(counts: dict[str, int], given: Counter[str]) -> None:
    differing = [name for name, rows in counts.items() if rows != given[name]]
    if differing:
        raise StoreError(f"other rows are there than were copied, in {', '.join(differing)}")
