"""Where one person is and why, read with names: a dozen statements, each for all of their places."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from rosterd.directory.errands import Kind
from rosterd.directory.model import (
    Channel,
    ChannelId,
    GroupId,
    GroupRef,
    OrgId,
    Reason,
    TeamId,
    User,
    Workspace,
)
from rosterd.directory.whereabouts import Absence, Stay, Whereabouts, Why, why_not
from rosterd.store import channels, users, workspaces
from rosterd.store.belonging import places
from rosterd.store.belonging.places import CHANNEL, WORKSPACE
from rosterd.store.channels import Home
from rosterd.store.contract import Tx


class _Way(NamedTuple):
    """That a group leads to a place."""

    group: GroupRef
    place_id: str
    is_required: bool
    at_once: bool


class _Known(NamedTuple):
    """What was read of one person: by place, what there is to say of it."""

    user: User
    stays: Mapping[str, Sequence[Reason]]
    ways: Sequence[_Way]
    groups: Mapping[str, str]  # id → name, of every group that is a reason
    mine: Collection[GroupId]
    teams: Mapping[str, Workspace]
    channels: Mapping[str, Channel]
    homes: Mapping[ChannelId, Sequence[Home]]
    allowing: Mapping[str, Sequence[GroupRef]]  # channel → the groups on its allowlist
    waiting: Collection[str]  # groups


async def of_person(tx: Tx, org: OrgId, user: User) -> Whereabouts:
    """Where somebody is and why, and why not where a group of theirs leads. Under ``scan``."""
    known = await _read(tx, org, user)
    stays = [_stay(known, id, known.teams[id].name) for id in known.teams if id in known.stays]
    stays += [_stay(known, id, known.channels[id].name) for id in known.channels if id in known.stays]
    missing = [way for way in known.ways if way.place_id not in known.stays]
    return Whereabouts(user.status, tuple(stays), tuple(_absence(known, way) for way in missing))


def _stay(known: _Known, id: str, name: str) -> Stay:
    required = {way.group.id for way in known.ways if way.place_id == id and way.is_required}
    reasons = tuple(
        Why(each.source_id, _name(known, each.source_id), each.kept, each.source_id in required)
        for each in known.stays[id]
    )
    allowed = tuple(group for group in known.allowing.get(id, ()) if group.id in known.mine)
    return Stay(id, name, reasons, allowed)


def _name(known: _Known, source: str) -> str:
    team = known.teams.get(source)
    return team.name if team else known.groups.get(source, "")


def _absence(known: _Known, way: _Way) -> Absence:
    id, user, waiting = way.place_id, known.user, way.group.id in known.waiting
    if (team := known.teams.get(id)) is not None:
        why = why_not(user.status, user.role, at_once=way.at_once, waiting=waiting)
        return Absence(id, team.name, way.group, why)
    channel, listed = known.channels[id], known.allowing.get(id, ())
    why = why_not(
        user.status,
        user.role,
        archived=channel.is_archived,
        reachable=any(home.team_id in known.stays for home in known.homes[channel.id]),
        allowed=not listed or any(group.id in known.mine for group in listed),
        waiting=waiting,
    )
    return Absence(id, channel.name, way.group, why)


async def _read(tx: Tx, org: OrgId, user: User) -> _Known:
    stays = {
        place: reasons
        for kind in (WORKSPACE, CHANNEL)
        for place, reasons in (await places.reasons(tx, kind, org, user.id)).items()
    }
    groups = (await users.groups_of(tx, org, [user.id]))[user.id]
    ways = await _ways(tx, org, groups)
    ids = {*stays, *(way.place_id for way in ways)}
    sources = {reason.source_id for reasons in stays.values() for reason in reasons}
    teams = [TeamId(id) for id in sorted({*ids, *sources}) if id.startswith("T")]
    found = [ChannelId(id) for id in sorted(ids) if id.startswith("C")]
    names = await tx.all(_NAMES, org, sorted(source for source in sources if source.startswith("S")))
    allowing: dict[str, list[GroupRef]] = {}
    for channel, group, name in await tx.all(_ALLOWING, org, list(found)):
        allowing.setdefault(channel, []).append(GroupRef(GroupId(group), name))
    waiting = await tx.all(_WAITING, org, [group.id for group in groups])
    return _Known(
        user,
        stays,
        ways,
        dict(names),
        {group.id for group in groups},
        {team.id: team for team in await workspaces.find_many(tx, org, teams)},
        {channel.id: channel for channel in await channels.find_many(tx, org, found)},
        await channels.homes(tx, org, found),
        allowing,
        {group for (group,) in waiting},
    )


async def _ways(tx: Tx, org: OrgId, groups: Sequence[GroupRef]) -> list[_Way]:
    by_id = {group.id: group for group in groups}
    rows = await tx.all(_WAYS, org, list(by_id))
    return [_Way(by_id[GroupId(group)], place, bool(must), bool(now)) for group, place, must, now in rows]


_NAMES = "SELECT id, display_name FROM groups WHERE org_id = $1 AND id IN each($2)"
_WAYS = (
    "SELECT group_id, team_id, is_required, auto_provision FROM group_workspaces"
    " WHERE org_id = $1 AND group_id IN each($2)"
    " UNION ALL SELECT group_id, channel_id, 0, 1 FROM group_channels"
    " WHERE org_id = $1 AND group_id IN each($2) ORDER BY 2, 1"
)
_ALLOWING = (
    "SELECT a.channel_id, a.group_id, g.display_name FROM channel_allowlist a"
    " JOIN groups g ON g.org_id = $1 AND g.id = a.group_id"
    " WHERE a.org_id = $1 AND a.channel_id IN each($2) ORDER BY a.created, a.group_id"
)
_WAITING = (
    f"SELECT DISTINCT subject_id FROM outbox WHERE org_id = $1 AND kind = '{Kind.CONSEQUENCES}' AND dead = 0"
    " AND subject_id IN each($2)"
)
