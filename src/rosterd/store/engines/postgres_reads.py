"""Reads of many requests in few round trips to PostgreSQL.

A round trip costs both sides more than the lookup that it is for. Statements that wait while one is
under way are therefore gathered: those of the same text go together, as one statement over all their
arguments, and those with the same arguments too are asked once for all of them.

Rules of this module:

1. Each statement sees what is committed when it starts, and it starts after it was asked: who joins
   a batch that waits sees at least what they would have seen alone.
2. A batch belongs to nobody. Who is cancelled leaves it, and the others get their rows.
3. Only what reads and takes single values is gathered (:func:`~rosterd.store.engines.statements.is_plain`).
4. A batch that fails because of one of its arguments is asked again one by one, so that each gets
   what is theirs. With a lost connection fail all that wait: they would have gone the same way.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Protocol

from rosterd.store.contract import Row, StoreError, StoreUnavailable
from rosterd.store.engines.postgres_link import FAILURES, Link
from rosterd.store.engines.statements import gathered

READERS = 2
"""Connections for reads, beside those of the blocks: while one waits for PostgreSQL, newcomers gather
for the other."""

Answer = asyncio.Future[Sequence[Row]]
Batch = dict[tuple[Any, ...], list[Answer]]
"""Arguments → who wants to know."""


class Links(Protocol):
    """Where connections come from and go to."""

    async def open(self) -> Link:
        """Raises :class:`StoreError`."""

    def keep(self, link: Link) -> None: ...

    def discard(self, link: Link) -> None: ...


class Reads:
    """See the module. ``limit``: seconds until a statement is given up."""

    def __init__(self, links: Links, limit: float) -> None:
        self._links = links
        self._limit = limit
        self._waiting: dict[str, Batch] = {}  # by statement, the one that waits longest first
        self._gathered: dict[str, str] = {}
        self._readers: set[asyncio.Task[None]] = set()
        self._is_starting = False  # a reader that has not yet taken what waits

    def ask(self, sql: str, *args: Any) -> Answer:
        """The rows, soon. The statement must be plain.

        What comes may be shared with others that asked the same. Fails with :class:`StoreError`.
        """
        answer: Answer = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(sql, {}).setdefault(args, []).append(answer)
        if not self._is_starting and len(self._readers) < READERS:
            self._is_starting = True
            self._readers.add(asyncio.create_task(self._read()))
        return answer

    async def close(self) -> None:
        """Wait for what was asked."""
        while at_work := [reader for reader in self._readers if not reader.done()]:
            await asyncio.wait(at_work)

    async def _read(self) -> None:
        """Answer whatever waits, until nothing does."""
        link: Link | None = None
        why: StoreError = StoreUnavailable("reading from PostgreSQL was broken off")
        try:
            link = await self._links.open()
            self._is_starting = False
            while self._waiting:
                sql = next(iter(self._waiting))
                await self._settle(link, sql, self._waiting.pop(sql))
            self._links.keep(link)
            link = None
        except StoreError as error:
            why = error
        finally:
            # From the last look at what waits to here nothing can have come in between.
            self._is_starting = False
            self._readers.discard(asyncio.current_task())
            if link is not None:
                self._links.discard(link)
            while self._waiting:
                _fail(self._waiting.popitem()[1], why)

    async def _settle(self, link: Link, sql: str, batch: Batch) -> None:
        try:
            await self._answer(link, sql, batch)
        except BaseException as error:
            _fail(batch, error if isinstance(error, StoreError) else StoreUnavailable("broken off"))
            raise

    async def _answer(self, link: Link, sql: str, batch: Batch) -> None:
        asked = list(batch)
        try:
            found = await self._rows(link, sql, asked)
        except (StoreError, *FAILURES) as error:
            if link.is_lost:
                raise
            if isinstance(error, StoreUnavailable) or len(asked) == 1:
                _fail(batch, error)
                return
            for args in asked:
                await self._answer(link, sql, {args: batch[args]})
            return
        for args, rows in zip(asked, found, strict=True):
            for answer in batch[args]:
                if not answer.done():  # cancelled
                    answer.set_result(rows)

    async def _rows(self, link: Link, sql: str, asked: Sequence[tuple[Any, ...]]) -> list[Sequence[Row]]:
        """What each of these arguments gives."""
        if len(asked) == 1:
            return [await link.fetch(sql, asked[0], self._limit)]
        text = self._gathered.get(sql) or await self._gather(link, sql)
        found: list[list[Row]] = [[] for _ in asked]
        for row in await link.fetch(text, tuple(zip(*asked, strict=True)), self._limit):
            found[row[0] - 1].append(row[1:])
        return list(found)

    async def _gather(self, link: Link, sql: str) -> str:
        text = gathered(sql, await link.types(sql))
        self._gathered[sql] = text
        return text


def _fail(batch: Batch, error: Exception) -> None:
    for answers in batch.values():
        for answer in answers:
            if not answer.done():
                answer.set_exception(error)
