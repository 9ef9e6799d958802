"""What an administrator should look at: what ends soon, what has waited for long, what was given up.

Each answer looks at a bounded number of rows, or at what an index has ready.
"""

from __future__ import annotations

from typing import NamedTuple

from rosterd.directory.model import OrgId
from rosterd.store.contract import Tx


class Ending(NamedTuple):
    """A person or a token."""

    id: str
    name: str
    at: int  # seconds: when it ends


class Used(NamedTuple):
    """A token that is in use."""

    id: str
    name: str  # its own, or that of its app; "": it has none
    last_used: int  # seconds


async def guests(tx: Tx, org: OrgId, until: int, limit: int) -> list[Ending]:
    """The guests whose time is up by ``until`` (seconds), the first one first."""
    return [Ending(*row) for row in await tx.all(_GUESTS, org, until, limit)]


async def tokens(tx: Tx, org: OrgId, until: int, limit: int) -> list[Ending]:
    """The tokens that still count and end by ``until`` (seconds), the first one first."""
    return [Ending(*row) for row in await tx.all(_TOKENS, org, tx.now // 1_000_000, until, limit)]


async def used(tx: Tx, org: OrgId, limit: int) -> list[Used]:
    """The tokens that count and have been used, the last one first."""
    return [Used(*row) for row in await tx.all(_USED, org, tx.now // 1_000_000, limit)]


async def invitations(tx: Tx, org: OrgId, before: int, limit: int) -> int:
    """How many people who were created before then (microseconds) have never signed in.

    ``limit`` or more are ``limit``.
    """
    row = await tx.one(_INVITATIONS, org, before, limit)
    return 0 if row is None else int(row[0])


async def given_up(tx: Tx, org: OrgId, limit: int) -> dict[str, int]:
    """How many errands of each kind were given up; it is enough to look at ``limit`` of them."""
    return dict((*row,) for row in await tx.all(_GIVEN_UP, org, limit))


_GUESTS = (
    "SELECT t.id, t.full_name, t.guest_expires FROM users t WHERE t.org_id = $1 AND t.deactivated = 0"
    " AND t.guest_expires IS NOT NULL AND t.guest_expires <= $2 ORDER BY t.guest_expires, t.id LIMIT $3"
)
_NAME = "CASE WHEN t.name <> '' THEN t.name ELSE COALESCE(a.name, '') END"
_FROM_TOKENS = (
    f"SELECT t.id, {_NAME}, {{}} FROM tokens t LEFT JOIN apps a ON a.org_id = $1 AND a.id = t.app_id"
    " WHERE t.org_id = $1 AND t.revoked IS NULL"
)
_TOKENS = (
    f"{_FROM_TOKENS.format('t.expires')} AND t.expires > $2 AND t.expires <= $3"
    " ORDER BY t.expires, t.id LIMIT $4"
)
_USED = (
    f"{_FROM_TOKENS.format('t.last_used')} AND t.last_used IS NOT NULL"
    " AND (t.expires IS NULL OR t.expires > $2) ORDER BY t.last_used DESC, t.id LIMIT $3"
)
_INVITATIONS = (
    "SELECT COUNT(*) FROM (SELECT t.user_id FROM facets t WHERE t.org_id = $1 AND t.field = 'status'"
    " AND t.value = 'invited' AND t.created < $2 LIMIT $3) q"
)
_GIVEN_UP = (
    "SELECT q.kind, COUNT(*) FROM (SELECT t.kind FROM outbox t WHERE t.org_id = $1 AND t.dead = 1 LIMIT $2) q"
    " GROUP BY q.kind ORDER BY q.kind"
)
