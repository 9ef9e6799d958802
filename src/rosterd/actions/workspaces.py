"""What can be done to workspaces and who is in them: create, assign, remove, join, leave, give a role."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from rosterd.actions import channels as channel_actions
from rosterd.actions import consequences, users
from rosterd.directory import access, names
from rosterd.directory import workspaces as rules
from rosterd.directory.channels import GENERAL
from rosterd.directory.errors import Invalid, NotAllowed, NotFound, Taken
from rosterd.directory.events import Event
from rosterd.directory.ids import SPAN, slack_id
from rosterd.directory.model import (
    DIRECTLY,
    Actor,
    ChannelId,
    Discoverability,
    Org,
    Plan,
    Role,
    TeamId,
    User,
    UserId,
    Workspace,
)
from rosterd.directory.users import UserChange
from rosterd.store import channels, groups, workspaces
from rosterd.store.belonging import connections, places
from rosterd.store.belonging import consequences as rows
from rosterd.store.belonging.places import CHANNEL, WORKSPACE
from rosterd.store.engine import Tx
from rosterd.store.records import audit


async def create(
    tx: Tx,
    org: Org,
    domain: str,
    name: str,
    *,
    description: str = "",
    discoverability: Discoverability = Discoverability.INVITE_ONLY,
    actor: Actor,
) -> Workspace:
    """A new workspace with its #general, and the channels that every workspace has.

    Whoever made it, unless at the command line, is its owner. Raises ``feature_not_enabled`` (not on
    Enterprise), ``invalid_domain``, ``domain_taken`` and ``name_taken_in_org``.
    """
    access.check_administers(actor)
    rules.check_many(org.plan)
    domain = domain.strip().lower()
    rules.check_domain(domain)
    name = name.strip() or domain
    if names.folded(name) in {names.folded(each.name) for each in await workspaces.every(tx, org.id)}:
        raise Taken("name_taken_in_org", name=name)
    workspace = Workspace(
        org_id=org.id,
        id=TeamId(slack_id("T", secrets.randbelow(SPAN))),
        created=tx.now,
        name=name,
        domain=domain,
        description=description.strip(),
        discoverability=discoverability,
    )
    if not await workspaces.insert(tx, workspace):
        raise Taken("domain_taken", domain=domain)
    await audit.append(tx, [Event("workspace_created", "workspace", workspace.id, {"domain": domain})], actor)
    await begin(tx, org, workspace.id, actor=actor)
    if not actor.is_operator:
        await consequences.put(tx, WORKSPACE, org.id, workspace.id, [actor.user_id], actor=actor)
        await workspaces.set_role(tx, org.id, workspace.id, actor.user_id, Role.OWNER)
    return workspace


async def begin(tx: Tx, org: Org, team_id: TeamId, *, actor: Actor) -> None:
    """What every workspace begins with: its #general, and the channels that are everywhere."""
    await channels.add_org_wide(tx, org.id, team_id)
    if await channels.named(tx, org.id, team_id, GENERAL) is None:
        await channel_actions.make(tx, org, GENERAL, [team_id], is_general=True, actor=actor)


async def assign(
    tx: Tx,
    org: Org,
    team_id: TeamId,
    user_id: UserId,
    *,
    guest: Role | None = None,
    channel_ids: Sequence[ChannelId] = (),
    actor: Actor,
) -> User:
    """Somebody is in a workspace because an administrator says so, and in these channels of it.

    ``guest``: they become such a guest, if they are not one. Somebody deactivated is reactivated. A
    single-channel guest is then in the one channel alone. Raises ``no_such_team``, ``no_such_user``,
    ``user_already_team_member``, ``user_is_bot``, ``no_such_channel`` (one that is not there, or put away),
    ``restricted_by_allowlist``, ``single_channel_guest_needs_one_channel``, ``invalid_role_for_user`` and
    ``cannot_make_user_guest``.
    """
    await check_runs(tx, org, team_id, actor=actor)
    wanted = await locked_channels(tx, org, team_id, channel_ids)
    user = await users.existing(tx, org.id, user_id)
    _check_target(user, actor=actor)
    if user.role is Role.BOT:
        raise NotAllowed("user_is_bot")
    if not user.deactivated:
        reasons = (await places.reasons(tx, WORKSPACE, org.id, user.id)).get(team_id, [])
        if places.is_direct(reasons) or (reasons and not channel_ids):
            raise Taken("user_already_team_member")
    user = await _as_guest(tx, org, team_id, user, guest, wanted, actor=actor)
    async with consequences.changing(tx, org.id, [user.id], actor=actor):
        await places.add(tx, WORKSPACE, org.id, team_id, [user.id], DIRECTLY)
        await rows.join_channels(tx, org.id, [user.id], [])
        for channel_id in wanted:
            await places.add(tx, CHANNEL, org.id, channel_id, [user.id], DIRECTLY)
        await rows.tidy(tx, org.id, [user.id])
        there = {place for place, _ in await places.of_people(tx, CHANNEL, org.id, [user.id])}
        if refused := [id for id in wanted if id not in there]:
            raise NotAllowed("restricted_by_allowlist", channel=refused[0])
        if user.role is Role.SINGLE_CHANNEL_GUEST:
            for other in sorted(there.difference(wanted)):
                await places.remove(tx, CHANNEL, org.id, other, [user.id])
    return user


