"""What can be done to groups: create, update, delete. Members are sets of rows, never read whole."""

from __future__ import annotations

import secrets
from collections.abc import Iterable

import msgspec
from msgspec import UNSET

from rosterd.actions import connections, consequences
from rosterd.directory import access, names, plans
from rosterd.directory import groups as rules
from rosterd.directory.errors import NotAllowed, NotFound, Taken
from rosterd.directory.groups import GroupChange, Members
from rosterd.directory.ids import SPAN, slack_id
from rosterd.directory.model import Actor, Group, GroupId, Org, UserId
from rosterd.store import groups as store
from rosterd.store import names as store_names
from rosterd.store import user_groups
from rosterd.store import users as store_users
from rosterd.store.engine import Tx
from rosterd.store.records import audit


async def create(tx: Tx, org: Org, change: GroupChange, *, actor: Actor) -> Group:
    """A new group with the members of ``change``. Raises ``group_creation_failed`` for a taken name."""
    access.check_administers(actor)
    group = Group(
        org_id=org.id,
        id=GroupId(slack_id("S", secrets.randbelow(SPAN))),
        created=tx.now,
        display_name=names.group_name(change.display_name or ""),
    )
    if not await store.insert(tx, group):
        raise Taken("group_creation_failed")
    await audit.append(tx, [rules.event_of_group(None, group)], actor)
    await _change_members(tx, org, group, change.members, actor=actor)
    return group


async def update(tx: Tx, org: Org, group_id: GroupId, change: GroupChange, *, actor: Actor) -> Group:
    """The group changed. Changes of single members do not wait for each other.

    Whoever changes several waits: of an addition and a removal of the same two people, both or none
    must be members in the end.
    """
    access.check_administers(actor)
    alone = (
        change.display_name is not UNSET
        or change.members.replace is not None
        or len(change.members.named()) > 1
        or plans.RULES[org.plan].group_cap is not None
    )
    group = await _existing(tx, org, group_id, alone=alone)
    if change.display_name is not UNSET:
        group = await _rename(tx, group, names.group_name(change.display_name), actor=actor)
    await _change_members(tx, org, group, change.members, actor=actor)
    return group


async def delete(tx: Tx, org: Org, group_id: GroupId, *, actor: Actor) -> None:
    """The group gone, its handle free; its members stay. Refused while on the allowlist of a channel."""
    access.check_administers(actor)
    group = await _existing(tx, org, group_id, alone=True)
    await _check_leavers(tx, org, group, staying=(), actor=actor)
    await connections.disconnect_all(tx, org, group_id, actor=actor)
    if handle := await user_groups.delete(tx, org.id, group_id):
        await store_names.remove(tx, org.id, handle)
    left = await store.remove_all(tx, org.id, group_id)
    await store.delete(tx, org.id, group_id)
    await audit.append(tx, [rules.event_of_group(group, None, members=len(left))], actor)


async def _existing(tx: Tx, org: Org, group_id: GroupId, *, alone: bool) -> Group:
    """The group, so locked that it cannot vanish, or (``alone``) that nobody else changes it."""
    group = await store.find(tx, org.id, group_id, lock="update" if alone else "share")
    if group is None:
        raise NotFound("no_such_group")
    return group


async def _rename(tx: Tx, group: Group, name: str, *, actor: Actor) -> Group:
    if name == group.display_name:
        return group
    renamed = msgspec.structs.replace(group, display_name=name)
    if not await store.update(tx, renamed):
        raise Taken("group_creation_failed")
    await audit.append(tx, [rules.event_of_group(group, renamed)], actor)
    return renamed


async def _change_members(tx: Tx, org: Org, group: Group, wanted: Members, *, actor: Actor) -> None:
    """Apply ``wanted``; check those who really join or leave; one event for each of them."""
    named = wanted.named()
    if not named and wanted.replace is None:
        return
    rules.check_count(named)
    people = await store_users.briefs(tx, org.id, named) if named else {}
    rules.check_known(named, people)
    left: list[UserId] = []
    if wanted.replace is not None:
        await _check_leavers(tx, org, group, staying=wanted.replace, actor=actor)
        left += await store.retain(tx, org.id, group.id, wanted.replace)
    elif wanted.remove:
        left += await store.remove_members(tx, org.id, group.id, wanted.remove)
    joining = (*(wanted.replace or ()), *wanted.add)
    joined = await store.add_members(tx, org.id, group.id, joining) if joining else []
    beyond = access.beyond(actor)
    if any(people[id].role in beyond for id in (*joined, *left) if id in people):
        raise NotAllowed("cannot_modify_owner")
    rules.check_joiners(org.plan, people, joined)
    if joined and plans.RULES[org.plan].group_cap is not None:
        rules.check_size(org.plan, await store.count_members(tx, org.id, group.id))
    await audit.append(
        tx,
        [
            *rules.events_of_members(group, "user_removed_from_usergroup", left),
            *rules.events_of_members(group, "user_added_to_usergroup", joined),
        ],
        actor,
    )
    await consequences.follow(tx, org.id, group.id, joined, left, actor=actor)


async def _check_leavers(tx: Tx, org: Org, group: Group, *, staying: Iterable[UserId], actor: Actor) -> None:
    """Refuse to take those out of a group who have more permissions than the actor."""
    beyond = access.beyond(actor)
    if beyond and set(await store.outranking(tx, org.id, group.id, beyond)).difference(staying):
        raise NotAllowed("cannot_modify_owner")
