"""Statements of one block on PostgreSQL, which are a transaction from the first that needs it on.

Rules of this module:

1. Until something is written or locked, a transaction (``READ COMMITTED``) would see what is committed
   when each statement starts, and so does a read outside of it. Given ``reads``, a transaction begins
   only then, and plain reads before it go with those of others.
2. What failed is not forgotten: a body that goes on after it has nothing that could be committed.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from rosterd.store.contract import CardOf, Row, Step, StoreError
from rosterd.store.engines.postgres_link import FAILURES, Link
from rosterd.store.engines.postgres_reads import Reads
from rosterd.store.engines.statements import chained, is_plain


class Transaction:
    """See :class:`rosterd.store.contract.Tx`. ``limit``: seconds for one statement."""

    __slots__ = ("_begin", "_limit", "_reads", "card", "failed", "is_begun", "link", "now")

    def __init__(
        self, link: Link, card: CardOf, begin: str | None, limit: float, reads: Reads | None
    ) -> None:
        self.now = time.time_ns() // 1000
        self.card = card
        self.link = link
        self.is_begun = False
        self.failed: Exception | None = None  # what the connection itself does not know of
        self._begin = begin
        self._limit = limit
        self._reads = reads

    async def one(self, sql: str, *args: Any) -> Row | None:
        rows = await self.all(sql, *args)
        return rows[0] if rows else None

    async def all(self, sql: str, *args: Any) -> Sequence[Row]:
        if self._reads is not None:
            if is_plain(sql):
                return await self._with_others(self._reads, sql, args)
            await self.begin()
        return await self.link.fetch(sql, args, self._limit)

    async def known(self, sql: str, *args: Any) -> Sequence[Row]:
        return await self.all(sql, *args)

    async def run(self, sql: str, *args: Any) -> int:
        if self._reads is not None:
            await self.begin()
        return await self.link.run(sql, args, self._limit)

    async def many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        if self._reads is not None:
            await self.begin()
        await self.link.many(sql, rows, self._limit)

    async def together(self, steps: Sequence[Step]) -> int:
        if len(steps) < 2:
            return sum([await self.run(sql, *args) for sql, args in steps])
        args = [arg for _, some in steps for arg in some]
        row = await self.one(chained(tuple(sql for sql, _ in steps)), *args)
        return 0 if row is None else row[0]

    @asynccontextmanager
    async def part(self) -> AsyncIterator[None]:
        if self._reads is not None:
            await self.begin()
        await self.link.command("SAVEPOINT part")
        try:
            yield
        except Exception:
            await self.link.command("ROLLBACK TO SAVEPOINT part")
            await self.link.command("RELEASE SAVEPOINT part")
            raise
        await self.link.command("RELEASE SAVEPOINT part")

    async def begin(self) -> None:
        """From here on everything is on the one connection. Raises as :class:`Link` does."""
        if self._begin is not None:
            try:
                await self.link.command(self._begin)
            except (StoreError, *FAILURES) as error:
                self.failed = error  # whatever follows was not begun with
                raise
            self.is_begun = True
        self._reads = None

    async def _with_others(self, reads: Reads, sql: str, args: Sequence[Any]) -> Sequence[Row]:
        try:
            return await reads.ask(sql, *args)
        except (StoreError, *FAILURES) as error:
            self.failed = error
            raise
