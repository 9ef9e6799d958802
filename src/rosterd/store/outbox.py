"""The outbox: errands, written in the transaction of the change that they follow from.

Whoever works on an errand first *claims* it: until its lease is over nobody else does. If they die, the
lease runs out and another tries.

Rules of this module:

1. Order of id is order of time: ids are UUIDv7 and grow within a process.
2. ``due`` tells who holds a claim: each claim sets another time. What a claim leads to is noted only by
   whoever still holds it; that something is done is noted whoever did it.
3. Dead errands stay until an operator says what becomes of them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

import msgspec

from rosterd.directory.errands import Errand
from rosterd.directory.model import OrgId
from rosterd.store.contract import Row, Step, Tx
from rosterd.store.uuids import Growing


class Entry(msgspec.Struct, frozen=True):
    """An errand as stored. ``kind`` may be one that this version does not know."""

    org_id: OrgId
    id: str
    created: int  # microseconds
    kind: str
    subject_id: str
    arguments: dict[str, Any]
    due: int  # microseconds
    attempts: int  # begun so far
    problem: str | None  # why the last one failed
    dead: bool


class Backlog(msgspec.Struct, frozen=True):
    """How many errands of one kind there are, over all organisations."""

    kind: str
    due: int  # that could be done now
    later: int  # somebody is at them, or they wait for another attempt
    dead: int


async def add(tx: Tx, org_id: OrgId, errands: Iterable[Errand]) -> None:
    """Note errands, in this order, to be done from now on."""
    rows = [_row(tx.now, org_id, errand) for errand in errands]
    if len(rows) == 1:
        await tx.together([(_INSERT, rows[0])])
    elif rows:
        await tx.many(_INSERT, rows)


def entry(now: int, org_id: OrgId, errand: Errand) -> Step:
    """What :func:`add` does with one errand, as a step. ``now``: microseconds."""
    return _INSERT, _row(now, org_id, errand)


async def pending(tx: Tx, kinds: Collection[str]) -> dict[OrgId, set[str]]:
    """The organisations that have errands of these kinds to do now, in order of id: of which kinds."""
    found: dict[OrgId, set[str]] = {}
    for org, kind in sorted(await tx.all(_PENDING, tx.now, sorted(kinds))):
        found.setdefault(OrgId(org), set()).add(kind)
    return found


async def of_subject(tx: Tx, org: OrgId, kind: str, subject: str) -> list[dict[str, Any]]:
    """The arguments of the errands of this kind that wait for a subject and are not dead. Under ``scan``."""
    rows = await tx.all(
        "SELECT arguments FROM outbox WHERE org_id = $1 AND dead = 0 AND kind = $2 AND subject_id = $3"
        " ORDER BY id",
        org, kind, subject,
    )  # fmt: skip
    return [_arguments.decode(arguments) for (arguments,) in rows]


async def claim(
    tx: Tx,
    org: OrgId,
    kind: str,
    limit: int,
    until: int,
    *,
    busy: Collection[str] = (),
) -> list[Entry]:
    """Up to ``limit`` errands that are due, the longest due first: nobody else has them before ``until``.

    ``busy``: subjects that are passed over. ``until``: microseconds, another number each time.
    """
    rows = await tx.all(_CLAIM, org, limit, until, tx.now, kind, sorted(busy))
    return sorted(map(_entry, rows), key=lambda each: each.id)


async def is_held(tx: Tx, entry: Entry) -> bool:
    """Whether the claim still holds; if so, nobody else may claim it before this transaction ends."""
    row = await tx.one(
        "SELECT id FROM outbox WHERE org_id = $1 AND id = $2 AND due = $3 FOR UPDATE",
        entry.org_id, entry.id, entry.due,
    )  # fmt: skip
    return row is not None


async def done(tx: Tx, entry: Entry) -> None:
    """Strike off an errand that was done, or that nobody needs any more."""
    await tx.run("DELETE FROM outbox WHERE org_id = $1 AND id = $2", entry.org_id, entry.id)


async def release(tx: Tx, entry: Entry) -> None:
    """Give back a claim that came to nothing, as if it had not been made."""
    await tx.run(
        "UPDATE outbox SET due = $4, attempts = attempts - 1 WHERE org_id = $1 AND id = $2 AND due = $3",
        entry.org_id, entry.id, entry.due, tx.now,
    )  # fmt: skip


async def put_off(tx: Tx, entry: Entry, due: int, problem: str) -> None:
    """Note why an attempt failed, and that the next comes at ``due`` (microseconds)."""
    await tx.run(
        "UPDATE outbox SET due = $4, problem = $5 WHERE org_id = $1 AND id = $2 AND due = $3",
        entry.org_id, entry.id, entry.due, due, problem,
    )  # fmt: skip


async def put_off_others(tx: Tx, entry: Entry, due: int, limit: int) -> None:
    """Let up to ``limit`` more errands of this kind for the same subject wait for ``due``, untried."""
    await tx.run(
        "WITH chosen AS MATERIALIZED (SELECT t.id FROM outbox t WHERE t.org_id = $1 AND t.dead = 0"
        " AND t.due <= $3 AND t.kind = $4 AND t.subject_id = $5"
        " ORDER BY t.due, t.id LIMIT $6 FOR UPDATE SKIP LOCKED)"
        " UPDATE outbox SET due = $2 WHERE org_id = $1 AND id IN (SELECT c.id FROM chosen c)",
        entry.org_id, due, tx.now, entry.kind, entry.subject_id, limit,
    )  # fmt: skip


async def give_up(tx: Tx, entry: Entry, problem: str) -> None:
    """Lay an errand with the dead, with the reason."""
    await tx.run(
        "UPDATE outbox SET dead = 1, problem = $4 WHERE org_id = $1 AND id = $2 AND due = $3",
        entry.org_id, entry.id, entry.due, problem,
    )  # fmt: skip


async def advance(tx: Tx, entry: Entry, arguments: dict[str, Any], until: int) -> Entry:
    """Note how far a job has come, and hold it until ``until`` (microseconds). It counts as begun anew.

    To be called where the claim is known to hold.
    """
    await tx.run(
        "UPDATE outbox SET arguments = $4, due = $5, attempts = 1, problem = NULL"
        " WHERE org_id = $1 AND id = $2 AND due = $3",
        entry.org_id, entry.id, entry.due, _json(arguments), until,
    )  # fmt: skip
    return msgspec.structs.replace(entry, arguments=arguments, due=until, attempts=1, problem=None)


async def page(tx: Tx, org: OrgId, *, dead: bool, after: str = "", limit: int = 1_000) -> list[Entry]:
    """Errands in order of creation, those after the id ``after``: the dead ones, or the others."""
    rows = await tx.all(
        f"SELECT {_COLUMNS} FROM outbox t WHERE t.org_id = $1 AND t.dead = $2 AND t.id > $3"
        " ORDER BY t.id LIMIT $4",
        org, int(dead), after, limit,
    )  # fmt: skip
    return [_entry(row) for row in rows]


async def retry(tx: Tx, org: OrgId, ids: Sequence[str]) -> int:
    """Let these errands, dead or waiting, be tried now, from the first attempt on. Returns how many."""
    return await tx.run(
        "UPDATE outbox SET dead = 0, due = $3, attempts = 0 WHERE org_id = $1 AND id IN each($2)",
        org, list(ids), tx.now,
    )  # fmt: skip


async def drop(tx: Tx, org: OrgId, ids: Sequence[str]) -> int:
    """Forget these errands. Returns how many there were."""
    return await tx.run("DELETE FROM outbox WHERE org_id = $1 AND id IN each($2)", org, list(ids))


async def remove_of(tx: Tx, org: OrgId, subject: str) -> int:
    """Forget whatever is for this subject, or was written by it, dead or not. Returns how many errands."""
    return await tx.run(
        "DELETE FROM outbox WHERE org_id = $1 AND (subject_id = $2 OR (kind = 'message'"
        " AND arguments LIKE '%\"author\":\"' || $2 || '\"%'))",
        org, subject,
    )  # fmt: skip


async def backlog(tx: Tx) -> list[Backlog]:
    """What there is to do, over all organisations."""
    return [Backlog(*row) for row in await tx.all(_BACKLOG, tx.now)]


_NAMES = Entry.__struct_fields__
_COLUMNS = ", ".join(f"t.{name}" for name in _NAMES)
_INSERT = (
    f"INSERT INTO outbox ({', '.join(_NAMES)}) VALUES ({', '.join(f'${n + 1}' for n in range(len(_NAMES)))})"
)
# From organisation to organisation by the key: one look where nothing waits, and never all the rows.
_PENDING = (
    "WITH RECURSIVE found (org_id) AS (SELECT MIN(t.org_id) FROM outbox t UNION ALL"
    " SELECT (SELECT MIN(t.org_id) FROM outbox t WHERE t.org_id > f.org_id) FROM found f"
    " WHERE f.org_id IS NOT NULL)"
    " SELECT f.org_id, k.value FROM found f CROSS JOIN each($2) AS k"
    " WHERE f.org_id IS NOT NULL AND EXISTS (SELECT 1 FROM outbox t"
    " WHERE t.org_id = f.org_id AND t.dead = 0 AND t.kind = k.value AND t.due <= $1)"
)
# Chosen once, before anything is changed: PostgreSQL might choose again for every row.
_CLAIM = (
    "WITH chosen AS MATERIALIZED (SELECT t.id FROM outbox t WHERE t.org_id = $1 AND t.dead = 0"
    " AND t.due <= $4 AND t.kind = $5 AND NOT t.subject_id IN each($6)"
    " ORDER BY t.due, t.id LIMIT $2 FOR UPDATE SKIP LOCKED)"
    " UPDATE outbox SET due = $3, attempts = attempts + 1"
    " WHERE org_id = $1 AND id IN (SELECT c.id FROM chosen c)"
    f" RETURNING {', '.join(_NAMES)}"
)
_BACKLOG = (
    "SELECT t.kind, COUNT(CASE WHEN t.dead = 0 AND t.due <= $1 THEN 1 END),"
    " COUNT(CASE WHEN t.dead = 0 AND t.due > $1 THEN 1 END), COUNT(CASE WHEN t.dead = 1 THEN 1 END)"
    " FROM outbox t GROUP BY t.kind ORDER BY t.kind"
)

_ids = Growing()
_arguments = msgspec.json.Decoder(dict[str, Any])


def _row(now: int, org_id: OrgId, errand: Errand) -> Row:
    return (
        org_id, _ids.following(now), now, str(errand.kind), errand.subject_id, _json(errand.arguments),
        now, 0, None, 0,
    )  # fmt: skip


def _entry(row: Row) -> Entry:
    org, id, created, kind, subject, arguments, due, attempts, problem, dead = row
    return Entry(
        org, id, created, kind, subject, _arguments.decode(arguments), due, attempts, problem, bool(dead)
    )


def _json(arguments: dict[str, Any]) -> str:
    return msgspec.json.encode(arguments).decode()