async def locked_channels(
    tx: Tx, org: Org, team_id: TeamId, channel_ids: Sequence[ChannelId]
) -> list[ChannelId]:
    """These channels, once each, locked against changes of who may be in them: before people are.

    Raises ``no_such_channel`` for one that the workspace does not have, or that is put away.
    """
    wanted = list(dict.fromkeys(channel_ids))
    if not wanted:
        return []
    homes = await channels.homes(tx, org.id, wanted)
    for id in sorted(wanted):
        channel = await channels.find(tx, org.id, id, lock=True)
        is_there = team_id in {home.team_id for home in homes[id]}
        if channel is None or channel.is_archived or not is_there:
            raise NotFound("no_such_channel", channel=id)
    return wanted


async def _as_guest(
    tx: Tx,
    org: Org,
    team_id: TeamId,
    user: User,
    guest: Role | None,
    channel_ids: Sequence[ChannelId],
    *,
    actor: Actor,
) -> User:
    """The user active, and a guest if they are to be one."""
    desired = guest or user.role
    if desired is Role.SINGLE_CHANNEL_GUEST and len(channel_ids) != 1:
        raise Invalid("single_channel_guest_needs_one_channel")
    if user.deactivated:
        user = await users.update(tx, org, user, UserChange(active=True), actor=actor)
    rules.check_elsewhere(user.role, desired, await _others(tx, org, team_id, user.id))
    if desired is user.role:
        return user
    if user.role not in (Role.MEMBER, Role.MULTI_CHANNEL_GUEST, Role.SINGLE_CHANNEL_GUEST):
        raise NotAllowed("cannot_make_user_guest")
    if org.plan is not Plan.ENTERPRISE:
        raise NotAllowed("feature_not_enabled")
    return await users.set_role(tx, org, user, desired, actor=actor)


async def _others(tx: Tx, org: Org, team_id: TeamId, user_id: UserId) -> int:
    """How many other workspaces somebody is in."""
    mine = await places.of_people(tx, WORKSPACE, org.id, [user_id])
    return sum(team != team_id for team, _ in mine)


async def remove(tx: Tx, org: Org, team_id: TeamId, user_id: UserId, *, actor: Actor) -> None:
    """Somebody is not in a workspace any more.

    Refused (``required_by_group``) while a group of theirs requires it, since they would be back with
    its next change. Raises ``no_such_team``, ``no_such_user`` and ``not_in_workspace``.
    """
    rules.check_many(org.plan)
    await check_runs(tx, org, team_id, actor=actor)
    user = await users.existing(tx, org.id, user_id)
    rules.check_no_primary_owner(user.role)
    _check_target(user, actor=actor)
    await _check_may_go(tx, org, team_id, user.id, required_only=True)
    await consequences.take_out(tx, WORKSPACE, org.id, team_id, [user.id], actor=actor)


async def join(tx: Tx, org: Org, team_id: TeamId, *, actor: Actor) -> None:
    """The actor joins a workspace that is open, or that a group of theirs leads to.

    The groups are the reason, if there are any. Raises ``no_such_team`` and ``not_allowed``.
    """
    rules.check_many(org.plan)
    workspace = await workspaces.find(tx, org.id, team_id)
    if workspace is None:
        raise NotFound("no_such_team", team=team_id)
    for group_id in await connections.leading(tx, org.id, team_id, actor.user_id):
        await groups.find(tx, org.id, group_id, lock="share")  # where it leads stays as it is
    user = await users.existing(tx, org.id, actor.user_id)
    rules.check_comes_and_goes(user.role)
    sources = await ways_in(tx, org, workspace, user.id)
    if user.deactivated or not sources:
        raise NotAllowed("not_allowed", team=team_id)
    for source in sources:
        await consequences.put(tx, WORKSPACE, org.id, team_id, [user.id], source=source, actor=actor)


async def ways_in(tx: Tx, org: Org, workspace: Workspace, user_id: UserId) -> list[str]:
    """The reasons that somebody would have, if they joined by themselves; none: they may not."""
    led = await connections.leading(tx, org.id, workspace.id, user_id)
    return [*led] or [DIRECTLY] * (workspace.discoverability is Discoverability.OPEN)


