"""On which days people signed in or used a token. Rows are added, and go when they are old.

A day is its number since 1970-01-01, in UTC. These rows are bookkeeping of the server, nobody's change of the
directory: they have no events.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from rosterd.directory.model import OrgId, UserId
from rosterd.store.contract import Tx

DAY = 86_400
"""Seconds."""


class Note(NamedTuple):
    """Somebody was there on a day: signed in, or by an app that used a token of theirs."""

    org_id: OrgId
    day: int
    user_id: UserId
    signed_in: bool = False
    by_app: bool = False


async def note(tx: Tx, notes: Iterable[Note]) -> None:
    """Write down who was there. What was noted before stays so."""
    rows = [(each.org_id, each.day, each.user_id, int(each.signed_in), int(each.by_app)) for each in notes]
    if rows:
        await tx.many(_NOTE, rows)


async def note_tokens(tx: Tx, uses: Sequence[tuple[str, int]]) -> None:
    """The owners of these tokens were there by an app: pairs of hash and seconds."""
    await tx.many(_NOTE_TOKEN, [(hash, at // DAY) for hash, at in uses])


async def remove_of_user(tx: Tx, org: OrgId, user: UserId) -> None:
    """Forget when somebody was there."""
    await tx.run("DELETE FROM activity WHERE org_id = $1 AND user_id = $2", org, user)


async def oldest(tx: Tx, org: OrgId) -> int | None:
    """The first day that something is noted of; None: there is none."""
    row = await tx.one("SELECT MIN(t.day) FROM activity t WHERE t.org_id = $1", org)
    return None if row is None else row[0]


async def latest(tx: Tx, org: OrgId, user: UserId) -> int | None:
    """The last day on which somebody was there; None: nothing is noted of them."""
    row = await tx.one("SELECT MAX(t.day) FROM activity t WHERE t.org_id = $1 AND t.user_id = $2", org, user)
    return None if row is None else row[0]


async def prune(tx: Tx, org: OrgId, day: int, limit: int = 10_000) -> int:
    """Forget what was noted of a day, of so many people at most. Returns of how many."""
    return await tx.run(_PRUNE, org, day, limit)


_EARLIER = "activity.signed_in < excluded.signed_in OR activity.by_app < excluded.by_app"
_NOTE = (
    "INSERT INTO activity (org_id, day, user_id, signed_in, by_app) VALUES ($1, $2, $3, $4, $5)"
    " ON CONFLICT (org_id, day, user_id) DO UPDATE SET signed_in = activity.signed_in | excluded.signed_in,"
    f" by_app = activity.by_app | excluded.by_app WHERE {_EARLIER}"
)
_NOTE_TOKEN = (
    "INSERT INTO activity (org_id, day, user_id, signed_in, by_app)"
    " SELECT t.org_id, $2, t.user_id, 0, 1 FROM tokens t WHERE t.hash = $1"
    " ON CONFLICT (org_id, day, user_id) DO UPDATE SET by_app = 1 WHERE activity.by_app = 0"
)
_PRUNE = (
    "DELETE FROM activity WHERE org_id = $1 AND day = $2 AND user_id IN"
    " (SELECT t.user_id FROM activity t WHERE t.org_id = $1 AND t.day = $2 ORDER BY t.user_id LIMIT $3)"
)
