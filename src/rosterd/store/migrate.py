"""The schema's version: which one a database has, whether it suits this program, how it gets there.

Rules of this module:

1. Only a database without any table is created without asking. An older schema is upgraded by the
   operator's command, after a backup; a newer one is left alone.
2. An upgrade is one transaction under a lock: two processes do not both migrate, and one that is
   killed leaves the old schema.
3. To look at the version takes one small query with the engine's own driver. Alembic and SQLAlchemy
   are imported when there is something to migrate: they would cost every start a third of a second.
"""

from __future__ import annotations

import asyncio
import re
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg

from rosterd.store.contract import SchemaMismatch
from rosterd.store.engines import postgres_server, sqlite_file

if TYPE_CHECKING:
    from sqlalchemy import Connection

_MIGRATIONS = Path(__file__).with_name("migrations")
_REVISION_FILE = re.compile(r"(\d{4})_\w+\.py")

_ADVISORY_LOCK = 0x726F73746572  # "roster": any number that other programs in the database do not use

_SQLITE_TABLES = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
_POSTGRESQL_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"
_VERSION = "SELECT version_num FROM alembic_version"


def revisions() -> list[str]:
    """Every revision that this program knows, oldest first.

    >>> revisions()[0]
    '0001'
    """
    names = (_REVISION_FILE.fullmatch(path.name) for path in (_MIGRATIONS / "versions").iterdir())
    return sorted(name[1] for name in names if name)


def head() -> str:
    """The revision that this program works with."""
    return revisions()[-1]


async def current(url: str) -> str | None:
    """The revision of the database, or None if it is empty (or the SQLite file is not there).

    Raises :class:`SchemaMismatch` where the database holds tables that are not rosterd's, and
    :class:`~rosterd.store.contract.StoreError` where it cannot be reached.
    """
    if postgres_server.is_postgresql(url):
        return await _current_postgresql(url)
    return await asyncio.to_thread(_current_sqlite, sqlite_file.path_of(url))


def check(found: str | None, known: list[str], where: str = "") -> None:
    """Raises :class:`SchemaMismatch`, saying what to run, unless ``found`` is the last one known.

    ``where``: the place, for whoever may have meant another.

    >>> check("0001", ["0001", "0002"])
    Traceback (most recent call last):
    rosterd.store.contract.SchemaMismatch: the schema is at 0001, not 0002: run `rosterd db upgrade`
    """
    if found == known[-1]:
        return
    if found is None:
        raise SchemaMismatch(
            f"no database{where}, or an empty one: check --database, or make one by `rosterd db upgrade`"
        )
    if found not in known:
        raise SchemaMismatch(f"the schema is at {found}, newer than {known[-1]}: upgrade the program")
    raise SchemaMismatch(f"the schema is at {found}, not {known[-1]}: run `rosterd db upgrade`")


async def upgrade(url: str, to: str = "head") -> tuple[str | None, str]:
    """Create or upgrade the schema; returns the revisions before and after.

    Waits while another process migrates. Raises :class:`SchemaMismatch` for a newer or foreign
    database, :class:`~rosterd.store.contract.StoreError` where it cannot be reached or written.
    """
    found = await current(url)
    if found is not None and found not in revisions():
        check(found, revisions())
    if postgres_server.is_postgresql(url):
        return await _upgrade_postgresql(url, to)
    return await asyncio.to_thread(_upgrade_sqlite, sqlite_file.path_of(url), to)


def _current_sqlite(path: Path) -> str | None:
    if not path.exists():
        return None
    try:
        with closing(sqlite3.connect(path, timeout=sqlite_file.PATIENCE)) as connection:
            tables = {name for (name,) in connection.execute(_SQLITE_TABLES)}
            return connection.execute(_VERSION).fetchone()[0] if _is_ours(tables) else None
    except sqlite3.Error as error:
        raise sqlite_file.explained(error, f"cannot read {path}") from error


async def _current_postgresql(url: str) -> str | None:
    connection = await postgres_server.connect(url)
    try:
        tables = {name for (name,) in await connection.fetch(_POSTGRESQL_TABLES)}
        return await connection.fetchval(_VERSION) if _is_ours(tables) else None
    finally:
        await connection.close()


def _is_ours(tables: Iterable[str]) -> bool:
    """False for an empty database; raises for somebody else's."""
    names = set(tables)
    if names and "alembic_version" not in names:
        raise SchemaMismatch(
            f"the database holds tables that are not rosterd's: {', '.join(sorted(names)[:5])}"
        )
    return bool(names)


def _upgrade_sqlite(path: Path, to: str) -> tuple[str | None, str]:
    from sqlalchemy import create_engine
    from sqlalchemy.pool import NullPool

    sqlite_file.create_file(path)

    def connect() -> sqlite3.Connection:
        connection = sqlite_file.connect(path, wait=sqlite_file.PATIENCE)
        connection.execute("PRAGMA foreign_keys = OFF")  # a table is altered by making it anew
        return connection

    engine = create_engine("sqlite://", creator=connect, poolclass=NullPool)
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            steps = _run_migrations(connection, to)
            connection.commit()
            return steps
    finally:
        engine.dispose()


async def _upgrade_postgresql(url: str, to: str) -> tuple[str | None, str]:
    from sqlalchemy.ext.asyncio import create_async_engine
    from sqlalchemy.pool import NullPool

    async def connect() -> asyncpg.Connection:
        return await postgres_server.connect(url)

    engine = create_async_engine("postgresql+asyncpg://", async_creator=connect, poolclass=NullPool)
    try:
        async with engine.begin() as connection:
            # Held until the transaction ends, however it ends.
            await connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_ADVISORY_LOCK})")
            return await connection.run_sync(_run_migrations, to)
    finally:
        await engine.dispose()


def _run_migrations(connection: Connection, to: str) -> tuple[str | None, str]:
    """Run what is missing, in the connection's transaction; the caller holds the lock."""
    from alembic import command
    from alembic.config import Config
    from alembic.runtime.migration import MigrationContext

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    before = MigrationContext.configure(connection).get_current_revision()
    command.upgrade(config, to)
    after = MigrationContext.configure(connection).get_current_revision()
    return before, str(after)
