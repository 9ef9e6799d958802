"""``usergroups.*``: the groups that people are mentioned by, and who is in them.

On Enterprise every group is the identity provider's: it is listed where it leads, and changed by nobody here.

Source: Slack's page of each method; keys and their order are those of its own answers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from msgspec import UNSET, UnsetType

from rosterd.actions import user_groups as actions
from rosterd.directory.errors import NotFound
from rosterd.directory.groups import UserGroupChange
from rosterd.directory.model import ChannelId, Group, GroupId, Org, Plan, TeamId, UserGroup, UserId
from rosterd.store import groups, user_groups
from rosterd.store.belonging import connections
from rosterd.store.engine import Tx
from rosterd.store.records import audit
from rosterd.store.records.audit import Authors
from rosterd.store.user_groups import LinkedChannel, Listed
from rosterd.web.methods.call import PAID, MethodCall, method
from rosterd.web.methods.errors import MethodError

_WORDS = {
    "group_creation_failed": "name_already_exists",
    "invalid_attribute_format": "missing_subteam_name",
    "invalid_name_maxlength": "name_too_long",
    "channel_not_in_required_workspace": "invalid_channel_provided",
    "is_archived": "invalid_channel_provided",
    "no_such_channel": "invalid_channel_provided",
    "too_many_channels": "too_many_linked_channels",
}
_WORDS_OF_MEMBERS = {
    "group_member_max_exceeded": "subteam_max_users_exceeded",
    "no_such_group_members": "invalid_users",
    "too_many_users": "subteam_max_users_exceeded",
    "unable_to_add_deleted_or_guest_to_group": "invalid_users",
}
_NOBODY = UserId("USLACKUSER")  # Slack's placeholder, where it is not known who did something


class Around(NamedTuple):
    """What must be known of groups beside their rows; of members and sizes, what is to be shown."""

    kept: Mapping[GroupId, UserGroup]
    authors: Mapping[str, Authors]
    channels: Mapping[GroupId, Sequence[LinkedChannel]]
    members: Mapping[GroupId, Sequence[UserId]] | None
    sizes: Mapping[GroupId, int] | None


async def around(tx: Tx, org: Org, ids: Sequence[GroupId], *, members: bool, sizes: bool) -> Around:
    """What must be known of these groups: a few statements, however many they are."""
    return Around(
        await user_groups.find_many(tx, org.id, ids),
        await audit.authors(tx, org.id, ids),
        await user_groups.channels(tx, org.id, ids),
        await user_groups.members(tx, org.id, ids) if members else None,
        await user_groups.sizes(tx, org.id, ids) if sizes else None,
    )


def drawn(listed: Listed, known: Around, org: Org) -> dict[str, Any]:
    """The usergroup object."""
    group, is_idp_group = listed.group, org.plan is Plan.ENTERPRISE
    kept, channels = known.kept.get(group.id, UserGroup()), known.channels[group.id]
    created_by, updated_by, updated = _authors(group, kept, known.authors.get(group.id))
    found: dict[str, Any] = {
        "id": group.id,
        "team_id": org.id if is_idp_group else org.team_id,
        "is_usergroup": True,
        "is_subteam": True,
        "name": group.display_name,
        "description": kept.description,
        "handle": kept.handle,
        "is_external": False,
        "date_create": group.created // 1_000_000,
        "date_update": updated,
        "date_delete": kept.disabled or 0,
        "auto_type": None,
        "auto_provision": listed.auto_provision,
        "enterprise_subteam_id": group.id if is_idp_group else "",
        "created_by": created_by,
        "updated_by": updated_by,
        "deleted_by": kept.updated_by if kept.disabled is not None else None,
        "prefs": {
            "channels": [channel.id for channel in channels if not channel.is_private],
            "groups": [channel.id for channel in channels if channel.is_private],
        },
        "channel_count": len(channels),
    }
    if known.members is not None:
        found["users"] = known.members[group.id]
    if known.sizes is not None:
        found["user_count"] = known.sizes[group.id]
    return found | {
        "is_section": False,
        "is_idp_group": is_idp_group,
        "is_visible": True,
        "is_membership_locked": is_idp_group,
        "is_org_level": is_idp_group,
    }


def _authors(group: Group, kept: UserGroup, trail: Authors | None) -> tuple[UserId, UserId, int]:
    """Who made a group, who changed it last, and when (seconds)."""
    first, last, told = trail or (_NOBODY, _NOBODY, group.created)
    updated, updated_by = max((kept.updated, kept.updated_by), (told // 1_000_000, last))
    return kept.created_by or first, updated_by, updated


async def _team(tx: Tx, call: MethodCall) -> TeamId | None:
    """The workspace whose groups are meant; None: all groups.

    Outside Enterprise there is nothing to choose. There the organisation's own id means all of its groups.
    """
    asks_for_all = call.is_org_wide and call.arguments.text("team_id") == call.org.id
    if call.org.plan is not Plan.ENTERPRISE or asks_for_all:
        return None
    return await call.team(tx)


@method("usergroups.list", scope="usergroups:read", tier=2, plans=PAID, plan_error="plan_upgrade_required")
async def usergroups_list(call: MethodCall) -> dict[str, Any]:
    """Every group of a workspace, in order of creation."""
    members, sizes = call.arguments.flag("include_users"), call.arguments.flag("include_count")
    disabled = call.arguments.flag("include_disabled")
    async with call.store.scan() as tx:
        found = await user_groups.page(tx, call.org.id, await _team(tx, call), disabled=disabled)
        ids = [each.group.id for each in found]
        known = await around(tx, call.org, ids, members=members, sizes=sizes)
    return {"usergroups": [drawn(each, known, call.org) for each in found]}


@method(
    "usergroups.users.list", scope="usergroups:read", tier=2, plans=PAID, plan_error="plan_upgrade_required"
)
async def usergroups_users_list(call: MethodCall) -> dict[str, Any]:
    """Everybody in a group, the earliest joined first."""
    id, disabled = GroupId(call.arguments.required("usergroup")), call.arguments.flag("include_disabled")
    async with call.store.scan() as tx:
        team = await _team(tx, call)
        led = (await connections.of_group(tx, call.org.id, id)).workspaces
        kept = (await user_groups.find_many(tx, call.org.id, [id])).get(id, UserGroup())
        is_elsewhere = team is not None and team not in {each.team_id for each in led}
        is_away = kept.disabled is not None and not disabled
        if is_elsewhere or is_away or await groups.find(tx, call.org.id, id) is None:
            raise NotFound("no_such_group")
        members = await user_groups.members(tx, call.org.id, [id])
    return {"users": members[id]}


def _said(call: MethodCall) -> UserGroupChange:
    """What the arguments of ``usergroups.create`` and ``usergroups.update`` ask for."""
    given, channels = call.arguments, call.arguments.listed("channels")
    return UserGroupChange(
        name=_or_unset(given.text("name")),
        handle=_or_unset(given.text("handle")),
        description=_or_unset(given.text("description")),
        channels=UNSET if channels is None else tuple(map(ChannelId, channels)),
    )


def _or_unset(text: str | None) -> str | UnsetType:
    return UNSET if text is None else text


async def _shown(tx: Tx, call: MethodCall, group: Group) -> dict[str, Any]:
    """One user group as the answer to a change shows it."""
    sizes = call.arguments.flag("include_count")
    known = await around(tx, call.org, [group.id], members=True, sizes=sizes)
    return {"usergroup": drawn(Listed(group, False), known, call.org)}


@method(
    "usergroups.create",
    scope="usergroups:write",
    tier=2,
    plans=PAID,
    plan_error="paid_teams_only",
    errors=_WORDS,
)
async def usergroups_create(call: MethodCall) -> dict[str, Any]:
    """A new user group, without members."""
    change = _said(call)
    async with call.store.write() as tx:
        caller = await call.caller(tx)
        group = await actions.create(tx, caller.org, change, actor=caller.actor)
        return await _shown(tx, call, group)


@method(
    "usergroups.update",
    scope="usergroups:write",
    tier=2,
    plans=PAID,
    plan_error="paid_teams_only",
    errors=_WORDS,
)
async def usergroups_update(call: MethodCall) -> dict[str, Any]:
    """A user group's name, handle, description or channels changed."""
    id, change = GroupId(call.arguments.required("usergroup")), _said(call)
    async with call.store.write() as tx:
        caller = await call.caller(tx)
        group = await actions.update(tx, caller.org, id, change, actor=caller.actor)
        return await _shown(tx, call, group)


