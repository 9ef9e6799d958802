"""Which group is to lead to a workspace or a channel, or to be on an allowlist: one list to choose it from.

Nothing is changed here: what is chosen goes to a preview (:mod:`rosterd.dashboard.admin.places.connecting`).
"""

from __future__ import annotations

from rosterd.dashboard.admin.frame import Look, page
from rosterd.dashboard.admin.places import residents
from rosterd.dashboard.admin.places.connecting import missing
from rosterd.dashboard.pages import Page
from rosterd.directory.facets import Facet
from rosterd.directory.model import Channel, ChannelId, GroupId, OrgId, Plan, TeamId, Workspace
from rosterd.directory.names import folded
from rosterd.store import channels, workspaces
from rosterd.store.belonging import connections, listings
from rosterd.store.engine import Tx
from rosterd.store.people import index

AT_ONCE = 50


@page("admin", "workspaces", "*", "connect")
async def to_workspace(look: Look, team_id: str) -> Page:
    """Groups, one of which is to lead to a workspace."""
    return await _choose(look, "connect", team_id)


@page("admin", "channels", "*", "connect")
async def to_channel(look: Look, channel_id: str) -> Page:
    """Groups, one of which is to lead to a channel."""
    return await _choose(look, "lead", channel_id)


@page("admin", "channels", "*", "allow")
async def onto_allowlist(look: Look, channel_id: str) -> Page:
    """Groups, one of which is to be on a channel's allowlist."""
    return await _choose(look, "allow", channel_id)


async def _choose(look: Look, do: str, id: str) -> Page:
    """The list; ``do``: as in the address of the preview."""
    q, after = residents.asked(look)
    org = look.org.id
    async with look.desk.store.scan() as tx:
        found = await _find(tx, org, do, id)
        if found is None:
            return missing(look, "workspace" if do == "connect" else "channel")
        some = await listings.groups(tx, org, folded(q), after=after, limit=AT_ONCE + 1)
        ids = [group.id for group in some[:AT_ONCE]]
        counted = await index.count_many(tx, org, Facet.GROUP, ids)
        there = await _there(tx, org, do, id, ids)
    return look.render(
        "choose_group.html",
        do=do,
        to=found,
        q=q,
        rows=[(group, counted[group.id]) for group in some[:AT_ONCE]],
        there=there,
        is_later=bool(after),
        following=ids[-1] if len(some) > AT_ONCE else "",
        is_enterprise=look.org.plan is Plan.ENTERPRISE,
    )


async def _find(tx: Tx, org: OrgId, do: str, id: str) -> Workspace | Channel | None:
    if do == "connect":
        return await workspaces.find(tx, org, TeamId(id))
    return await channels.find(tx, org, ChannelId(id))


async def _there(tx: Tx, org: OrgId, do: str, id: str, groups: list[GroupId]) -> set[GroupId]:
    """Those of these groups of which it is so already."""
    if do == "connect":
        return await listings.leading_among(tx, org, TeamId(id), groups)
    read = connections.allowlist if do == "allow" else connections.groups_to_channel
    return {*await read(tx, org, ChannelId(id))}
