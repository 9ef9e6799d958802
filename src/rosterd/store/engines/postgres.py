"""The PostgreSQL engine: asyncpg, with connections that are kept as they are between requests.

Rules of this module:

1. A few connections serve writes, scans and whatever else needs one of its own, first come, first
   served, with their prepared statements kept. Nothing is reset between requests: a body leaves no
   state behind but what its transaction commits. Plain reads share round trips on connections beside
   these (:mod:`rosterd.store.engines.postgres_reads`).
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
from contextlib import AbstractAsyncContextManager, suppress
from typing import Any

from rosterd.store.contract import CardOf, Row, Step, StoreError, StoreUnavailable, no_card
from rosterd.store.engines.postgres_link import FAILURES, Link
from rosterd.store.engines.postgres_reads import Answer, Reads
from rosterd.store.engines.postgres_server import LONGEST_SCAN, LONGEST_STATEMENT, PATIENCE, RISKS, connect
from rosterd.store.engines.postgres_tx import Transaction
from rosterd.store.engines.statements import is_plain
from rosterd.store.watch import Watch

log = logging.getLogger("rosterd.store")

CONNECTIONS = 16
"""How many bodies have a connection of their own; more wait in line."""

_WRITE = "BEGIN"


async def open_postgresql(url: str, card: CardOf = no_card) -> PostgresStore:
    """The store in the database that ``url`` names, which must exist.

    Of a server that is set not to survive a crash the log warns. Raises as
    :func:`~rosterd.store.engines.postgres_server.connect`.
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
        self._reads = Reads(pool, LONGEST_STATEMENT)
        self._card = card

    def version(self) -> None:
        return None

    def ask(self, sql: str, *args: Any) -> Answer:
        return self._reads.ask(sql, *args)

    def read(self) -> _Reading:
        return _Reading(self._pool, self._reads, self._card)

    def scan(self) -> _Block:
        begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
        return _Block(self._pool, self._card, begin, LONGEST_SCAN)

    def write(self) -> _Block:
        return _Block(self._pool, self._card, _WRITE, LONGEST_STATEMENT, self._reads)

    async def close(self) -> None:
        await self._reads.close()
        await self._pool.close()


class _Reading:
    """Statements that have nothing to do with each other: plain ones go with those of others."""

    __slots__ = ("_pool", "_reads", "card", "now")

    def __init__(self, pool: _Pool, reads: Reads, card: CardOf) -> None:
        self.now = time.time_ns() // 1000
        self.card = card
        self._pool = pool
        self._reads = reads

    async def __aenter__(self) -> _Reading:
        return self

    async def __aexit__(self, *raised: object) -> None:
        return None

    async def one(self, sql: str, *args: Any) -> Row | None:
        rows = await self.all(sql, *args)
        return rows[0] if rows else None

    async def all(self, sql: str, *args: Any) -> Sequence[Row]:
        if is_plain(sql):
            return await self._reads.ask(sql, *args)
        async with self._alone() as tx:
            return await tx.all(sql, *args)

    async def known(self, sql: str, *args: Any) -> Sequence[Row]:
        return await self.all(sql, *args)

    async def run(self, sql: str, *args: Any) -> int:
        async with self._alone() as tx:
            return await tx.run(sql, *args)

    async def many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        async with self._alone() as tx:
            await tx.many(sql, rows)

    async def together(self, steps: Sequence[Step]) -> int:
        async with self._alone() as tx:
            return await tx.together(steps)

    def part(self) -> AbstractAsyncContextManager[None]:
        raise AssertionError("only what is written has parts")

    def _alone(self) -> _Block:
        return _Block(self._pool, self.card, None, LONGEST_STATEMENT)


class _Block:
    """A connection for the length of a block and, if it begins with something, a transaction on it."""

    __slots__ = ("_begin", "_card", "_limit", "_pool", "_reads", "_tx")

    def __init__(
        self, pool: _Pool, card: CardOf, begin: str | None, limit: float, reads: Reads | None = None
    ) -> None:
        self._pool = pool
        self._card = card
        self._begin = begin
        self._limit = limit
        self._reads = reads

    async def __aenter__(self) -> Transaction:
        link = await self._pool.take()
        self._tx = Transaction(link, self._card, self._begin, self._limit, self._reads)
        if self._reads is None:
            try:
                await self._tx.begin()
            except BaseException:
                self._pool.drop(link)
                raise
        return self._tx

    async def __aexit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        tx, link = self._tx, self._tx.link
        # Not sound if cancelled: asyncpg would make the next one wait for the statement's end.
        sound = not link.is_lost and (kind is None or issubclass(kind, Exception))
        ended = False
        try:
            if kind is None and self._begin is not None:
                await (self._pool.commit(tx) if self._begin == _WRITE else _commit(tx))
            elif sound and tx.is_begun:
                await link.command("ROLLBACK")
            ended = True
        except (StoreError, *FAILURES):
            if kind is None:  # else the body's own error passes on
                raise
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
        self._idle: list[Link] = []
        self._closed = False
        self.watch = Watch()

    async def take(self) -> Link:
        """A connection, to be given back or dropped.

        Raises :class:`StoreUnavailable` if none gets free in time, or as :func:`connect`.
        """
        await self._line_up()
        try:
            return await self.open()
        except BaseException:
            self._free.release()
            raise

    def give(self, link: Link) -> None:
        """Back for the next one."""
        self.keep(link)
        self._free.release()

    def drop(self, link: Link) -> None:
        """Away with a connection in doubt; the server rolls back what it had begun."""
        self.discard(link)
        self._free.release()

    async def open(self) -> Link:
        """A connection beside those that are taken, to be kept or discarded. Raises as :func:`connect`."""
        while self._idle:
            link = self._idle.pop()  # the last one used is the warmest
            if not link.connection.is_closed():
                return link
        if self._closed:
            raise StoreUnavailable("the store is closed")
        return Link(await connect(self._url))

    def keep(self, link: Link) -> None:
        self._idle.append(link)

    def discard(self, link: Link) -> None:
        link.connection.terminate()
        while link.is_lost and self._idle:
            self._idle.pop().connection.terminate()

    async def commit(self, tx: Transaction) -> None:
        """End a transaction that wrote. Raises :class:`StoreError`."""
        started = time.monotonic_ns()
        try:
            await _commit(tx)
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


async def _commit(tx: Transaction) -> None:
    link = tx.link
    if link.is_lost or isinstance(tx.failed, StoreUnavailable):
        raise StoreUnavailable("the connection was lost and the body went on")
    if tx.failed is not None:
        raise StoreError("a statement of the transaction had failed and its body went on")
    if not tx.is_begun:
        return
    link.was_warned = False
    status = await link.command("COMMIT")
    if status != "COMMIT":  # PostgreSQL answers ROLLBACK where a statement had failed
        raise StoreError("a statement of the transaction had failed and its body went on")
    if link.was_warned:
        # Somebody cancelled the wait for a synchronous standby, which the commit may not have reached:
        # https://www.postgresql.org/docs/current/warm-standby.html, "Synchronous Replication".
        raise StoreUnavailable("a commit was not confirmed by the standby")
