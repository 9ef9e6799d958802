"""An organisation as a whole: read for an export, added by an import, removed when one was given up.

Rules of this module:

1. An organisation that is being imported is *unfinished*: its domain is a mark that nobody can ask for
   and that names the import at work. Its own domain is what makes it exist, and comes last.
2. What is added must find the mark of its own import: of two imports of one organisation the second
   takes over, and the first ends at its next batch.
3. Only what is unfinished is ever removed.
4. People, groups and channels go through their own modules, which know what follows from a row.
5. What lets somebody in, and what tells others, is no part of the whole: tokens, apps, the identity provider,
   sessions, links, webhooks, mails on their way. What still follows from a change (a task) is one.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any, NamedTuple

import msgspec

from rosterd.directory.errands import Kind as ErrandKind
from rosterd.directory.model import Channel, ChannelId, Group, GroupId, Org, OrgId, TeamId, User, UserId
from rosterd.directory.names import account_key
from rosterd.store import channels, groups, users
from rosterd.store.channels import Home
from rosterd.store.contract import Conflict, Tx
from rosterd.store.names import Kind
from rosterd.store.records import audit
from rosterd.store.upkeep import copy

REMOVED = 1_000
"""Rows that one call of :func:`remove_some` removes."""

MARK = ".unfinished-"
"""What the domain of an unfinished organisation begins with: no domain has a full stop."""


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
    kind: Kind  # channel, group or reserved
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


class UserGroup(NamedTuple):
    group_id: GroupId
    handle: str
    description: str
    created_by: str
    updated_by: str
    updated: int  # seconds
    disabled: int | None  # seconds


class Settled(NamedTuple):
    """A channel, and the workspaces that have it."""

    channel: Channel
    homes: list[Home]


class LeadsToWorkspace(NamedTuple):
    group_id: GroupId
    team_id: TeamId
    is_required: int  # 0 or 1
    auto_provision: int  # 0 or 1
    created: int  # microseconds


class LeadsToChannel(NamedTuple):
    group_id: GroupId
    channel_id: ChannelId
    created: int  # microseconds


class Allowed(NamedTuple):
    """A group on the allowlist of a channel."""

    channel_id: ChannelId
    group_id: GroupId
    created: int  # microseconds


class InWorkspace(NamedTuple):
    """One reason why somebody is in a workspace."""

    team_id: TeamId
    user_id: UserId
    source_id: str
    kept: int  # 0 or 1
    added: int  # microseconds


class RoleInWorkspace(NamedTuple):
    team_id: TeamId
    user_id: UserId
    role: str


class InChannel(NamedTuple):
    """One reason why somebody is in a channel."""

    channel_id: ChannelId
    user_id: UserId
    source_id: str
    kept: int  # 0 or 1
    added: int  # microseconds


class WasThere(NamedTuple):
    """Where somebody comes back to when they are reactivated."""

    user_id: UserId
    place_id: str
    source_id: str
    kept: int  # 0 or 1


class Waiting(NamedTuple):
    """What is still to be done for the people of a group: an errand of the kind `consequences`."""

    id: str
    created: int  # microseconds
    subject_id: GroupId
    arguments: str  # JSON


class Active(NamedTuple):
    """Somebody did something on a day."""

    day: int  # since 1970-01-01 UTC
    user_id: UserId
    signed_in: int  # 0 or 1
    by_app: int  # 0 or 1


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


Value = (
    Workspace | HeldName | ProfileField | User | Group | UserGroup | Settled | Membership | LeadsToWorkspace
    | LeadsToChannel | Allowed | InWorkspace | RoleInWorkspace | InChannel | WasThere | Waiting | Happened
    | Seal | Active
)  # fmt: skip

_TABLES: dict[type[Any], str] = {
    Workspace: "workspaces",
    HeldName: "names",
    ProfileField: "profile_fields",
    UserGroup: "user_groups",
    Membership: "members",
    LeadsToWorkspace: "group_workspaces",
    LeadsToChannel: "group_channels",
    Allowed: "channel_allowlist",
    InWorkspace: "workspace_members",
    RoleInWorkspace: "workspace_roles",
    InChannel: "channel_members",
    WasThere: "former_members",
    Seal: "audit_seals",
    Active: "activity",
}
"""Values that are just rows: their fields are the columns behind ``org_id``."""


async def everything(tx: Tx, org: OrgId, *, trail: bool) -> AsyncIterator[Value]:
    """All that an organisation consists of, but for itself. ``trail``: what happened in it, too.

    Who is referred to comes first; people, groups and channels in order of creation, members of groups in
    order of joining. ``tx`` must be one snapshot.
    """
    streams: list[AsyncIterator[Value]] = [
        _plain(tx, org, Workspace, "created", "id"),
        _plain(tx, org, HeldName, "name", kind="channel"),
        _plain(tx, org, HeldName, "name", kind="group"),
        _plain(tx, org, HeldName, "name", kind="reserved"),
        _plain(tx, org, ProfileField, "created", "name"),
        _people(tx, org),
        _groups(tx, org),
        _plain(tx, org, UserGroup, "group_id"),
        _channels(tx, org),
        _plain(tx, org, Membership, "group_id", "added", "user_id"),
        _plain(tx, org, LeadsToWorkspace, "group_id", "team_id"),
        _plain(tx, org, LeadsToChannel, "group_id", "channel_id"),
        _plain(tx, org, Allowed, "channel_id", "group_id"),
        _plain(tx, org, InWorkspace, "team_id", "user_id", "source_id"),
        _plain(tx, org, RoleInWorkspace, "team_id", "user_id"),
        _plain(tx, org, InChannel, "channel_id", "user_id", "source_id"),
        _plain(tx, org, WasThere, "user_id", "place_id", "source_id"),
        _tasks(tx, org),
    ]
    if trail:
        streams += [_trail(tx, org), _plain(tx, org, Seal, "n"), _plain(tx, org, Active, "day", "user_id")]
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


async def _channels(tx: Tx, org: OrgId) -> AsyncIterator[Settled]:
    async for rows in copy.by_key(tx, "channels", ("id", "created"), ("created", "id"), {"org_id": org}):
        ids = [ChannelId(id) for id, _ in rows]
        homes = await channels.homes(tx, org, ids)
        for channel in await channels.find_many(tx, org, ids):
            yield Settled(channel, homes[channel.id])


async def _tasks(tx: Tx, org: OrgId) -> AsyncIterator[Waiting]:
    fixed = {"org_id": org, "kind": str(ErrandKind.CONSEQUENCES)}
    async for rows in copy.by_key(tx, "outbox", Waiting._fields, ("id",), fixed):
        for row in rows:
            yield Waiting(*row)


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
    return msgspec.structs.replace(org, domain=MARK + token)


def is_unfinished(org: Org) -> bool:
    """Whether an import of this organisation is under way, or was cut off.

    >>> from rosterd.directory.model import Plan
    >>> org = Org(OrgId("E1"), TeamId("T1"), "Acme", "acme", Plan.ENTERPRISE, 1)
    >>> is_unfinished(org), is_unfinished(unfinished(org, "1a2b"))
    (False, True)
    """
    return org.domain.startswith(MARK)


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
    await _add_channels(tx, [value for value in values if isinstance(value, Settled)])
    await _add_plain(tx, org.id, _OF_PEOPLE, values)
    await _add_tasks(tx, org.id, [value for value in values if isinstance(value, Waiting)])
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


_OF_PEOPLE = (
    UserGroup, Membership, LeadsToWorkspace, LeadsToChannel, Allowed, InWorkspace, RoleInWorkspace, InChannel,
    WasThere, Seal, Active,
)  # fmt: skip
"""What is about people, groups and channels, and so comes after them."""


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


async def _add_channels(tx: Tx, made: Sequence[Settled]) -> None:
    for channel, homes in made:
        if not await channels.insert(tx, channel):
            raise Conflict(f"the channel {channel.id} is there already")
        for home in homes:
            if not await channels.add_home(
                tx, channel, home.team_id, is_default=home.is_default, is_general=home.is_general
            ):
                raise Conflict(f"the workspace {home.team_id} has a channel {channel.name} already")


async def _add_tasks(tx: Tx, org: OrgId, tasks: Sequence[Waiting]) -> None:
    columns = ("id", "created", "subject_id", "arguments", "org_id", "kind", "due", "attempts", "dead")
    rest = (org, str(ErrandKind.CONSEQUENCES), tx.now, 0, 0)
    await tx.many(_insert("outbox", columns), [(*task, *rest) for task in tasks])


def _insert(table: str, columns: Sequence[str]) -> str:
    """A statement for one row; the arguments are numbered as the columns are."""
    places = ", ".join(f"${number}" for number in range(1, len(columns) + 1))
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places})"
