"""Checking the chain of the audit trail, and keeping what was found.

A check reads every event there is. It runs beside requests, one at a time in a process, says now and then
how far it has come, and is known by the time at which it began.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging

from rosterd.directory.access import check_owns
from rosterd.directory.errors import Taken
from rosterd.directory.model import Actor, Org
from rosterd.store.engine import Store, StoreError, Tx
from rosterd.store.records import audit
from rosterd.store.records import verifications as rows
from rosterd.store.records.audit import Verdict
from rosterd.store.records.verifications import Verification

log = logging.getLogger("rosterd.actions")

REPORT_SECONDS = 5.0
LOST_SECONDS = 60
"""After so long without a word a check is taken for lost: its server was stopped."""


def is_under_way(check: Verification, now: int) -> bool:
    """Whether a check may still come to its end. ``now``: microseconds."""
    return check.ended is None and now - check.seen < LOST_SECONDS * 1_000_000


async def begin(tx: Tx, org: Org, *, actor: Actor) -> int:
    """Note that a check begins; gives what it is known by.

    Raises ``permission_denied``, and ``verification_under_way`` where nobody needs a second one.
    """
    check_owns(actor)
    if any(is_under_way(check, tx.now) for check in await rows.page(tx, org.id, 1)):
        raise Taken("verification_under_way")
    await rows.add(tx, org.id, tx.now)
    return tx.now


async def keep(tx: Tx, org: Org, began: int, verdict: Verdict, *, actor: Actor) -> None:
    """Note what a check has found that nobody was told of when it began."""
    check_owns(actor)
    await rows.add(tx, org.id, began)
    await rows.update(tx, org.id, began, verdict)


async def run(store: Store, org: Org, began: int, turn: asyncio.Lock, *, actor: Actor) -> None:
    """Make the check that :func:`begin` has noted, and note what it finds. ``turn``: of this process."""
    check_owns(actor)
    came = [0, 0]

    def passed(*so_far: int) -> None:
        came[:] = so_far

    reporting = asyncio.create_task(_report(store, org, began, came))
    try:
        async with turn, store.scan() as tx:
            verdict = await audit.verify(tx, org.id, passed)
    finally:
        reporting.cancel()
        await asyncio.gather(reporting, return_exceptions=True)
    async with store.write() as tx:
        await rows.update(tx, org.id, began, verdict)
    if not verdict.ok:
        log.error("the audit trail of %s is broken: %s", org.id, verdict.problem)


async def _report(store: Store, org: Org, began: int, came: list[int]) -> None:
    while True:
        await asyncio.sleep(REPORT_SECONDS)
        with contextlib.suppress(StoreError):  # said again in a moment
            async with store.write() as tx:
                await rows.update_progress(tx, org.id, began, *came)
