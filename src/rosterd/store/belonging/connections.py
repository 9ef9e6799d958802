"""What groups lead to: workspaces, channels, and the allowlists of private channels."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from rosterd.directory.model import ChannelId, GroupId, GroupWorkspace, OrgId, TeamId, UserId
from rosterd.store.contract import Tx


class Connections(msgspec.Struct, frozen=True):
    """What one group leads to."""

    workspaces: tuple[GroupWorkspace, ...] = ()
    channels: tuple[ChannelId, ...] = ()
    allowlists: tuple[ChannelId, ...] = ()

    @property
    def size(self) -> int:
        """How many places one member can be put into or taken out of."""
        return len(self.workspaces) + len(self.channels) + len(self.allowlists)


async def of_group(tx: Tx, org: OrgId, group: GroupId) -> Connections:
    """What a group leads to, in order of id: one statement."""
    workspaces: list[GroupWorkspace] = []
    channels: list[ChannelId] = []
    allowlists: list[ChannelId] = []
    for kind, id, required, auto in await tx.all(_OF_GROUP, org, group):
        if kind == "T":
            workspaces.append(GroupWorkspace(TeamId(id), bool(required), bool(auto)))
        else:
            (channels if kind == "C" else allowlists).append(ChannelId(id))
    if not (workspaces or channels or allowlists):
        return NONE
    workspaces.sort(key=lambda each: each.team_id)
    return Connections(tuple(workspaces), tuple(sorted(channels)), tuple(sorted(allowlists)))


NONE = Connections()
_OF_GROUP = (
    "SELECT 'T', team_id, is_required, auto_provision FROM group_workspaces"
    " WHERE org_id = $1 AND group_id = $2"
    " UNION ALL SELECT 'C', channel_id, 0, 0 FROM group_channels WHERE org_id = $1 AND group_id = $2"
    " UNION ALL SELECT 'A', channel_id, 0, 0 FROM channel_allowlist WHERE org_id = $1 AND group_id = $2"
)


async def put_workspace(tx: Tx, org: OrgId, group: GroupId, to: GroupWorkspace) -> None:
    """A group leads to a workspace, in this way."""
    await tx.run(
        "INSERT INTO group_workspaces (org_id, group_id, team_id, is_required, auto_provision, created)"
        " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (org_id, group_id, team_id)"
        " DO UPDATE SET is_required = $4, auto_provision = $5",
        org, group, to.team_id, int(to.is_required), int(to.auto_provision), tx.now,
    )  # fmt: skip


async def remove_workspace(tx: Tx, org: OrgId, group: GroupId, team: TeamId) -> bool:
    """The group does not lead there any more. False: it did not."""
    sql = "DELETE FROM group_workspaces WHERE org_id = $1 AND group_id = $2 AND team_id = $3"
    return await tx.run(sql, org, group, team) > 0


async def add_channels(tx: Tx, org: OrgId, group: GroupId, channels: Sequence[ChannelId]) -> None:
    """A group leads to these channels, too."""
    await tx.run(
        "INSERT INTO group_channels (org_id, group_id, channel_id, created)"
        " SELECT $1, $2, e.value, CAST($4 AS BIGINT) FROM each($3) AS e WHERE TRUE ON CONFLICT DO NOTHING",
        org, group, list(channels), tx.now,
    )  # fmt: skip


async def remove_channel(tx: Tx, org: OrgId, group: GroupId, channel: ChannelId) -> bool:
    """The group does not lead to the channel any more. False: it did not."""
    sql = "DELETE FROM group_channels WHERE org_id = $1 AND group_id = $2 AND channel_id = $3"
    return await tx.run(sql, org, group, channel) > 0


async def allow(tx: Tx, org: OrgId, channel: ChannelId, group: GroupId) -> bool:
    """Put a group on a channel's allowlist. False: it is there."""
    row = await tx.one(
        "INSERT INTO channel_allowlist (org_id, channel_id, group_id, created) VALUES ($1, $2, $3, $4)"
        " ON CONFLICT DO NOTHING RETURNING group_id",
        org, channel, group, tx.now,
    )  # fmt: skip
    return row is not None


async def disallow(tx: Tx, org: OrgId, channel: ChannelId, group: GroupId) -> bool:
    """Take a group off a channel's allowlist. False: it was not there."""
    sql = "DELETE FROM channel_allowlist WHERE org_id = $1 AND channel_id = $2 AND group_id = $3"
    return await tx.run(sql, org, channel, group) > 0


async def allowlist(tx: Tx, org: OrgId, channel: ChannelId) -> list[GroupId]:
    """The groups on a channel's allowlist, the first one first; none: anybody may be invited."""
    rows = await tx.all(
        "SELECT group_id FROM channel_allowlist WHERE org_id = $1 AND channel_id = $2"
        " ORDER BY created, group_id",
        org, channel,
    )  # fmt: skip
    return [GroupId(group) for (group,) in rows]


async def holding(tx: Tx, org: OrgId, user: UserId) -> list[tuple[GroupId, GroupWorkspace]]:
    """The groups by which somebody is in workspaces now, and how each leads there; in order of id.

    A reason that is only *kept* does not count.
    """
    rows = await tx.all(
        "SELECT g.group_id, g.team_id, g.is_required, g.auto_provision FROM workspace_members w"
        " JOIN group_workspaces g ON g.org_id = $1 AND g.group_id = w.source_id AND g.team_id = w.team_id"
        " WHERE w.org_id = $1 AND w.user_id = $2 AND w.kept = 0 ORDER BY g.group_id, g.team_id",
        org, user,
    )  # fmt: skip
    return [
        (GroupId(group), GroupWorkspace(TeamId(team), bool(required), bool(auto)))
        for group, team, required, auto in rows
    ]


async def leading(tx: Tx, org: OrgId, team: TeamId, user: UserId) -> list[GroupId]:
    """The groups of somebody that lead to a workspace, in order of id."""
    rows = await tx.all(
        "SELECT g.group_id FROM group_workspaces g JOIN members m ON m.org_id = $1"
        " AND m.group_id = g.group_id AND m.user_id = $3"
        " WHERE g.org_id = $1 AND g.team_id = $2 ORDER BY g.group_id",
        org, team, user,
    )  # fmt: skip
    return [GroupId(group) for (group,) in rows]


async def groups_to_channel(tx: Tx, org: OrgId, channel: ChannelId) -> list[GroupId]:
    """The groups that lead to a channel, in order of id."""
    rows = await tx.all(
        "SELECT group_id FROM group_channels WHERE org_id = $1 AND channel_id = $2 ORDER BY group_id",
        org, channel,
    )  # fmt: skip
    return [GroupId(group) for (group,) in rows]
