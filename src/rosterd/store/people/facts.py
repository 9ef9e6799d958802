"""What is true of people, what the index has of them, and the difference.

Rules of this module:

1. Whatever is asked is asked of many people at once: a few statements, however many they are.
2. Who has an entry in the index has a row in ``indexed_people``, one in ``facets`` for each fact, and is
   counted in ``facet_counts`` once for each fact but for words. All of it changes in one transaction.
3. A change is computed from a snapshot. Whoever writes it makes sure that the index is still the same
   (:func:`rosterd.store.people.index.update`). The directory may have moved on: then there is another event.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

import msgspec

from rosterd.directory.connectors import connector
from rosterd.directory.facets import About, Facet, facts
from rosterd.directory.model import OrgId, Role, Status, UserId
from rosterd.store.contract import Row, Tx
from rosterd.store.people import index

UNKNOWN_CLIENT = "rosterd import"
"""Who has created people of whose creation the trail does not tell: it was not imported with them."""

_ROWS = 1_000
"""Rows that one statement takes."""

_MANY = 5_000
"""Rows from which putting them in order is no work for the event loop."""


class Entry(NamedTuple):
    """What the index has of a person, or should have."""

    created: int  # microseconds
    user_id: UserId
    status: str
    facts: str  # JSON list of [field, value], in order


@dataclass(slots=True)
class Difference:
    """What is to change in the index: rows, each as JSON, that are laid out before a transaction begins."""

    added: list[str] = field(default_factory=list)  # field, value, created, user
    removed: list[str] = field(default_factory=list)
    stored: list[str] = field(default_factory=list)  # entries
    gone: list[str] = field(default_factory=list)  # created, user
    counted: Counter[tuple[str, str, str]] = field(
        default_factory=Counter
    )  # field, value, status → how many more

    def __bool__(self) -> bool:
        return bool(self.stored or self.gone)

    def add(self, before: Entry | None, after: Entry | None) -> None:
        """A person of whom the index has this and should have that. None: nothing."""
        if before == after:
            return
        old = set() if before is None else pairs(before.facts)
        new = set() if after is None else pairs(after.facts)
        if before is not None:
            self.removed += [_row(*pair, before.created, before.user_id) for pair in old - new]
            self._count(old, before.status, -1)
        if after is not None:
            self.added += [_row(*pair, after.created, after.user_id) for pair in new - old]
            self._count(new, after.status, 1)
            self.stored.append(_row(*after))
        elif before is not None:
            self.gone.append(_row(before.created, before.user_id))

    def _count(self, pairs: Iterable[tuple[str, str]], status: str, more: int) -> None:
        for name, value in pairs:
            if name != _WORD:
                self.counted[name, value, status] += more

    def counts(self) -> list[tuple[str, str, int, int, int, int]]:
        """How many more invited, active, deactivated and in all have a value."""
        found = []
        for name, value in sorted({(name, value) for (name, value, _), more in self.counted.items() if more}):
            invited, active, gone = (self.counted[name, value, status] for status in _STATUSES)
            found.append((name, value, invited, active, gone, invited + active + gone))
        return found


class Known(NamedTuple):
    """Rows about people, from one snapshot."""

    people: Sequence[Row]
    workspaces: Mapping[str, list[str]]
    groups: Mapping[str, list[str]]
    clients: Mapping[str, str]

    def places(self, start: int, stop: int) -> int:
        """In how many workspaces and groups some of these people are, all together."""
        ids = [row[0] for row in self.people[start:stop]]
        return sum(len(each.get(id, ())) for id in ids for each in (self.workspaces, self.groups))


async def find_many(tx: Tx, org: OrgId, ids: Sequence[str]) -> Known:
    """All that facts about these people follow from, and what the index has of them."""
    wanted = list(ids)
    people = await tx.all(_PEOPLE, org, wanted)
    return Known(
        people,
        await _by_person(await tx.all(_WORKSPACES, org, wanted)),
        await _by_person(await tx.all(_GROUPS, org, wanted)),
        dict(await tx.all(_CREATIONS, org, [row[0] for row in people if _source(row[-1]) is None])),
    )


async def in_group(tx: Tx, org: OrgId, group: str, limit: int) -> list[UserId]:
    """Some people whom the index has in a group."""
    rows = await tx.all(
        "SELECT user_id FROM facets WHERE org_id = $1 AND field = 'group' AND value = $2"
        " ORDER BY created, user_id LIMIT $3",
        org, group, limit,
    )  # fmt: skip
    return [UserId(id) for (id,) in rows]


async def sources(tx: Tx, org: OrgId, ids: Sequence[UserId]) -> dict[UserId, str]:
    """Who created each of these people, as the index knows it."""
    rows = await tx.all(_ENTRIES, org, list(ids))
    return {UserId(id): source for id, indexed in rows if (source := _source(indexed))}


def compare(known: Known, into: Difference, start: int = 0, stop: int | None = None) -> None:
    """Add what is to change of some of the people that are known."""
    for row in known.people[start:stop]:
        into.add(indexed(row), entry(row, known))


def indexed(row: Row) -> Entry | None:
    """What the index has of a person; None: nothing. ``row``: one of ``known.people``."""
    return None if row[-1] is None else Entry(row[1], UserId(row[0]), *row[-2:])


def entry(row: Row, known: Known) -> Entry | None:
    """What the index should have of a person; None: nothing. ``row``: one of ``known.people``."""
    id, created, username, email, display_name, role, gone, claimed, erased, document, _, indexed = row
    profile = _profile(document)
    status = Status.DEACTIVATED if gone else Status.INVITED if claimed is None else Status.ACTIVE
    about = About(
        status=status,
        role=Role(role),
        erased=bool(erased),
        names=(display_name, profile.given_name, profile.family_name, username),
        emails=(email, profile.secondary_email or ""),
        department=profile.department or "",
        title=profile.title,
        division=profile.division or "",
        manager=profile.manager_id or "",
        source=_source(indexed) or _connector(known.clients.get(id, UNKNOWN_CLIENT)),
        workspaces=tuple(known.workspaces.get(id, ())),
        groups=tuple(known.groups.get(id, ())),
    )
    found = facts(about)
    return Entry(created, id, status, _encode(found).decode()) if found else None


def pairs(facts: str) -> set[tuple[str, str]]:
    """The facts of an entry: field and value."""
    return set(_decode(facts))


async def update(tx: Tx, org: OrgId, difference: Difference) -> None:
    """Make the index what it should be."""
    counts = difference.counts()
    await _run(tx, org, _REMOVE_FACETS, difference.removed)
    await _run(tx, org, _ADD_FACETS, sorted(difference.added))  # neighbours one after the other
    await _run(tx, org, _REMOVE_ENTRIES, difference.gone)
    await _run(tx, org, _STORE_ENTRIES, difference.stored)
    await _run(tx, org, _COUNT, [_row(*each) for each in counts])
    await _run(tx, org, _REMOVE_COUNTS, [_row(*each[:2]) for each in counts if each[-1] < 0])


async def remove_of_user(tx: Tx, org: OrgId, user: UserId) -> None:
    """Let the index forget a person, at once: until the next look at them it has nothing."""
    if not await index.update_anyway(tx, org):
        return
    row = await tx.one(_ENTRY, org, user)
    if row is not None:
        difference = Difference()
        difference.add(Entry(*row), None)
        await update(tx, org, difference)


async def _run(tx: Tx, org: OrgId, sql: str, rows: Sequence[str]) -> None:
    for start in range(0, len(rows), _ROWS):
        await tx.run(sql, org, rows[start : start + _ROWS])


def _row(*values: str | int) -> str:
    return _encode(values).decode()


def _source(facts: str | None) -> str | None:
    """Who created somebody, if the index knows: it never changes."""
    if facts is None:
        return None
    return next((value for name, value in _decode(facts) if name == Facet.SOURCE), None)


async def _by_person(rows: Sequence[Row]) -> dict[str, list[str]]:
    return _grouped(rows) if len(rows) < _MANY else await asyncio.to_thread(_grouped, rows)


def _grouped(rows: Iterable[Row]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for id, value in rows:
        found.setdefault(id, []).append(value)
    return found


class _Profile(msgspec.Struct, frozen=True):
    """What of a profile people are found by."""

    given_name: str = ""
    family_name: str = ""
    title: str = ""
    secondary_email: str | None = None
    division: str | None = None
    department: str | None = None
    manager_id: str | None = None


_WORD = str(Facet.WORD)
_STATUSES = tuple(str(status) for status in (Status.INVITED, Status.ACTIVE, Status.DEACTIVATED))

_connector = lru_cache(maxsize=1_000)(connector)
_profile = msgspec.json.Decoder(_Profile).decode
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(list[tuple[str, str]]).decode

_ENTRIES = (
    "SELECT i.user_id, i.facts FROM users u JOIN indexed_people i"
    " ON i.org_id = $1 AND i.created = u.created AND i.user_id = u.id"
    " WHERE u.org_id = $1 AND u.id IN each($2)"
)
_PEOPLE = (
    "SELECT u.id, u.created, u.username, u.email, u.display_name, u.role, u.deactivated, u.date_claimed,"
    " u.erased, u.profile, i.status, i.facts FROM users u"
    " LEFT JOIN indexed_people i ON i.org_id = $1 AND i.created = u.created AND i.user_id = u.id"
    " WHERE u.org_id = $1 AND u.id IN each($2)"
)
_WORKSPACES = (
    "SELECT DISTINCT t.user_id, t.team_id FROM workspace_members t"
    " WHERE t.org_id = $1 AND t.user_id IN each($2)"
)
_GROUPS = "SELECT t.user_id, t.group_id FROM members t WHERE t.org_id = $1 AND t.user_id IN each($2)"
_CREATIONS = (
    "SELECT t.entity_id, t.client FROM each($2) AS e JOIN audit_events t ON t.org_id = $1 AND t.id ="
    " (SELECT c.id FROM audit_events c WHERE c.org_id = $1 AND c.entity_id = e.value"
    " AND c.action IN ('user_created', 'guest_created') ORDER BY c.id LIMIT 1)"
)
_ENTRY = (
    "SELECT i.created, i.user_id, i.status, i.facts FROM users u JOIN indexed_people i"
    " ON i.org_id = $1 AND i.created = u.created AND i.user_id = u.id WHERE u.org_id = $1 AND u.id = $2"
)
_REMOVE_FACETS = (
    "DELETE FROM facets WHERE org_id = $1 AND (field, value, created, user_id) IN (SELECT part(e.value, 0),"
    " part(e.value, 1), CAST(part(e.value, 2) AS BIGINT), part(e.value, 3) FROM each($2) AS e)"
)
_ADD_FACETS = (
    "INSERT INTO facets (org_id, field, value, created, user_id) SELECT $1, part(e.value, 0),"
    " part(e.value, 1), CAST(part(e.value, 2) AS BIGINT), part(e.value, 3) FROM each($2) AS e"
)
_REMOVE_ENTRIES = (
    "DELETE FROM indexed_people WHERE org_id = $1 AND (created, user_id) IN"
    " (SELECT CAST(part(e.value, 0) AS BIGINT), part(e.value, 1) FROM each($2) AS e)"
)
_STORE_ENTRIES = (
    "INSERT INTO indexed_people (org_id, created, user_id, status, facts)"
    " SELECT $1, CAST(part(e.value, 0) AS BIGINT), part(e.value, 1), part(e.value, 2), part(e.value, 3)"
    " FROM each($2) AS e WHERE 1 = 1 ON CONFLICT (org_id, created, user_id)"
    " DO UPDATE SET status = excluded.status, facts = excluded.facts"
)
_COUNT = (
    "INSERT INTO facet_counts (org_id, field, value, invited, active, deactivated, total)"
    " SELECT $1, part(e.value, 0), part(e.value, 1), CAST(part(e.value, 2) AS BIGINT),"
    " CAST(part(e.value, 3) AS BIGINT), CAST(part(e.value, 4) AS BIGINT), CAST(part(e.value, 5) AS BIGINT)"
    " FROM each($2) AS e WHERE 1 = 1 ON CONFLICT (org_id, field, value) DO UPDATE SET"
    " invited = facet_counts.invited + excluded.invited, active = facet_counts.active + excluded.active,"
    " deactivated = facet_counts.deactivated + excluded.deactivated,"
    " total = facet_counts.total + excluded.total"
)
_REMOVE_COUNTS = (
    "DELETE FROM facet_counts WHERE org_id = $1 AND total = 0 AND (field, value) IN"
    " (SELECT part(e.value, 0), part(e.value, 1) FROM each($2) AS e)"
)
