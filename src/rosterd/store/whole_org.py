"""An organisation as a whole: read for an export, added by an import, removed when one was given up.

Rules of this module:

1. An organisation that is being imported is *unfinished*: its domain is a mark that nobody can ask for
   and that names the import at work. Its own domain is what makes it exist, and comes last.
2. What is added must find the mark of its own import: of two imports of one organisation the second
   takes over, and the first ends at its next batch.
3. Only what is unfinished is ever removed.
4. People and groups go through their own modules, which know what follows from a row.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any, NamedTuple

import msgspec

from rosterd.directory.model import Group, GroupId, Org, OrgId, TeamId, User, UserId
from rosterd.directory.names import account_key
from rosterd.store import audit, copy, groups, users
from rosterd.store.contract import Conflict, Tx
from rosterd.store.names import Kind

REMOVED = 1_000
"""Rows that one call of :func:`remove_some` removes."""

_MARK = ".unfinished-"  # no domain has a full stop


class Workspace(NamedTuple):
    id: TeamId
    name: str
    domain: str
    created: int  # microseconds
    description: str
    discoverability: str


class HeldName(NamedTuple):
    """A name that no person holds."""

    name: str
    kind: Kind  # channel or reserved
    holder_id: str | None


class ProfileField(NamedTuple):
    name: str
    label: str
    is_scim: int  # 0 or 1
    created: int  # microseconds


class Membership(NamedTuple):
    group_id: GroupId
    user_id: UserId
    added: int  # microseconds


class Happened(NamedTuple):
    """An event of the audit trail, and whether a seal covers it."""

    record: audit.Record
    sealed: bool


class Seal(NamedTuple):
    n: int
    events: str  # JSON list of ids
    hash: str
    previous: str
    sealed: int  # microseconds


Value = Workspace | HeldName | ProfileField | User | Group | Membership | Happened | Seal

_TABLES: dict[type[Any], str] = {
    Workspace: "workspaces",
    HeldName: "names",
    ProfileField: "profile_fields",
    Membership: "members",
    Seal: "audit_seals",
}
"""Values that are just rows: their fields are the columns behind ``org_id``."""


async def everything(tx: Tx, org: OrgId, *, trail: bool) -> AsyncIterator[Value]:
    """All that an organisation consists of, but for itself and its tokens. ``trail``: its events, too.

    Who is referred to comes first; people and groups in order of creation, members in order of
    joining. ``tx`` must be one snapshot.
    """
    streams: list[AsyncIterator[Value]] = [
        _plain(tx, org, Workspace, "created", "id"),
        _plain(tx, org, HeldName, "name", kind="channel"),
        _plain(tx, org, HeldName, "name", kind="reserved"),
        _plain(tx, org, ProfileField, "created", "name"),
        _people(tx, org),
        _groups(tx, org),
        _plain(tx, org, Membership, "group_id", "added", "user_id"),
    ]
    if trail:
        streams += [_trail(tx, org), _plain(tx, org, Seal, "n")]
    for stream in streams:
        async for value in stream:
            yield value


async def _plain(tx: Tx, org: OrgId, of: type[Any], *key: str, **fixed: str) -> AsyncIterator[Any]:
    async for rows in copy.by_key(tx, _TABLES[of], of._fields, key, {"org_id": org} | fixed):
        for row in rows:
            yield of(*row)


async def _people(tx: Tx, org: OrgId) -> AsyncIterator[User]:
    async for rows in copy.by_key(tx, "users", ("id", "created"), ("created", "id"), {"org_id": org}):
        for user in await users.find_many(tx, org, [UserId(id) for id, _ in rows]):
            yield user


async def _groups(tx: Tx, org: OrgId) -> AsyncIterator[Group]:
    async for rows in copy.by_key(tx, "groups", Group.__struct_fields__, ("created", "id"), {"org_id": org}):
        for row in rows:
            yield Group(*row)


async def _trail(tx: Tx, org: OrgId) -> AsyncIterator[Happened]:
    waiting = {id for (id,) in await tx.all("SELECT event_id FROM audit_unsealed WHERE org_id = $1", org)}
    fields = audit.Record.__struct_fields__
    async for rows in copy.by_key(tx, "audit_events", fields, ("id",), {"org_id": org}):
        for row in rows:
            record = audit.Record(*row)
            yield Happened(record, record.id not in waiting)


def leaf(event: Happened) -> tuple[str, str]:
    """The id of an event and what stands for it in the chain."""
    return event.record.id, audit.leaf(msgspec.structs.astuple(event.record))


def unfinished(org: Org, token: str) -> Org:
    """The organisation as it is while the import ``token`` is at work."""
    return msgspec.structs.replace(org, domain=_MARK + token)


def is_unfinished(org: Org) -> bool:
    """Whether an import of this organisation is under way, or was cut off.

    >>> from rosterd.directory.model import Plan
    >>> org = Org(OrgId("E1"), TeamId("T1"), "Acme", "acme", Plan.ENTERPRISE, 1)
    >>> is_unfinished(org), is_unfinished(unfinished(org, "1a2b"))
    (False, True)
    """
    return org.domain.startswith(_MARK)


async def add(tx: Tx, org: Org, values: Sequence[Value]) -> None:
    """Store values of an unfinished organisation. Who they refer to must be there, or among them.

    Raises :class:`Conflict` for what is there already, for who is not, and where the mark is gone.
    """
    mine = await tx.one("SELECT 1 FROM orgs WHERE id = $1 AND domain = $2 FOR SHARE", org.id, org.domain)
    if mine is None:
        raise Conflict("another import has taken this organisation over")
    await _add_plain(tx, org.id, (Workspace, HeldName, ProfileField), values)
    await _add_people(tx, org.id, [value for value in values if isinstance(value, User)])
    for group in (value for value in values if isinstance(value, Group)):
        if not await groups.insert(tx, group):
            raise Conflict(f"the group {group.id} or its name is there already")
    await _add_plain(tx, org.id, (Membership, Seal), values)
    records = [msgspec.structs.astuple(value.record) for value in values if isinstance(value, Happened)]
    await tx.many(_insert("audit_events", audit.Record.__struct_fields__), records)


async def add_unsealed(tx: Tx, org: OrgId, leaves: Sequence[tuple[str, str]]) -> None:
    """Note events, by id and leaf, that no seal covers. All seals must be there before."""
    sql = _insert("audit_unsealed", ("org_id", "event_id", "leaf"))
    await tx.many(sql, [(org, *pair) for pair in leaves])


async def remove_some(tx: Tx, org: Org) -> bool:
    """Remove some rows of an unfinished organisation, at last itself. False: there is nothing left of it.

    ``org`` must be as it was found: if another import has taken it over, nothing is removed.
    """
    own = "SELECT 1 FROM orgs WHERE id = $1 AND domain = $2 FOR UPDATE"
    if not is_unfinished(org) or await tx.one(own, org.id, org.domain) is None:
        return False
    left = REMOVED
    for shape in reversed(copy.shapes()):
        if left > 0 and "org_id" in shape.columns:
            key = ", ".join(shape.key)
            some = f"SELECT {key} FROM {shape.name} WHERE org_id = $1 LIMIT {left}"
            left -= await tx.run(f"DELETE FROM {shape.name} WHERE ({key}) IN ({some})", org.id)
    if left > 0:
        await tx.run("DELETE FROM orgs WHERE id = $1", org.id)
    return left <= 0


async def _add_plain(tx: Tx, org: OrgId, kinds: Iterable[type[Any]], values: Sequence[Value]) -> None:
    for kind in kinds:
        sql = _insert(_TABLES[kind], ("org_id", *kind._fields))
        await tx.many(sql, [(org, *value) for value in values if isinstance(value, kind)])


async def _add_people(tx: Tx, org: OrgId, people: Sequence[User]) -> None:
    names = [(org, user.username, "user", user.id) for user in people]
    await tx.many(_insert("names", ("org_id", "name", "kind", "holder_id")), names)
    for user in people:
        if not await users.insert(tx, user):
            raise Conflict(f"the user {user.id} is there already")
    emails = [
        (org, account_key(address), user.id)
        for user in people
        for address in (user.email, user.profile.secondary_email)
        if address
    ]
    await tx.many(_insert("emails", ("org_id", "email", "user_id")), emails)


def _insert(table: str, columns: Sequence[str]) -> str:
    """A statement for one row; the arguments are numbered as the columns are."""
    places = ", ".join(f"${number}" for number in range(1, len(columns) + 1))
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places})"
