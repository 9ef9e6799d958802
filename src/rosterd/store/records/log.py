"""The provisioning log: requests of programs, those that changed something and those that were refused.

Changes are in the audit trail, where all that one transaction did has the same request and time; refusals
are rows of their own (:mod:`rosterd.store.records.requests`). Both have ids that grow with time, so that
one list can be made of them.

Rules of this module:

1. The newest entry comes first. An entry's id is that of its newest event, or of the refusal.
2. One page looks at `LOOKED_AT` events and as many refusals at most, and for `SECONDS`, however few of them
   fit: what it did not come to is for the next page.
3. An entry that changed a great deal shows `EVENTS_SHOWN` events and says how many there are.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec

from rosterd.directory import trail as vocabulary
from rosterd.directory.advice import ADVICE
from rosterd.directory.connectors import connector
from rosterd.directory.model import OrgId, UserId
from rosterd.store.contract import Tx
from rosterd.store.records import requests, trail
from rosterd.store.records.audit import Record
from rosterd.store.records.requests import Refusal
from rosterd.store.records.trail import Names
from rosterd.store.uuids import least_at, moment

SLICES = (1_000, *[10_000] * 10)
"""Events that one statement looks at, the next one, …: mostly the first is enough."""
LOOKED_AT = sum(SLICES)
SECONDS = 0.15
EVENTS_SHOWN = 50
LARGEST = 20_000
"""Events that one request can lead to: 15,000 members, and 1,000 consequences with theirs."""
LONGEST = 20_000
"""Characters of what an event says of a person, before and after: more of them (a photo) are not read."""

_NEIGHBOURS = 1_000
_LAST = "g"  # after every id: they are hexadecimal


class Wanted(msgspec.Struct, frozen=True):
    """Which entries. An empty text: any; ``oldest`` and ``latest``: seconds, both inclusive."""

    outcome: str = ""  # "changed" or "refused"
    connector: str = ""
    token: str = ""
    target: str = ""
    action: str = ""  # of the trail, or an error's code
    oldest: int | None = None
    latest: int | None = None


class Entry(msgspec.Struct, frozen=True):
    """One request: what it changed, or how it was refused.

    The personal part of an event is empty if it is longer than `LONGEST`.
    """

    id: str
    request_id: str
    token_id: str
    actor_id: UserId
    client: str
    ip_address: str | None
    events: tuple[Record, ...]  # the oldest first
    count: int  # of all its events
    refusal: Refusal | None = None

    @property
    def connector(self) -> str:
        return connector(self.client)

    @property
    def seconds(self) -> float:
        """When, since the epoch."""
        return moment(self.id) / 1000

    @property
    def target(self) -> tuple[str, str]:
        """What kind of thing it was about, as of an event, and its id; two empty texts: nothing there is."""
        if self.refusal is not None:
            id = self.refusal.target_id
            return ("" if not id else "usergroup" if id.startswith("S") else "user"), id
        return self.events[0].entity_type, self.events[0].entity_id


class Page(NamedTuple):
    entries: list[Entry]
    end: str | None  # the next page has what is older than this id; None: there is no next page


async def page(tx: Tx, org: OrgId, wanted: Wanted, *, before: str | None, limit: int) -> Page:
    """The newest entries that fit and are older than the id ``before``: ``limit`` at most, perhaps fewer."""
    until = _LAST if wanted.latest is None else least_at((wanted.latest + 1) * 1000)
    since = "" if wanted.oldest is None else least_at(wanted.oldest * 1000)
    return await _page(tx, org, wanted, min(until, before or _LAST), since, limit)


async def since(tx: Tx, org: OrgId, wanted: Wanted, after: str, limit: int) -> list[Entry]:
    """The newest entries that fit and whose id is ``after`` or greater, the oldest first.

    An entry can come to light some seconds after the moment in its id: whoever follows the log looks back,
    and leaves out what they have seen.
    """
    found = await _page(tx, org, wanted, _LAST, after, limit)
    return found.entries[::-1]


async def names(tx: Tx, org: OrgId, entries: Iterable[Entry]) -> Names:
    """The names of whom and what entries are about, and of who sent them."""
    found = [record for entry in entries for record in records(entry)]
    return await trail.names(tx, org, found, trail.mentions(found))


def records(entry: Entry) -> Sequence[Record]:
    """The events of an entry. Of a refusal there is one that says who asked, and whom it was about."""
    if entry.refusal is None:
        return entry.events
    kind, id = entry.target
    row = entry.refusal
    return (
        Record(
            row.org_id, row.id, 0, "", row.actor_id, row.token_id, kind or "enterprise", id, "", "", None,
            "{}", *[None] * 4,
        ),
    )  # fmt: skip


class _Key(NamedTuple):
    """What the events of one request have in common, and nothing else has."""

    request_id: str
    created: int  # microseconds


class _Part(NamedTuple):
    """What one source knows: newest first, and complete down to the id ``known``."""

    ids: list[str]
    known: str


async def _page(tx: Tx, org: OrgId, wanted: Wanted, end: str, since: str, limit: int) -> Page:
    patience = time.monotonic() + SECONDS
    keys: dict[str, _Key] = {}
    rows: dict[str, Refusal] = {}
    changed = refused = _Part([], "")
    if wanted.outcome != "refused" and wanted.action not in ADVICE:
        keys, changed = await _changed(tx, org, wanted, end, since, limit + 1, patience)
    if wanted.outcome != "changed" and wanted.action not in vocabulary.EVERYTHING:
        rows, refused = await _refused(tx, org, wanted, end, since, limit + 1, patience)
    horizon = max(changed.known, refused.known)
    ids = sorted((id for id in (*changed.ids, *refused.ids) if id >= horizon), reverse=True)
    if len(ids) > limit:
        horizon = ids[limit - 1]
        del ids[limit:]
    entries = await _whole(tx, org, {id: keys[id] for id in ids if id in keys})
    entries |= {id: _entry(rows[id]) for id in ids if id in rows}
    return Page([entries[id] for id in ids], horizon or None)


async def _changed(
    tx: Tx, org: OrgId, wanted: Wanted, end: str, since: str, enough: int, patience: float
) -> tuple[dict[str, _Key], _Part]:
    """Requests with an event that fits."""
    shown = await _shown(tx, org, wanted, end)
    found: dict[_Key, str] = {}
    for size in SLICES:
        floor = await _nth(tx, org, wanted, size - 1, since=since, end=end)
        sql, args = _fitting(_FOUND, wanted)
        most = size if wanted.connector else enough + len(shown)
        rows = await tx.all(f"{sql} {_GROUPED}", org, end, floor or since, most, *args)
        for request_id, created, id, client in rows:
            key = _Key(request_id, created)
            if key not in shown and wanted.connector in ("", connector(client)):
                found.setdefault(key, id)
        if len(found) >= enough or floor is None or time.monotonic() > patience:
            break
        end = floor
    ids = sorted(found.values(), reverse=True)[:enough]
    known = ids[-1] if len(ids) >= enough else floor or ""
    return {id: key for key, id in found.items()}, _Part(ids, known)


async def _shown(tx: Tx, org: OrgId, wanted: Wanted, end: str) -> set[_Key]:
    """Requests that the page before has shown: some of their events are on the other side of ``end``."""
    if end == _LAST:
        return set()
    ceiling = await _nth(tx, org, wanted, _NEIGHBOURS, since=end, newest=False) or _LAST
    sql, args = _fitting(_FOUND, wanted)
    rows = await tx.all(f"{sql} {_GROUPED}", org, ceiling, end, _NEIGHBOURS, *args)
    return {_Key(request_id, created) for request_id, created, *_ in rows}


async def _nth(
    tx: Tx, org: OrgId, wanted: Wanted, n: int, *, since: str, end: str = _LAST, newest: bool = True
) -> str | None:
    """The id of the ``n``-th event (from 0) that there is to look at; None: there are not as many."""
    args = [wanted.target] if wanted.target else []
    sql = f"{_NTH} AND t.entity_id = $5" if wanted.target else _NTH
    row = await tx.one(
        f"{sql} ORDER BY t.id {'DESC' if newest else 'ASC'} LIMIT 1 OFFSET $4", org, end, since, n, *args
    )
    return None if row is None else str(row[0])


def _fitting(sql: str, wanted: Wanted) -> tuple[str, list[str]]:
    args = []
    for column, value in (
        ("t.token_id", wanted.token),
        ("t.entity_id", wanted.target),
        ("t.action", wanted.action),
    ):
        if value:
            args.append(value)
            sql += f" AND {column} = ${len(args) + 4}"
    return sql, args


async def _refused(
    tx: Tx, org: OrgId, wanted: Wanted, end: str, since: str, enough: int, patience: float
) -> tuple[dict[str, Refusal], _Part]:
    asked = requests.Wanted(wanted.token or None, wanted.target or None, wanted.action or None)
    found: dict[str, Refusal] = {}
    for size in SLICES:
        size = size if wanted.connector else enough
        rows = await requests.page(tx, org, asked, end=end, since=since, limit=size)
        found |= {row.id: row for row in rows if wanted.connector in ("", connector(row.client))}
        end = rows[-1].id if len(rows) == size else ""
        if len(found) >= enough or not end or time.monotonic() > patience:
            break
    ids = [*found][:enough]
    return found, _Part(ids, ids[-1] if len(ids) >= enough else end)


async def _whole(tx: Tx, org: OrgId, keys: dict[str, _Key]) -> dict[str, Entry]:
    """The requests with these newest events, each with its first events."""
    if not keys:
        return {}
    # All of a transaction's events lie between its beginning and the newest of them. How far back that is, a
    # clock that was put back may say wrongly: nobody looks further than the most that a request can lead to.
    floor = await _nth(tx, org, Wanted(), LARGEST, since="", end=min(keys)) or ""
    ranges = [max(least_at(key.created // 1000), floor) + id for id, key in keys.items()]
    found: dict[_Key, list[Record]] = {}
    counts: dict[_Key, int] = {}
    for count, *row in await tx.all(_EVENTS, org, ranges, EVENTS_SHOWN, LONGEST):
        record = Record(*row)
        key = _Key(record.request_id, record.created)
        found.setdefault(key, []).append(record)
        counts[key] = count
    return {id: _entry_of(id, found[key], counts[key]) for id, key in keys.items()}


def _entry_of(id: str, events: Sequence[Record], count: int) -> Entry:
    first = events[0]
    return Entry(
        id, first.request_id, first.token_id or "", first.actor_id, first.client, first.ip_address,
        tuple(events), count,
    )  # fmt: skip


def _entry(row: Refusal) -> Entry:
    return Entry(row.id, row.request_id, row.token_id, row.actor_id, row.client, row.ip_address, (), 0, row)


_FOUND = (
    "SELECT t.request_id, t.created, MAX(t.id), MIN(t.client) FROM audit_events t"
    " WHERE t.org_id = $1 AND t.id < $2 AND t.id >= $3 AND t.token_id IS NOT NULL"
)
_GROUPED = "GROUP BY t.request_id, t.created ORDER BY 3 DESC LIMIT $4"
_NTH = "SELECT t.id FROM audit_events t WHERE t.org_id = $1 AND t.id < $2 AND t.id >= $3"
_RECORD = ", ".join(f"t.{name}" for name in Record.__struct_fields__[:-1])
_EVENTS = (
    f"SELECT r.of_all, {_RECORD}, CASE WHEN LENGTH(t.personal) > $4 THEN '' ELSE t.personal END FROM"
    " (SELECT e.id, ROW_NUMBER() OVER (PARTITION BY n.id ORDER BY e.id) AS n,"
    " COUNT(*) OVER (PARTITION BY n.id) AS of_all FROM each($2) AS v"
    " JOIN audit_events n ON n.org_id = $1 AND n.id = SUBSTR(v.value, 37)"
    " JOIN audit_events e ON e.org_id = $1 AND e.id >= SUBSTR(v.value, 1, 36) AND e.id <= n.id"
    " AND e.request_id = n.request_id AND e.created = n.created AND e.token_id IS NOT NULL) r"
    " JOIN audit_events t ON t.org_id = $1 AND t.id = r.id WHERE r.n <= $3 ORDER BY t.id"
)
