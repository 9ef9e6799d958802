"""Channels and the workspaces that have them. Who is in them is in :mod:`rosterd.store.belonging.places`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from rosterd.directory.model import Channel, ChannelId, ChannelRef, OrgId, TeamId, UserId
from rosterd.store.contract import Row, Tx


class Home(NamedTuple):
    """A workspace that has a channel."""

    team_id: TeamId
    is_default: bool  # whoever joins the workspace joins the channel
    is_general: bool  # nobody leaves it


class Wanted(NamedTuple):
    """A page of channels: of which kinds, behind the one of this time and id."""

    public: bool = True
    private: bool = True
    archived: bool = True
    after: tuple[int, str] = (0, "")
    limit: int = 100


async def insert(tx: Tx, channel: Channel) -> bool:
    """Store a new channel, whose name is held already. False: its id is taken."""
    row = await tx.one(
        f"INSERT INTO channels ({_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
        " ON CONFLICT DO NOTHING RETURNING id",
        channel.org_id, channel.id, channel.created, channel.name, channel.creator_id,
        int(channel.is_private), int(channel.is_archived), int(channel.is_org_wide),
        channel.topic, channel.purpose,
    )  # fmt: skip
    return row is not None


async def add_home(
    tx: Tx, channel: Channel, team: TeamId, *, is_default: bool = False, is_general: bool = False
) -> bool:
    """Give a channel to a workspace. False: it has it, or one of that name."""
    row = await tx.one(
        "INSERT INTO channel_workspaces (org_id, channel_id, team_id, name, is_default, is_general)"
        " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING RETURNING channel_id",
        channel.org_id, channel.id, team, channel.name, int(is_default), int(is_general),
    )  # fmt: skip
    return row is not None


async def add_org_wide(tx: Tx, org: OrgId, team: TeamId) -> None:
    """Give a new workspace the channels that every workspace has."""
    await tx.run(
        "INSERT INTO channel_workspaces (org_id, channel_id, team_id, name, is_default, is_general)"
        " SELECT org_id, id, $2, name, 0, 0 FROM channels WHERE org_id = $1 AND is_org_wide = 1"
        " ON CONFLICT DO NOTHING",
        org, team,
    )  # fmt: skip


async def find(tx: Tx, org: OrgId, id: ChannelId, *, lock: bool = False) -> Channel | None:
    """The channel, or None. ``lock``: nobody else changes who may be in it before this transaction ends."""
    sql = f"SELECT {_COLUMNS} FROM channels WHERE org_id = $1 AND id = $2"
    row = await tx.one(sql + " FOR UPDATE" if lock else sql, org, id)
    return None if row is None else _channel(row)


async def find_many(tx: Tx, org: OrgId, ids: Sequence[ChannelId]) -> list[Channel]:
    """These channels, in order of creation. Unknown ids are left out."""
    rows = await tx.all(
        f"SELECT {_COLUMNS} FROM channels WHERE org_id = $1 AND id IN each($2) ORDER BY created, id",
        org, list(ids),
    )  # fmt: skip
    return [_channel(row) for row in rows]


async def page(
    tx: Tx, org: OrgId, team: TeamId | None, *, after: tuple[int, str] = (0, ""), limit: int = 100
) -> list[Channel]:
    """Channels of a workspace, or of all, in order of creation, behind the one of this time and id."""
    within = "" if team is None else f" AND id IN ({_IN_WORKSPACE})"
    rows = await tx.all(
        f"SELECT {_COLUMNS} FROM channels WHERE org_id = $1 AND (created, id) > ($2, $3){within}"
        " ORDER BY created, id LIMIT $4",
        org, *after, limit, *([] if team is None else [team]),
    )  # fmt: skip
    return [_channel(row) for row in rows]


async def of_person(
    tx: Tx, org: OrgId, user: UserId, viewer: UserId, team: TeamId, wanted: Wanted, *, public: bool = True
) -> list[Channel]:
    """Channels of a workspace that ``user`` is in, in order of creation.

    Of private ones those that ``viewer`` is in, too; unless ``public``, of all.
    """
    rows = await tx.all(
        f"SELECT {_COLUMNS} FROM channels WHERE org_id = $1 AND (created, id) > ($5, $6)"
        " AND (is_private < $11 OR id IN"
        " (SELECT channel_id FROM channel_members WHERE org_id = $1 AND user_id = $3))"
        " AND is_private >= $8 AND is_private <= $9 AND is_archived <= $10"
        " AND id IN (SELECT channel_id FROM channel_members WHERE org_id = $1 AND user_id = $2)"
        " AND id IN (SELECT channel_id FROM channel_workspaces WHERE org_id = $1 AND team_id = $4)"
        " ORDER BY created, id LIMIT $7",
        org, user, viewer, team, *wanted.after, wanted.limit,
        int(not wanted.public), int(wanted.private), int(wanted.archived), int(public),
    )  # fmt: skip
    return [_channel(row) for row in rows]


async def shown_to(
    tx: Tx, org: OrgId, viewer: UserId, team: TeamId, wanted: Wanted, *, public: bool
) -> list[Channel]:
    """Channels of a workspace, in order of creation: those that ``viewer`` is in and, if ``public``, all that
    are.
    """
    rows = await tx.all(
        f"SELECT {_COLUMNS} FROM channels WHERE org_id = $1 AND (created, id) > ($4, $5)"
        " AND is_private >= $7 AND is_private <= $8 AND is_archived <= $9"
        " AND id IN (SELECT channel_id FROM channel_workspaces WHERE org_id = $1 AND team_id = $3)"
        " AND (is_private < $10 OR id IN"
        " (SELECT channel_id FROM channel_members WHERE org_id = $1 AND user_id = $2))"
        " ORDER BY created, id LIMIT $6",
        org, viewer, team, *wanted.after, wanted.limit,
        int(not wanted.public), int(wanted.private), int(wanted.archived), int(public),
    )  # fmt: skip
    return [_channel(row) for row in rows]


class Search(NamedTuple):
    """Which channels are looked for, and the page of them behind the channel ``after``.

    ``kinds``: of any of these (names of `KINDS`), or whatever it is. ``teams``: in any of these workspaces,
    or anywhere. ``by``: a name of `ORDERS`.
    """

    text: str = ""  # in the name, folded
    kinds: tuple[str, ...] = ()
    teams: tuple[TeamId, ...] = ()
    by: str = "member_count"
    descending: bool = True
    after: str = ""
    limit: int = 10


async def search(tx: Tx, org: OrgId, wanted: Search) -> list[ChannelId]:
    """The channels that fit, in order. Looks at every channel, to count at each member: under ``scan``."""
    sign, direction = ("<", "DESC") if wanted.descending else (">", "ASC")
    rows = await tx.all(
        f"WITH found AS (SELECT c.id AS id, {ORDERS[wanted.by]} AS value FROM channels c WHERE {_FITTING})"
        " SELECT f.id FROM found f WHERE CAST($6 AS TEXT) = ''"
        f" OR (f.value, f.id) {sign} (SELECT a.value, a.id FROM found a WHERE a.id = $6)"
        f" ORDER BY f.value {direction}, f.id {direction} LIMIT $7",
        *_given(org, wanted), wanted.after, wanted.limit,
    )  # fmt: skip
    return [ChannelId(id) for (id,) in rows]


async def count(tx: Tx, org: OrgId, wanted: Search) -> int:
    """How many channels fit, on all pages."""
    row = await tx.one(f"SELECT COUNT(*) FROM channels c WHERE {_FITTING}", *_given(org, wanted))
    return row[0] if row else 0


async def homes(tx: Tx, org: OrgId, ids: Sequence[ChannelId]) -> dict[ChannelId, list[Home]]:
    """Channel → the workspaces that have it, in order of id."""
    found: dict[ChannelId, list[Home]] = {id: [] for id in ids}
    rows = await tx.all(
        "SELECT channel_id, team_id, is_default, is_general FROM channel_workspaces"
        " WHERE org_id = $1 AND channel_id IN each($2) ORDER BY team_id",
        org, list(found),
    )  # fmt: skip
    for channel, team, is_default, is_general in rows:
        found[ChannelId(channel)].append(Home(TeamId(team), bool(is_default), bool(is_general)))
    return found


async def named(tx: Tx, org: OrgId, team: TeamId, name: str) -> ChannelId | None:
    """The channel of this name (folded) in a workspace."""
    row = await tx.one(
        "SELECT channel_id FROM channel_workspaces WHERE org_id = $1 AND team_id = $2 AND name = $3",
        org, team, name,
    )  # fmt: skip
    return None if row is None else ChannelId(row[0])


async def set_archived(tx: Tx, org: OrgId, id: ChannelId, archived: bool) -> None:
    """Put a channel away, or take it out again."""
    await tx.run("UPDATE channels SET is_archived = $3 WHERE org_id = $1 AND id = $2", org, id, int(archived))


async def of_guests(tx: Tx, org: OrgId, users: Sequence[UserId]) -> dict[UserId, list[ChannelRef]]:
    """The channels that each of these people is in, in order of id: what SCIM shows of guests."""
    found: dict[UserId, list[ChannelRef]] = {user: [] for user in users}
    rows = await tx.all(
        "SELECT DISTINCT m.user_id, m.channel_id, c.name FROM channel_members m"
        " JOIN channels c ON c.org_id = $1 AND c.id = m.channel_id"
        " WHERE m.org_id = $1 AND m.user_id IN each($2) ORDER BY m.user_id, m.channel_id",
        org, list(found),
    )  # fmt: skip
    for user, id, name in rows:
        found[UserId(user)].append(ChannelRef(ChannelId(id), name))
    return found


_HOMES = "(SELECT COUNT(*) FROM channel_workspaces n WHERE n.org_id = $1 AND n.channel_id = c.id)"
KINDS = {
    "private": "c.is_private = 1",
    "private_exclude": "c.is_private = 0",
    "archived": "c.is_archived = 1",
    "exclude_archived": "c.is_archived = 0",
    "private_exclude_archived": "c.is_private = 1 AND c.is_archived = 0",
    "multi_workspace": f"c.is_org_wide = 0 AND {_HOMES} > 1",
    "org_wide": "c.is_org_wide = 1",
    "exclude_org_shared": f"c.is_org_wide = 0 AND {_HOMES} <= 1",
    # Nothing here is shared with another organisation.
    "external_shared": "1 = 0",
    "external_shared_private": "1 = 0",
    "external_shared_archived": "1 = 0",
    "external_shared_exclude": "1 = 1",
}
"""Kinds of channels that can be looked for (Slack, *admin.conversations.search*, heading *More on channel
types*)."""

ORDERS = {
    "name": "c.name",
    "created": "c.created",
    "member_count": (
        "CASE c.is_archived WHEN 1 THEN -1 ELSE (SELECT COUNT(DISTINCT m.user_id) FROM channel_members m"
        " WHERE m.org_id = $1 AND m.channel_id = c.id) END"
    ),
    "relevant": "-LENGTH(c.name)",  # the shorter a name with a text in it, the closer it is to that text
}
"""What channels can be sorted by."""

_ANY = "any"
_FITTING = (
    "c.org_id = $1"
    " AND ("
    + " OR ".join(f"('{kind}' IN each($2) AND {sql})" for kind, sql in {_ANY: "1 = 1", **KINDS}.items())
    + ")"
    " AND (CAST($3 AS TEXT) = '' OR LENGTH(c.name) <> LENGTH(REPLACE(c.name, $3, '')))"
    " AND ($5 = 1 OR EXISTS (SELECT 1 FROM channel_workspaces h WHERE h.org_id = $1 AND h.channel_id = c.id"
    " AND h.team_id IN each($4)))"
)


def _given(org: OrgId, wanted: Search) -> tuple[str | int | list[str], ...]:
    return (
        org, list(wanted.kinds or (_ANY,)), wanted.text, list(wanted.teams), int(not wanted.teams),
    )  # fmt: skip


_IN_WORKSPACE = "SELECT channel_id FROM channel_workspaces WHERE org_id = $1 AND team_id = $5"
_COLUMNS = "org_id, id, created, name, creator_id, is_private, is_archived, is_org_wide, topic, purpose"


def _channel(row: Row) -> Channel:
    org, id, created, name, creator, private, archived, org_wide, topic, purpose = row
    return Channel(
        org, id, created, name, creator, bool(private), bool(archived), bool(org_wide), topic, purpose
    )
