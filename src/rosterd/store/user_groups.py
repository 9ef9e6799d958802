"""User groups as the Web API lists them: what it keeps of them, and who and what is in many at once.

A group is a row of ``groups``, whoever made it. Here is a row only once the Web API has said something of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

from rosterd.directory.model import ChannelId, Group, GroupId, OrgId, TeamId, UserGroup, UserId
from rosterd.store.contract import Tx


class Listed(NamedTuple):
    """A group, and whether its members join the workspace (any workspace, if none is looked at) at once."""

    group: Group
    auto_provision: bool


class LinkedChannel(NamedTuple):
    """A channel that a group leads to."""

    id: ChannelId
    is_private: bool


async def page(tx: Tx, org: OrgId, team: TeamId | None, *, disabled: bool) -> list[Listed]:
    """Every group of the organisation, or those that lead to a workspace, in order of creation.

    ``disabled``: those, too, that are not in use.
    """
    sql = _PAGE.format(within="" if team is None else " AND w.team_id = $2")
    sql += "" if team is None else f" AND EXISTS ({_LEADS})"
    sql += "" if disabled else f" AND NOT EXISTS ({_DISABLED})"
    rows = await tx.all(f"{sql} ORDER BY g.created, g.id", org, *([] if team is None else [team]))
    return [Listed(Group(*row[:4]), bool(row[4])) for row in rows]


async def find_many(tx: Tx, org: OrgId, ids: Sequence[GroupId]) -> dict[GroupId, UserGroup]:
    """What is kept of these groups. Those of which nothing is are left out."""
    rows = await tx.all(
        "SELECT group_id, handle, description, created_by, updated_by, updated, disabled FROM user_groups"
        " WHERE org_id = $1 AND group_id IN each($2)",
        org, list(ids),
    )  # fmt: skip
    return {GroupId(row[0]): UserGroup(*row[1:]) for row in rows}


async def update(tx: Tx, org: OrgId, id: GroupId, kept: UserGroup) -> None:
    """Keep this of a group that is locked. Its handle is held already."""
    await tx.run(
        "INSERT INTO user_groups"
        " (org_id, group_id, handle, description, created_by, updated_by, updated, disabled)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (org_id, group_id) DO UPDATE"
        " SET handle = $3, description = $4, created_by = $5, updated_by = $6, updated = $7, disabled = $8",
        org, id, kept.handle, kept.description, kept.created_by, kept.updated_by, kept.updated, kept.disabled,
    )  # fmt: skip


async def delete(tx: Tx, org: OrgId, id: GroupId) -> str:
    """Keep nothing of a group any more. Returns its handle, which may be empty."""
    row = await tx.one(
        "DELETE FROM user_groups WHERE org_id = $1 AND group_id = $2 RETURNING handle", org, id
    )
    return "" if row is None else str(row[0])


async def members(tx: Tx, org: OrgId, ids: Sequence[GroupId]) -> dict[GroupId, list[UserId]]:
    """Who is in each of these groups, the earliest joined first. Costs what there is: under ``scan``."""
    found: dict[GroupId, list[UserId]] = {id: [] for id in ids}
    rows = await tx.all(
        "SELECT group_id, user_id FROM members WHERE org_id = $1 AND group_id IN each($2)"
        " ORDER BY group_id, added, user_id",
        org, list(found),
    )  # fmt: skip
    # Group by group: row by row 100,000 people take a fifteenth of a second on the event loop.
    return found | {
        GroupId(group): [user for _, user in some] for group, some in groupby(rows, itemgetter(0))
    }


async def sizes(tx: Tx, org: OrgId, ids: Sequence[GroupId]) -> dict[GroupId, int]:
    """How many are in each of these groups. Costs what there is: under ``scan``."""
    found = dict.fromkeys(ids, 0)
    rows = await tx.all(
        "SELECT group_id, COUNT(*) FROM members WHERE org_id = $1 AND group_id IN each($2) GROUP BY group_id",
        org, list(found),
    )  # fmt: skip
    return found | {GroupId(id): size for id, size in rows}


async def channels(tx: Tx, org: OrgId, ids: Sequence[GroupId]) -> dict[GroupId, list[LinkedChannel]]:
    """The channels that each of these groups leads to, in order of id."""
    found: dict[GroupId, list[LinkedChannel]] = {id: [] for id in ids}
    rows = await tx.all(
        "SELECT l.group_id, c.id, c.is_private FROM group_channels l"
        " JOIN channels c ON c.org_id = $1 AND c.id = l.channel_id"
        " WHERE l.org_id = $1 AND l.group_id IN each($2) ORDER BY l.group_id, c.id",
        org, list(found),
    )  # fmt: skip
    for group, channel, private in rows:
        found[GroupId(group)].append(LinkedChannel(ChannelId(channel), bool(private)))
    return found


_PAGE = (
    "SELECT g.org_id, g.id, g.created, g.display_name, COALESCE((SELECT MAX(w.auto_provision)"
    " FROM group_workspaces w WHERE w.org_id = $1 AND w.group_id = g.id{within}), 0)"
    " FROM groups g WHERE g.org_id = $1"
)
_LEADS = "SELECT 1 FROM group_workspaces l WHERE l.org_id = $1 AND l.group_id = g.id AND l.team_id = $2"
_DISABLED = "SELECT 1 FROM user_groups d WHERE d.org_id = $1 AND d.group_id = g.id AND d.disabled IS NOT NULL"