async def _set_disabled(call: MethodCall, disabled: bool) -> dict[str, Any]:
    id = GroupId(call.arguments.required("usergroup"))
    async with call.store.write() as tx:
        caller = await call.caller(tx)
        group = await actions.set_disabled(tx, caller.org, id, disabled, actor=caller.actor)
        return await _shown(tx, call, group)


@method("usergroups.enable", scope="usergroups:write", tier=2, plans=PAID, plan_error="plan_upgrade_required")
async def usergroups_enable(call: MethodCall) -> dict[str, Any]:
    """A user group in use again."""
    return await _set_disabled(call, False)


@method(
    "usergroups.disable", scope="usergroups:write", tier=2, plans=PAID, plan_error="plan_upgrade_required"
)
async def usergroups_disable(call: MethodCall) -> dict[str, Any]:
    """A user group put away."""
    return await _set_disabled(call, True)


@method(
    "usergroups.users.update",
    scope="usergroups:write",
    tier=2,
    plans=PAID,
    plan_error="plan_upgrade_required",
    errors=_WORDS_OF_MEMBERS,
)
async def usergroups_users_update(call: MethodCall) -> dict[str, Any]:
    """Exactly these people are in a user group."""
    id, users = GroupId(call.arguments.required("usergroup")), call.arguments.listed("users")
    if not users:
        raise MethodError("no_users_provided")
    async with call.store.write() as tx:
        caller = await call.caller(tx)
        members = [UserId(user) for user in users]
        group = await actions.set_members(tx, caller.org, id, members, actor=caller.actor)
        return await _shown(tx, call, group)
