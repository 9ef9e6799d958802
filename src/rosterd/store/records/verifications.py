"""When the chain of the audit trail was checked, and what was found: the last `KEPT` times.

Like :mod:`rosterd.store.records.activity` this is bookkeeping of the server. It shows what a check said,
and proves nothing: whoever can change the trail unseen can change this, too.
"""

from __future__ import annotations

import msgspec

from rosterd.directory.model import OrgId
from rosterd.store.contract import Tx
from rosterd.store.records.audit import Verdict

KEPT = 100


class Verification(msgspec.Struct, frozen=True):
    """One check of the whole chain."""

    began: int  # microseconds
    seen: int  # microseconds: when it was last heard of
    ended: int | None  # microseconds; None: it is under way, or came to no end
    seals: int  # so far
    events: int  # under these seals
    unsealed: int
    head: str  # the newest seal's hash
    problem: str | None  # the first, as a sentence


async def add(tx: Tx, org: OrgId, began: int) -> None:
    """Note that a check begins; the oldest ones are forgotten."""
    await tx.run(_ADD, org, began)
    await tx.run(_PRUNE, org, KEPT)


async def update_progress(tx: Tx, org: OrgId, began: int, seals: int, events: int) -> None:
    """Note how far the check that began then has come."""
    await tx.run(_PROGRESS, org, began, tx.now, seals, events)


async def update(tx: Tx, org: OrgId, began: int, verdict: Verdict) -> None:
    """Note what the check that began then has found."""
    await tx.run(
        _UPDATE, org, began, tx.now, verdict.seals, verdict.events, verdict.unsealed, verdict.head,
        verdict.problem,
    )  # fmt: skip


async def page(tx: Tx, org: OrgId, limit: int) -> list[Verification]:
    """The newest checks, the last one first."""
    return [Verification(*row) for row in await tx.all(_PAGE, org, limit)]


_COLUMNS = ", ".join(f"t.{name}" for name in Verification.__struct_fields__)
_ADD = (
    "INSERT INTO verifications (org_id, began, seen, ended, seals, events, unsealed, head, problem)"
    " VALUES ($1, $2, $2, NULL, 0, 0, 0, '', NULL) ON CONFLICT DO NOTHING"
)
_PRUNE = (
    "DELETE FROM verifications WHERE org_id = $1 AND began < (SELECT MIN(n.began) FROM"
    " (SELECT t.began FROM verifications t WHERE t.org_id = $1 ORDER BY t.began DESC LIMIT $2) n)"
)
_PROGRESS = (
    "UPDATE verifications SET seen = $3, seals = $4, events = $5"
    " WHERE org_id = $1 AND began = $2 AND ended IS NULL"
)
_UPDATE = (
    "UPDATE verifications SET ended = $3, seen = $3, seals = $4, events = $5, unsealed = $6, head = $7,"
    " problem = $8 WHERE org_id = $1 AND began = $2"
)
_PAGE = f"SELECT {_COLUMNS} FROM verifications t WHERE t.org_id = $1 ORDER BY t.began DESC LIMIT $2"
