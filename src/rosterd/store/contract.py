"""What every engine promises: transactions, the store that opens them, and how both can fail.

Rules of this module:

1. SQL is written once, in PostgreSQL's manner: ``$1, $2``, each usable more than once. ``each($n)``
   is a list argument as a set, either as ``id IN each($2)`` or as a table with the one column
   ``value``. Text, integers and NULL are the only types; flags are 0 and 1, JSON is text.
2. A body inside ``read``, ``scan`` or ``write`` waits for nothing but its own statements: others
   may stand in line behind it.
3. What goes wrong outside the directory's rules is a :class:`StoreError`; the engine's own
   exceptions never leave :mod:`rosterd.store`, except for SQL that is itself at fault.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

from rosterd.directory.model import User
from rosterd.store.watch import Watch

Row = tuple[Any, ...]
"""A row as the engines give it: unpacked or indexed by position, nothing else."""


CardOf = Callable[[User], str]
"""What is kept beside a user's row for its readers: how they lay it out is not the store's business."""


def no_card(user: User) -> str:
    """For a store that nobody reads by cards."""
    return ""


Step = tuple[str, Sequence[Any]]
"""A statement that inserts one row, ``INSERT INTO t (…) VALUES ($1, …)``, perhaps with ``ON CONFLICT DO
NOTHING`` at its end, and its arguments."""


class StoreError(Exception):
    """The store could not do what it was asked. The text is for the operator."""


class StoreUnavailable(StoreError):
    """Locked beyond patience, disk full, connection lost or refused: the same call may work later.

    Nothing of the transaction was kept, unless it was being committed when the connection was lost or
    the answer came too late: then it was kept whole, or not at all.
    """


class SchemaMismatch(StoreError):
    """The database is empty, older or newer than this program. The text says what to run."""


class Conflict(StoreError):
    """A unique or foreign key refused a row. The transaction can only be left: PostgreSQL is done with it."""


class Tx(Protocol):
    """One open transaction (or, under ``Store.read``, one connection)."""

    now: int
    """Microseconds since the epoch, read once when the transaction began."""

    @property
    def card(self) -> CardOf:
        """Gives the text that is stored with a user."""

    async def one(self, sql: str, *args: Any) -> Row | None:
        """The first row, or None. May raise :class:`Conflict` and :class:`StoreUnavailable`."""

    async def all(self, sql: str, *args: Any) -> Sequence[Row]:
        """Every row. May raise :class:`Conflict` and :class:`StoreUnavailable`."""

    async def known(self, sql: str, *args: Any) -> Sequence[Row]:
        """As :meth:`all`, for a plain look at orgs, users, emails, tokens or profile_fields.

        Rows that were found may be remembered, until one of these tables may have lost or altered any.
        So what comes is as it is now, but beside it rows may be missing that were added since.
        """

    async def run(self, sql: str, *args: Any) -> int:
        """The number of rows affected. May raise :class:`Conflict` and :class:`StoreUnavailable`."""

    async def many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        """The statement once for every row of arguments. Raises as :meth:`run` does."""

    async def together(self, steps: Sequence[Step]) -> int:
        """Insert a few rows, in this order, each only if all before it were. Returns how many were inserted.

        They may be sent as one statement, which grows with their number: for many there is :meth:`many`.
        Raises as :meth:`run` does.
        """

    def part(self) -> AbstractAsyncContextManager[None]:
        """A part of a transaction under ``write``: what raises inside leaves nothing of it, and passes on.

        Whoever catches it outside goes on with the rest of the transaction. Parts do not hold parts.
        """


class Store(Protocol):
    """A database at the right schema version."""

    url: str

    watch: Watch
    """What it counts about itself."""

    def version(self) -> int | None:
        """A number that is another one after every commit, whoever made it; None: the engine has none.

        What was read while it had the same value is still what a read would find.
        """

    def ask(self, sql: str, *args: Any) -> Sequence[Row] | asyncio.Future[Sequence[Row]]:
        """The rows of a point read under ``read``: at once where the engine can, else when they come.

        Raises :class:`StoreUnavailable`, here or in the future.
        """

    def read(self) -> AbstractAsyncContextManager[Tx]:
        """For point reads of a few rows: each statement sees what is committed when it starts."""

    def scan(self) -> AbstractAsyncContextManager[Tx]:
        """For reads that may be slow: one consistent snapshot, never on the event loop."""

    def write(self) -> AbstractAsyncContextManager[Tx]:
        """One transaction. Leaving the block returns after its commit is on disk.

        An exception in the body rolls back and passes on; a failed commit raises
        :class:`StoreUnavailable`.
        """

    async def close(self) -> None:
        """Finish what is under way and close every connection. May be called twice."""
