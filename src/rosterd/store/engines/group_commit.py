"""One transaction of SQLite shared by all the writes in flight, and one flush to disk for all.

A commit costs a flush of the disk whatever its size, so bodies share it. Each body runs in turn, in
a savepoint of its own, on the event loop; when it is done it joins the batch and waits. The first
to join starts the committer, which stands in the same line: everybody who was waiting before it
runs and joins first, so that the batch grows with the load. The commit runs in a thread, and only
when it is on disk does anybody get an answer.

Rules of this module:

1. Whoever holds the turn owns the connection, even while a thread uses it: a cancelled body waits
   for its statement to end before it gives the turn back.
2. A body that fails undoes its own savepoint and nothing else. A commit that fails is told to every
   member of the batch and to nobody else.
3. The transaction is open only while somebody is in the batch or holds the turn.
4. ``known`` is for :meth:`~rosterd.store.contract.Tx.known`. It is forgotten with every statement that may
   alter what it is about, with whatever is undone, and with every commit by somebody else.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import suppress
from typing import Any, TypeVar

from rosterd.store.contract import Row, StoreUnavailable
from rosterd.store.engines.sqlite_file import explained, is_locked
from rosterd.store.engines.waiting import naps, to_the_end
from rosterd.store.watch import Watch

T = TypeVar("T")


async def in_thread(
    pool: Executor, work: Callable[..., T], *args: object, stop: Callable[[], object] | None = None
) -> T:
    """The work's result, from a thread; like ``stop``, see :func:`.to_the_end`."""
    loop = asyncio.get_running_loop()
    return await to_the_end(loop.run_in_executor(pool, lambda: work(*args)), stop)


class GroupCommit:
    """The writing side of a SQLite store: ``enter``, statements, ``leave``."""

    def __init__(self, connection: sqlite3.Connection, patience: float, watch: Watch) -> None:
        self.connection = connection
        self.known: dict[tuple[str, tuple[Any, ...]], Sequence[Row]] = {}
        self._others = 0  # SQLite's number for what other connections commit
        self._watch = watch
        self._patience = patience
        self._turn = asyncio.Lock()  # first come, first served
        self._batch: list[asyncio.Future[None]] = []
        self._committer: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(1, "rosterd-writer")

    async def enter(self) -> None:
        """Wait for the turn, then open a savepoint. Raises :class:`StoreUnavailable`."""
        started = time.monotonic_ns()
        await self._turn.acquire()
        try:
            if not self.connection.in_transaction:
                await self._begin(self._patience - (time.monotonic_ns() - started) / 1e9)
            self.connection.execute("SAVEPOINT body")
            self._watch.turn.observe(time.monotonic_ns() - started)
        except BaseException as error:
            self._end_if_empty()
            self._turn.release()
            if isinstance(error, sqlite3.Error):
                raise explained(error) from error
            raise

    async def leave(self, *, keep: bool) -> None:
        """Close the savepoint, pass the turn on and, to keep it, wait until it is on disk.

        Raises :class:`StoreUnavailable` if the commit failed: then nothing of the body remains.
        """
        committed: asyncio.Future[None] | None = None
        try:
            if keep:
                committed = self._join()
            else:
                self._undo()
        finally:
            self._turn.release()
        if committed is not None:
            await committed

    def begin_part(self) -> None:
        """Open a savepoint within the body's, for the holder of the turn."""
        self._command("SAVEPOINT part")

    def end_part(self, *, keep: bool) -> None:
        """Close it. Raises :class:`StoreUnavailable` where SQLite itself has rolled everything back."""
        if not self.connection.in_transaction:
            raise StoreUnavailable("SQLite gave the transaction up")
        if not keep:
            self.known.clear()
            self._command("ROLLBACK TO part")
        self._command("RELEASE part")

    def _command(self, text: str) -> None:
        try:
            self.connection.execute(text)
        except sqlite3.Error as error:
            raise explained(error) from error

    async def off_loop(self, work: Callable[..., T], *args: object) -> T:
        """Work on the connection in the writer's thread, for the holder of the turn."""
        return await in_thread(self._thread, work, self.connection, *args)

    async def close(self) -> None:
        """Commit what has joined and close the connection."""
        if self._committer is not None:
            await asyncio.wait([self._committer])
        async with self._turn:
            await self.off_loop(sqlite3.Connection.close)  # may copy the log into the file
        self._thread.shutdown(wait=False)

    async def _begin(self, patience: float) -> None:
        for nap in naps(patience):
            try:
                self._begin_now()
                return
            except sqlite3.OperationalError as error:
                if not is_locked(error):
                    raise
            await asyncio.sleep(nap)
        self._begin_now()

    def _begin_now(self) -> None:
        self.connection.execute("BEGIN IMMEDIATE")
        # https://sqlite.org/pragma.html#pragma_data_version: from here on nobody else commits.
        [others] = self.connection.execute("PRAGMA data_version").fetchone()
        if others != self._others:
            self._others = others
            self.known.clear()

    def _join(self) -> asyncio.Future[None]:
        if not self.connection.in_transaction:
            self._lose_batch()
            raise StoreUnavailable("SQLite gave the transaction up")
        try:
            self.connection.execute("RELEASE body")
        except sqlite3.Error as error:
            self._undo()
            raise explained(error) from error
        loop = asyncio.get_running_loop()
        committed: asyncio.Future[None] = loop.create_future()
        self._batch.append(committed)
        if len(self._batch) == 1:
            self._committer = loop.create_task(self._commit())
        return committed

    def _undo(self) -> None:
        self.known.clear()
        if self.connection.in_transaction:
            try:
                self.connection.execute("ROLLBACK TO body")
                self.connection.execute("RELEASE body")
            except sqlite3.Error:
                _roll_back(self.connection)
        if not self.connection.in_transaction:
            # SQLite itself rolls everything back when the disk is full or fails
            # (https://sqlite.org/lang_transaction.html, heading "Response To Errors Within a Transaction").
            self._lose_batch()
        self._end_if_empty()

    def _end_if_empty(self) -> None:
        if not self._batch and self.connection.in_transaction:
            _roll_back(self.connection)

    def _lose_batch(self) -> None:
        self.known.clear()
        batch, self._batch = self._batch, []
        _answer(batch, StoreUnavailable("SQLite gave the transaction up"))

    async def _commit(self) -> None:
        async with self._turn:
            batch, self._batch = self._batch, []
            if not batch:  # lost meanwhile, and told so
                return
            failure: Exception | None = StoreUnavailable("stopped during the commit")
            started = time.monotonic_ns()
            try:
                failure = await self.off_loop(_commit)
            finally:
                _answer(batch, failure)
                if failure is None:
                    self._watch.committed(len(batch), time.monotonic_ns() - started)
                else:
                    self.known.clear()
                    self._watch.failed += 1


def _commit(connection: sqlite3.Connection) -> StoreUnavailable | None:
    try:
        connection.execute("COMMIT")
    except sqlite3.Error as error:
        _roll_back(connection)
        return StoreUnavailable(f"the commit failed: {error}")
    return None


def _roll_back(connection: sqlite3.Connection) -> None:
    with suppress(sqlite3.Error):
        connection.execute("ROLLBACK")
    if connection.in_transaction:
        connection.close()  # rather no writes at all than half of what was refused


def _answer(batch: list[asyncio.Future[None]], failure: Exception | None) -> None:
    for committed in batch:
        if committed.done():  # its request was cancelled
            continue
        if failure is None:
            committed.set_result(None)
        else:
            committed.set_exception(StoreUnavailable(str(failure)))
