"""The PostgreSQL engine: asyncpg, with connections that are kept as they are between requests.

Rules of this module:

1. A few connections serve reads and writes alike, first come, first served, with their prepared
   statements kept. Nothing is reset between requests: a body leaves no state behind but what its
   transaction commits.
2. A commit is on disk when it returns: ``synchronous_commit`` is on in every session, whatever the
   server's default.
3. A connection in doubt (broken, or cancelled on its way out of a transaction) is dropped, and the
   next one who needs it opens another.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any

import asyncpg

from rosterd.store.contract import CardOf, Conflict, Row, StoreError, StoreUnavailable, no_card
from rosterd.store.statements import for_postgresql
from rosterd.store.waiting import to_the_end

CONNECTIONS = 16
"""How many connections one process keeps; more bodies wait in line."""

PATIENCE = 15.0
"""Seconds to wait for a connection, for another transaction's lock, and for the server to answer."""

_SLICE = 200  # rows
_PREPARED = 1000  # statements on one connection, before it starts anew

_SCHEMES = ("postgresql://", "postgres://")

_SETTINGS = {
    "application_name": "rosterd",
    "synchronous_commit": "on",
    "default_transaction_isolation": "read committed",
    "lock_timeout": f"{PATIENCE:.0f}s",
    "jit": "off",  # its compilation costs more than any statement here
}

# Classes of https://www.postgresql.org/docs/current/errcodes-appendix.html that say "not now".
_NOT_NOW = (
    asyncpg.PostgresConnectionError,  # 08
    asyncpg.TransactionRollbackError,  # 40: serialization failure, deadlock
    asyncpg.InsufficientResourcesError,  # 53: disk full, out of memory, too many connections
    asyncpg.LockNotAvailableError,  # 55P03
    asyncpg.OperatorInterventionError,  # 57: shut down, starting up, cancelled
    asyncpg.ReadOnlySQLTransactionError,  # 25006: a standby
    asyncpg.InvalidCachedStatementError,  # the schema was changed beneath us
    OSError,  # refused, reset; TimeoutError is one too
)
_REFUSED = (
    asyncpg.InvalidAuthorizationSpecificationError,  # 28
    asyncpg.InvalidCatalogNameError,  # 3D
    asyncpg.ClientConfigurationError,
    ValueError,
)
_CONFLICTS = (asyncpg.UniqueViolationError, asyncpg.ForeignKeyViolationError)
_FAILURES = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError)


def is_postgresql(url: str) -> bool:
    """Whether the URL is for this engine.

    >>> is_postgresql("postgres://rosterd@localhost/rosterd"), is_postgresql("sqlite:///rosterd.db")
    (True, False)
    """
    return url.startswith(_SCHEMES)


async def connect(url: str) -> asyncpg.Connection:
    """A connection with this module's settings.

    Raises :class:`StoreUnavailable` where the server does not answer, and :class:`StoreError` where
    it refuses the user or the database, or the URL cannot be read.
    """
    try:
        return await asyncpg.connect(
            url,
            timeout=PATIENCE,
            statement_cache_size=0,  # each connection's statements are kept in its _Link
            server_settings=_SETTINGS,
        )
    except _NOT_NOW as error:
        raise StoreUnavailable(f"cannot reach PostgreSQL: {error}") from error
    except _REFUSED as error:
        raise StoreError(f"PostgreSQL refused the connection: {error}") from error


async def open_postgresql(url: str, card: CardOf = no_card) -> PostgresStore:
    """The store in the database that ``url`` names, which must exist. Raises as :func:`connect`."""
    pool = _Pool(url)
    pool.give(await pool.take())
    return PostgresStore(url, pool, card)


class PostgresStore:
    """See :class:`rosterd.store.contract.Store`."""

    def __init__(self, url: str, pool: _Pool, card: CardOf) -> None:
        self.url = url
        self._pool = pool
        self._card = card

    def version(self) -> None:
        return None

    def read(self) -> _Block:
        return _Block(self._pool, self._card, begin=None)

    def scan(self) -> _Block:
        return _Block(self._pool, self._card, begin="BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")

    def write(self) -> _Block:
        return _Block(self._pool, self._card, begin="BEGIN")

    async def close(self) -> None:
        await self._pool.close()


