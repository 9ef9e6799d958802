"""Groups and their members, as rows.

Rules of this module:

1. Members never load whole to be changed: what a change costs is what it names. Only a reader who
   shows them all reads them all, in slices that each keep the event loop for a few milliseconds.
2. Verbs that change members return the ids they really changed, so that nobody asks twice.
3. A group's name is unique in its organisation, folded; who loses a race for it is told so and
   keeps its transaction.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from typing import Literal

from rosterd.directory.model import Group, GroupId, Member, OrgId, Role, UserId
from rosterd.directory.names import folded
from rosterd.directory.query import Condition
from rosterd.store import query
from rosterd.store.contract import Row, Tx
from rosterd.store.query import Field

FIELDS = {
    "id": Field("t.id"),
    "display_name": Field("t.display_folded"),
    "created": Field("t.created", is_number=True),  # microseconds
    "member": Field("user_id", within="t.id IN (SELECT group_id FROM members WHERE org_id = $1 AND {})"),
}
"""What a condition may ask of a group. Text must come folded; a member is a user's id."""

SLICE = 2_000
"""Members read by one statement."""

Lock = Literal["share", "update"]
_LOCKS = {None: "", "share": " FOR SHARE", "update": " FOR UPDATE"}


async def insert(tx: Tx, group: Group) -> bool:
    """Store a new group. False: its name (or id) is taken."""
    row = await tx.one(
        "INSERT INTO groups (org_id, id, created, display_name, display_folded) VALUES ($1, $2, $3, $4, $5)"
        " ON CONFLICT DO NOTHING RETURNING id",
        group.org_id, group.id, group.created, group.display_name, folded(group.display_name),
    )  # fmt: skip
    return row is not None


async def find(tx: Tx, org: OrgId, id: GroupId, *, lock: Lock | None = None) -> Group | None:
    """The group, or None. ``share``: it is not deleted or renamed before this transaction ends;
    ``update``: nobody else has it locked either.
    """
    sql = "SELECT org_id, id, created, display_name FROM groups WHERE org_id = $1 AND id = $2"
    row = await tx.one(sql + _LOCKS[lock], org, id)
    return None if row is None else Group(*row)


async def find_by_name(tx: Tx, org: OrgId, name: str) -> Group | None:
    """The group of this name, in any case, or None."""
    sql = "SELECT org_id, id, created, display_name FROM groups WHERE org_id = $1 AND display_folded = $2"
    row = await tx.one(sql, org, folded(name))
    return None if row is None else Group(*row)


async def update(tx: Tx, group: Group) -> bool:
    """Rename a group that exists and is locked for ``update``. False: the name is taken."""
    org, name = group.org_id, folded(group.display_name)
    # A unique key that an UPDATE breaks would end a PostgreSQL transaction. So the name is first
    # claimed by a row of its own, which an INSERT may fail to do; racers wait for it.
    claim = group.display_name, f"{group.id} renamed"
    row = await tx.one("SELECT id FROM groups WHERE org_id = $1 AND display_folded = $2", org, name)
    if row is not None and row[0] != group.id:
        return False
    if row is None:
        if not await insert(tx, Group(org, GroupId(claim[1]), group.created, claim[0])):
            return False
        await delete(tx, org, GroupId(claim[1]))
    await tx.run(
        "UPDATE groups SET display_name = $3, display_folded = $4 WHERE org_id = $1 AND id = $2",
        org, group.id, group.display_name, name,
    )  # fmt: skip
    return True


async def delete(tx: Tx, org: OrgId, id: GroupId) -> None:
    """Delete a group without members (:func:`remove_all` first)."""
    await tx.run("DELETE FROM groups WHERE org_id = $1 AND id = $2", org, id)


async def page(
    tx: Tx, org: OrgId, condition: Condition | None, start: int, count: int
) -> tuple[list[Group], int]:
    """Groups that fit, in order of creation, from the ``start``-th (from 1) on, and the total."""
    ids, total = await query.page(tx, "groups", FIELDS, org, condition, start, count)
    rows = await tx.all(_FIND_MANY, org, ids) if ids else ()
    return [Group(*row) for row in rows], total


async def count_members(tx: Tx, org: OrgId, id: GroupId) -> int:
    """How many members the group has."""
    row = await tx.one("SELECT COUNT(*) FROM members WHERE org_id = $1 AND group_id = $2", org, id)
    return row[0] if row else 0


async def slices(tx: Tx, org: OrgId, id: GroupId) -> AsyncIterator[list[Member]]:
    """Every member with the name to show, the earliest joined first, some thousands at a time."""
    added, last = -1, ""
    while rows := await tx.all(_MEMBERS, org, id, added, last, SLICE):
        yield [Member(UserId(user), name) for _, user, name in rows]
        added, last = rows[-1][0], rows[-1][1]
        if len(rows) < SLICE:
            return


async def members(tx: Tx, org: OrgId, id: GroupId) -> list[Member]:
    """All of :func:`slices` at once."""
    return [member async for some in slices(tx, org, id) for member in some]


async def members_of_many(tx: Tx, org: OrgId, ids: Sequence[GroupId]) -> dict[GroupId, list[Member]]:
    """Every member of each of these groups, as :func:`members` gives them."""
    found: dict[GroupId, list[Member]] = {id: [] for id in ids}
    if not found:
        return found
    sizes = [(GroupId(id), size) for id, size in await tx.all(_SIZES, org, list(found))]
    for batch in _batches(sizes):
        if len(batch) == 1:
            found[batch[0]] = await members(tx, org, batch[0])
            continue
        for group, user, name in await tx.all(_MEMBERS_OF_MANY, org, batch):
            found[group].append(Member(UserId(user), name))
    return found


