"""``admin.conversations.*``: channels across an Enterprise organisation, and who may be in private ones.

Source: Slack's page of each method.
"""

from __future__ import annotations

from typing import Any

from rosterd.actions import channels as actions
from rosterd.actions import connections
from rosterd.directory import names
from rosterd.directory.errors import NotFound
from rosterd.directory.model import Channel, ChannelId, GroupId, TeamId
from rosterd.store import channels as rows
from rosterd.store import workspaces
from rosterd.store.belonging import connections as connection_rows
from rosterd.store.belonging import places
from rosterd.store.belonging.places import CHANNEL
from rosterd.store.channels import Home, Search
from rosterd.store.engine import Tx
from rosterd.web.methods.call import ENTERPRISE, MethodCall, method
from rosterd.web.methods.cursors import cursor
from rosterd.web.methods.errors import MethodError

MOST_FOUND = 20


@method(
    "admin.conversations.create",
    scope="admin.conversations:write",
    tier=2,
    plans=ENTERPRISE,
    org_token=True,
    errors={
        "invalid_name_maxlength": "invalid_name",
        "invalid_name_punctuation": "invalid_name",
        "invalid_name_required": "invalid_name",
        "invalid_name_specials": "invalid_name",
        "team_not_given": "team_id_or_org_required",
    },
)
async def admin_conversations_create(call: MethodCall) -> dict[str, Any]:
    """A new channel of a workspace, or of all."""
    given = call.arguments
    name = given.required("name")
    given.required("is_private")
    team = given.text("team_id")
    async with call.store.write() as tx:
        caller = await call.caller(tx)
        made = await actions.create(
            tx,
            caller.org,
            name,
            [TeamId(team)] if team else [],
            is_private=given.flag("is_private"),
            is_org_wide=given.flag("org_wide"),
            purpose=given.text("description") or "",
            actor=caller.actor,
        )
    return {"channel_id": made.id}


@method(
    "admin.conversations.search", scope="admin.conversations:read", tier=2, plans=ENTERPRISE, org_token=True
)
async def admin_conversations_search(call: MethodCall) -> dict[str, Any]:
    """Channels by name, kind and workspace: private ones, too."""
    wanted = _wanted(call)
    async with call.store.scan() as tx:
        org = call.org.id
        if len(await workspaces.find_many(tx, org, wanted.teams)) < len(wanted.teams):
            raise MethodError("team_not_found")
        total = await rows.count(tx, org, wanted)
        if call.arguments.flag("total_count_only"):
            return {"total_count": total}
        found = await rows.search(tx, org, wanted._replace(limit=wanted.limit + 1))
        ids = found[: wanted.limit]
        known = {channel.id: channel for channel in await rows.find_many(tx, org, ids)}
        homes = await rows.homes(tx, org, ids)
        sizes = await places.count(tx, CHANNEL, org, ids)
    drawn = [_drawn(known[id], homes[id], sizes[id]) for id in ids]
    following = cursor("channel", ids[-1]) if len(found) > len(ids) else ""
    return {"conversations": drawn, "next_cursor": following, "total_count": total}


def _wanted(call: MethodCall) -> Search:
    given = call.arguments
    page = call.page("channel", default=10, most=MOST_FOUND)
    kinds = given.listed("search_channel_types") or []
    if not rows.KINDS.keys() >= set(kinds):
        raise MethodError("invalid_search_channel_type")
    by, direction = given.text("sort") or "member_count", given.text("sort_dir") or "desc"
    if by not in rows.ORDERS:
        raise MethodError("invalid_sort")
    if direction not in ("asc", "desc"):
        raise MethodError("invalid_sort_dir")
    if given.listed("connected_team_ids"):
        raise MethodError("external_team_not_connected_to_this_org")
    return Search(
        text=names.folded((given.text("query") or "").strip().removeprefix("#")),
        kinds=tuple(kinds),
        teams=tuple(TeamId(id) for id in given.listed("team_ids") or []),
        by=by,
        descending=direction == "desc",
        after=page.after or "",
        limit=page.limit or 10,
    )


def _drawn(channel: Channel, homes: list[Home], size: int) -> dict[str, Any]:
    """A channel as the search shows it: members of archived ones are not counted."""
    return {
        "id": channel.id,
        "name": channel.name,
        "purpose": channel.purpose,
        "member_count": -1 if channel.is_archived else size,
        "created": channel.created // 1_000_000,
        "creator_id": channel.creator_id,
        "is_private": channel.is_private,
        "is_archived": channel.is_archived,
        "is_general": any(home.is_general for home in homes),
        "last_activity_ts": 0,  # nothing that is said is kept
        "is_ext_shared": False,
        "is_global_shared": channel.is_org_wide,
        "is_org_default": False,
        "is_org_mandatory": False,
        "is_org_shared": len(homes) > 1,
        "is_frozen": False,
        "connected_team_ids": [],
        "internal_team_ids_count": len(homes),
        "internal_team_ids_sample_team": homes[0].team_id if homes else "",
        "pending_connected_team_ids": [],
        "is_pending_ext_shared": False,
    }


_GROUP_WORDS = {"no_such_group": "group_not_found", "not_connected": "link_not_found"}


@method(
    "admin.conversations.restrictAccess.addGroup",
    scope="admin.conversations:write",
    tier=2,
    plans=ENTERPRISE,
    org_token=True,
    errors=_GROUP_WORDS,
)
async def add_group(call: MethodCall) -> dict[str, Any]:
    """A group is on a private channel's allowlist. The first one there takes out all who are not in it."""
    group = GroupId(call.arguments.required("group_id"))
    async with call.store.write() as tx:
        caller = await call.caller(tx)
        channel = await _restrictable(tx, call)
        await connections.allow(tx, caller.org, channel, group, actor=caller.actor)
    return {}


@method(
    "admin.conversations.restrictAccess.removeGroup",
    scope="admin.conversations:write",
    tier=2,
    plans=ENTERPRISE,
    org_token=True,
    errors=_GROUP_WORDS,
)
async def remove_group(call: MethodCall) -> dict[str, Any]:
    """A group is not on a channel's allowlist any more: who was allowed by it alone leaves."""
    group = GroupId(call.arguments.required("group_id"))
    async with call.store.write() as tx:
        caller = await call.caller(tx)
        channel = await _restrictable(tx, call)
        await connections.disallow(tx, caller.org, channel, group, actor=caller.actor)
    return {}


@method(
    "admin.conversations.restrictAccess.listGroups",
    scope="admin.conversations:read",
    tier=2,
    plans=ENTERPRISE,
    org_token=True,
)
async def list_groups(call: MethodCall) -> dict[str, Any]:
    """The groups on a channel's allowlist, the first one first."""
    async with call.store.read() as tx:
        channel = await _restrictable(tx, call)
        return {"group_ids": await connection_rows.allowlist(tx, call.org.id, channel)}


async def _restrictable(tx: Tx, call: MethodCall) -> ChannelId:
    """The channel that the call names; if it names a workspace, one that this has.

    Raises ``team_not_found`` and ``channel_not_found``.
    """
    id, team = ChannelId(call.arguments.required("channel_id")), call.arguments.text("team_id")
    if team and await workspaces.find(tx, call.org.id, TeamId(team)) is None:
        raise MethodError("team_not_found")
    homes = (await rows.homes(tx, call.org.id, [id]))[id]
    if not homes or (team and team not in {home.team_id for home in homes}):
        raise NotFound("no_such_channel", channel=id)
    return id