class _Link:
    """A connection and the statements prepared on it."""

    __slots__ = ("connection", "prepared")

    def __init__(self, connection: asyncpg.Connection) -> None:
        self.connection = connection
        self.prepared: dict[str, asyncpg.prepared_stmt.PreparedStatement] = {}

    async def prepare(self, sql: str) -> asyncpg.prepared_stmt.PreparedStatement:
        if len(self.prepared) >= _PREPARED:
            self.prepared.clear()
        statement = self.prepared[sql] = await self.connection.prepare(for_postgresql(sql))
        return statement

    def explained(self, error: Exception) -> Exception:
        """The store's error for one of asyncpg's; the same one back where the statement is at fault."""
        if isinstance(error, asyncpg.InvalidCachedStatementError):
            self.prepared.clear()
        if isinstance(error, _CONFLICTS):
            return Conflict(str(error))
        if isinstance(error, _NOT_NOW) or self.connection.is_closed():
            return StoreUnavailable(f"PostgreSQL: {error}")
        return error


class _Tx:
    """Statements on one connection."""

    __slots__ = ("_link", "card", "now")

    def __init__(self, link: _Link, card: CardOf) -> None:
        self.now = time.time_ns() // 1000
        self.card = card
        self._link = link

    async def one(self, sql: str, *args: Any) -> Row | None:
        try:
            statement = self._link.prepared.get(sql) or await self._link.prepare(sql)
            row: Row | None = await statement.fetchrow(*args)  # unpacks and indexes as a tuple does
        except _FAILURES as error:
            raise self._link.explained(error) from error
        return row

    async def all(self, sql: str, *args: Any) -> Sequence[Row]:
        try:
            statement = self._link.prepared.get(sql) or await self._link.prepare(sql)
            rows: list[Row] = await statement.fetch(*args)
        except _FAILURES as error:
            raise self._link.explained(error) from error
        return rows

    async def run(self, sql: str, *args: Any) -> int:
        try:
            statement = self._link.prepared.get(sql) or await self._link.prepare(sql)
            await statement.fetch(*args)
        except _FAILURES as error:
            raise self._link.explained(error) from error
        return affected(statement.get_statusmsg())

    async def many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        text = for_postgresql(sql)
        for start in range(0, len(rows), _SLICE):
            # If its connection breaks or its task is cancelled, asyncpg's executemany may wait for ever
            # for an answer to what it has not sent: hence slices, a time limit and no cancellation.
            slice_ = rows[start : start + _SLICE]
            statements = self._link.connection.executemany(text, slice_, timeout=PATIENCE)
            try:
                await to_the_end(asyncio.ensure_future(statements))
            except _FAILURES as error:
                raise self._link.explained(error) from error


class _Block:
    """A connection for the length of a block and, if it begins with something, a transaction on it."""

    __slots__ = ("_begin", "_card", "_link", "_pool")

    def __init__(self, pool: _Pool, card: CardOf, begin: str | None) -> None:
        self._pool = pool
        self._card = card
        self._begin = begin
        self._link: _Link | None = None

    async def __aenter__(self) -> _Tx:
        link = await self._pool.take()
        try:
            if self._begin is not None:
                await link.connection.execute(self._begin)
        except _FAILURES as error:
            self._pool.drop(link)
            raise link.explained(error) from error
        except asyncio.CancelledError:
            self._pool.drop(link)
            raise
        self._link = link
        return _Tx(link, self._card)

    async def __aexit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        link, self._link = self._link, None
        assert link is not None
        sound = False
        try:
            if kind is None and self._begin is not None:
                await _commit(link)
            elif kind is not None and issubclass(kind, Exception) and self._begin is not None:
                await link.connection.execute("ROLLBACK", timeout=PATIENCE)
            # Not sound if cancelled: asyncpg would make the next one wait for the statement's end.
            sound = kind is None or issubclass(kind, Exception)
        except _FAILURES as error:
            if kind is None:  # else the body's own error passes on
                raise link.explained(error) from error
        finally:
            if sound:
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
        self._free.release()

    async def close(self) -> None:
        """Wait for every block to end, then close every connection."""
        if self._closed:
            return
        self._closed = True
        for _ in range(CONNECTIONS):
            await self._free.acquire()
        for link in self._idle:
            await link.connection.close()

    async def _line_up(self) -> None:
        if not self._free.locked():
            await self._free.acquire()
            return
        try:
            async with asyncio.timeout(PATIENCE):
                await self._free.acquire()
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
    status = await link.connection.execute("COMMIT")
    if status != "COMMIT":  # PostgreSQL answers ROLLBACK where a statement had failed
        raise StoreError("a statement of the transaction had failed and its body went on")
