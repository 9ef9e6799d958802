"""What can be done about where a group leads: workspaces and allowlists (Enterprise only), and channels.

Each change locks the group, so that nobody joins it meanwhile.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rosterd.actions import consequences
from rosterd.actions.consequences import Task
from rosterd.directory import access
from rosterd.directory import channels as channel_rules
from rosterd.directory import workspaces as rules
from rosterd.directory.errors import Invalid, NotFound
from rosterd.directory.events import Event
from rosterd.directory.model import Actor, Channel, ChannelId, Group, GroupId, GroupWorkspace, Org, TeamId
from rosterd.store import channels, groups, workspaces
from rosterd.store.belonging import connections
from rosterd.store.belonging.connections import Connections
from rosterd.store.engine import Tx
from rosterd.store.records import audit


async def connect_workspaces(
    tx: Tx, org: Org, group_id: GroupId, to: Sequence[GroupWorkspace], *, actor: Actor
) -> None:
    """The group leads to these workspaces, in this way; those to which it does already are changed.

    To channels of a workspace that was required and is not any more it leads no longer, unless another
    required workspace has them. Raises ``no_such_group`` and ``no_such_team``.
    """
    await _locked_idp_group(tx, org, group_id, actor=actor)
    known = {each.id for each in await workspaces.find_many(tx, org.id, [each.team_id for each in to])}
    for each in to:
        if each.team_id not in known:
            raise NotFound("no_such_team", team=each.team_id)
    led = await connections.of_group(tx, org.id, group_id)
    existing = {each.team_id: each for each in led.workspaces}
    await _end_lost(tx, org, group_id, led, existing | {each.team_id: each for each in to}, actor=actor)
    new = {each.team_id: each for each in to if existing.get(each.team_id) != each}
    for each in new.values():
        await connections.put_workspace(tx, org.id, group_id, each)
    if new:
        task = Task(
            do="connect",
            group_id=group_id,
            place_ids=tuple(new),
            actor=actor,
            completed="usergroup_added_to_team",
        )
        await _begin(tx, org, task, enqueued="usergroup_add_to_team_enqueued")


async def disconnect_workspace(tx: Tx, org: Org, group_id: GroupId, team_id: TeamId, *, actor: Actor) -> None:
    """The group leads to the workspace no more, nor to channels that no other required workspace has.

    Whoever was there because the group required it, and for no other reason, leaves. Raises
    ``no_such_group`` and ``not_connected``.
    """
    await _locked_idp_group(tx, org, group_id, actor=actor)
    led = await connections.of_group(tx, org.id, group_id)
    ended = next((each for each in led.workspaces if each.team_id == team_id), None)
    if ended is None:
        raise NotFound("not_connected", team=team_id)
    left = {each.team_id: each for each in led.workspaces if each != ended}
    await _end_lost(tx, org, group_id, led, left, actor=actor)
    await _end_workspace(tx, org, group_id, ended, actor=actor)


async def connect_channels(
    tx: Tx, org: Org, group_id: GroupId, channel_ids: Sequence[ChannelId], *, actor: Actor
) -> None:
    """The group leads to these channels, too: its members join them.

    Raises ``no_such_group``, ``no_such_channel``, ``channel_not_in_required_workspace`` and
    ``too_many_channels``.
    """
    await _locked(tx, org, group_id, actor=actor)
    led = await connections.of_group(tx, org.id, group_id)
    new = [id for id in dict.fromkeys(channel_ids) if id not in led.channels]
    channel_rules.check_count(led.channels, new)
    required = channel_rules.reachable_from(org, led.workspaces)
    homes = await channels.homes(tx, org.id, new)
    for channel in await _channels(tx, org, new):
        channel_rules.check_connectable(channel, [home.team_id for home in homes[channel.id]], required)
    await connections.add_channels(tx, org.id, group_id, new)
    for id in new:
        await _tell(tx, "default_channel_added_to_usergroup", group_id, {"channel": id}, actor)
    if new:
        await _put_into(tx, org, group_id, new, actor=actor)


async def disconnect_channels(
    tx: Tx, org: Org, group_id: GroupId, channel_ids: Sequence[ChannelId], *, actor: Actor
) -> None:
    """The group leads to these channels no more: who was there because of it alone leaves.

    Raises ``no_such_group`` and ``not_connected``.
    """
    await _locked(tx, org, group_id, actor=actor)
    led = await connections.of_group(tx, org.id, group_id)
    for id in channel_ids:
        if id not in led.channels:
            raise NotFound("not_connected", channel=id)
    await _end_channels(tx, org, group_id, list(dict.fromkeys(channel_ids)), actor=actor)


async def disconnect_all(tx: Tx, org: Org, group_id: GroupId, *, actor: Actor) -> None:
    """The group leads nowhere any more. Raises ``idp_group_linked_to_channels`` if it is on an allowlist."""
    led = await connections.of_group(tx, org.id, group_id)
    if led.allowlists:
        raise Invalid("idp_group_linked_to_channels")
    await _end_channels(tx, org, group_id, led.channels, actor=actor)
    for each in led.workspaces:
        await _end_workspace(tx, org, group_id, each, actor=actor)


async def allow(tx: Tx, org: Org, channel_id: ChannelId, group_id: GroupId, *, actor: Actor) -> None:
    """The group is on the channel's allowlist. The first one there: all others leave the channel. A
    further one: whoever it allows and another group leads there joins.

    Its members do not join by this alone. Raises the errors of
    :func:`rosterd.directory.channels.check_allowlist`, ``no_such_channel`` and ``no_such_group``.
    """
    await _locked_idp_group(tx, org, group_id, actor=actor)
    channel = await _locked_channel(tx, org, channel_id)
    listed = await connections.allowlist(tx, org.id, channel_id)
    homes = (await channels.homes(tx, org.id, [channel_id]))[channel_id]
    channel_rules.check_allowlist(
        channel,
        listed,
        group_id,
        is_default=any(home.is_default for home in homes),
        size=len(await groups.some(tx, org.id, group_id, 1)),
    )
    await connections.allow(tx, org.id, channel_id, group_id)
    await _tell(tx, "channel_restricted_to_usergroup", group_id, {"channel": channel_id}, actor)
    if listed:
        await _put_into(tx, org, group_id, [channel_id], actor=actor)
    else:
        await _restrict(tx, org, channel_id, group_id, actor=actor)


async def disallow(tx: Tx, org: Org, channel_id: ChannelId, group_id: GroupId, *, actor: Actor) -> None:
    """The group is not on the channel's allowlist any more: who was allowed by it alone leaves.

    Once no group is left there, the channel is like any other. Raises ``no_such_channel``,
    ``no_such_group`` and ``not_connected``.
    """
    await _locked_idp_group(tx, org, group_id, actor=actor)
    await _locked_channel(tx, org, channel_id)
    if not await connections.disallow(tx, org.id, channel_id, group_id):
        raise NotFound("not_connected", channel=channel_id)
    await _tell(tx, "channel_unrestricted_from_usergroup", group_id, {"channel": channel_id}, actor)
    if await connections.allowlist(tx, org.id, channel_id):
        await _restrict(tx, org, channel_id, group_id, actor=actor)
        return
    for led in await connections.groups_to_channel(tx, org.id, channel_id):
        await _put_into(tx, org, led, [channel_id], actor=actor)


async def _locked_idp_group(tx: Tx, org: Org, group_id: GroupId, *, actor: Actor) -> Group:
    access.check_administers(actor)
    rules.check_many(org.plan)
    return await _locked(tx, org, group_id, actor=actor)


async def _locked(tx: Tx, org: Org, group_id: GroupId, *, actor: Actor) -> Group:
    access.check_administers(actor)
    group = await groups.find(tx, org.id, group_id, lock="update")
    if group is None:
        raise NotFound("no_such_group")
    return group


async def _locked_channel(tx: Tx, org: Org, id: ChannelId) -> Channel:
    channel = await channels.find(tx, org.id, id, lock=True)
    if channel is None:
        raise NotFound("no_such_channel", channel=id)
    return channel


async def _channels(tx: Tx, org: Org, ids: Sequence[ChannelId]) -> list[Channel]:
    found = await channels.find_many(tx, org.id, ids)
    if missing := sorted({*ids}.difference(channel.id for channel in found)):
        raise NotFound("no_such_channel", channel=missing[0])
    return found


async def _begin(tx: Tx, org: Org, task: Task, *, enqueued: str) -> None:
    led = await connections.of_group(tx, org.id, task.group_id)
    await consequences.begin(tx, org.id, task, led, enqueued=enqueued)


async def _put_into(
    tx: Tx, org: Org, group_id: GroupId, channel_ids: Sequence[ChannelId], *, actor: Actor
) -> None:
    """Members of a group join channels that it leads to, or that it allows and another leads to."""
    task = Task(do="connect", group_id=group_id, place_ids=tuple(channel_ids), actor=actor)
    await _begin(tx, org, task, enqueued="usergroup_update_enqueued")


async def _end_lost(
    tx: Tx,
    org: Org,
    group_id: GroupId,
    led: Connections,
    left: Mapping[TeamId, GroupWorkspace],
    *,
    actor: Actor,
) -> None:
    """The group leads no longer to channels that no workspace has which it requires among those ``left``."""
    required = {team for team, to in left.items() if to.is_required}
    homes = await channels.homes(tx, org.id, led.channels) if led.channels else {}
    lost = [id for id, at in homes.items() if required.isdisjoint(home.team_id for home in at)]
    await _end_channels(tx, org, group_id, lost, actor=actor)


async def _end_workspace(tx: Tx, org: Org, group_id: GroupId, ended: GroupWorkspace, *, actor: Actor) -> None:
    await connections.remove_workspace(tx, org.id, group_id, ended.team_id)
    task = Task(
        do="end",
        group_id=group_id,
        place_ids=(ended.team_id,),
        is_required=ended.is_required,
        actor=actor,
        completed="usergroup_removed_from_team",
    )
    await _begin(tx, org, task, enqueued="usergroup_remove_from_team_enqueued")


async def _end_channels(
    tx: Tx, org: Org, group_id: GroupId, ended: Sequence[ChannelId], *, actor: Actor
) -> None:
    for id in ended:
        await connections.remove_channel(tx, org.id, group_id, id)
        await _tell(tx, "default_channel_removed_from_usergroup", group_id, {"channel": id}, actor)
        task = Task(do="end", group_id=group_id, place_ids=(id,), actor=actor)
        await _begin(tx, org, task, enqueued="usergroup_update_enqueued")


async def _restrict(tx: Tx, org: Org, channel_id: ChannelId, group_id: GroupId, *, actor: Actor) -> None:
    task = Task(do="restrict", group_id=group_id, place_ids=(channel_id,), actor=actor)
    await consequences.begin(tx, org.id, task, connections.NONE, enqueued="usergroup_update_enqueued")


async def _tell(tx: Tx, action: str, group_id: GroupId, details: dict[str, str], actor: Actor) -> None:
    await audit.append(tx, [Event(action, "usergroup", group_id, dict(details))], actor)
