"""The audit log: events, written in the transaction of what they tell, and the chain that seals them.

An event joins a queue (``audit_unsealed``) as it is written, and soon after the commit a seal
takes it up: a seal's hash covers the hash before it and every event of its batch. So no writer
waits for the chain, and whatever is changed, removed or slipped in later no longer fits it.

Rules of this module:

1. Order of id is order of time: ids are UUIDv7 and grow within a process.
2. A seal covers an event's *canonical form*: its columns as compact JSON with sorted keys, without
   ``salt`` and ``personal``. What is personal is covered by a salted digest, and can be forgotten.
3. An event's *leaf* is the SHA-256 of that form, in hexadecimal, taken as the event is written. Seal ``n``
   has the hash SHA-256(hash of ``n - 1`` in hexadecimal || leaves); the first follows `GENESIS`.
4. The chain cannot show that its newest end was cut off: for that its head must be known elsewhere.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from rosterd.directory.events import Event
from rosterd.directory.model import Actor, OrgId, UserId
from rosterd.store.contract import Row, Step, Tx
from rosterd.store.uuids import Growing

GENESIS = "0" * 64
BATCH = 1_000
"""Events under one seal, and events checked at once."""


class Record(msgspec.Struct, frozen=True):
    """One event as stored. ``details`` and ``personal`` are JSON."""

    org_id: OrgId
    id: str
    created: int  # microseconds
    action: str
    actor_id: UserId
    token_id: str | None
    entity_type: str
    entity_id: str
    request_id: str
    client: str
    ip_address: str | None
    details: str
    subject_id: UserId | None
    personal_digest: str | None
    salt: str | None
    personal: str | None


class Verdict(msgspec.Struct, frozen=True):
    """What a check of the whole chain found."""

    seals: int
    events: int  # under a seal
    unsealed: int
    oldest_unsealed: int | None  # microseconds
    head: str  # the newest seal's hash, or `GENESIS`
    problem: str | None  # the first, as a sentence

    @property
    def ok(self) -> bool:
        return self.problem is None


Passed = Callable[[int, int], object]
"""Is told how many seals, and events under them, have been found as they should be."""


async def append(tx: Tx, events: Iterable[Event], actor: Actor) -> None:
    """Write events, in this order, as done by ``actor`` in this transaction."""
    rows = [_new_row(tx.now, event, actor) for event in events]
    if len(rows) == 1:
        await tx.together(_steps(rows))
    elif rows:  # thousands, where a group changes
        await tx.many(_INSERT, rows)
        await tx.many(_ENQUEUE, [_place_in_queue(row) for row in rows])


def entries(now: int, events: Iterable[Event], actor: Actor) -> list[Step]:
    """What :func:`append` does with a few events, as steps. ``now``: microseconds."""
    return _steps([_new_row(now, event, actor) for event in events])


def _steps(rows: Sequence[Row]) -> list[Step]:
    return [step for row in rows for step in ((_INSERT, row), (_ENQUEUE, _place_in_queue(row)))]


def _place_in_queue(row: Row) -> Row:
    return row[0], row[1], leaf(row)


async def page(
    tx: Tx, org: OrgId, *, before: str | None = None, entity: str | None = None, limit: int = 100
) -> list[Record]:
    """The newest events first: those older than the id ``before``, of the entity with this id."""
    sql, args = f"SELECT {COLUMNS} FROM audit_events t WHERE t.org_id = $1", [org, limit]
    for column, value in (("t.id <", before), ("t.entity_id =", entity)):
        if value is not None:
            args.append(value)
            sql += f" AND {column} ${len(args)}"
    return [Record(*row) for row in await tx.all(f"{sql} ORDER BY t.id DESC LIMIT $2", *args)]


async def first(tx: Tx, org: OrgId, entity: str) -> Record | None:
    """The oldest event of the entity with this id that there is."""
    sql = (
        f"SELECT {COLUMNS} FROM audit_events t WHERE t.org_id = $1 AND t.entity_id = $2 ORDER BY t.id LIMIT 1"
    )
    row = await tx.one(sql, org, entity)
    return None if row is None else Record(*row)


async def erase(tx: Tx, org: OrgId, subject: UserId) -> int:
    """Forget what events say about a person. The chain still fits. Returns how many events forgot."""
    return await tx.run(
        "UPDATE audit_events SET personal = NULL, salt = NULL"
        " WHERE org_id = $1 AND entity_id = $2 AND subject_id = $2 AND personal IS NOT NULL",
        org, subject,
    )  # fmt: skip


async def last_events(tx: Tx, org: OrgId, entities: Sequence[str]) -> dict[str, int]:
    """When something was last noted of each of these (microseconds). Who has no event is left out."""
    # One look for each, at the end of its events: MAX would read them all.
    rows = await tx.all(
        "SELECT e.value, (SELECT t.created FROM audit_events t WHERE t.org_id = $1 AND t.entity_id = e.value"
        " ORDER BY t.id DESC LIMIT 1) FROM each($2) AS e",
        org, list(entities),
    )  # fmt: skip
    return {entity: created for entity, created in rows if created is not None}


class Authors(NamedTuple):
    """Whom the trail knows to have made something, and to have changed it last."""

    first: UserId
    last: UserId
    updated: int  # microseconds: when


async def authors(tx: Tx, org: OrgId, entities: Sequence[str]) -> dict[str, Authors]:
    """By whom each of these was first and last changed. What has no event is left out."""
    rows = await tx.all(
        "SELECT e.entity_id, f.actor_id, l.actor_id, l.created FROM"
        " (SELECT t.entity_id, MIN(t.id) AS first, MAX(t.id) AS last FROM audit_events t"
        " WHERE t.org_id = $1 AND t.entity_id IN each($2) GROUP BY t.entity_id) e"
        " JOIN audit_events f ON f.org_id = $1 AND f.id = e.first"
        " JOIN audit_events l ON l.org_id = $1 AND l.id = e.last",
        org, list(entities),
    )  # fmt: skip
    return {entity: Authors(UserId(first), UserId(last), updated) for entity, first, last, updated in rows}


async def pending(tx: Tx) -> list[OrgId]:
    """The organisations with events that no seal covers yet."""
    return [
        OrgId(org) for (org,) in await tx.all("SELECT DISTINCT org_id FROM audit_unsealed ORDER BY org_id")
    ]


async def find_many(tx: Tx, org: OrgId, ids: Sequence[str]) -> list[Record]:
    """These events, the oldest first."""
    return sorted((Record(*row) for row in await tx.all(_EVENTS, org, list(ids))), key=lambda each: each.id)


async def seal(tx: Tx, org: OrgId) -> list[str]:
    """Seal up to `BATCH` waiting events, the oldest first. Returns their ids; none if another was faster."""
    # The head before the queue: whoever sees the newest head sees, too, what its sealer took.
    head = await tx.one("SELECT n, hash FROM audit_seals WHERE org_id = $1 ORDER BY n DESC LIMIT 1", org)
    n, previous = (0, GENESIS) if head is None else (head[0], head[1])
    rows = await tx.all(_WAITING, org, BATCH)
    if not rows:
        return []
    ids = [id for id, _ in rows]
    hash = _hash(previous, (leaf for _, leaf in rows))
    won = await tx.one(_SEAL, org, n + 1, _json(ids), hash, previous, tx.now)
    if won is None:
        return []
    await tx.run("DELETE FROM audit_unsealed WHERE org_id = $1 AND event_id IN each($2)", org, ids)
    return ids


async def verify(tx: Tx, org: OrgId, passed: Passed | None = None) -> Verdict:
    """Compute every seal of the organisation anew and compare. ``tx`` must be one snapshot.

    Finds events that were changed, removed, slipped in or reordered, seals that do not follow each
    other, and personal data that is not what it was; stops at the first. ``passed`` hears how far it is.
    """
    seals, sealed, head = 0, 0, GENESIS
    problem: str | None = None
    forgotten = {subject for (subject,) in await tx.all(_FORGOTTEN, org)}
    while problem is None:
        rows = await tx.all(_SEALS, org, seals, BATCH)
        if not rows:
            break
        for batch in _batches(rows):
            problem = await _problem_of_seals(tx, org, batch, seals, head, forgotten)
            if problem is not None:
                break
            seals, sealed, head = batch[-1][0], sealed + sum(len(seal[1]) for seal in batch), batch[-1][2]
            if passed is not None:
                passed(seals, sealed)
    unsealed, lost, oldest = await _queue(tx, org)
    if problem is None:
        problem = lost or await _problem_of_count(tx, org, sealed, unsealed)
    return Verdict(seals, sealed, unsealed, oldest, head, problem)


def leaf(row: Row) -> str:
    """What stands for an event in the chain: the SHA-256 of its canonical form."""
    return hashlib.sha256(canonical(row)).hexdigest()


def canonical(row: Row) -> bytes:
    """The bytes of an event that a seal covers.

    >>> canonical(("E1", "0197", 1, "user_created", "W1", None, "user", "W2", "r", "", None, "{}", None, None,
    ...     "salt", "personal"))[:60]
    b'{"action":"user_created","actor_id":"W1","client":"","create'
    """
    return _encode(dict(zip(_COVERED, row, strict=False)))


def digest(salt: str, personal: str) -> str:
    """What stands for personal data in the chain.

    >>> digest("00", "{}")[:8]
    'ad66890d'
    """
    return hashlib.sha256((salt + personal).encode()).hexdigest()


_NAMES = Record.__struct_fields__
_SUBJECT = _NAMES.index("subject_id")
_COVERED = _NAMES[:-2]  # all but salt and personal
COLUMNS = ", ".join(f"t.{name}" for name in _NAMES)
"""Of ``audit_events t``: what makes a `Record`."""
_INSERT = (
    f"INSERT INTO audit_events ({', '.join(_NAMES)})"
    f" VALUES ({', '.join(f'${n + 1}' for n in range(len(_NAMES)))})"
)
_ENQUEUE = "INSERT INTO audit_unsealed (org_id, event_id, leaf) VALUES ($1, $2, $3)"
_WAITING = "SELECT event_id, leaf FROM audit_unsealed WHERE org_id = $1 ORDER BY event_id LIMIT $2"
# The key decides between two sealers: the second waits for the first, and then has sealed nothing.
_SEAL = (
    "INSERT INTO audit_seals (org_id, n, events, hash, previous, sealed) VALUES ($1, $2, $3, $4, $5, $6)"
    " ON CONFLICT DO NOTHING RETURNING n"
)
_SEALS = "SELECT n, events, hash, previous FROM audit_seals WHERE org_id = $1 AND n > $2 ORDER BY n LIMIT $3"
_EVENTS = f"SELECT {COLUMNS} FROM audit_events t WHERE t.org_id = $1 AND t.id IN each($2)"

Seal = tuple[int, list[str], str, str]  # n, ids of its events, hash, previous


def _new_row(now: int, event: Event, actor: Actor) -> Row:
    personal = salt = covered = None
    if event.personal:
        personal, salt = _json(event.personal), secrets.token_hex(16)
        covered = digest(salt, personal)
    origin = actor.origin
    return (
        actor.org_id, _ids.following(now), now, event.action, actor.user_id, actor.token_id,
        event.entity_type, event.entity_id, origin.request_id, origin.client, origin.ip_address,
        _json(event.details), event.subject_id, covered, salt, personal,
    )  # fmt: skip


_ids = Growing()


_encode = msgspec.json.Encoder(order="sorted").encode


def _json(value: Any) -> str:
    return _encode(value).decode()


def _hash(previous: str, leaves: Iterable[str]) -> str:
    return hashlib.sha256("".join((previous, *leaves)).encode()).hexdigest()


def _batches(rows: Sequence[Row]) -> Iterable[list[Seal]]:
    """Seals whose events are read by one statement."""
    batch: list[Seal] = []
    size = 0
    for n, events, hash, previous in rows:
        seal: Seal = n, msgspec.json.decode(events, type=list[str]), hash, previous
        if batch and size + len(seal[1]) > BATCH:
            yield batch
            batch, size = [], 0
        batch.append(seal)
        size += len(seal[1])
    if batch:
        yield batch


async def _problem_of_seals(
    tx: Tx, org: OrgId, batch: list[Seal], last: int, head: str, forgotten: Collection[str]
) -> str | None:
    """What is wrong with seals that must follow seal ``last``, whose hash is ``head``.

    ``forgotten`` are the people whose data may be missing.
    """
    ids = [id for seal in batch for id in seal[1]]
    rows = {row[1]: row for row in await tx.all(_EVENTS, org, ids)}
    # In a thread: a thousand hashes would hold up the event loop.
    return await asyncio.to_thread(_problem_of_events, batch, rows, last, head, forgotten)


def _problem_of_events(
    batch: list[Seal], rows: Mapping[str, Row], last: int, head: str, forgotten: Collection[str]
) -> str | None:
    for n, events, hash, previous in batch:
        if n != last + 1:
            return f"seal {last + 1} is missing"
        if previous != head:
            return f"seal {n} does not follow seal {last}: one of them was replaced"
        for id in events:
            if id not in rows:
                return f"event {id} of seal {n} was removed"
            if problem := _problem_of_personal(rows[id], forgotten):
                return problem
        if _hash(previous, (leaf(rows[id]) for id in events)) != hash:
            return f"seal {n} does not fit its events: one of {events[0]} … {events[-1]} was changed"
        last, head = n, hash
    return None


def _problem_of_personal(row: Row, forgotten: Collection[str]) -> str | None:
    covered, salt, personal = row[-3:]
    if personal is None:
        if covered is not None and row[_SUBJECT] not in forgotten:
            return f"the personal data of event {row[1]} was removed, and nobody was forgotten"
        return None
    if covered is None or salt is None or digest(salt, personal) != covered:
        return f"the personal data of event {row[1]} was changed"
    return None


async def _queue(tx: Tx, org: OrgId) -> tuple[int, str | None, int | None]:
    """How many events wait for a seal, what is wrong with them, and when the oldest was written."""
    waiting, found, oldest = await tx.one(_QUEUE, org) or (0, 0, None)
    if waiting == found:
        return waiting, None, oldest
    lost = await tx.one(_LOST, org)
    return waiting, f"event {lost[0] if lost else '?'}, not yet sealed, was removed", oldest


_FORGOTTEN = "SELECT subject_id FROM audit_events WHERE org_id = $1 AND action = 'user_profile_deleted'"
_QUEUE = (
    "SELECT COUNT(*), COUNT(t.id), MIN(t.created) FROM audit_unsealed q"
    " LEFT JOIN audit_events t ON t.org_id = q.org_id AND t.id = q.event_id WHERE q.org_id = $1"
)
_LOST = (
    "SELECT q.event_id FROM audit_unsealed q WHERE q.org_id = $1 AND NOT EXISTS"
    " (SELECT 1 FROM audit_events t WHERE t.org_id = q.org_id AND t.id = q.event_id)"
    " ORDER BY q.event_id LIMIT 1"
)


async def _problem_of_count(tx: Tx, org: OrgId, sealed: int, unsealed: int) -> str | None:
    """Every event is under one seal or waits for one, so that the numbers add up."""
    counted = await tx.one("SELECT COUNT(*) FROM audit_events WHERE org_id = $1", org)
    extra = (counted[0] if counted else 0) - sealed - unsealed
    if extra > 0:
        return f"{extra} events are under no seal and do not wait for one: they were slipped in"
    if extra < 0:
        return f"{-extra} events are sealed twice, or sealed and still waiting"
    return None