async def leave(tx: Tx, org: Org, team_id: TeamId, *, actor: Actor) -> None:
    """The actor leaves a workspace. Raises the errors of :func:`check_may_leave`."""
    user = await users.existing(tx, org.id, actor.user_id)
    await check_may_leave(tx, org, team_id, user)
    await consequences.take_out(tx, WORKSPACE, org.id, team_id, [user.id], actor=actor)


async def check_may_leave(tx: Tx, org: Org, team_id: TeamId, user: User) -> None:
    """Refuse whoever cannot leave a workspace by themselves.

    Raises ``feature_not_enabled`` (not on Enterprise), ``not_allowed``, ``not_in_workspace``, and
    ``required_by_group``: a group of theirs requires it, or has put them there at once.
    """
    rules.check_many(org.plan)
    rules.check_comes_and_goes(user.role)
    await _check_may_go(tx, org, team_id, user.id, required_only=False)


async def set_role(tx: Tx, org: Org, team_id: TeamId, user_id: UserId, role: Role, *, actor: Actor) -> None:
    """Somebody is an owner, an admin or nothing more than a member of a workspace.

    Outside Enterprise that is their role in the organisation. As a member a guest is a full member. Raises
    ``no_such_team``, ``no_such_user``, ``not_in_workspace``, ``cannot_modify_primary_owner``, and the errors
    of :func:`rosterd.directory.workspaces.check_role_at_workspace`.
    """
    own = await _role(tx, org, team_id, actor=actor)
    user = await users.existing(tx, org.id, user_id)
    if org.plan is not Plan.ENTERPRISE:
        await users.set_role(tx, org, user, role, actor=actor)
        return
    existing = (await workspaces.roles_of(tx, org.id, user.id)).get(team_id)
    rules.check_gives(actor, own, existing, role)
    rules.check_no_primary_owner(user.role)
    _check_target(user, actor=actor)
    if not await places.among(tx, WORKSPACE, org.id, team_id, [user.id]):
        raise NotFound("not_in_workspace", team=team_id)
    rules.check_role_at_workspace(user.role, role, await _others(tx, org, team_id, user.id))
    if user.role.is_guest:
        user = await users.set_role(tx, org, user, Role.MEMBER, actor=actor)
    if (existing or Role.MEMBER) is role:
        return
    await workspaces.set_role(tx, org.id, team_id, user.id, role)
    word = "user" if role is Role.MEMBER else str(role)
    details = {"team": team_id, "before": str(existing or Role.MEMBER), "after": str(role)}
    await audit.append(tx, [Event(f"role_change_to_{word}", "user", user.id, details, {}, user.id)], actor)


async def set_org_role(tx: Tx, org: Org, user_id: UserId, role: Role, *, actor: Actor) -> None:
    """Somebody is an owner, an admin or a member of the whole organisation.

    Raises ``no_such_user``, ``cannot_modify_primary_owner``, ``invalid_role_for_user`` (bots, and guests who
    are to be more than members), ``user_must_be_in_workspace`` (an owner-to-be), and what
    :func:`rosterd.actions.users.set_role` does.
    """
    user = await users.existing(tx, org.id, user_id)
    rules.check_no_primary_owner(user.role)
    rules.check_role_at_org(user.role, role)
    if role is Role.OWNER and not await places.of_people(tx, WORKSPACE, org.id, [user.id]):
        raise NotAllowed("user_must_be_in_workspace")
    await users.set_role(tx, org, user, role, actor=actor)


async def role_in(tx: Tx, org: Org, team_id: TeamId, user_id: UserId) -> Role | None:
    """Somebody's role in a workspace, where it is more than a member's."""
    return (await workspaces.roles_of(tx, org.id, user_id)).get(team_id)


async def _role(tx: Tx, org: Org, team_id: TeamId, *, actor: Actor) -> Role | None:
    if await workspaces.find(tx, org.id, team_id) is None:
        raise NotFound("no_such_team", team=team_id)
    return None if actor.is_operator else await role_in(tx, org, team_id, actor.user_id)


async def check_runs(tx: Tx, org: Org, team_id: TeamId, *, actor: Actor) -> None:
    """Refuse whoever does not run a workspace: ``permission_denied``; ``no_such_team``: there is none."""
    rules.check_runs(actor, await _role(tx, org, team_id, actor=actor))


def _check_target(user: User, *, actor: Actor) -> None:
    if user.erased:
        raise NotAllowed("cannot_modify_gdpr")
    rules.check_target(actor, user.role)


async def _check_may_go(tx: Tx, org: Org, team_id: TeamId, user_id: UserId, *, required_only: bool) -> None:
    if not await places.among(tx, WORKSPACE, org.id, team_id, [user_id]):
        raise NotFound("not_in_workspace", team=team_id)
    for group_id, to in await connections.holding(tx, org.id, user_id):
        if to.team_id == team_id and (to.is_required if required_only else rules.binds(to)):
            raise NotAllowed("required_by_group", group=group_id)
