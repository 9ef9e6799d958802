"""One connection to PostgreSQL, with the statements prepared on it and what is known against it.

Rules of this module:

1. A statement is prepared once on each connection, under a name: the server keeps its plan. Without a
   name asyncpg would have it parsed and planned again with every execution, which costs five times
   as much as executing it.
2. A link is lost once its connection broke or was silent for too long, and stays so: whoever holds it
   drops it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import count
from typing import Any, TypeAlias

import asyncpg

from rosterd.store.contract import Conflict, StoreUnavailable
from rosterd.store.engines.postgres_server import LONGEST_STATEMENT, NOT_NOW, PATIENCE
from rosterd.store.engines.statements import for_postgresql
from rosterd.store.engines.waiting import to_the_end

_SLICE = 200  # rows
_PREPARED = 1000  # statements on one connection, before it starts anew

_CONFLICTS = (asyncpg.UniqueViolationError, asyncpg.ForeignKeyViolationError)
# asyncpg's own confusion: the server has said goodbye to an idle connection, and not yet hung up.
_LOST = (OSError, asyncpg.InternalClientError)
FAILURES = (asyncpg.PostgresError, asyncpg.InterfaceError, *_LOST)
"""Whatever asyncpg raises."""

Prepared: TypeAlias = asyncpg.prepared_stmt.PreparedStatement


class Link:
    """See the module."""

    __slots__ = ("_names", "connection", "is_lost", "prepared", "was_warned")

    def __init__(self, connection: asyncpg.Connection) -> None:
        self.connection = connection
        self.prepared: dict[str, Prepared] = {}
        self.is_lost = False
        self.was_warned = False
        self._names = count()
        connection.add_log_listener(self._hear)

    def _hear(self, connection: object, message: asyncpg.PostgresLogMessage) -> None:
        self.was_warned = self.was_warned or message.severity_en == "WARNING"

    async def prepare(self, sql: str) -> Prepared:
        """The statement, to be found in ``prepared`` from now on. Raises what asyncpg does."""
        if len(self.prepared) >= _PREPARED:
            self.prepared.clear()
        name = f"s{next(self._names)}"
        prepared = await self.connection.prepare(for_postgresql(sql), name=name, timeout=LONGEST_STATEMENT)
        self.prepared[sql] = prepared
        return prepared

    async def fetch(self, sql: str, args: Sequence[Any], limit: float) -> list[Any]:
        """Every row, within ``limit`` seconds. Raises as :meth:`explained`."""
        try:
            statement = self.prepared.get(sql) or await self.prepare(sql)
            rows: list[Any] = await statement.fetch(*args, timeout=limit)
        except FAILURES as error:
            raise self.explained(error) from error
        return rows

    async def run(self, sql: str, args: Sequence[Any], limit: float) -> int:
        """How many rows were affected, within ``limit`` seconds. Raises as :meth:`explained`."""
        try:
            statement = self.prepared.get(sql) or await self.prepare(sql)
            await statement.fetch(*args, timeout=limit)
        except FAILURES as error:
            raise self.explained(error) from error
        return affected(statement.get_statusmsg())

    async def many(self, sql: str, rows: Sequence[Sequence[Any]], limit: float) -> None:
        """The statement for every row of arguments, some of them in ``limit`` seconds. Raises likewise."""
        for start in range(0, len(rows), _SLICE):
            # If its connection breaks or its task is cancelled, asyncpg's executemany may wait for ever
            # for an answer to what it has not sent: hence slices, a time limit and no cancellation.
            slice_ = rows[start : start + _SLICE]
            try:
                statement = self.prepared.get(sql) or await self.prepare(sql)
                await to_the_end(asyncio.ensure_future(statement.executemany(slice_, timeout=limit)))
            except FAILURES as error:
                raise self.explained(error) from error

    async def command(self, text: str) -> str:
        """What the server says to BEGIN, COMMIT or ROLLBACK. Raises as :meth:`explained`."""
        try:
            status: str = await self.connection.execute(text, timeout=PATIENCE)
        except FAILURES as error:
            raise self.explained(error) from error
        return status

    async def types(self, sql: str) -> list[str]:
        """Of the statement's arguments, as the server names them. Raises as :meth:`explained`."""
        try:
            statement = self.prepared.get(sql) or await self.prepare(sql)
        except FAILURES as error:
            raise self.explained(error) from error
        return [each.name for each in statement.get_parameters()]

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


def affected(status: str) -> int:
    """The rows that a command's status line counts.

    >>> affected("INSERT 0 3"), affected("UPDATE 12"), affected("CREATE TABLE")
    (3, 12, 0)
    """
    last = status.rpartition(" ")[2]
    return int(last) if last.isdigit() else 0
