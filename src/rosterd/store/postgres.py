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
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import asyncpg

from rosterd.store.contract import Conflict, Row, StoreError, StoreUnavailable
from rosterd.store.statements import for_postgresql

CONNECTIONS = 16
"""How many connections one process keeps; more bodies wait in line."""

PATIENCE = 15.0
"""Seconds to wait for a connection, for another transaction's lock, and for the server to answer."""

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
            statement_cache_size=1024,
            max_cached_statement_lifetime=0,
            server_settings=_SETTINGS,
        )
    except _NOT_NOW as error:
        raise StoreUnavailable(f"cannot reach PostgreSQL: {error}") from error
    except _REFUSED as error:
        raise StoreError(f"PostgreSQL refused the connection: {error}") from error


async def open_postgresql(url: str) -> PostgresStore:
    """The store in the database that ``url`` names, which must exist. Raises as :func:`connect`."""
    pool = _Pool(url)
    async with pool.connection():
        return PostgresStore(url, pool)


class PostgresStore:
    """See :class:`rosterd.store.contract.Store`."""

    def __init__(self, url: str, pool: _Pool) -> None:
        self.url = url
        self._pool = pool

    @asynccontextmanager
    async def read(self) -> AsyncIterator[_Tx]:
        async with self._pool.connection() as connection:
            yield _Tx(connection)

    @asynccontextmanager
    async def scan(self) -> AsyncIterator[_Tx]:
        async with self._transaction("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY") as tx:
            yield tx

    @asynccontextmanager
    async def write(self) -> AsyncIterator[_Tx]:
        async with self._transaction("BEGIN") as tx:
            yield tx

    async def close(self) -> None:
        await self._pool.close()

    @asynccontextmanager
    async def _transaction(self, begin: str) -> AsyncIterator[_Tx]:
        async with self._pool.connection() as connection:
            with _explained(connection):
                await connection.execute(begin)
            try:
                yield _Tx(connection)
            except Exception:
                await _roll_back(connection)
                raise
            await _commit(connection)


class _Tx:
    """Statements on one connection."""

    __slots__ = ("_connection", "now")

    def __init__(self, connection: asyncpg.Connection) -> None:
        self.now = time.time_ns() // 1000
        self._connection = connection

    async def one(self, sql: str, *args: Any) -> Row | None:
        with _explained(self._connection):
            # A record unpacks and indexes as a tuple does.
            row: Row | None = await self._connection.fetchrow(for_postgresql(sql), *args)
            return row

    async def all(self, sql: str, *args: Any) -> Sequence[Row]:
        with _explained(self._connection):
            rows: list[Row] = await self._connection.fetch(for_postgresql(sql), *args)
            return rows

    async def run(self, sql: str, *args: Any) -> int:
        with _explained(self._connection):
            return affected(await self._connection.execute(for_postgresql(sql), *args))

    async def many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        if rows:
            with _explained(self._connection):
                await self._connection.executemany(for_postgresql(sql), rows)


class _Pool:
    """Connections kept open: at most ``CONNECTIONS``, opened when first needed."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._free = asyncio.Semaphore(CONNECTIONS)  # first come, first served
        self._idle: list[asyncpg.Connection] = []

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[asyncpg.Connection]:
        """One connection for the block. Raises :class:`StoreUnavailable` and :class:`StoreError`."""
        await self._line_up()
        try:
            connection = await self._take()
            try:
                yield connection
            except Exception:
                raise
            except BaseException:
                # Cancelled in the midst of a statement: asyncpg may wait for its end for ever.
                connection.terminate()
                raise
            finally:
                if not connection.is_closed():
                    self._idle.append(connection)
        finally:
            self._free.release()

    async def _line_up(self) -> None:
        if not self._free.locked():
            await self._free.acquire()
            return
        try:
            async with asyncio.timeout(PATIENCE):
                await self._free.acquire()
        except TimeoutError as error:
            raise StoreUnavailable(f"no PostgreSQL connection was free for {PATIENCE:.0f} s") from error

    async def _take(self) -> asyncpg.Connection:
        while self._idle:
            connection = self._idle.pop()  # the last one used is the warmest
            if not connection.is_closed():
                return connection
        return await connect(self._url)

    async def close(self) -> None:
        """Wait for every block to end, then close every connection."""
        for _ in range(CONNECTIONS):
            await self._free.acquire()
        for connection in self._idle:
            await connection.close()


def affected(status: str) -> int:
    """The rows that a command's status line counts.

    >>> affected("INSERT 0 3"), affected("UPDATE 12"), affected("CREATE TABLE")
    (3, 12, 0)
    """
    last = status.rpartition(" ")[2]
    return int(last) if last.isdigit() else 0


async def _commit(connection: asyncpg.Connection) -> None:
    try:
        with _explained(connection):
            status = await connection.execute("COMMIT")
    except StoreError:
        connection.terminate()  # whether it was committed is not known here
        raise
    if status != "COMMIT":  # PostgreSQL answers ROLLBACK where a statement had failed
        raise StoreError("a statement of the transaction had failed and its body went on")


async def _roll_back(connection: asyncpg.Connection) -> None:
    try:
        await connection.execute("ROLLBACK", timeout=PATIENCE)
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
        connection.terminate()  # the server rolls back by itself


@contextmanager
def _explained(connection: asyncpg.Connection) -> Iterator[None]:
    """Raises the store's error for one of asyncpg's; passes it on where the statement is at fault."""
    try:
        yield
    except _CONFLICTS as error:
        raise Conflict(str(error)) from error
    except _NOT_NOW as error:
        raise StoreUnavailable(f"PostgreSQL: {error}") from error
    except asyncpg.InterfaceError as error:
        if connection.is_closed():
            raise StoreUnavailable(f"PostgreSQL: {error}") from error
        raise
