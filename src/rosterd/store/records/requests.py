"""Requests of programs that came to nothing: who asked for what, and what they were told.

Rows are added in batches a moment after the request, and go when they are old or too many. Like
:mod:`rosterd.store.records.activity` this is bookkeeping of the server, nobody's change of the directory.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec

from rosterd.directory.model import OrgId, UserId
from rosterd.store.contract import Tx
from rosterd.store.records.activity import DAY
from rosterd.store.uuids import least_at, moment

KEPT_DAYS = 30
MOST_KEPT = 100_000
"""Rows of one organisation."""

COUNTED = "request_refused"
"""Their name among the counts of a day."""


class Refusal(msgspec.Struct, frozen=True):
    """One row: a request that was refused, or ``times`` of them that were the same."""

    org_id: OrgId
    id: str  # UUIDv7 of the moment
    request_id: str
    method: str
    route: str
    target_id: str
    status: int
    code: str
    detail: str
    token_id: str
    actor_id: UserId
    client: str
    ip_address: str | None
    times: int = 1


class More(NamedTuple):
    """So many requests more that a row stands for which is there already."""

    org_id: OrgId
    id: str
    times: int


async def note(tx: Tx, refusals: Sequence[Refusal], more: Sequence[More]) -> None:
    """Write down refusals, and count them by the day."""
    if refusals:
        await tx.many(_INSERT, [msgspec.structs.astuple(each) for each in refusals])
    if more:
        await tx.many(_MORE, more)
    days = Counter[tuple[OrgId, int]]()
    for org, id, times in (*((each.org_id, each.id, each.times) for each in refusals), *more):
        days[org, moment(id) // (1000 * DAY)] += times
    if days:
        await tx.many(_COUNT, [(org, day, COUNTED, count) for (org, day), count in sorted(days.items())])


async def page(tx: Tx, org: OrgId, wanted: Wanted, *, end: str, since: str, limit: int) -> list[Refusal]:
    """The newest that fit, are older than the id ``end`` and not older than ``since``."""
    sql, args = f"SELECT {_COLUMNS} FROM requests t WHERE t.org_id = $1 AND t.id < $2 AND t.id >= $3", []
    for column, value in (
        ("t.token_id", wanted.token),
        ("t.target_id", wanted.target),
        ("t.code", wanted.code),
    ):
        if value is not None:
            args.append(value)
            sql += f" AND {column} = ${len(args) + 4}"
    rows = await tx.all(f"{sql} ORDER BY t.id DESC LIMIT $4", org, end, since, limit, *args)
    return [Refusal(*row) for row in rows]


class Wanted(NamedTuple):
    """Which: with this token, about this person or group, with this error's code. None: any."""

    token: str | None = None
    target: str | None = None
    code: str | None = None


async def remove_of_user(tx: Tx, org: OrgId, user: UserId, names: Iterable[str]) -> None:
    """Forget what was asked about somebody: by their id, or by one of these names, before they were there."""
    await tx.run("DELETE FROM requests WHERE org_id = $1 AND target_id = $2", org, user)
    for name in names:
        await tx.run(_REMOVE_NAMED, org, *(f"%user={_literal(name)}{end}%" for end in (",", ")")))


async def stale(tx: Tx, org: OrgId, now: int) -> str | None:
    """The id before which all is old (``now``: microseconds) or too much; None: there is nothing such."""
    floor = least_at(now // 1000 - KEPT_DAYS * DAY * 1000)
    last_kept = await tx.one(_LAST_KEPT, org, MOST_KEPT - 1)
    end = floor if last_kept is None else max(floor, str(last_kept[0]))
    found = await tx.one("SELECT t.id FROM requests t WHERE t.org_id = $1 AND t.id < $2 LIMIT 1", org, end)
    return None if found is None else end


async def prune(tx: Tx, org: OrgId, end: str, limit: int = 1_000) -> int:
    """Forget what is older than the id ``end``, so many at most. Returns how many."""
    return await tx.run(_PRUNE, org, end, limit)


def _literal(name: str) -> str:
    r"""A text that means itself in LIKE.

    >>> _literal("50%_a")
    '50\\%\\_a'
    """
    return name.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


_NAMES = Refusal.__struct_fields__
_COLUMNS = ", ".join(f"t.{name}" for name in _NAMES)
_INSERT = (
    f"INSERT INTO requests ({', '.join(_NAMES)})"
    f" VALUES ({', '.join(f'${n + 1}' for n in range(len(_NAMES)))})"
    " ON CONFLICT DO NOTHING"  # a commit of which nobody knew whether it was kept is tried again
)
_MORE = "UPDATE requests SET times = times + $3 WHERE org_id = $1 AND id = $2"
_COUNT = (
    "INSERT INTO day_counts (org_id, day, action, events) VALUES ($1, $2, $3, $4)"
    " ON CONFLICT (org_id, day, action) DO UPDATE SET events = day_counts.events + excluded.events"
)
_REMOVE_NAMED = (
    "DELETE FROM requests WHERE org_id = $1 AND target_id = ''"
    " AND (detail LIKE $2 ESCAPE '\\' OR detail LIKE $3 ESCAPE '\\')"
)
_LAST_KEPT = "SELECT t.id FROM requests t WHERE t.org_id = $1 ORDER BY t.id DESC LIMIT 1 OFFSET $2"
_PRUNE = (
    "DELETE FROM requests WHERE org_id = $1 AND id IN"
    " (SELECT t.id FROM requests t WHERE t.org_id = $1 AND t.id < $2 ORDER BY t.id LIMIT $3)"
)
