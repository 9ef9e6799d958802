"""``admin.usergroups.*``: where an IdP group leads, on Enterprise.

``required`` of *addTeams* is rosterd's own; in Slack that is said on the organisation's dashboard.

Source: Slack's page of each method.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rosterd.actions import connections as actions
from rosterd.directory.channels import MAX_OF_GROUP
from rosterd.directory.errors import NotFound
from rosterd.directory.model import ChannelId, GroupId, GroupWorkspace, TeamId
from rosterd.store import channels, groups, workspaces
from rosterd.store.belonging import connections, places
from rosterd.store.belonging.connections import Connections
from rosterd.store.belonging.places import CHANNEL
from rosterd.store.engine import Tx
from rosterd.web.methods.call import ENTERPRISE, MethodCall, method
from rosterd.web.methods.errors import MethodError, invalid_arguments

_WORDS = {
    "no_such_group": "usergroup_not_found",
    "too_many_channels": "invalid_channels_limit",
    "channel_not_in_required_workspace": "usergroup_not_linked_to_team",
    "not_connected": "channel_not_found",
    "is_archived": "channel_not_found",
}


@method(
    "admin.usergroups.addTeams",
    scope="admin.teams:write",
    tier=2,
    plans=ENTERPRISE,
    org_token=True,
    errors=_WORDS,
)
async def add_teams(call: MethodCall) -> dict[str, Any]:
    """A group leads to workspaces, too."""
    given = call.arguments
    group = GroupId(given.required("usergroup_id"))
    ids = [TeamId(id) for id in given.listed("team_ids") or []]
    if not ids:
        raise MethodError("no_team_ids_given")
    at_once, required = given.flag("auto_provision"), given.flag("required", otherwise=True)
    async with call.store.write() as tx:
        caller = await call.caller(tx)
        known = {team.id for team in await workspaces.find_many(tx, call.org.id, ids)}
        if wrong := [id for id in ids if id not in known]:
            raise MethodError("invalid_team_ids", errors=wrong)
        to = [GroupWorkspace(id, required, at_once) for id in ids]
        await actions.connect_workspaces(tx, caller.org, group, to, actor=caller.actor)
    return {}


@method(
    "admin.usergroups.addChannels",
    scope="admin.usergroups:write",
    tier=2,
    plans=ENTERPRISE,
    org_token=True,
    errors=_WORDS,
)
async def add_channels(call: MethodCall) -> dict[str, Any]:
    """A group leads to channels, too: its members join them, all of them or none."""
    group, ids = GroupId(call.arguments.required("usergroup_id")), _channel_ids(call)
    async with call.store.write() as tx:
        caller = await call.caller(tx)
        if team := call.arguments.text("team_id"):
            to = await _linked(tx, call, group, TeamId(team))
            if not to.auto_provision:
                raise MethodError("usergroup_team_not_provisioned")
            await _check_within(tx, call, ids, to.team_id)
        await actions.connect_channels(tx, caller.org, group, ids, actor=caller.actor)
    return {}


@method(
    "admin.usergroups.removeChannels",
    scope="admin.usergroups:write",
    tier=2,
    plans=ENTERPRISE,
    org_token=True,
    errors=_WORDS,
)
async def remove_channels(call: MethodCall) -> dict[str, Any]:
    """A group leads to channels no more: who was there because of it alone leaves."""
    group, ids = GroupId(call.arguments.required("usergroup_id")), _channel_ids(call)
    async with call.store.write() as tx:
        caller = await call.caller(tx)
        await actions.disconnect_channels(tx, caller.org, group, ids, actor=caller.actor)
    return {}


@method(
    "admin.usergroups.listChannels",
    scope="admin.usergroups:read",
    tier=2,
    plans=ENTERPRISE,
    org_token=True,
    errors=_WORDS,
)
async def list_channels(call: MethodCall) -> dict[str, Any]:
    """The channels that a group leads to, in order of creation."""
    group, team = GroupId(call.arguments.required("usergroup_id")), call.arguments.text("team_id")
    counted = call.arguments.flag("include_num_members")
    async with call.store.scan() as tx:
        led = await _led(tx, call, group)
        if team:
            await _linked(tx, call, group, TeamId(team))
        found = await channels.find_many(tx, call.org.id, led.channels)
        homes = await channels.homes(tx, call.org.id, led.channels)
        sizes = await places.count(tx, CHANNEL, call.org.id, led.channels) if counted else {}
    required = {each.team_id for each in led.workspaces if each.is_required}
    shown = []
    for channel in found:
        at = [home.team_id for home in homes[channel.id]]
        if team and team not in at:
            continue
        here = team or next((each for each in at if each in required), at[0])
        size = {"num_members": sizes[channel.id]} if counted else {}
        shown.append({"id": channel.id, "name": channel.name, "team_id": here} | size)
    return {"channels": shown}


def _channel_ids(call: MethodCall) -> list[ChannelId]:
    ids = [ChannelId(id) for id in call.arguments.listed("channel_ids") or []]
    if not ids:
        raise invalid_arguments("missing required field: channel_ids")
    if len(ids) > MAX_OF_GROUP:
        raise MethodError("invalid_channels_limit")
    return ids


async def _led(tx: Tx, call: MethodCall, group: GroupId) -> Connections:
    if await groups.find(tx, call.org.id, group) is None:
        raise NotFound("no_such_group")
    return await connections.of_group(tx, call.org.id, group)


async def _linked(tx: Tx, call: MethodCall, group: GroupId, team: TeamId) -> GroupWorkspace:
    """How a group leads to a workspace. Raises ``team_not_found`` and ``usergroup_not_linked_to_team``."""
    led = await _led(tx, call, group)
    if await workspaces.find(tx, call.org.id, team) is None:
        raise MethodError("team_not_found")
    found = next((each for each in led.workspaces if each.team_id == team), None)
    if found is None:
        raise MethodError("usergroup_not_linked_to_team")
    return found


async def _check_within(tx: Tx, call: MethodCall, ids: Iterable[ChannelId], team: TeamId) -> None:
    homes = await channels.homes(tx, call.org.id, list(ids))
    if not all(team in {home.team_id for home in at} for at in homes.values()):
        raise NotFound("no_such_channel")
