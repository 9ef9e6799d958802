"""The SQLite engine: point reads inline on the event loop, slow ones and commits in threads.

Rules of this module:

1. A point read takes a few microseconds, a hop to a thread and back ten times that: what is short
   runs inline. A statement with a large list, everything under ``scan`` and every commit run off
   the loop.
2. What is asked (``ask``) in one turn of the event loop comes from one snapshot. It is asked while requests
   are taken from their sockets, so that each was on its way when the snapshot was taken, and nobody misses
   what they were told of. Everything else sees what is committed when its statement starts.
3. Nothing blocks the loop on a lock: another process may write to the file at any time, so a locked
   statement is tried again after a nap, up to a limit.
4. One connection writes (see :mod:`rosterd.store.engines.group_commit`), one reads inline, a few more are
   opened on demand for scans.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from rosterd.store.contract import CardOf, Row, Step, StoreUnavailable, no_card
from rosterd.store.engines.group_commit import GroupCommit, in_thread
from rosterd.store.engines.sqlite_file import PATIENCE, connect, create_file, explained, is_locked, path_of
from rosterd.store.engines.statements import LARGE_SET, Statement, alters_known, for_sqlite, with_lists
from rosterd.store.engines.waiting import naps
from rosterd.store.watch import Watch

MOST_KNOWN = 10_000
"""Statements whose rows are remembered; after that the others are asked each time."""

SCANS = 4
"""How many scans run at once; more wait in line."""

Work = Callable[[sqlite3.Connection, str, Sequence[Any]], Any]
Elsewhere = Callable[[Work, str, Sequence[Any]], Awaitable[Any]]


async def open_sqlite(url: str, card: CardOf = no_card, *, patience: float = PATIENCE) -> SqliteStore:
    """The store in the file that ``url`` names, which is created (empty) where there is none.

    ``patience`` is how many seconds a locked statement is tried again. Raises
    :class:`~rosterd.store.contract.StoreError`.
    """
    path = path_of(url)
    create_file(path)
    # The first connection may have to replay the log of a killed process.
    writer = await asyncio.to_thread(connect, path)
    reader = await asyncio.to_thread(connect, path, read_only=True, cache=40)
    return SqliteStore(url, path, writer, reader, card, patience)


class SqliteStore:
    """See :class:`rosterd.store.contract.Store`."""

    def __init__(
        self,
        url: str,
        path: Path,
        writer: sqlite3.Connection,
        reader: sqlite3.Connection,
        card: CardOf,
        patience: float,
    ) -> None:
        self.url = url
        self._card = card
        self.watch = Watch()
        self._writer = GroupCommit(writer, patience, self.watch)
        self._reader = reader
        self._turn = _Turn(reader)
        self._patience = patience
        self._scans = _Scans(path, self.watch)
        self._closed = False

    def version(self) -> int | None:
        try:
            return self._turn.version()
        except sqlite3.Error as error:
            raise explained(error) from error

    def ask(self, sql: str, *args: Any) -> list[Row]:
        try:
            return self._turn.ask(for_sqlite(sql).text, args)
        except sqlite3.Error as error:
            raise explained(error) from error

    def read(self) -> _Reading:
        self._turn.end()
        return _Reading(_Tx(self._reader, self._scans.once, self._card, self._patience))

    def write(self) -> _Writing:
        return _Writing(self._writer, self._card)

    @asynccontextmanager
    async def scan(self) -> AsyncIterator[_Tx]:
        async with self._scans.connection() as connection:

            async def in_scan(work: Work, text: str, args: Sequence[Any]) -> Any:
                return await self._scans.run(connection, work, text, args)

            connection.execute("BEGIN")
            try:
                yield _Tx(None, in_scan, self._card)
            finally:
                if connection.in_transaction:  # SQLite ends it by itself when the disk fails
                    connection.execute("COMMIT")

    async def close(self) -> None:
        if not self._closed:
            self._closed = True
            await self._scans.close()
            self._turn.close()
            await self._writer.close()


class _Turn:
    """One snapshot for all that is read inline in a turn of the event loop: it is begun and ended once.

    A turn can see more requests than were waiting when it began: the loop looks again after some hundreds.
    Hence a snapshot serves `_MOST`.
    """

    _MOST = 64

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._version = 0
        self._uses = 0  # 0: there is no snapshot
        self._end: asyncio.Handle | None = None

    def version(self) -> int:
        """See `Store.version`: that of the snapshot, if there is one."""
        if 0 < self._uses < self._MOST:
            self._uses += 1
            return self._version
        self.end()
        return self._read_version()

    def ask(self, text: str, args: Sequence[Any]) -> list[Row]:
        """All rows of a statement."""
        if self._uses >= self._MOST:
            self.end()
        if self._uses == 0:
            self._begin()
        self._uses += 1
        return self._connection.execute(text, args).fetchall()

    def _begin(self) -> None:
        if self._end is None:
            self._end = asyncio.get_running_loop().call_soon(self._over)
        try:
            self._connection.execute("BEGIN")
            self._version = self._read_version()
        except sqlite3.Error:
            self.end()
            raise

    def _read_version(self) -> int:
        # It counts commits of other connections, and this one makes none:
        # https://sqlite.org/pragma.html#pragma_data_version
        version: int = self._connection.execute("PRAGMA data_version").fetchone()[0]
        return version

    def end(self) -> None:
        """The next to read sees what is committed then."""
        self._uses = 0
        if self._connection.in_transaction:
            self._connection.execute("COMMIT")

    def close(self) -> None:
        """The connection too."""
        if self._end is not None:
            self._end.cancel()
        self._connection.close()

    def _over(self) -> None:
        self._end = None
        self.end()


class _Tx:
    """Statements on one connection: inline where there is one for that, else elsewhere."""

    __slots__ = ("_elsewhere", "_inline", "_patience", "_writer", "card", "now")

    def __init__(
        self,
        inline: sqlite3.Connection | None,
        elsewhere: Elsewhere,
        card: CardOf,
        patience: float = 0.0,
        writer: GroupCommit | None = None,
    ) -> None:
        self.now = time.time_ns() // 1000
        self.card = card
        self._inline = inline
        self._elsewhere = elsewhere
        self._patience = patience  # 0 inside a transaction, where trying again cannot help
        self._writer = writer  # who remembers what is known

    async def one(self, sql: str, *args: Any) -> Row | None:
        row: Row | None = await self._do(_one, sql, args)
        return row

    async def all(self, sql: str, *args: Any) -> Sequence[Row]:
        rows: list[Row] = await self._do(_all, sql, args)
        return rows

    async def known(self, sql: str, *args: Any) -> Sequence[Row]:
        if self._writer is None:
            return await self.all(sql, *args)
        known = self._writer.known
        rows = known.get((sql, args))
        if rows is None:
            rows = await self.all(sql, *args)
            if rows and len(known) < MOST_KNOWN:
                known[sql, args] = rows
        return rows

    async def run(self, sql: str, *args: Any) -> int:
        affected: int = await self._do(_run, sql, args)
        return affected

    async def many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        if rows:
            statement = self._statement(sql)
            bound = [with_lists(statement, row)[0] for row in rows]
            await self._place(_many, statement.text, bound, large=len(rows) > LARGE_SET)

    async def together(self, steps: Sequence[Step]) -> int:
        return int(await self._place(_together, "", steps, large=False))

    @asynccontextmanager
    async def part(self) -> AsyncIterator[None]:
        assert self._writer is not None, "only what is written has parts"
        self._writer.begin_part()
        try:
            yield
        except Exception:
            self._writer.end_part(keep=False)
            raise
        self._writer.end_part(keep=True)

    async def _do(self, work: Work, sql: str, args: Sequence[Any]) -> Any:
        statement = self._statement(sql)
        large = False
        if statement.lists:
            args, large = with_lists(statement, args)
        return await self._place(work, statement.text, args, large=large)

    def _statement(self, sql: str) -> Statement:
        if self._writer is not None and alters_known(sql):
            self._writer.known.clear()
        return for_sqlite(sql)

    async def _place(self, work: Work, text: str, args: Sequence[Any], *, large: bool) -> Any:
        try:
            if self._inline is None or large:
                return await self._elsewhere(work, text, args)
            return work(self._inline, text, args)
        except sqlite3.Error as error:
            if self._patience and self._inline is not None and is_locked(error):
                return await self._again(self._inline, work, text, args)
            raise explained(error) from error

    async def _again(self, connection: sqlite3.Connection, work: Work, text: str, args: Sequence[Any]) -> Any:
        for nap in naps(self._patience):
            await asyncio.sleep(nap)
            try:
                return work(connection, text, args)
            except sqlite3.Error as error:
                if not is_locked(error):
                    raise explained(error) from error
        raise StoreUnavailable(f"the file was locked for {self._patience:.0f} s")


class _Reading:
    """What ``SqliteStore.read`` enters: nothing to begin and nothing to end."""

    __slots__ = ("_tx",)

    def __init__(self, tx: _Tx) -> None:
        self._tx = tx

    async def __aenter__(self) -> _Tx:
        return self._tx

    async def __aexit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        return None


class _Writing:
    """What ``SqliteStore.write`` enters: a savepoint in the transaction of those in flight."""

    __slots__ = ("_card", "_writer")

    def __init__(self, writer: GroupCommit, card: CardOf) -> None:
        self._writer = writer
        self._card = card

    async def __aenter__(self) -> _Tx:
        await self._writer.enter()
        return _Tx(self._writer.connection, self._writer.off_loop, self._card, writer=self._writer)

    async def __aexit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        await self._writer.leave(keep=kind is None)


class _Scans:
    """A few connections for reading in threads, opened when first needed, then kept."""

    def __init__(self, path: Path, watch: Watch) -> None:
        self._path = path
        self._watch = watch
        self._free = asyncio.Semaphore(SCANS)
        self._idle: list[sqlite3.Connection] = []
        self._threads = ThreadPoolExecutor(SCANS, "rosterd-scan")

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[sqlite3.Connection]:
        started = time.monotonic_ns()
        async with self._free:
            self._watch.connection.observe(time.monotonic_ns() - started)
            connection = self._idle.pop() if self._idle else await in_thread(self._threads, self._open)
            try:
                yield connection
            finally:
                self._idle.append(connection)

    def _open(self) -> sqlite3.Connection:
        return connect(self._path, read_only=True, wait=PATIENCE, cache=4)

    async def run(self, connection: sqlite3.Connection, work: Work, text: str, args: Sequence[Any]) -> Any:
        """The work in a thread; if the caller is cancelled, SQLite is told to stop."""
        return await in_thread(self._threads, work, connection, text, args, stop=connection.interrupt)

    async def once(self, work: Work, text: str, args: Sequence[Any]) -> Any:
        """The work as a transaction of its own."""
        async with self.connection() as connection:
            return await self.run(connection, work, text, args)

    async def close(self) -> None:
        for _ in range(SCANS):
            await self._free.acquire()
        for connection in self._idle:
            connection.close()
        self._threads.shutdown(wait=False)


def _one(connection: sqlite3.Connection, text: str, args: Sequence[Any]) -> Row | None:
    cursor = connection.execute(text, args)
    row: Row | None = cursor.fetchone()
    cursor.close()  # a statement left half read would hold its snapshot
    return row


def _all(connection: sqlite3.Connection, text: str, args: Sequence[Any]) -> list[Row]:
    return connection.execute(text, args).fetchall()


def _run(connection: sqlite3.Connection, text: str, args: Sequence[Any]) -> int:
    cursor = connection.execute(text, args)
    if cursor.rowcount >= 0:
        return cursor.rowcount
    # The module counts only statements whose first word changes rows, not "WITH … INSERT".
    changed: int = connection.execute("SELECT changes()").fetchone()[0]
    return changed


def _together(connection: sqlite3.Connection, _: str, steps: Sequence[Step]) -> int:
    for done, (sql, args) in enumerate(steps):
        if not connection.execute(for_sqlite(sql).text, args).rowcount:
            return done
    return len(steps)


def _many(connection: sqlite3.Connection, text: str, rows: Sequence[Sequence[Any]]) -> None:
    connection.executemany(text, rows)
