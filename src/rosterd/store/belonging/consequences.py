"""What follows for people from what their groups lead to: sets of rows, never person by person.

Rules of this module:

1. Each function is one statement over a set of people, and may be repeated: it changes nothing the
   second time.
2. Whoever calls has locked these people (:func:`lock`), so that two changes of one person come one
   after the other.
3. In a private channel with an allowlist is only who is in a group on it. That is enforced last,
   whatever else put somebody there.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from rosterd.directory.model import ChannelId, GroupId, OrgId, Role, TeamId, UserId
from rosterd.store.contract import Tx


class Person(msgspec.Struct, frozen=True):
    """What must be known of somebody to say what follows for them."""

    role: Role
    deactivated: bool
    invited: bool  # has never signed in


async def lock(tx: Tx, org: OrgId, users: Sequence[UserId]) -> dict[UserId, Person]:
    """These people, whom nobody else changes before this transaction ends. Unknown ids are left out."""
    rows = await tx.all(
        "SELECT id, role, deactivated, date_claimed FROM users WHERE org_id = $1 AND id IN each($2)"
        " ORDER BY id FOR NO KEY UPDATE",
        org, list(users),
    )  # fmt: skip
    return {UserId(id): Person(Role(role), bool(gone), claimed is None) for id, role, gone, claimed in rows}


async def join_workspaces(
    tx: Tx, org: OrgId, users: Sequence[UserId], groups: Sequence[GroupId], only: Sequence[str] = ()
) -> None:
    """People join the workspaces that those of these groups lead to in which they are, if at once.

    ``only``: of these places; none: of all.
    """
    await tx.run(_JOIN_WORKSPACES, org, list(users), tx.now, list(groups), list(only), int(not only))


async def join_channels(
    tx: Tx, org: OrgId, users: Sequence[UserId], groups: Sequence[GroupId], only: Sequence[str] = ()
) -> None:
    """People join channels: those that these groups lead to, those where these groups allow them and
    another one leads to, the default channels of workspaces that they have joined in this transaction,
    and what any group of theirs leads to there.

    ``only``: what these groups lead to or allow is of these places; none: of all.
    """
    await tx.run(_JOIN_DEFAULTS, org, list(users), tx.now)
    await tx.run(_JOIN_CHANNELS, org, list(users), tx.now, list(groups), list(only), int(not only))


async def join_defaults(tx: Tx, org: OrgId, users: Sequence[UserId]) -> None:
    """People, but no guests, join the default channels of every workspace that they are in."""
    await tx.run(_JOIN_ALL_DEFAULTS, org, list(users), tx.now)


async def leave_workspaces(tx: Tx, org: OrgId, users: Sequence[UserId], groups: Sequence[GroupId]) -> None:
    """People leave the workspaces that required those of these groups in which they are no more.

    They stay in the others, by the reason *kept*.
    """
    for sql in (_KEEP, _LEAVE_WORKSPACES):
        await tx.run(sql, org, list(users), list(groups))


async def leave_channels(tx: Tx, org: OrgId, users: Sequence[UserId], groups: Sequence[GroupId]) -> None:
    """For people in none of these groups any more, the groups are no reason to be in a channel."""
    await tx.run(_LEAVE_CHANNELS, org, list(users), list(groups))


async def end_workspace(
    tx: Tx, org: OrgId, team: TeamId, group: GroupId, users: Sequence[UserId], *, required: bool
) -> None:
    """A group that led to a workspace, ``required`` or not, does so no more: what it means for people."""
    sql = _END_REQUIRED if required else _END_KEPT
    await tx.run(sql, org, team, group, list(users))


async def end_channel(
    tx: Tx, org: OrgId, channel: ChannelId, group: GroupId, users: Sequence[UserId]
) -> None:
    """A group that led to a channel does so no more."""
    await tx.run(_END_CHANNEL, org, channel, group, list(users))


async def tidy(tx: Tx, org: OrgId, users: Sequence[UserId]) -> None:
    """People leave the channels of workspaces that they are not in, and those that do not allow them.

    That a channel is a default one of a workspace is no reason for whoever is not in it.
    """
    for sql in (_LEAVE_DEFAULTS, _LEAVE_UNREACHABLE, _LEAVE_RESTRICTED):
        await tx.run(sql, org, list(users))


async def in_group(tx: Tx, org: OrgId, group: GroupId, *, after: str, limit: int) -> list[UserId]:
    """The members of a group, in order of id."""
    return [UserId(user) for (user,) in await tx.all(_IN_GROUP, org, group, after, limit)]


async def held_by(tx: Tx, org: OrgId, place: str, group: GroupId, *, after: str, limit: int) -> list[UserId]:
    """People for whom a group is a reason to be in a workspace or channel, in order of id."""
    sql = _IN_CHANNEL if place.startswith("C") else _IN_WORKSPACE
    return [UserId(user) for (user,) in await tx.all(sql, org, place, group, after, limit)]


async def count_in_group(tx: Tx, org: OrgId, group: GroupId, *, after: str) -> int:
    """How many :func:`in_group` has behind somebody. Costs what there is of them: under ``scan``."""
    row = await tx.one(f"SELECT COUNT(*) FROM ({_IN_GROUP}) q", org, group, after, _ALL)
    return row[0] if row else 0


async def count_held_by(tx: Tx, org: OrgId, place: str, group: GroupId, *, after: str) -> int:
    """How many :func:`held_by` has behind somebody, as :func:`count_in_group`."""
    sql = _IN_CHANNEL if place.startswith("C") else _IN_WORKSPACE
    row = await tx.one(f"SELECT COUNT(*) FROM ({sql}) q", org, place, group, after, _ALL)
    return row[0] if row else 0


_ALL = 2**62
_GUESTS = ", ".join(f"'{role}'" for role in Role if role.is_guest)
_ON_LIST = (
    "EXISTS (SELECT 1 FROM channel_allowlist al JOIN members am ON am.org_id = $1"
    " AND am.group_id = al.group_id AND am.user_id = {user}"
    " WHERE al.org_id = $1 AND al.channel_id = {channel})"
)
_HAS_LIST = "EXISTS (SELECT 1 FROM channel_allowlist hl WHERE hl.org_id = $1 AND hl.channel_id = {channel})"
_JOINED_NOW = (
    "w.added = $3 AND NOT EXISTS (SELECT 1 FROM workspace_members o WHERE o.org_id = $1"
    " AND o.team_id = w.team_id AND o.user_id = w.user_id AND o.added < $3)"
)


def allowed(user: str, channel: str) -> str:
    has_list, on_list = (text.format(user=user, channel=channel) for text in (_HAS_LIST, _ON_LIST))
    return f"(NOT {has_list} OR {on_list})"


_JOIN_WORKSPACES = (
    "INSERT INTO workspace_members (org_id, team_id, user_id, source_id, kept, added)"
    " SELECT $1, g.team_id, m.user_id, m.group_id, 0, CAST($3 AS BIGINT) FROM members m"
    " JOIN users u ON u.org_id = $1 AND u.id = m.user_id AND u.deactivated = 0"
    " JOIN group_workspaces g ON g.org_id = $1 AND g.group_id = m.group_id AND g.auto_provision = 1"
    " WHERE m.org_id = $1 AND m.user_id IN each($2) AND m.group_id IN each($4)"
    " AND ($6 = 1 OR g.team_id IN each($5))"
    f" AND u.role <> '{Role.SINGLE_CHANNEL_GUEST}' ORDER BY 2, 3, 4"
    " ON CONFLICT (org_id, team_id, user_id, source_id) DO UPDATE SET kept = 0"
)
_INTO_DEFAULTS = (
    "INSERT INTO channel_members (org_id, channel_id, user_id, source_id, kept, added)"
    " SELECT DISTINCT $1, h.channel_id, w.user_id, w.team_id, 0, CAST($3 AS BIGINT) FROM workspace_members w"
    " JOIN users u ON u.org_id = $1 AND u.id = w.user_id"
    " JOIN channel_workspaces h ON h.org_id = $1 AND h.team_id = w.team_id AND h.is_default = 1"
    f" WHERE w.org_id = $1 AND w.user_id IN each($2) AND u.role NOT IN ({_GUESTS}){{}}"
    " ORDER BY 2, 3, 4 ON CONFLICT DO NOTHING"
)
_JOIN_DEFAULTS = _INTO_DEFAULTS.format(f" AND {_JOINED_NOW}")
_JOIN_ALL_DEFAULTS = _INTO_DEFAULTS.format("")
# Two steps, since PostgreSQL would think longer about one join of seven tables than it takes to do it.
_JOIN_CHANNELS = (
    "INSERT INTO channel_members (org_id, channel_id, user_id, source_id, kept, added)"
    " WITH led AS MATERIALIZED (SELECT m.user_id, m.group_id, g.channel_id FROM members m"
    " JOIN users u ON u.org_id = $1 AND u.id = m.user_id AND u.deactivated = 0"
    " JOIN group_channels g ON g.org_id = $1 AND g.group_id = m.group_id"
    " WHERE m.org_id = $1 AND m.user_id IN each($2)"
    f" AND u.role <> '{Role.SINGLE_CHANNEL_GUEST}')"
    " SELECT DISTINCT $1, l.channel_id, l.user_id, l.group_id, 0, CAST($3 AS BIGINT) FROM led l"
    " JOIN channels c ON c.org_id = $1 AND c.id = l.channel_id AND c.is_archived = 0"
    " JOIN channel_workspaces h ON h.org_id = $1 AND h.channel_id = l.channel_id"
    " JOIN workspace_members w ON w.org_id = $1 AND w.team_id = h.team_id AND w.user_id = l.user_id"
    f" WHERE ({_JOINED_NOW} OR ($6 = 1 OR l.channel_id IN each($5)) AND (l.group_id IN each($4)"
    " OR l.channel_id IN"
    " (SELECT channel_id FROM channel_allowlist WHERE org_id = $1 AND group_id IN each($4))))"
    f" AND {allowed('l.user_id', 'l.channel_id')}"
    " ORDER BY 2, 3, 4 ON CONFLICT (org_id, channel_id, user_id, source_id) DO UPDATE SET kept = 0"
)
_IN_NO_GROUP = (
    "NOT EXISTS (SELECT 1 FROM members m WHERE m.org_id = $1 AND m.group_id = {table}.source_id"
    " AND m.user_id = {table}.user_id)"
)
_LED_THERE = (
    "EXISTS (SELECT 1 FROM group_workspaces g WHERE g.org_id = $1"
    " AND g.group_id = workspace_members.source_id AND g.team_id = workspace_members.team_id"
    " AND g.is_required = {required})"
)
_LEFT = "org_id = $1 AND user_id IN each($2) AND source_id IN each($3) AND kept = 0"
_KEEP = (
    f"UPDATE workspace_members SET kept = 1 WHERE {_LEFT}"
    f" AND {_IN_NO_GROUP.format(table='workspace_members')} AND {_LED_THERE.format(required=0)}"
)
_LEAVE_WORKSPACES = (
    f"DELETE FROM workspace_members WHERE {_LEFT}"
    f" AND {_IN_NO_GROUP.format(table='workspace_members')} AND {_LED_THERE.format(required=1)}"
)
_LEAVE_CHANNELS = (
    f"DELETE FROM channel_members WHERE {_LEFT} AND {_IN_NO_GROUP.format(table='channel_members')}"
)
_OF_ENDED = "org_id = $1 AND team_id = $2 AND source_id = $3 AND user_id IN each($4) AND kept = 0"
_END_REQUIRED = f"DELETE FROM workspace_members WHERE {_OF_ENDED}"
_END_KEPT = f"UPDATE workspace_members SET kept = 1 WHERE {_OF_ENDED}"
_END_CHANNEL = (
    "DELETE FROM channel_members"
    " WHERE org_id = $1 AND channel_id = $2 AND source_id = $3 AND user_id IN each($4)"
)
# Three statements, since PostgreSQL would read whole tables for conditions that stand beside an OR.
_LEAVE_DEFAULTS = (
    "DELETE FROM channel_members WHERE org_id = $1 AND user_id IN each($2) AND SUBSTR(source_id, 1, 1) = 'T'"
    " AND NOT EXISTS (SELECT 1 FROM workspace_members w WHERE w.org_id = $1"
    " AND w.team_id = channel_members.source_id AND w.user_id = channel_members.user_id)"
)
_LEAVE_UNREACHABLE = (
    "DELETE FROM channel_members WHERE org_id = $1 AND user_id IN each($2) AND NOT EXISTS"
    " (SELECT 1 FROM channel_workspaces h JOIN workspace_members w ON w.org_id = $1 AND w.team_id = h.team_id"
    " AND w.user_id = channel_members.user_id"
    " WHERE h.org_id = $1 AND h.channel_id = channel_members.channel_id)"
)
_LEAVE_RESTRICTED = (
    "DELETE FROM channel_members WHERE org_id = $1 AND user_id IN each($2)"
    f" AND NOT {allowed('channel_members.user_id', 'channel_members.channel_id')}"
)
_IN_GROUP = (
    "SELECT user_id FROM members WHERE org_id = $1 AND group_id = $2 AND user_id > $3"
    " ORDER BY user_id LIMIT $4"
)
# Says what the rows of the index are: an engine that knows no value of $3 uses it then.
_BY_GROUP = "source_id = $3 AND source_id >= 'S' AND source_id < 'T'"
_IN_WORKSPACE = (
    f"SELECT user_id FROM workspace_members WHERE org_id = $1 AND team_id = $2 AND {_BY_GROUP} AND kept = 0"
    " AND user_id > $4 ORDER BY user_id LIMIT $5"
)
_IN_CHANNEL = (
    f"SELECT user_id FROM channel_members WHERE org_id = $1 AND channel_id = $2 AND {_BY_GROUP}"
    " AND user_id > $4 ORDER BY user_id LIMIT $5"
)
