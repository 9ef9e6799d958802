"""Durable jobs: work that is too much for one transaction, done slice by slice.

Each slice is one transaction, which also notes how far the job has come: a job that is broken off anywhere
goes on behind the last slice that was committed, and repeats nothing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from rosterd.delivery.attempts import Claim, End
from rosterd.directory.model import OrgId
from rosterd.store import outbox
from rosterd.store.engine import Store, Tx

Work = Callable[[Tx, OrgId, dict[str, Any]], Awaitable[dict[str, Any] | None]]
"""Does the slice that the arguments say, in this transaction. Gives those to go on with; None: it is done."""

_LEASE = 60 * 1_000_000


class Job:
    """Runs a kind of job to its end."""

    def __init__(self, store: Store, work: Work) -> None:
        self._store = store
        self._work = work

    async def __call__(self, claim: Claim) -> End:
        """Slice after slice, to the last; or until somebody else has taken the job over."""
        while True:
            async with self._store.write() as tx:
                entry = claim.entry
                if not await outbox.is_held(tx, entry):
                    return End.LOST
                arguments = await self._work(tx, entry.org_id, entry.arguments)
                if arguments is None:
                    await outbox.done(tx, entry)
                    further = None
                else:
                    further = await outbox.advance(tx, entry, arguments, tx.now + _LEASE)
            if further is None:
                return End.NOTED
            claim.entry = further
