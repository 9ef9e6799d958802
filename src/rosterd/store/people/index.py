"""The index of people behind the Org Dashboard: how far it is, and what it counts.

Rules of this module:

1. The index follows from the directory and its audit trail. It is a moment behind, can be thrown away at any
   time, and is made anew by :mod:`rosterd.actions.upkeep.indexing`.
2. Every transaction that writes to it begins with :func:`update`, which counts it: two that began with the
   same number do not both write, and on PostgreSQL the second waits for the first.
3. Counts are kept. Reading one costs the same however many people there are.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from rosterd.directory.facets import Facet
from rosterd.directory.model import OrgId, UserId
from rosterd.directory.names import folded
from rosterd.store.contract import Row, Tx
from rosterd.store.records.requests import COUNTED

VERSION = 1
"""Of what the index holds: to be counted up when that changes."""

_MOST_VALUES = 10_000
"""Of one facet, in which a prefix is looked for."""
_REMOVED = 5_000
"""Rows of each table that one call of :func:`remove_some` removes."""


class Progress(msgspec.Struct, frozen=True):
    """How far the index of an organisation is."""

    version: int  # another one than `VERSION`: what there is of it is to be removed
    writes: int
    seal: int  # the last one whose events are counted
    read_after: int  # a seal: people were read after it, so that up to it there is but to count
    filled_to: str | None  # while it is made: whom it has, as `next_people` says; None: everybody

    @property
    def is_whole(self) -> bool:
        return self.version == VERSION and self.filled_to is None and self.seal >= self.read_after


class Count(NamedTuple):
    """How many people have a value."""

    value: str
    invited: int
    active: int
    deactivated: int
    total: int


class Happening(NamedTuple):
    """An event, as the index needs it."""

    created: int  # microseconds
    action: str
    entity_type: str
    entity_id: str
    details: str  # JSON


async def find(tx: Tx, org: OrgId) -> Progress | None:
    """How far the index is; None: nobody has begun to make it."""
    row = await tx.one(
        "SELECT version, writes, seal, read_after, filled_to FROM index_progress WHERE org_id = $1", org
    )
    return None if row is None else Progress(*row)


async def is_whole(tx: Tx, org: OrgId) -> bool:
    """Whether the index has everybody. While it is made it has some."""
    progress = await find(tx, org)
    return progress is not None and progress.is_whole


async def insert(tx: Tx, org: OrgId) -> bool:
    """Begin an index of which there is nothing yet. False: it has begun."""
    return await tx.run(_INSERT, org) > 0


async def update(tx: Tx, org: OrgId, before: Progress, after: Progress) -> bool:
    """Note a write that takes the index from one state to another. False: it is in another one."""
    values = (after.version, after.seal, after.read_after, after.filled_to)
    return await tx.run(_UPDATE, org, before.writes, *values) > 0


async def update_anyway(tx: Tx, org: OrgId) -> bool:
    """Note a write of somebody who has not looked before: whoever has will look again. False: no index."""
    return await tx.run("UPDATE index_progress SET writes = writes + 1 WHERE org_id = $1", org) > 0


async def replace(tx: Tx, org: OrgId) -> bool:
    """Let the index be made anew. False: it is not there, so that it will be made anyway."""
    sql = "UPDATE index_progress SET writes = writes + 1, version = 0 WHERE org_id = $1"
    return await tx.run(sql, org) > 0


async def remove_some(tx: Tx, org: OrgId) -> bool:
    """Remove some rows of the index and its counts. False: there were none left."""
    removed = 0
    for sql in _REMOVALS:
        removed += await tx.run(sql, org, _REMOVED)
    return removed > 0


async def counts(
    tx: Tx, org: OrgId, facet: Facet, *, limit: int, prefix: str = "", after: tuple[int, str] | None = None
) -> list[Count]:
    """How many people have each value of a facet, the most frequent first.

    ``prefix``: of values that begin so, whatever their case. ``after``: behind the value of this total and
    name. Words are not counted.
    """
    start_at = (2**62, "") if after is None else after
    start = folded(prefix)
    rows = await tx.all(_COUNTS, org, str(facet), _MOST_VALUES if start else limit, *start_at)
    if not start:
        return [Count(*row) for row in rows]
    return (await asyncio.to_thread(_beginning, rows, start))[:limit]


def _beginning(rows: Sequence[Row], start: str) -> list[Count]:
    return [Count(*row) for row in rows if folded(row[0]).startswith(start)]


async def count(tx: Tx, org: OrgId, facet: Facet, value: str) -> Count:
    """How many people have a value of a facet."""
    row = await tx.one(_COUNT, org, str(facet), value.replace("\0", ""))
    return Count(value, 0, 0, 0, 0) if row is None else Count(*row)


async def count_many(tx: Tx, org: OrgId, facet: Facet, values: Sequence[str]) -> dict[str, Count]:
    """How many people have each of these values of a facet."""
    found = {value: Count(value, 0, 0, 0, 0) for value in values}
    rows = await tx.all(_COUNT_MANY, org, str(facet), list(found))
    return found | {row[0]: Count(*row) for row in rows}


async def days(tx: Tx, org: OrgId, first_day: int) -> dict[tuple[int, str], int]:
    """How many events of each action each day (since 1970-01-01 UTC) had, from the first on.

    The index begins with what was sealed in the month before it was made.
    """
    rows = await tx.all(
        "SELECT day, action, events FROM day_counts WHERE org_id = $1 AND day >= $2 ORDER BY day, action",
        org, first_day,
    )  # fmt: skip
    return {(day, action): events for day, action, events in rows}


async def add_days(tx: Tx, org: OrgId, events: Mapping[tuple[int, str], int]) -> None:
    """Count events: (day, action) → how many more."""
    await tx.many(_ADD_DAY, [(org, *key, more) for key, more in sorted(events.items())])


async def next_people(tx: Tx, org: OrgId, filled_to: str, limit: int) -> tuple[list[UserId], str | None]:
    """The next people in order of creation, and how far the index is with them; None: they are the last."""
    # In this order every list of the index grows at its end.
    created, _, id = filled_to.partition(" ")
    rows = await tx.all(_NEXT, org, int(created or -1), id, limit)
    last = f"{rows[-1][0]} {rows[-1][1]}" if len(rows) == limit else None
    return [UserId(id) for _, id in rows], last


async def newest_seal(tx: Tx, org: OrgId) -> int:
    """The number of the newest seal; 0: there is none."""
    row = await tx.one("SELECT n FROM audit_seals WHERE org_id = $1 ORDER BY n DESC LIMIT 1", org)
    return 0 if row is None else int(row[0])


async def seal_before(tx: Tx, org: OrgId, moment: int) -> int:
    """The last seal that was made before a moment (microseconds); 0: there is none. A few looks."""
    low, high = 0, await newest_seal(tx, org)
    while low < high:
        middle = (low + high + 1) // 2
        row = await tx.one("SELECT sealed FROM audit_seals WHERE org_id = $1 AND n = $2", org, middle)
        low, high = (middle, high) if row is not None and row[0] < moment else (low, middle - 1)
    return low


async def seals(tx: Tx, org: OrgId, after: int, most: int) -> tuple[int, list[str]]:
    """The next seals, up to the one that makes it ``most`` events or more: the last one's number, all events.

    The number is ``after`` where there are none.
    """
    last, ids = after, list[str]()
    while len(ids) < most:
        row = await tx.one("SELECT events FROM audit_seals WHERE org_id = $1 AND n = $2", org, last + 1)
        if row is None:
            break
        last += 1
        ids += _texts(row[0])
    return last, ids


async def happenings(tx: Tx, org: OrgId, ids: Sequence[str]) -> list[Happening]:
    """These events."""
    return [Happening(*row) for row in await tx.all(_EVENTS, org, list(ids))]


async def unsealed(tx: Tx, org: OrgId, limit: int) -> int:
    """How many events wait for a seal; ``limit`` or more are ``limit``."""
    row = await tx.one(
        "SELECT COUNT(*) FROM (SELECT t.event_id FROM audit_unsealed t WHERE t.org_id = $1 LIMIT $2) q",
        org, limit,
    )  # fmt: skip
    return 0 if row is None else int(row[0])


def people_of(events: Iterable[Happening]) -> list[str]:
    """The people whom events are about, in order of id."""
    return sorted({each.entity_id for each in events if each.entity_type == "user"})


def deleted_groups(events: Iterable[Happening]) -> list[str]:
    """The groups that were deleted: their members have no event each.

    >>> deleted_groups([Happening(1, "usergroup_updated", "usergroup", "S1", '{"before":"A","after":null}')])
    ['S1']
    """
    groups = (each for each in events if each.entity_type == "usergroup")
    return sorted({each.entity_id for each in groups if _change(each.details).ends})


class _Change(msgspec.Struct):
    """What an event says of a group. The details of some events have neither, of others a list."""

    before: object = None
    after: object = msgspec.UNSET

    @property
    def ends(self) -> bool:
        return self.after is None and self.before is not None


_change = msgspec.json.Decoder(_Change).decode
_texts = msgspec.json.Decoder(list[str]).decode

_INSERT = (
    "INSERT INTO index_progress (org_id, version, writes, seal, read_after, filled_to)"
    " VALUES ($1, 0, 0, 0, 0, NULL) ON CONFLICT DO NOTHING"
)
_UPDATE = (
    "UPDATE index_progress SET writes = writes + 1, version = $3, seal = $4, read_after = $5, filled_to = $6"
    " WHERE org_id = $1 AND writes = $2"
)
_NEXT = (
    "SELECT t.created, t.id FROM users t WHERE t.org_id = $1 AND (t.created, t.id) > ($2, $3)"
    " ORDER BY t.created, t.id LIMIT $4"
)
_COUNTS = (
    "SELECT value, invited, active, deactivated, total FROM facet_counts WHERE org_id = $1 AND field = $2"
    " AND (total, value) < ($4, $5) ORDER BY total DESC, value DESC LIMIT $3"
)
_COUNT = (
    "SELECT value, invited, active, deactivated, total FROM facet_counts"
    " WHERE org_id = $1 AND field = $2 AND value = $3"
)
_COUNT_MANY = (
    "SELECT value, invited, active, deactivated, total FROM facet_counts"
    " WHERE org_id = $1 AND field = $2 AND value IN each($3)"
)
_ADD_DAY = (
    "INSERT INTO day_counts (org_id, day, action, events) VALUES ($1, $2, $3, $4)"
    " ON CONFLICT (org_id, day, action) DO UPDATE SET events = day_counts.events + excluded.events"
)
_EVENTS = (
    "SELECT t.created, t.action, t.entity_type, t.entity_id, t.details FROM audit_events t"
    " WHERE t.org_id = $1 AND t.id IN each($2)"
)
_REMOVALS = tuple(
    f"DELETE FROM {table} WHERE org_id = $1 AND ({key}) IN"
    f" (SELECT {key} FROM {table} WHERE org_id = $1{rest} LIMIT $2)"
    for table, key, rest in (
        ("facets", "field, value, created, user_id", ""),
        ("facet_counts", "field, value", ""),
        ("indexed_people", "created, user_id", ""),
        ("day_counts", "day, action", f" AND action <> '{COUNTED}'"),
    )
)
