"""What is true of people, what the index has of them, and the difference.

Rules of this module:

1. Whatever is asked is asked of many people at once: a few statements, however many they are.
2. Who has an entry in the index has a row in ``indexed_people``, one in ``facets`` for each fact, and is
   counted in ``facet_counts`` once for each fact but for words. All of it changes in one transaction.
3. A change is computed from a snapshot. Whoever writes it makes sure that the index is still the same
   (:func:`rosterd.store.index.update`). The directory may have moved on: then there is another event.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from rosterd.directory.connectors import connector
from rosterd.directory.facets import About, Facet, facts
from rosterd.directory.model import OrgId, Role, Status, UserId
from rosterd.store import index
from rosterd.store.contract import Row, Tx

UNKNOWN_CLIENT = "rosterd import"
"""Who has created people of whose creation the trail does not tell: it was not imported with them."""

_ROWS = 1_000
"""Rows that one statement takes."""


class Entry(NamedTuple):
    """What the index has of a person, or should have."""

    created: int  # microseconds
    user_id: UserId
    status: str
    facts: str  # JSON list of [field, value], in order


class Change(NamedTuple):
    """What the index has and what it should have. None: nothing."""

    before: Entry | None
    after: Entry | None


class Known(NamedTuple):
    """Rows about people, from one snapshot."""

    people: Sequence[Row]
    workspaces: Mapping[str, list[str]]
    groups: Mapping[str, list[str]]
    clients: Mapping[str, str]


async def find_many(tx: Tx, org: OrgId, ids: Sequence[str]) -> Known:
    """All that facts about these people follow from, and what the index has of them."""
    wanted = list(ids)
    people = await tx.all(_PEOPLE, org, wanted)
    return Known(
        people,
        _grouped(await tx.all(_WORKSPACES, org, wanted)),
        _grouped(await tx.all(_GROUPS, org, wanted)),
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


def changes(known: Known, start: int = 0, stop: int | None = None) -> list[Change]:
    """What is to change in the index, of some of the people that are known."""
    found = []
    for row in known.people[start:stop]:
        before = None if row[-1] is None else Entry(row[1], UserId(row[0]), row[-2], row[-1])
        after = entry(row, known)
        if before != after:
            found.append(Change(before, after))
    return found


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
        source=_source(indexed) or connector(known.clients.get(id, UNKNOWN_CLIENT)),
        workspaces=tuple(known.workspaces.get(id, ())),
        groups=tuple(known.groups.get(id, ())),
    )
    found = facts(about)
    return Entry(created, id, status, _encode(found).decode()) if found else None


async def update(tx: Tx, org: OrgId, wanted: Sequence[Change]) -> None:
    """Make the index what it should be."""
    added, removed, counted = list[str](), list[str](), Counter[tuple[str, str, str]]()
    for before, after in wanted:
        old, new = _pairs(before), _pairs(after)
        removed += [_row(*pair, *before[:2]) for pair in old - new] if before is not None else []
        added += [_row(*pair, *after[:2]) for pair in new - old] if after is not None else []
        counted.subtract((*pair, before.status) for pair in old if before is not None)
        counted.update((*pair, after.status) for pair in new if after is not None)
    entries = [_row(*after) for _, after in wanted if after is not None]
    gone = [_row(*before[:2]) for before, after in wanted if before is not None and after is None]
    await _run(tx, org, _REMOVE_FACETS, removed)
    await _run(tx, org, _ADD_FACETS, sorted(added))  # neighbours one after the other
    await _run(tx, org, _REMOVE_ENTRIES, gone)
    await _run(tx, org, _STORE_ENTRIES, entries)
    differences = _differences(counted)
    await _run(tx, org, _COUNT, [_row(*each) for each in differences])
    await _run(tx, org, _REMOVE_COUNTS, [_row(*each[:2]) for each in differences if each[-1] < 0])


async def remove_of_user(tx: Tx, org: OrgId, user: UserId) -> None:
    """Let the index forget a person, at once: until the next look at them it has nothing."""
    if not await index.update_anyway(tx, org):
        return
    row = await tx.one(_ENTRY, org, user)
    if row is not None:
        await update(tx, org, [Change(Entry(*row), None)])


def pairs(facts: str) -> set[tuple[str, str]]:
    """The facts of an entry."""
    return set(_decode(facts))


def _pairs(entry: Entry | None) -> set[tuple[str, str]]:
    return set() if entry is None else pairs(entry.facts)


def _differences(counted: Mapping[tuple[str, str, str], int]) -> list[tuple[str, str, int, int, int, int]]:
    """How many more of each status, and in all, have a value: in order, so that nobody waits crosswise."""
    keys = sorted({(field, value) for (field, value, _), more in counted.items() if more and field != WORD})
    found = []
    for field, value in keys:
        more = [counted.get((field, value, status), 0) for status in _STATUSES]
        found.append((field, value, *more, sum(more)))
    return found  # type: ignore[return-value]  # mypy does not count what a star brings


async def _run(tx: Tx, org: OrgId, sql: str, rows: Sequence[str]) -> None:
    for start in range(0, len(rows), _ROWS):
        await tx.run(sql, org, rows[start : start + _ROWS])


def _row(*values: str | int) -> str:
    return _encode(values).decode()


def _source(facts: str | None) -> str | None:
    """Who created somebody, if the index knows: it never changes."""
    if facts is None:
        return None
    return next((value for field, value in _decode(facts) if field == Facet.SOURCE), None)


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


WORD = str(Facet.WORD)
_STATUSES = tuple(str(status) for status in (Status.INVITED, Status.ACTIVE, Status.DEACTIVATED))

_profile = msgspec.json.Decoder(_Profile).decode
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(list[tuple[str, str]]).decode

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
_ENTRIES = (
    "SELECT i.user_id, i.facts FROM users u JOIN indexed_people i"
    " ON i.org_id = $1 AND i.created = u.created AND i.user_id = u.id"
    " WHERE u.org_id = $1 AND u.id IN each($2)"
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
