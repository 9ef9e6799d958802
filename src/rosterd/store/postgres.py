"""The PostgreSQL engine: asyncpg, with connections that are kept as they are between requests.

Rules of this module:

1. A few connections serve reads and writes alike, first come, first served, with their prepared
   statements kept. Nothing is reset between requests: a body leaves no state behind but what its
   transaction commits.
2. A connection in doubt (broken, silent for too long, or cancelled on its way out of a transaction)
   is dropped, and the next one who needs it opens another. With one that is lost go those that are
   idle: they lead to the same server.
3. Nobody waits without a limit, whether for a connection, a statement or a commit.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from contextlib import suppress
from itertools import count
from typing import Any

import asyncpg

from rosterd.store.contract import CardOf, Conflict, Row, StoreError, StoreUnavailable, no_card
from rosterd.store.postgres_server import LONGEST_SCAN, LONGEST_STATEMENT, NOT_NOW, PATIENCE, RISKS, connect
from rosterd.store.statements import for_postgresql
from rosterd.store.waiting import to_the_end
from rosterd.store.watch import Watch

log = logging.getLogger("rosterd.store")

CONNECTIONS = 16
"""How many connections one process keeps; more bodies wait in line."""

_SLICE = 200  # rows
_WRITE = "BEGIN"
_PREPARED = 1000  # statements on one connection, before it starts anew

_CONFLICTS = (asyncpg.UniqueViolationError, asyncpg.ForeignKeyViolationError)
# asyncpg's own confusion: the server has said goodbye to an idle connection, and not yet hung up.
_LOST = (OSError, asyncpg.InternalClientError)
_FAILURES = (asyncpg.PostgresError, asyncpg.InterfaceError, *_LOST)


async def open_postgresql(url: str, card: CardOf = no_card) -> PostgresStore:
    """The store in the database that ``url`` names, which must exist.

    Of a server that is set not to survive a crash the log warns. Raises as
    :func:`~rosterd.store.postgres_server.connect`.
    """
    store = PostgresStore(url, _Pool(url), card)
    async with store.read() as tx:
        for (setting,) in await tx.all(RISKS):
            log.warning("PostgreSQL runs with %s = off: a crash may lose what was answered", setting)
    return store


class PostgresStore:
    """See :class:`rosterd.store.contract.Store`."""

    def __init__(self, url: str, pool: _Pool, card: CardOf) -> None:
        self.url = url
        self.watch = pool.watch
        self._pool = pool
        self._card = card

    def version(self) -> None:
        return None

    def ask(self, sql: str, *args: Any) -> asyncio.Future[Sequence[Row]]:
        return asyncio.ensure_future(self._ask(sql, args))

    async def _ask(self, sql: str, args: Sequence[Any]) -> Sequence[Row]:
        async with self.read() as tx:
            return await tx.all(sql, *args)

    def read(self) -> _Block:
        return _Block(self._pool, self._card, None, LONGEST_STATEMENT)

    def scan(self) -> _Block:
        begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
        return _Block(self._pool, self._card, begin, LONGEST_SCAN)

    def write(self) -> _Block:
        return _Block(self._pool, self._card, _WRITE, LONGEST_STATEMENT)

    async def close(self) -> None:
        await self._pool.close()


class _Link:
    """A connection, the statements prepared on it, and what is known against it."""

    __slots__ = ("_names", "connection", "is_lost", "prepared", "was_warned")

    def __init__(self, connection: asyncpg.Connection) -> None:
        self.connection = connection
        self.prepared: dict[str, asyncpg.prepared_stmt.PreparedStatement] = {}
        self._names = count()
        self.is_lost = False  # broken, or silent for too long
        self.was_warned = False
        connection.add_log_listener(self._hear)

    def _hear(self, connection: object, message: asyncpg.PostgresLogMessage) -> None:
        self.was_warned = self.was_warned or message.severity_en == "WARNING"

    async def prepare(self, sql: str) -> asyncpg.prepared_stmt.PreparedStatement:
        if len(self.prepared) >= _PREPARED:
            self.prepared.clear()
        # Without a name asyncpg would have the server parse and plan it again with every execution.
        name = f"s{next(self._names)}"
        prepared = await self.connection.prepare(for_postgresql(sql), name=name, timeout=LONGEST_STATEMENT)
        self.prepared[sql] = prepared
        return prepared

    def explained(self, error: Exception) -> Exception:
        """The store's error for one of asyncpg's; the same one back where the statement is at fault."""
        if isinstance(error, _LOST) or self.connection.is_closed():
            self.is_lost = True
        if isinstance(error, asyncpg.InvalidCachedStatementError):
            self.prepared.clear()
        if isinstance(error, _CONFLICTS):
            return Conflict(str(error))
        if isinstance(error, NOT_NOW) or self.is_lost:
            return StoreUnavailable(f"PostgreSQL: {str(error) or 'no answer in time'}")
        return error


class _Tx:
    """Statements on one connection."""

    __slots__ = ("_limit", "_link", "card", "now")

    def __init__(self, link: _Link, card: CardOf, limit: float) -> None:
        self.now = time.time_ns() // 1000
        self.card = card
        self._link = link
        self._limit = limit  # seconds for one statement

    async def one(self, sql: str, *args: Any) -> Row | None:
        try:
            statement = self._link.prepared.get(sql) or await self._link.prepare(sql)
            # What comes unpacks and indexes as a tuple does.
            row: Row | None = await statement.fetchrow(*args, timeout=self._limit)
        except _FAILURES as error:
            raise self._link.explained(error) from error
        return row

    async def all(self, sql: str, *args: Any) -> Sequence[Row]:
        try:
            statement = self._link.prepared.get(sql) or await self._link.prepare(sql)
            rows: list[Row] = await statement.fetch(*args, timeout=self._limit)
        except _FAILURES as error:
            raise self._link.explained(error) from error
        return rows

    async def run(self, sql: str, *args: Any) -> int:
        try:
            statement = self._link.prepared.get(sql) or await self._link.prepare(sql)
            await statement.fetch(*args, timeout=self._limit)
        except _FAILURES as error:
            raise self._link.explained(error) from error
        return affected(statement.get_statusmsg())

    async def many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        for start in range(0, len(rows), _SLICE):
            # If its connection breaks or its task is cancelled, asyncpg's executemany may wait for ever
            # for an answer to what it has not sent: hence slices, a time limit and no cancellation.
            slice_ = rows[start : start + _SLICE]
            try:
                statement = self._link.prepared.get(sql) or await self._link.prepare(sql)
                await to_the_end(asyncio.ensure_future(statement.executemany(slice_, timeout=self._limit)))
            except _FAILURES as error:
                raise self._link.explained(error) from error


class _Block:
    """A connection for the length of a block and, if it begins with something, a transaction on it."""

    __slots__ = ("_begin", "_card", "_limit", "_link", "_pool")

    def __init__(self, pool: _Pool, card: CardOf, begin: str | None, limit: float) -> None:
        self._pool = pool
        self._card = card
        self._begin = begin
        self._limit = limit
        self._link: _Link | None = None

    async def __aenter__(self) -> _Tx:
        link = await self._pool.take()
        try:
            if self._begin is not None:
                await link.connection.execute(self._begin, timeout=PATIENCE)
        except _FAILURES as error:
            explained = link.explained(error)
            self._pool.drop(link)
            raise explained from error
        except asyncio.CancelledError:
            self._pool.drop(link)
            raise
        self._link = link
        return _Tx(link, self._card, self._limit)

    async def __aexit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        link, self._link = self._link, None
        assert link is not None
        # Not sound if cancelled: asyncpg would make the next one wait for the statement's end.
        sound = not link.is_lost and (kind is None or issubclass(kind, Exception))
        ended = False
        try:
            if self._begin is not None and kind is None:
                await (self._pool.commit(link) if self._begin == _WRITE else _commit(link))
            elif self._begin is not None and sound:
                await link.connection.execute("ROLLBACK", timeout=PATIENCE)
            ended = True
        except _FAILURES as error:
            explained = link.explained(error)
            if kind is None:  # else the body's own error passes on
                raise explained from error
        finally:
            if ended and sound:
                self._pool.give(link)
            else:
                self._pool.drop(link)


class _Pool:
    """Connections kept open: at most ``CONNECTIONS``, opened when first needed."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._free = asyncio.Semaphore(CONNECTIONS)  # first come, first served
        self._idle: list[_Link] = []
        self._closed = False
        self.watch = Watch()

    async def take(self) -> _Link:
        """A connection, to be given back or dropped.

        Raises :class:`StoreUnavailable` if none gets free in time, or as :func:`connect`.
        """
        await self._line_up()
        while self._idle:
            link = self._idle.pop()  # the last one used is the warmest
            if not link.connection.is_closed():
                return link
        try:
            return _Link(await connect(self._url))
        except BaseException:
            self._free.release()
            raise

    def give(self, link: _Link) -> None:
        """Back for the next one."""
        self._idle.append(link)
        self._free.release()

    def drop(self, link: _Link) -> None:
        """Away with a connection in doubt; the server rolls back what it had begun."""
        link.connection.terminate()
        while link.is_lost and self._idle:
            self._idle.pop().connection.terminate()
        self._free.release()

    async def commit(self, link: _Link) -> None:
        """End a transaction that wrote. Raises what asyncpg does, and :class:`StoreError`."""
        started = time.monotonic_ns()
        try:
            await _commit(link)
        except BaseException:
            self.watch.failed += 1
            raise
        self.watch.committed(1, time.monotonic_ns() - started)

    async def close(self) -> None:
        """Wait for every block to end, then close every connection."""
        if self._closed:
            return
        self._closed = True
        for _ in range(CONNECTIONS):
            await self._free.acquire()
        for link in self._idle:
            with suppress(OSError):  # a server that does not answer is not waited for
                await link.connection.close(timeout=PATIENCE)

    async def _line_up(self) -> None:
        started = time.monotonic_ns()
        if not self._free.locked():
            await self._free.acquire()
            self.watch.connection.observe(0)
            return
        try:
            async with asyncio.timeout(PATIENCE):
                await self._free.acquire()
            self.watch.connection.observe(time.monotonic_ns() - started)
        except TimeoutError as error:
            raise StoreUnavailable(f"no PostgreSQL connection was free for {PATIENCE:.0f} s") from error


def affected(status: str) -> int:
    """The rows that a command's status line counts.

    >>> affected("INSERT 0 3"), affected("UPDATE 12"), affected("CREATE TABLE")
    (3, 12, 0)
    """
    last = status.rpartition(" ")[2]
    return int(last) if last.isdigit() else 0


async def _commit(link: _Link) -> None:
    if link.is_lost:
        raise StoreUnavailable("the connection was lost and the body went on")
    link.was_warned = False
    status = await link.connection.execute("COMMIT", timeout=PATIENCE)
    if status != "COMMIT":  # PostgreSQL answers ROLLBACK where a statement had failed
        raise StoreError("a statement of the transaction had failed and its body went on")
    if link.was_warned:
        # Somebody cancelled the wait for a synchronous standby, which the commit may not have reached:
        # https://www.postgresql.org/docs/current/warm-standby.html, "Synchronous Replication".
        raise StoreUnavailable("a commit was not confirmed by the standby")
