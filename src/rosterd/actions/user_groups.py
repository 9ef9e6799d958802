"""What can be done to user groups beside what SCIM can: their handles, descriptions, channels; put away.

These are the groups of every plan but Enterprise, where a group is the identity provider's. What SCIM can do,
too (names, members), is done as there.

Source: Slack, *usergroups.create*, *usergroups.update*, *usergroups.disable*, *usergroups.users.update*.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
from msgspec import UNSET

from rosterd.actions import connections, groups
from rosterd.directory import access, names
from rosterd.directory import groups as rules
from rosterd.directory.errors import Invalid, NotFound, Taken
from rosterd.directory.events import Event
from rosterd.directory.groups import GroupChange, Members, UserGroupChange
from rosterd.directory.model import Actor, ChannelId, Group, GroupId, Org, UserGroup, UserId
from rosterd.store import channels, users
from rosterd.store import groups as group_rows
from rosterd.store import names as store_names
from rosterd.store import user_groups as store
from rosterd.store.belonging import connections as connection_rows
from rosterd.store.belonging import places
from rosterd.store.engine import Tx
from rosterd.store.records import audit


async def create(tx: Tx, org: Org, change: UserGroupChange, *, actor: Actor) -> Group:
    """A new user group, without members.

    Raises ``permission_denied`` (on Enterprise, too), ``group_creation_failed`` for a taken name, and the
    errors of :func:`update`.
    """
    rules.check_user_groups(org.plan)
    name = "" if change.name is UNSET else change.name
    group = await groups.create(tx, org, GroupChange(display_name=name), actor=actor)
    await _keep(tx, org, group, UserGroup(created_by=actor.user_id), change, actor=actor)
    return group


async def update(tx: Tx, org: Org, group_id: GroupId, change: UserGroupChange, *, actor: Actor) -> Group:
    """The user group changed. Its members join the channels that are new to it.

    Raises ``bad_handle``, ``forbidden_handle``, ``handle_already_exists``, ``description_too_long``, and what
    :func:`rosterd.actions.connections.connect_channels` says of channels.
    """
    rules.check_user_groups(org.plan)
    existing = await _existing(tx, org, group_id, actor=actor)
    renaming = GroupChange(display_name=change.name)
    group = await groups.update(tx, org, group_id, renaming, actor=actor)
    await _keep(tx, org, group, existing, change, actor=actor)
    return group


async def set_disabled(tx: Tx, org: Org, group_id: GroupId, disabled: bool, *, actor: Actor) -> Group:
    """The user group put away, with its members and its handle, or taken out again."""
    rules.check_user_groups(org.plan)
    existing = await _existing(tx, org, group_id, actor=actor)
    group = await group_rows.find(tx, org.id, group_id)
    assert group is not None
    if (existing.disabled is not None) is not disabled:
        now = tx.now // 1_000_000
        kept = msgspec.structs.replace(
            existing, disabled=now if disabled else None, updated=now, updated_by=actor.user_id
        )
        await store.update(tx, org.id, group_id, kept)
        await _tell(tx, group_id, {"disabled": disabled}, actor)
    return group


async def set_members(tx: Tx, org: Org, group_id: GroupId, ids: Sequence[UserId], *, actor: Actor) -> Group:
    """The user group with these members and no others; nobody at all is refused: ``no_users_provided``.

    Raises the errors of :func:`rosterd.actions.groups.update`.
    """
    rules.check_user_groups(org.plan)
    if not ids:
        raise Invalid("no_users_provided")
    access.check_administers(actor)
    rules.check_count(ids)
    rules.check_no_bots(await users.briefs(tx, org.id, ids))
    change = GroupChange(members=Members(replace=tuple(ids)))
    return await groups.update(tx, org, group_id, change, actor=actor)


async def _existing(tx: Tx, org: Org, group_id: GroupId, *, actor: Actor) -> UserGroup:
    """What is kept of the group, which nobody else changes before this transaction ends."""
    access.check_administers(actor)
    if await group_rows.find(tx, org.id, group_id, lock="update") is None:
        raise NotFound("no_such_group")
    return (await store.find_many(tx, org.id, [group_id])).get(group_id, UserGroup())


async def _keep(
    tx: Tx, org: Org, group: Group, existing: UserGroup, change: UserGroupChange, *, actor: Actor
) -> None:
    """Apply what of a change SCIM does not know."""
    desired = existing
    if change.description is not UNSET:
        desired = msgspec.structs.replace(desired, description=rules.description(change.description))
    if change.handle is not UNSET:
        desired = msgspec.structs.replace(desired, handle=names.handle(change.handle))
    if desired.handle != existing.handle:
        await _change_handle(tx, org, group.id, existing.handle, desired.handle)
    said = {
        name: {"before": getattr(existing, name), "after": getattr(desired, name)}
        for name in ("handle", "description")
        if getattr(existing, name) != getattr(desired, name)
    }
    if said or not existing.updated:
        desired = msgspec.structs.replace(desired, updated=tx.now // 1_000_000, updated_by=actor.user_id)
        await store.update(tx, org.id, group.id, desired)
    if said:
        await _tell(tx, group.id, said, actor)
    if change.channels is not UNSET:
        await _change_channels(tx, org, group.id, change.channels, actor=actor)


async def _change_handle(tx: Tx, org: Org, group_id: GroupId, existing: str, desired: str) -> None:
    if desired and not await store_names.add(tx, org.id, desired, "group", group_id):
        if await store_names.kind_of(tx, org.id, desired) == "reserved":
            raise Invalid("forbidden_handle", handle=desired)
        raise Taken("handle_already_exists", handle=desired)
    if existing:
        await store_names.remove(tx, org.id, existing)


async def _change_channels(
    tx: Tx, org: Org, group_id: GroupId, desired: Sequence[ChannelId], *, actor: Actor
) -> None:
    existing = (await connection_rows.of_group(tx, org.id, group_id)).channels
    if ended := [id for id in existing if id not in desired]:
        await connections.disconnect_channels(tx, org, group_id, ended, actor=actor)
    if new := [id for id in desired if id not in existing]:
        await _check_shown(tx, org, new, actor=actor)
        await connections.connect_channels(tx, org, group_id, new, actor=actor)


async def _check_shown(tx: Tx, org: Org, ids: Sequence[ChannelId], *, actor: Actor) -> None:
    """Refuse private channels that the actor is not in: a group of one's own would be a way into them."""
    mine = {place for place, _ in await places.of_people(tx, places.CHANNEL, org.id, [actor.user_id])}
    for channel in await channels.find_many(tx, org.id, ids):
        if channel.is_private and channel.id not in mine and not actor.is_operator:
            raise NotFound("no_such_channel", channel=channel.id)


async def _tell(tx: Tx, group_id: GroupId, details: Mapping[str, object], actor: Actor) -> None:
    await audit.append(tx, [Event("usergroup_updated", "usergroup", group_id, dict(details))], actor)