async def some(tx: Tx, org: OrgId, id: GroupId, limit: int) -> list[UserId]:
    """Up to ``limit`` members, in order of id: enough to know whether there are so many."""
    return _ids(await tx.all(_SOME, org, id, limit))


async def outranking(tx: Tx, org: OrgId, id: GroupId, roles: Collection[Role]) -> list[UserId]:
    """The members who have one of these (few) roles, in order of id. Costs what there is of these roles."""
    if not roles:
        return []
    # Listed one by one: of a set PostgreSQL expects many rows, and reads the whole table instead.
    listed = ", ".join(f"${number}" for number in range(3, 3 + len(roles)))
    return sorted(_ids(await tx.all(_OUTRANKING.format(listed), org, id, *map(str, roles))))


async def add_members(tx: Tx, org: OrgId, id: GroupId, users: Sequence[UserId]) -> list[UserId]:
    """Make these users members, in this order. Returns those who were not, in this order.

    Every id must be a user's: :class:`~rosterd.store.contract.Conflict` otherwise.
    """
    wanted = list(dict.fromkeys(users))
    if not wanted:
        return []
    # A set has no order, so each element carries its own: seven digits, then the id.
    numbered = [f"{number:07}{user}" for number, user in enumerate(wanted)]
    added = set(_ids(await tx.all(_ADD_MEMBERS, org, id, numbered, tx.now)))
    return [user for user in wanted if user in added]


async def remove_members(tx: Tx, org: OrgId, id: GroupId, users: Sequence[UserId]) -> list[UserId]:
    """End these memberships. Returns those there were, in this order."""
    wanted = list(dict.fromkeys(users))
    if not wanted:
        return []
    removed = set(_ids(await tx.all(f"{_REMOVE} AND user_id IN each($3) RETURNING user_id", org, id, wanted)))
    return [user for user in wanted if user in removed]


async def retain(tx: Tx, org: OrgId, id: GroupId, users: Sequence[UserId]) -> list[UserId]:
    """End every membership but these. Returns those ended, in order of id."""
    sql = f"{_REMOVE} AND user_id NOT IN each($3) RETURNING user_id"
    return sorted(_ids(await tx.all(sql, org, id, list(users))))


async def remove_all(tx: Tx, org: OrgId, id: GroupId) -> list[UserId]:
    """End every membership. Returns those ended, in order of id.

    In slices that name people: on SQLite such statements run off the event loop.
    """
    ended: list[UserId] = []
    while found := await some(tx, org, id, SLICE):
        ended += await remove_members(tx, org, id, found)
    return ended


_FIND_MANY = (
    "SELECT org_id, id, created, display_name FROM groups"
    " WHERE org_id = $1 AND id IN each($2) ORDER BY created, id"
)
_SIZES = "SELECT group_id, COUNT(*) FROM members WHERE org_id = $1 AND group_id IN each($2) GROUP BY group_id"
_SHOWN = "m.user_id, u.full_name FROM members m JOIN users u ON u.org_id = m.org_id AND u.id = m.user_id"
_MEMBERS = (
    f"SELECT m.added, {_SHOWN} WHERE m.org_id = $1 AND m.group_id = $2 AND (m.added, m.user_id) > ($3, $4)"
    " ORDER BY m.added, m.user_id LIMIT $5"
)
_SOME = "SELECT user_id FROM members WHERE org_id = $1 AND group_id = $2 ORDER BY user_id LIMIT $3"
_MEMBERS_OF_MANY = (
    f"SELECT m.group_id, {_SHOWN} WHERE m.org_id = $1 AND m.group_id IN each($2)"
    " ORDER BY m.group_id, m.added, m.user_id"
)
# From the users' side: administrators are few, members of a group may be many.
_OUTRANKING = (
    "SELECT u.id FROM users u WHERE u.org_id = $1 AND u.role IN ({}) AND EXISTS"
    " (SELECT 1 FROM members m WHERE m.org_id = $1 AND m.group_id = $2 AND m.user_id = u.id)"
)
# In order of id, so that two who add the same people do not wait for each other. WHERE TRUE keeps
# SQLite from reading ON as part of a join (https://sqlite.org/lang_upsert.html, "Parsing Ambiguity").
_ADD_MEMBERS = (
    "INSERT INTO members (org_id, group_id, user_id, added)"
    " SELECT $1, $2, SUBSTR(e.value, 8), CAST($4 AS BIGINT) + CAST(SUBSTR(e.value, 1, 7) AS BIGINT)"
    " FROM each($3) AS e WHERE TRUE ORDER BY 3 ON CONFLICT DO NOTHING RETURNING user_id"
)
_REMOVE = "DELETE FROM members WHERE org_id = $1 AND group_id = $2"


def _ids(rows: Sequence[Row]) -> list[UserId]:
    return [UserId(row[0]) for row in rows]


def _batches(sizes: Sequence[tuple[GroupId, int]]) -> Iterator[list[GroupId]]:
    """Groups to read by one statement each: a large one alone, small ones together.

    >>> list(_batches([("S1", 10), ("S2", 5000), ("S3", 20)]))
    [['S2'], ['S3', 'S1']]
    """
    batch: list[GroupId] = []
    room = SLICE
    for id, size in sorted(sizes, key=lambda pair: -pair[1]):
        if batch and size > room:
            yield batch
            batch, room = [], SLICE
        batch.append(id)
        room -= size
    if batch:
        yield batch
