"""Forms that were taken, by the key that each page puts into its form. Rows are added, and go after a day.

Like :mod:`rosterd.store.records.activity` this is bookkeeping of the server: what a form changed has its
own event.
"""

from __future__ import annotations

from rosterd.directory.model import OrgId, UserId
from rosterd.store.contract import Tx


async def add(tx: Tx, org: OrgId, key: str, user: UserId) -> bool:
    """Note that ``user`` has sent the form with this key. False: it was taken before, by whomever.

    Of two at the same time one waits for the other, and is the first if the other is rolled back.
    """
    return await tx.run(_ADD, org, key, user, tx.now) > 0


async def oldest(tx: Tx, org: OrgId) -> int | None:
    """When the first form was taken that is known (microseconds); None: none is."""
    row = await tx.one("SELECT MIN(t.created) FROM submissions t WHERE t.org_id = $1", org)
    return None if row is None else row[0]


async def prune(tx: Tx, org: OrgId, before: int, limit: int = 10_000) -> int:
    """Forget forms taken before ``before`` (microseconds), so many at most. Returns how many."""
    return await tx.run(_PRUNE, org, before, limit)


_ADD = (
    "INSERT INTO submissions (org_id, key, user_id, created) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING"
)
_PRUNE = (
    "DELETE FROM submissions WHERE org_id = $1 AND key IN (SELECT t.key FROM submissions t"
    " WHERE t.org_id = $1 AND t.created < $2 ORDER BY t.created LIMIT $3)"
)
