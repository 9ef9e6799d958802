"""What is done to many people at once: batches, and whom each is about.

Rules of this module:

1. People of a batch are numbered from 1, in order of id: whoever locks several of them goes that way.
2. A row of somebody without an outcome is still to be dealt with; ``n`` says how far one has come.
3. Counts of a batch are kept in its row. Only :func:`outcomes` counts rows: under ``scan``.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from rosterd.directory.bulk import DONE, TO_DO, Action, Arguments, Batch, Standing, State
from rosterd.directory.model import OrgId, UserId
from rosterd.store.contract import Row, Tx
from rosterd.store.uuids import least_at


class Person(msgspec.Struct, frozen=True):
    """Somebody whom a batch is about."""

    n: int
    user_id: UserId
    outcome: str = TO_DO
    before: Standing | None = None
    after: Standing | None = None


async def insert(tx: Tx, batch: Batch) -> None:
    """Store a new batch, without people."""
    await tx.run(_INSERT, *_values(batch))


async def update(tx: Tx, batch: Batch) -> None:
    """Store every field of a batch that exists."""
    await tx.run(_UPDATE, *_values(batch))


async def find(tx: Tx, org: OrgId, id: str, *, lock: bool = False) -> Batch | None:
    """The batch, or None. ``lock``: nobody else goes on with it before this transaction ends."""
    row = await tx.one(_FIND + " FOR UPDATE" if lock else _FIND, org, id)
    return None if row is None else _batch(row)


async def page(tx: Tx, org: OrgId, *, before: str = "~", limit: int = 50) -> list[Batch]:
    """Batches, the newest first, from the first older than the id ``before`` on."""
    rows = await tx.all(
        f"SELECT {_COLUMNS} FROM batches t WHERE t.org_id = $1 AND t.id < $2 ORDER BY t.id DESC LIMIT $3",
        org, before, limit,
    )  # fmt: skip
    return [_batch(row) for row in rows]


async def undoing(tx: Tx, org: OrgId, id: str) -> list[Batch]:
    """The batches that undo this one, drafts and broken off ones too, in order of creation."""
    rows = await tx.all(
        f"SELECT {_COLUMNS} FROM batches t WHERE t.org_id = $1 AND t.id > $2 AND t.undoes = $2 ORDER BY t.id",
        org, id,
    )  # fmt: skip
    return [_batch(row) for row in rows]


async def drafted(tx: Tx, org: OrgId, since: int) -> int:
    """How many people batches are about that were drafted after a moment (microseconds), all together."""
    row = await tx.one(
        "SELECT SUM(t.people) FROM batches t WHERE t.org_id = $1 AND t.id >= $2", org, least_at(since // 1000)
    )
    return int(row[0] or 0) if row else 0


async def expired(tx: Tx, org: OrgId, before: int, limit: int) -> list[str]:
    """Drafts from before this time (microseconds), put away ones too, the oldest first."""
    rows = await tx.all(
        "SELECT id FROM batches WHERE org_id = $1 AND created < $2"
        f" AND (state IN ('{State.DRAFTING}', '{State.DRAFT}') OR state = '{State.CANCELLED}' AND done = 0)"
        " ORDER BY id LIMIT $3",
        org, before, limit,
    )  # fmt: skip
    return [id for (id,) in rows]


async def delete(tx: Tx, org: OrgId, id: str) -> None:
    """Forget a batch whose people are forgotten."""
    await tx.run("DELETE FROM batches WHERE org_id = $1 AND id = $2", org, id)


async def add_people(tx: Tx, org: OrgId, id: str, users: Sequence[UserId]) -> None:
    """These people are what the batch is about."""
    await tx.many(
        "INSERT INTO batch_people (org_id, batch_id, n, user_id, outcome, before, after)"
        " VALUES ($1, $2, $3, $4, '', NULL, NULL)",
        [(org, id, n, user) for n, user in enumerate(sorted(users), 1)],
    )


async def add_undone(tx: Tx, org: OrgId, id: str, undoes: str, *, after: int, limit: int) -> None:
    """Some more of those whom ``undoes`` changed, behind number ``after``: the other way round."""
    await tx.run(
        "INSERT INTO batch_people (org_id, batch_id, n, user_id, outcome, before, after)"
        " SELECT p.org_id, CAST($2 AS TEXT), p.n, p.user_id, '', p.after, p.before FROM batch_people p"
        f" WHERE p.org_id = $1 AND p.batch_id = $3 AND p.outcome = '{DONE}' AND p.n > $4"
        " ORDER BY p.n LIMIT $5",
        org, id, undoes, after, limit,
    )  # fmt: skip


async def to_do(tx: Tx, org: OrgId, id: str, *, after: int, limit: int) -> list[Person]:
    """Some more of those without an outcome, behind number ``after``."""
    rows = await tx.all(
        f"{_PEOPLE} AND p.outcome = '{TO_DO}' AND p.n > $3 ORDER BY p.n LIMIT $4", org, id, after, limit
    )
    return [_person(row) for row in rows]


async def update_people(tx: Tx, org: OrgId, id: str, people: Sequence[Person]) -> None:
    """What there is to say of these people now."""
    await tx.many(
        "UPDATE batch_people SET outcome = $4, before = $5, after = $6"
        " WHERE org_id = $1 AND batch_id = $2 AND n = $3",
        [(org, id, each.n, each.outcome, _json(each.before), _json(each.after)) for each in people],
    )


async def remove_people(tx: Tx, org: OrgId, id: str, limit: int) -> int:
    """Forget up to so many people of a batch. Returns how many."""
    return await tx.run(
        "DELETE FROM batch_people WHERE org_id = $1 AND batch_id = $2 AND n IN"
        " (SELECT p.n FROM batch_people p WHERE p.org_id = $1 AND p.batch_id = $2 ORDER BY p.n LIMIT $3)",
        org, id, limit,
    )  # fmt: skip


async def people(
    tx: Tx, org: OrgId, id: str, *, outcome: str | None = None, after: int = 0, limit: int = 50
) -> list[Person]:
    """People of a batch in order of number, behind ``after``; of one outcome alone, under ``scan``."""
    if outcome is None:
        rows = await tx.all(f"{_PEOPLE} AND p.n > $3 ORDER BY p.n LIMIT $4", org, id, after, limit)
    else:
        rows = await tx.all(
            f"{_PEOPLE} AND p.n > $3 AND p.outcome = $5 ORDER BY p.n LIMIT $4", org, id, after, limit, outcome
        )
    return [_person(row) for row in rows]


async def outcomes(tx: Tx, org: OrgId, id: str) -> dict[str, int]:
    """Outcome → how many people, the most frequent first. Under ``scan``."""
    rows = await tx.all(
        "SELECT p.outcome, COUNT(*) FROM batch_people p WHERE p.org_id = $1 AND p.batch_id = $2"
        " GROUP BY p.outcome ORDER BY COUNT(*) DESC, p.outcome",
        org, id,
    )  # fmt: skip
    return dict(rows)


_NAMES = Batch.__struct_fields__
_COLUMNS = ", ".join(f"t.{name}" for name in _NAMES)
_INSERT = (
    f"INSERT INTO batches ({', '.join(_NAMES)}) VALUES ({', '.join(f'${n + 1}' for n in range(len(_NAMES)))})"
)
_UPDATE = (
    f"UPDATE batches SET {', '.join(f'{name} = ${n + 1}' for n, name in enumerate(_NAMES) if n > 1)}"
    " WHERE org_id = $1 AND id = $2"
)
_FIND = f"SELECT {_COLUMNS} FROM batches t WHERE t.org_id = $1 AND t.id = $2"
_PEOPLE = (
    "SELECT p.n, p.user_id, p.outcome, p.before, p.after FROM batch_people p"
    " WHERE p.org_id = $1 AND p.batch_id = $2"
)

_arguments = msgspec.json.Decoder(Arguments)
_standing = msgspec.json.Decoder(Standing)


def _values(batch: Batch) -> Row:
    given = {name: getattr(batch, name) for name in _NAMES}
    given |= {"action": str(batch.action), "state": str(batch.state), "arguments": _json(batch.arguments)}
    return tuple(given.values())


def _batch(row: Row) -> Batch:
    given = dict(zip(_NAMES, row, strict=True))
    given |= {
        "action": Action(given["action"]),
        "state": State(given["state"]),
        "arguments": _arguments.decode(given["arguments"]),
    }
    return Batch(**given)


def _person(row: Row) -> Person:
    n, user, outcome, before, after = row
    return Person(n, UserId(user), outcome, _read(before), _read(after))


def _read(text: str | None) -> Standing | None:
    return None if text is None else _standing.decode(text)


def _json(value: msgspec.Struct | None) -> str | None:
    return None if value is None else msgspec.json.encode(value).decode()
