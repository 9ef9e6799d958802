"""Whether the index of people agrees with the directory, and with itself: a part of fsck.

Rules of this module:

1. The index is a moment behind. Whoever has an event that it has not taken yet is not looked at, nor are
   members of a group whose deletion it has not taken.
2. Its counts are of what it has itself, and are never behind.
3. An index that is being made says nothing of the directory yet: then nothing is looked at.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import NamedTuple

import msgspec

from rosterd.directory.facets import Facet
from rosterd.directory.model import OrgId, Status
from rosterd.store.contract import Tx
from rosterd.store.people import facts, index
from rosterd.store.upkeep import whole_org

SLICE = 1_000
"""People, or events, looked at by one statement."""


class _Behind(NamedTuple):
    """What the index has not taken yet."""

    people: set[str]
    groups: set[str]  # that were deleted


async def check(tx: Tx, org: OrgId | None, most: int) -> list[str]:
    """What is wrong with the index of an organisation, or of all that are whole, as sentences."""
    found: list[str] = []
    for id, domain in await tx.all(_ORGS):
        unfinished = domain.startswith(whole_org.MARK)
        if org == id or (org is None and not unfinished):
            found += await _check(tx, OrgId(id), most)
    return found[:most]


async def _check(tx: Tx, org: OrgId, most: int) -> list[str]:
    progress = await index.find(tx, org)
    if progress is None or not progress.is_whole:
        return []
    behind = await _behind(tx, org, progress.seal)
    counted: Counter[tuple[str, str, str]] = Counter()
    found: list[str] = []
    after, people = "", 0
    while True:
        ids = [id for (id,) in await tx.all(_NEXT, org, after, SLICE)]
        if not ids:
            break
        after = ids[-1]
        known = await facts.find_many(tx, org, ids)
        for row in known.people:
            if (entry := facts.indexed(row)) is not None:
                people += 1
                counted.update((*pair, entry.status) for pair in facts.pairs(entry.facts))
        found += [f"{org}: {problem}" for problem in _problems(known, behind)]
    found += [f"{org}: {problem}" async for problem in _miscounted(tx, org, counted, people)]
    return found[:most]


async def _behind(tx: Tx, org: OrgId, seal: int) -> _Behind:
    found = _Behind(set(), set())
    while True:
        seal, ids = await index.seals(tx, org, seal, SLICE)
        if not ids:
            break
        await _note(tx, org, ids, found)
    after = ""
    while ids := [id for (id,) in await tx.all(_UNSEALED, org, after, SLICE)]:
        after = ids[-1]
        await _note(tx, org, ids, found)
    return found


async def _note(tx: Tx, org: OrgId, ids: list[str], found: _Behind) -> None:
    events = await index.happenings(tx, org, ids)
    found.people.update(index.people_of(events))
    found.groups.update(index.deleted_groups(events))


def _problems(known: facts.Known, behind: _Behind) -> Iterator[str]:
    for row in known.people:
        if row[0] in behind.people:
            continue
        try:
            expected = facts.entry(row, known)
        except (ValueError, msgspec.MsgspecError):
            continue  # a role or a profile that cannot be read is told of elsewhere
        existing = facts.indexed(row)
        if existing != expected and not _awaits(existing, behind):
            yield f"the index has of user {row[0]} {_said(existing)} instead of {_said(expected)}"


def _awaits(existing: facts.Entry | None, behind: _Behind) -> bool:
    """Whether somebody is yet to be taken out of a group."""
    pairs = facts.pairs(existing.facts) if existing is not None and behind.groups else ()
    return any(field == Facet.GROUP and value in behind.groups for field, value in pairs)


def _said(entry: facts.Entry | None) -> str:
    return "nothing" if entry is None else f"{entry.status} {entry.facts}"


async def _miscounted(
    tx: Tx, org: OrgId, counted: Mapping[tuple[str, str, str], int], people: int
) -> AsyncIterator[str]:
    """Where counts or lists are not what the index has of its people."""
    expected: dict[tuple[str, str], list[int]] = {}
    for (field, value, status), count in counted.items():
        expected.setdefault((field, value), [0, 0, 0])[_STATUSES.index(status)] += count
    words = sum(sum(numbers) for (field, _), numbers in expected.items() if field == Facet.WORD)
    kept = {key: [*numbers, sum(numbers)] for key, numbers in expected.items() if key[0] != Facet.WORD}
    stored = {(row[0], row[1]): list(row[2:]) for row in await tx.all(_COUNTS, org)}
    listed = {(field, value): count for field, value, count in await tx.all(_LISTS, org)}
    for field, value in sorted({*kept, *stored, *listed}):
        right = kept.get((field, value), [0, 0, 0, 0])
        if (found := stored.get((field, value), [0, 0, 0, 0])) != right:
            yield f"the index counts {field} {value!r} as {found} instead of {right}"
        if (length := listed.get((field, value), 0)) != right[-1]:
            yield f"the index lists {length} people with {field} {value!r} instead of {right[-1]}"
    for sql, what, right_count in ((_WORDS, "words", words), (_ENTRIES, "people", people)):
        row = await tx.one(sql, org)
        if row is not None and row[0] != right_count:
            yield f"the index has {row[0]} {what} instead of {right_count}"


_STATUSES = tuple(str(status) for status in (Status.INVITED, Status.ACTIVE, Status.DEACTIVATED))

_ORGS = "SELECT id, domain FROM orgs ORDER BY id"
_NEXT = "SELECT t.id FROM users t WHERE t.org_id = $1 AND t.id > $2 ORDER BY t.id LIMIT $3"
_UNSEALED = (
    "SELECT t.event_id FROM audit_unsealed t WHERE t.org_id = $1 AND t.event_id > $2"
    " ORDER BY t.event_id LIMIT $3"
)
_COUNTS = "SELECT field, value, invited, active, deactivated, total FROM facet_counts WHERE org_id = $1"
_LISTS = (
    "SELECT field, value, COUNT(*) FROM facets WHERE org_id = $1 AND field <> 'word' GROUP BY field, value"
)
_WORDS = "SELECT COUNT(*) FROM facets WHERE org_id = $1 AND field = 'word'"
_ENTRIES = "SELECT COUNT(*) FROM indexed_people WHERE org_id = $1"
