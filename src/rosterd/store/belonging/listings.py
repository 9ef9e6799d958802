"""Groups, workspaces and channels as administrators list them: by name, page after page, with numbers.

Rules of this module:

1. A page goes on behind the thing whose id is ``after``, in order of name; an unknown one is as none.
   ``text`` (folded; empty: all) stands anywhere in the name.
2. What many people would have to be counted for is counted up to a limit: whoever gets as many knows that
   there may be more. How many are in a workspace or group is kept elsewhere
   (:mod:`rosterd.store.people.index`).
3. A text may have to be looked for in every name: under ``scan``. Names are compared as those of people are
   (:func:`rosterd.directory.names.folded`), here, where the database has no folded shadow of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

from rosterd.directory.model import (
    Channel,
    ChannelId,
    Group,
    GroupId,
    GroupRef,
    GroupWorkspace,
    OrgId,
    TeamId,
    Workspace,
)
from rosterd.directory.names import folded
from rosterd.store import channels as channel_rows
from rosterd.store import workspaces as workspace_rows
from rosterd.store.contract import Row, Tx

_LOOKED_AT = 1_000
"""Channels in whose names a text is looked for at once."""


class Led(NamedTuple):
    """To how many places a group leads."""

    workspaces: int = 0
    channels: int = 0
    allowlists: int = 0


async def groups(tx: Tx, org: OrgId, text: str, *, after: str = "", limit: int) -> list[Group]:
    """A page of groups."""
    if "\0" in text:
        return []
    rows = await tx.all(_GROUPS, org, text, after.replace("\0", ""), limit)
    return [Group(*row) for row in rows]


async def workspaces(tx: Tx, org: OrgId, text: str, *, after: str = "", limit: int) -> list[Workspace]:
    """A page of workspaces. ``text`` may stand in the domain, too."""
    rows = await tx.all("SELECT w.id, w.name, w.domain FROM workspaces w WHERE w.org_id = $1", org)
    ids = (await asyncio.to_thread(_fitting, rows, text, after))[:limit]
    found = {each.id: each for each in await workspace_rows.find_many(tx, org, ids)}
    return [found[id] for id in ids]


def _fitting(rows: Sequence[Row], text: str, after: str) -> list[TeamId]:
    """The ids of workspaces with a text in name or domain, behind one of them, in order of name."""
    names = sorted((folded(name), id, domain) for id, name, domain in rows)
    start = next(((name, id) for name, id, _ in names if id == after), ("", ""))
    return [
        TeamId(id) for name, id, domain in names if (name, id) > start and (text in name or text in domain)
    ]


async def channels(
    tx: Tx, org: OrgId, text: str, *, kind: str = "", team: TeamId | None = None, after: str = "", limit: int
) -> list[Channel]:
    """A page of channels: of a workspace, or of all. ``kind``: a name of `KINDS`."""
    sql = _CHANNELS.format(kind=KINDS[kind], within="" if team is None else _WITHIN)
    within = [] if team is None else [team]
    size = max(limit, _LOOKED_AT) if text else limit
    ids: list[ChannelId] = []
    behind = after.replace("\0", "")
    while len(ids) < limit:
        rows = await tx.all(sql, org, behind, size, *within)
        ids += [ChannelId(id) for id, name in rows if text in folded(name)]
        if len(rows) < size:
            break
        behind = rows[-1][0]
    ids = ids[:limit]
    found = {each.id: each for each in await channel_rows.find_many(tx, org, ids)}
    return [found[id] for id in ids]


async def led(tx: Tx, org: OrgId, ids: Sequence[GroupId]) -> dict[GroupId, Led]:
    """To how many places each of these groups leads."""
    found = dict.fromkeys(ids, Led())
    for group, teams, led_channels, allowing in await tx.all(_LED, org, list(found)):
        found[GroupId(group)] = Led(teams, led_channels, allowing)
    return found


async def homes(tx: Tx, org: OrgId, ids: Sequence[ChannelId]) -> dict[ChannelId, list[str]]:
    """The names of the workspaces that have each of these channels."""
    found: dict[ChannelId, list[str]] = {id: [] for id in ids}
    for channel, name in await tx.all(_HOMES, org, list(found)):
        found[ChannelId(channel)].append(name)
    return found


async def people_in(tx: Tx, org: OrgId, ids: Sequence[ChannelId], most: int) -> dict[ChannelId, int]:
    """How many people are in each of these channels; ``most`` or more are ``most``."""
    rows = await tx.all(_PEOPLE_IN, org, list(ids), most)
    return {ChannelId(id): number for id, number in rows}


async def within(tx: Tx, org: OrgId, ids: Sequence[TeamId], most: int) -> dict[TeamId, tuple[int, int]]:
    """How many channels each of these workspaces has, and how many groups lead there; as `people_in`."""
    rows = await tx.all(_OF_TEAMS, org, list(ids), most)
    return {TeamId(id): (channels, groups) for id, channels, groups in rows}


async def leading_to_workspace(
    tx: Tx, org: OrgId, team: TeamId, *, after: str = "", limit: int
) -> list[tuple[GroupRef, GroupWorkspace]]:
    """The groups that lead to a workspace, and how, in order of id."""
    rows = await tx.all(_TO_TEAM, org, team, after.replace("\0", ""), limit)
    return [
        (GroupRef(GroupId(group), name), GroupWorkspace(team, bool(required), bool(auto)))
        for group, name, required, auto in rows
    ]


async def leading_to_channel(
    tx: Tx, org: OrgId, channel: ChannelId, *, after: str = "", limit: int
) -> list[GroupRef]:
    """The groups that lead to a channel, in order of id."""
    rows = await tx.all(_TO_CHANNEL, org, channel, after.replace("\0", ""), limit)
    return [GroupRef(GroupId(group), name) for group, name in rows]


async def leading_among(tx: Tx, org: OrgId, team: TeamId, groups: Sequence[GroupId]) -> set[GroupId]:
    """Which of these groups lead to a workspace."""
    rows = await tx.all(
        "SELECT group_id FROM group_workspaces WHERE org_id = $1 AND team_id = $2 AND group_id IN each($3)",
        org, team, list(groups),
    )  # fmt: skip
    return {GroupId(group) for (group,) in rows}


async def requiring(tx: Tx, org: OrgId, team: TeamId, groups: Sequence[str]) -> set[str]:
    """Which of these groups require a workspace of their members."""
    rows = await tx.all(
        "SELECT group_id FROM group_workspaces"
        " WHERE org_id = $1 AND team_id = $2 AND is_required = 1 AND group_id IN each($3)",
        org, team, list(groups),
    )  # fmt: skip
    return {group for (group,) in rows}


async def names_of_groups(tx: Tx, org: OrgId, ids: Sequence[str]) -> dict[str, str]:
    """Those of these groups that there are."""
    sql = "SELECT id, display_name FROM groups WHERE org_id = $1 AND id IN each($2)"
    return dict(await tx.all(sql, org, list(ids)))


async def newest_member(tx: Tx, org: OrgId, group: GroupId) -> int:
    """When the last one joined a group (microseconds); 0: nobody is in it."""
    row = await tx.one(
        "SELECT added FROM members WHERE org_id = $1 AND group_id = $2"
        " ORDER BY added DESC, user_id DESC LIMIT 1",
        org, group,
    )  # fmt: skip
    return 0 if row is None else int(row[0])


KINDS = {
    "": "",
    "public": " AND c.is_private = 0",
    "private": " AND c.is_private = 1",
    "archived": " AND c.is_archived = 1",
    "in_use": " AND c.is_archived = 0",
    "org_wide": " AND c.is_org_wide = 1",
    "restricted": (
        " AND EXISTS (SELECT 1 FROM channel_allowlist a WHERE a.org_id = $1 AND a.channel_id = c.id)"
    ),
}
"""What channels can be narrowed to."""

_GROUPS = (
    "SELECT g.org_id, g.id, g.created, g.display_name FROM groups g WHERE g.org_id = $1"
    " AND (CAST($2 AS TEXT) = '' OR LENGTH(g.display_folded) <> LENGTH(REPLACE(g.display_folded, $2, '')))"
    " AND g.display_folded >"
    " COALESCE((SELECT a.display_folded FROM groups a WHERE a.org_id = $1 AND a.id = $3), '')"
    " ORDER BY g.display_folded LIMIT $4"
)
_WITHIN = (
    " AND EXISTS (SELECT 1 FROM channel_workspaces h WHERE h.org_id = $1 AND h.channel_id = c.id"
    " AND h.team_id = $4)"
)
_CHANNELS = (
    "SELECT c.id, c.name FROM channels c WHERE c.org_id = $1{kind}{within}"
    " AND (c.name, c.id) >"
    " (COALESCE((SELECT a.name FROM channels a WHERE a.org_id = $1 AND a.id = $2), ''), $2)"
    " ORDER BY c.name, c.id LIMIT $3"
)
_LED = (
    "SELECT e.value,"
    " (SELECT COUNT(*) FROM group_workspaces w WHERE w.org_id = $1 AND w.group_id = e.value),"
    " (SELECT COUNT(*) FROM group_channels c WHERE c.org_id = $1 AND c.group_id = e.value),"
    " (SELECT COUNT(*) FROM channel_allowlist a WHERE a.org_id = $1 AND a.group_id = e.value)"
    " FROM each($2) AS e"
)
_HOMES = (
    "SELECT h.channel_id, w.name FROM channel_workspaces h"
    " JOIN workspaces w ON w.org_id = $1 AND w.id = h.team_id"
    " WHERE h.org_id = $1 AND h.channel_id IN each($2) ORDER BY h.channel_id, w.name, w.id"
)
_PEOPLE_IN = (
    "SELECT e.value, (SELECT COUNT(*) FROM (SELECT DISTINCT m.user_id FROM channel_members m"
    " WHERE m.org_id = $1 AND m.channel_id = e.value LIMIT $3) q) FROM each($2) AS e"
)
_OF_TEAMS = (
    "SELECT e.value, (SELECT COUNT(*) FROM (SELECT h.name FROM channel_workspaces h"
    " WHERE h.org_id = $1 AND h.team_id = e.value LIMIT $3) q),"
    " (SELECT COUNT(*) FROM (SELECT g.group_id FROM group_workspaces g"
    " WHERE g.org_id = $1 AND g.team_id = e.value LIMIT $3) r) FROM each($2) AS e"
)
_TO_TEAM = (
    "SELECT l.group_id, g.display_name, l.is_required, l.auto_provision FROM group_workspaces l"
    " JOIN groups g ON g.org_id = $1 AND g.id = l.group_id"
    " WHERE l.org_id = $1 AND l.team_id = $2 AND l.group_id > $3 ORDER BY l.group_id LIMIT $4"
)
_TO_CHANNEL = (
    "SELECT l.group_id, g.display_name FROM group_channels l"
    " JOIN groups g ON g.org_id = $1 AND g.id = l.group_id"
    " WHERE l.org_id = $1 AND l.channel_id = $2 AND l.group_id > $3 ORDER BY l.group_id LIMIT $4"
)
