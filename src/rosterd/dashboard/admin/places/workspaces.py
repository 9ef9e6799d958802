"""Workspaces, and a workspace: which groups lead there, who is in it and why, its channels and roles.

Outside Enterprise there is one, which everybody is in: there is nothing to connect, to join or to leave.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple

from rosterd.actions import workspaces as actions
from rosterd.actions.upkeep import indexing
from rosterd.dashboard.admin.frame import Done, Look, form, page
from rosterd.dashboard.admin.places import residents
from rosterd.dashboard.admin.places.connecting import missing
from rosterd.dashboard.pages import Page
from rosterd.dashboard.words import WORDS
from rosterd.directory.errors import Invalid
from rosterd.directory.facets import Facet
from rosterd.directory.model import ChannelId, Discoverability, Plan, Role, TeamId, UserId, Workspace
from rosterd.directory.names import folded
from rosterd.store import channels, users, workspaces
from rosterd.store.belonging import listings
from rosterd.store.engine import Tx
from rosterd.store.people import index

AT_ONCE = 50
MOST = 1_000
"""What is counted for a list; beyond that it says “or more”."""

MAX_NAME, MAX_DESCRIPTION = 255, 250

FINDING: Mapping[Discoverability, str] = {
    Discoverability.OPEN: "Open: everybody in the organisation may join",
    Discoverability.INVITE_ONLY: "By invitation: listed, but people are put there",
    Discoverability.CLOSED: "By request: people may ask",
    Discoverability.UNLISTED: "Hidden: nobody finds it who is not in it",
}
"""Who finds a workspace."""

Values = dict[str, Any]


class Row(NamedTuple):
    """A workspace in the list."""

    workspace: Workspace
    people: int
    channels: int
    groups: int


@page("admin", "workspaces")
async def every_workspace(look: Look) -> Page:
    """All workspaces by name, a page at a time; ``q`` stands in their names or domains."""
    await indexing.freshen(look.desk.store, look.org.id)
    q, after = residents.asked(look)
    async with look.desk.store.scan() as tx:
        org = look.org.id
        found = await listings.workspaces(tx, org, folded(q), after=after, limit=AT_ONCE + 1)
        ids = [each.id for each in found[:AT_ONCE]]
        people = await index.count_many(tx, org, Facet.WORKSPACE, ids)
        within = await listings.within(tx, org, ids, MOST)
        is_whole = await index.is_whole(tx, org)
    return look.render(
        "workspaces.html",
        q=q,
        rows=[Row(each, people[each.id].total, *within[each.id]) for each in found[:AT_ONCE]],
        most=MOST,
        finding=FINDING,
        is_later=bool(after),
        following=ids[-1] if len(found) > AT_ONCE else "",
        is_whole=is_whole,
        is_enterprise=look.org.plan is Plan.ENTERPRISE,
    )


class Tab(NamedTuple):
    """A part of a workspace's page. ``read`` gives what its template shows."""

    name: str
    read: Callable[[Tx, Look, Workspace], Awaitable[Values]]


@page("admin", "workspaces", "*")
async def workspace(look: Look, team_id: str) -> Page:
    """A workspace of this organisation; a page that says so if there is none."""
    key = look.params.get("tab") or "groups"
    if key not in TABS:
        look.alert = look.alert or WORDS["invalid_query"]
        key = "groups"
    await indexing.freshen(look.desk.store, look.org.id)
    async with look.desk.store.scan() as tx:
        found = await workspaces.find(tx, look.org.id, TeamId(team_id))
        if found is None:
            return missing(look, "workspace")
        values = await about(tx, look, found) | await TABS[key].read(tx, look, found)
    tabs = [(each, tab.name) for each, tab in TABS.items()]
    return look.render(f"workspace_{key}.html", tab=key, tabs=tabs, **values)


async def about(tx: Tx, look: Look, found: Workspace) -> Values:
    """What every part of its page shows."""
    return {
        "workspace": found,
        "people": (await index.count(tx, look.org.id, Facet.WORKSPACE, found.id)).total,
        "finding": FINDING,
        "is_enterprise": look.org.plan is Plan.ENTERPRISE,
    }


async def _groups(tx: Tx, look: Look, found: Workspace) -> Values:
    _, after = residents.asked(look)
    leading = await listings.leading_to_workspace(tx, look.org.id, found.id, after=after, limit=AT_ONCE + 1)
    counted = await index.count_many(tx, look.org.id, Facet.GROUP, [group.id for group, _ in leading])
    return {
        "leading": [(group, to, counted[group.id]) for group, to in leading[:AT_ONCE]],
        "is_later": bool(after),
        "following": leading[AT_ONCE - 1][0].id if len(leading) > AT_ONCE else "",
    }


async def _members(tx: Tx, look: Look, found: Workspace) -> Values:
    crowd = await residents.of_workspace(tx, look, found.id)
    return {"crowd": crowd, "roles": await workspaces.roles_in(tx, look.org.id, found.id)}


async def _channels(tx: Tx, look: Look, found: Workspace) -> Values:
    q, after = residents.asked(look)
    org = look.org.id
    some = await listings.channels(tx, org, folded(q), team=found.id, after=after, limit=AT_ONCE + 1)
    ids = [ChannelId(each.id) for each in some[:AT_ONCE]]
    homes = await channels.homes(tx, org, ids)
    default = {id for id, at in homes.items() for home in at if home.team_id == found.id and home.is_default}
    return {
        "q": q,
        "rows": some[:AT_ONCE],
        "default": default,
        "sizes": await listings.people_in(tx, org, ids, MOST),
        "most": MOST,
        "is_later": bool(after),
        "following": ids[-1] if len(some) > AT_ONCE else "",
    }


async def _roles(tx: Tx, look: Look, found: Workspace) -> Values:
    roles = await workspaces.roles_in(tx, look.org.id, found.id)
    shown = sorted(roles)[:AT_ONCE]
    people = {user.id: user for user in await users.find_many(tx, look.org.id, [*map(UserId, shown)])}
    runs = [(people[id], roles[id]) for id in shown if id in people]
    return {
        "runs": sorted(runs, key=lambda pair: (pair[1] is not Role.OWNER, folded(pair[0].full_name))),
        "more": max(0, len(roles) - len(shown)),
    }


TABS: Mapping[str, Tab] = {
    "groups": Tab("Groups that lead here", _groups),
    "members": Tab("Members", _members),
    "channels": Tab("Channels", _channels),
    "roles": Tab("Owners and admins", _roles),
}


@page("admin", "workspaces", "new")
async def new_workspace(look: Look) -> Page:
    """A form for one."""
    return look.render("new_workspace.html", finding=FINDING, is_enterprise=look.org.plan is Plan.ENTERPRISE)


@form("admin", "workspaces", "new", shown=new_workspace)
async def create(tx: Tx, look: Look) -> Done:
    """There it is, with its #general; whoever made it owns it."""
    fields = look.fields
    found = fields.get("discoverability", "")
    name, description = fields.get("name", ""), fields.get("description", "")
    if found not in [*Discoverability] or "\0" in name + description + fields.get("domain", ""):
        raise Invalid("invalid_form_data")
    made = await actions.create(
        tx,
        look.org,
        fields.get("domain", ""),
        name[:MAX_NAME],
        description=description[:MAX_DESCRIPTION],
        discoverability=Discoverability(found),
        actor=look.actor,
    )
    return Done(f"/admin/workspaces/{made.id}", f"The workspace {made.name} is there, and you own it.")
