"""What can be done to channels and who is in them: create, invite, kick, join, leave, archive."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from rosterd.actions import consequences
from rosterd.directory import access
from rosterd.directory import channels as rules
from rosterd.directory import workspaces as workspace_rules
from rosterd.directory.errors import DirectoryError, Invalid, NotAllowed, NotFound, Taken
from rosterd.directory.ids import SPAN, slack_id
from rosterd.directory.model import DIRECTLY, Actor, Channel, ChannelId, Org, Role, TeamId, UserId
from rosterd.store import channels, names, users, workspaces
from rosterd.store.belonging import consequences as rows
from rosterd.store.belonging import places
from rosterd.store.belonging.places import CHANNEL, WORKSPACE
from rosterd.store.engine import Tx
from rosterd.store.records import audit


async def create(
    tx: Tx,
    org: Org,
    name: str,
    team_ids: Sequence[TeamId],
    *,
    is_private: bool = False,
    is_org_wide: bool = False,
    is_default: bool = False,
    purpose: str = "",
    actor: Actor,
) -> Channel:
    """A new channel of these workspaces, or (``is_org_wide``) of all; whoever makes it is in it.

    Anybody but a guest may make one where they are; several workspaces are for administrators of the
    organisation. Raises ``no_such_team``, ``name_taken``, ``invalid_name_…`` and ``permission_denied``.
    """
    homes = list(dict.fromkeys(team_ids))
    known = [each.id for each in await workspaces.every(tx, org.id)]
    if is_org_wide:
        workspace_rules.check_many(org.plan)
        homes = known
    for team_id in homes:
        if team_id not in known:
            raise NotFound("no_such_team", team=team_id)
    if not homes:
        raise Invalid("team_not_given")
    if is_org_wide or len(homes) > 1:
        access.check_administers(actor)
    elif not await _runs(tx, org, homes, actor=actor):
        _check_full_member(actor)
        if is_default or not await places.among(tx, WORKSPACE, org.id, homes[0], [actor.user_id]):
            raise NotAllowed("permission_denied")
    if is_default and is_private:
        raise Invalid("default_channel_restricted")
    return await make(
        tx, org, name, homes,
        is_private=is_private, is_org_wide=is_org_wide, is_default=is_default, purpose=purpose, actor=actor,
    )  # fmt: skip


async def make(
    tx: Tx,
    org: Org,
    name: str,
    homes: Sequence[TeamId],
    *,
    is_private: bool = False,
    is_org_wide: bool = False,
    is_default: bool = False,
    is_general: bool = False,
    purpose: str = "",
    actor: Actor,
) -> Channel:
    """As :func:`create`, for whoever may. ``is_general``: the channel that a workspace begins with."""
    channel = Channel(
        org_id=org.id,
        id=ChannelId(slack_id("C", secrets.randbelow(SPAN))),
        created=tx.now,
        name=rules.channel_name(name),
        creator_id=actor.user_id,
        is_private=is_private,
        is_org_wide=is_org_wide,
        purpose=purpose.strip(),
    )
    held = await names.add(tx, org.id, channel.name, "channel", channel.id)
    if not held and await names.kind_of(tx, org.id, channel.name) != "channel":
        raise Taken("name_taken", name=channel.name)
    if not await channels.insert(tx, channel):
        raise Taken("name_taken", name=channel.name)
    for team_id in homes:
        default = is_default or is_general
        if not await channels.add_home(tx, channel, team_id, is_default=default, is_general=is_general):
            raise Taken("name_taken", name=channel.name)
    await audit.append(tx, [rules.event_of("created", channel, teams=list(homes))], actor)
    if not actor.is_operator and not is_general:
        async with consequences.changing(tx, org.id, [actor.user_id], actor=actor):
            await places.add(tx, CHANNEL, org.id, channel.id, [actor.user_id], DIRECTLY)
            await rows.tidy(tx, org.id, [actor.user_id])
    return channel


async def invite(
    tx: Tx, org: Org, channel_id: ChannelId, user_ids: Sequence[UserId], *, actor: Actor
) -> Channel:
    """People are in a channel because somebody who is in it, or runs its workspace, says so.

    Raises what :func:`invite_each` does, and what it would refuse of the first whom it refuses.
    """
    channel, refused = await invite_each(tx, org, channel_id, user_ids, actor=actor)
    for error in refused.values():
        raise error
    return channel


async def invite_each(
    tx: Tx, org: Org, channel_id: ChannelId, user_ids: Sequence[UserId], *, actor: Actor
) -> tuple[Channel, dict[UserId, DirectoryError]]:
    """As :func:`invite`, of whom it can be; of the others, in the order given, why not.

    Those are ``no_such_user``, ``already_in_channel``, ``cant_invite_self``, ``not_in_workspace``,
    ``ura_max_channels`` and ``restricted_by_allowlist``. Raises ``no_such_channel``, ``is_archived``,
    ``not_in_channel`` (the actor) and ``permission_denied``.
    """
    channel = await seen(tx, org, channel_id, actor=actor)
    rules.check_changeable(channel)
    people = list(dict.fromkeys(user_ids))
    there = await places.among(tx, CHANNEL, org.id, channel_id, [*people, actor.user_id])
    if actor.user_id not in there and not await _runs_channel(tx, org, channel_id, actor=actor):
        raise NotAllowed("not_in_channel")
    _check_full_member(actor)
    refused: dict[UserId, DirectoryError] = {
        id: Invalid("cant_invite_self") if id == actor.user_id else Taken("already_in_channel", user=id)
        for id in people
        if id in there
    }
    refused |= await _refused(tx, org, channel, [id for id in people if id not in there])
    new = [id for id in people if id not in refused]
    if new:
        change = await consequences.put(tx, CHANNEL, org.id, channel_id, new, actor=actor)
        refused |= {
            id: NotAllowed("restricted_by_allowlist", user=id)
            for id in new
            if (channel_id, id) not in change.joined
        }
    return channel, {id: refused[id] for id in people if id in refused}


async def kick(tx: Tx, org: Org, channel_id: ChannelId, user_id: UserId, *, actor: Actor) -> None:
    """Somebody is not in a channel any more. From public channels only administrators take people.

    Raises ``no_such_channel``, ``no_such_user``, ``not_in_channel``, ``cant_kick_self``,
    ``cant_kick_from_general`` and ``permission_denied``.
    """
    channel = await seen(tx, org, channel_id, actor=actor)
    rules.check_changeable(channel)
    if user_id == actor.user_id:
        raise Invalid("cant_kick_self")
    there = await places.among(tx, CHANNEL, org.id, channel_id, [user_id, actor.user_id])
    if not await _runs_channel(tx, org, channel_id, actor=actor):
        _check_full_member(actor)
        if not channel.is_private or actor.user_id not in there:
            raise NotAllowed("permission_denied")
    if user_id not in there:
        known = await users.briefs(tx, org.id, [user_id])
        raise NotFound("not_in_channel" if known else "no_such_user", user=user_id)
    await _check_leavable(tx, org, channel_id, "cant_kick_from_general")
    await consequences.take_out(tx, CHANNEL, org.id, channel_id, [user_id], actor=actor)


async def join(tx: Tx, org: Org, channel_id: ChannelId, *, actor: Actor) -> bool:
    """The actor joins a public channel of a workspace that they are in. False: they are there already."""
    channel = await seen(tx, org, channel_id, actor=actor)
    rules.check_changeable(channel)
    if channel.is_private:
        raise NotAllowed("method_not_supported_for_channel_type")
    if await places.among(tx, CHANNEL, org.id, channel_id, [actor.user_id]):
        return False
    _check_full_member(actor)
    for error in (await _refused(tx, org, channel, [actor.user_id])).values():
        raise error
    await consequences.put(tx, CHANNEL, org.id, channel_id, [actor.user_id], actor=actor)
    return True


async def leave(tx: Tx, org: Org, channel_id: ChannelId, *, actor: Actor) -> bool:
    """The actor leaves a channel, but not #general. False: they were not in it.

    Guests are where they were put: ``user_is_restricted`` (Slack, *conversations.leave*).
    """
    channel = await seen(tx, org, channel_id, actor=actor)
    rules.check_changeable(channel)
    if not await places.among(tx, CHANNEL, org.id, channel_id, [actor.user_id]):
        return False
    if actor.role.is_guest:
        raise NotAllowed("user_is_restricted")
    await _check_leavable(tx, org, channel_id, "cant_leave_general")
    await consequences.take_out(tx, CHANNEL, org.id, channel_id, [actor.user_id], actor=actor)
    return True


async def set_archived(tx: Tx, org: Org, channel_id: ChannelId, archived: bool, *, actor: Actor) -> Channel:
    """A channel put away, or taken out again. Raises ``no_such_channel`` and ``permission_denied``."""
    channel = await seen(tx, org, channel_id, actor=actor)
    if not await _runs_channel(tx, org, channel_id, actor=actor):
        raise NotAllowed("permission_denied")
    await _check_leavable(tx, org, channel_id, "cant_archive_general")
    if channel.is_archived != archived:
        await channels.set_archived(tx, org.id, channel_id, archived)
        await audit.append(tx, [rules.event_of("archive" if archived else "unarchive", channel)], actor)
    return channel


async def seen(tx: Tx, org: Org, channel_id: ChannelId, *, actor: Actor) -> Channel:
    """The channel, locked against changes of who may be in it, if the actor may know of it.

    Raises ``no_such_channel``, also for a private channel that the actor is not in.
    """
    channel = await channels.find(tx, org.id, channel_id, lock=True)
    if channel is None or not await may_see(tx, org, channel, actor=actor):
        raise NotFound("no_such_channel", channel=channel_id)
    return channel


async def may_see(tx: Tx, org: Org, channel: Channel, *, actor: Actor) -> bool:
    """Whether the actor may know of a channel: administrators of all, others of those where they could be."""
    if actor.is_operator or access.may_administer(actor.role):
        return True
    if await places.among(tx, CHANNEL, org.id, channel.id, [actor.user_id]):
        return True
    homes = [home.team_id for home in (await channels.homes(tx, org.id, [channel.id]))[channel.id]]
    if channel.is_private or actor.role.is_guest:
        return await _runs(tx, org, homes, actor=actor)
    mine = await places.of_people(tx, WORKSPACE, org.id, [actor.user_id])
    return any(team in homes for team, _ in mine)


async def may_read(tx: Tx, org: Org, channel: Channel, *, actor: Actor) -> bool:
    """Whether a channel is shown to the actor as to anybody: private ones to those who are in them alone."""
    if channel.is_private:
        return bool(await places.among(tx, CHANNEL, org.id, channel.id, [actor.user_id]))
    return await may_see(tx, org, channel, actor=actor)


def _check_full_member(actor: Actor) -> None:
    if not actor.is_operator and actor.role.is_guest:
        raise NotAllowed("permission_denied")


async def _runs_channel(tx: Tx, org: Org, channel_id: ChannelId, *, actor: Actor) -> bool:
    homes = (await channels.homes(tx, org.id, [channel_id]))[channel_id]
    return await _runs(tx, org, [home.team_id for home in homes], actor=actor)


async def _runs(tx: Tx, org: Org, team_ids: Sequence[TeamId], *, actor: Actor) -> bool:
    """Whether the actor runs the organisation or one of these workspaces."""
    if actor.is_operator or access.may_administer(actor.role):
        return True
    roles = await workspaces.roles_of(tx, org.id, actor.user_id)
    return any(roles.get(team) in (Role.OWNER, Role.ADMIN) for team in team_ids)


async def _refused(
    tx: Tx, org: Org, channel: Channel, people: Sequence[UserId]
) -> dict[UserId, DirectoryError]:
    """Why these people, who are not in a channel, cannot join it. Whoever can is left out, and locked."""
    known = await rows.lock(tx, org.id, people)
    homes = {home.team_id for home in (await channels.homes(tx, org.id, [channel.id]))[channel.id]}
    mine = await places.of_people(tx, WORKSPACE, org.id, people)
    at_home = {user for team, user in mine if team in homes}
    refused: dict[UserId, DirectoryError] = {}
    for id in people:
        person = known.get(id)
        if person is None or person.deactivated:
            refused[id] = NotFound("no_such_user", user=id)
        elif id not in at_home:
            refused[id] = NotFound("not_in_workspace", user=id)
        elif person.role is Role.SINGLE_CHANNEL_GUEST:
            refused[id] = NotAllowed("ura_max_channels", user=id)
    return refused


async def _check_leavable(tx: Tx, org: Org, channel_id: ChannelId, code: str) -> None:
    if any(home.is_general for home in (await channels.homes(tx, org.id, [channel_id]))[channel_id]):
        raise NotAllowed(code)
