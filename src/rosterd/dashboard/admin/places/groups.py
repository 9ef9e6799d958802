"""Groups, and a group: who is in it, where it leads, how it came to be, and what could be connected to it.

Whatever changes where a group leads goes by :mod:`rosterd.dashboard.admin.places.connecting`. Members and
names come from the identity provider: they are not changed here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple

from rosterd.actions import consequences
from rosterd.actions.upkeep import indexing
from rosterd.dashboard.admin.frame import Look, page
from rosterd.dashboard.admin.members import history
from rosterd.dashboard.admin.places import residents
from rosterd.dashboard.admin.places.connecting import MOST, missing
from rosterd.dashboard.pages import Page
from rosterd.dashboard.words import WORDS
from rosterd.directory import channels as channel_rules
from rosterd.directory.facets import Facet
from rosterd.directory.model import (
    Channel,
    ChannelId,
    Group,
    GroupId,
    GroupWorkspace,
    Plan,
    TeamId,
    Workspace,
)
from rosterd.directory.names import folded
from rosterd.store import channels, groups, user_groups, workspaces
from rosterd.store.belonging import connections, listings
from rosterd.store.engine import Tx
from rosterd.store.people import index
from rosterd.store.records import audit, trail

AT_ONCE = 50
Values = dict[str, Any]


class Row(NamedTuple):
    """A group in the list."""

    group: Group
    people: index.Count
    led: listings.Led
    handle: str
    is_disabled: bool


@page("admin", "groups")
async def every_group(look: Look) -> Page:
    """All groups by name, a page at a time; ``q`` stands in their names."""
    await indexing.freshen(look.desk.store, look.org.id)
    q, after = residents.asked(look)
    async with look.desk.store.scan() as tx:
        found = await listings.groups(tx, look.org.id, folded(q), after=after, limit=AT_ONCE + 1)
        rows = await _rows(tx, look, found[:AT_ONCE])
        is_whole = await index.is_whole(tx, look.org.id)
    return look.render(
        "groups.html",
        q=q,
        rows=rows,
        is_later=bool(after),
        following=found[AT_ONCE - 1].id if len(found) > AT_ONCE else "",
        is_whole=is_whole,
        is_enterprise=_is_enterprise(look),
    )


async def _rows(tx: Tx, look: Look, found: list[Group]) -> list[Row]:
    ids = [group.id for group in found]
    counted = await index.count_many(tx, look.org.id, Facet.GROUP, ids)
    led = await listings.led(tx, look.org.id, ids)
    kept = {} if _is_enterprise(look) else await user_groups.find_many(tx, look.org.id, ids)
    return [
        Row(
            group,
            counted[group.id],
            led[group.id],
            kept[group.id].handle if group.id in kept else "",
            group.id in kept and kept[group.id].disabled is not None,
        )
        for group in found
    ]


class Tab(NamedTuple):
    """A part of a group's page. ``read`` gives what its template shows."""

    name: str
    read: Callable[[Tx, Look, Group], Awaitable[Values]]


@page("admin", "groups", "*")
async def group(look: Look, group_id: str) -> Page:
    """A group of this organisation; a page that says so if there is none."""
    key = look.params.get("tab") or "places"
    if key not in TABS:
        look.alert = look.alert or WORDS["invalid_query"]
        key = "places"
    if key == "members":
        await indexing.freshen(look.desk.store, look.org.id)
    async with look.desk.store.scan() as tx:
        found = await groups.find(tx, look.org.id, GroupId(group_id))
        if found is None:
            return missing(look, "group")
        values = await _about(tx, look, found) | await TABS[key].read(tx, look, found)
    tabs = [(each, tab.name) for each, tab in TABS.items()]
    return look.render(f"group_{key}.html", tab=key, tabs=tabs, **values)


async def _about(tx: Tx, look: Look, found: Group) -> Values:
    """What every part of its page shows."""
    org = look.org.id
    records = [await audit.first(tx, org, found.id), *await audit.page(tx, org, entity=found.id, limit=1)]
    known = [record for record in records if record is not None]
    names = await trail.names(tx, org, known)
    kept = (await user_groups.find_many(tx, org, [found.id])).get(found.id)
    return {
        "group": found,
        "kept": kept,
        "people": await index.count(tx, org, Facet.GROUP, found.id),
        "made": history.by(known[0], names) if known else None,
        "changed": (known[-1].created / 1_000_000, history.by(known[-1], names)) if known else None,
        "remaining": await consequences.remaining(tx, org, found.id),
        "is_enterprise": _is_enterprise(look),
    }


class LedWorkspace(NamedTuple):
    """A workspace that a group leads to."""

    workspace: Workspace
    to: GroupWorkspace


class LedChannel(NamedTuple):
    """A channel that a group leads to or is on the allowlist of, and the names of its workspaces."""

    channel: Channel
    homes: list[str]


async def _places(tx: Tx, look: Look, found: Group) -> Values:
    org = look.org.id
    led = await connections.of_group(tx, org, found.id)
    ways = {each.team_id: each for each in led.workspaces}
    teams = await workspaces.find_many(tx, org, [*ways])
    made = await channels.find_many(tx, org, [*led.channels, *led.allowlists])
    homes = await listings.homes(tx, org, [each.id for each in made])
    by_name = sorted(made, key=lambda each: (each.name, each.id))
    return {
        "workspaces": [
            LedWorkspace(each, ways[each.id]) for each in sorted(teams, key=lambda team: folded(team.name))
        ],
        "channels": [LedChannel(each, homes[each.id]) for each in by_name if each.id in led.channels],
        "allowlists": [LedChannel(each, homes[each.id]) for each in by_name if each.id in led.allowlists],
        "can_lead": bool(channel_rules.reachable_from(look.org, led.workspaces)),
    }


async def _members(tx: Tx, look: Look, found: Group) -> Values:
    return {"crowd": await residents.of_group(tx, look, found.id)}


async def _history(tx: Tx, look: Look, found: Group) -> Values:
    return await history.page(tx, look, found.id)


TABS: Mapping[str, Tab] = {
    "places": Tab("Where it leads", _places),
    "members": Tab("Members", _members),
    "history": Tab("History", _history),
}


@page("admin", "groups", "*", "workspaces")
async def choose_workspaces(look: Look, group_id: str) -> Page:
    """Workspaces to tick, which the group is to lead to."""
    q, after = residents.asked(look)
    async with look.desk.store.scan() as tx:
        found = await groups.find(tx, look.org.id, GroupId(group_id))
        if found is None:
            return missing(look, "group")
        led = await connections.of_group(tx, look.org.id, found.id)
        some = await listings.workspaces(tx, look.org.id, folded(q), after=after, limit=AT_ONCE + 1)
    return look.render(
        "choose_workspaces.html",
        group=found,
        q=q,
        rows=some[:AT_ONCE],
        led={each.team_id for each in led.workspaces},
        is_later=bool(after),
        following=some[AT_ONCE - 1].id if len(some) > AT_ONCE else "",
        is_enterprise=_is_enterprise(look),
        most=MOST,
    )


@page("admin", "groups", "*", "channels")
async def choose_channels(look: Look, group_id: str) -> Page:
    """Channels to tick, of one workspace, which the group is to lead to."""
    return await _choose_channels(look, group_id, "choose_channels.html", kind="in_use")


@page("admin", "groups", "*", "allowlists")
async def choose_allowlist(look: Look, group_id: str) -> Page:
    """Private channels, on the allowlist of one of which the group is to be."""
    return await _choose_channels(look, group_id, "choose_allowlist.html", kind="private")


async def _choose_channels(look: Look, group_id: str, template: str, *, kind: str) -> Page:
    async with look.desk.store.scan() as tx:
        found = await groups.find(tx, look.org.id, GroupId(group_id))
        if found is None:
            return missing(look, "group")
        led = await connections.of_group(tx, look.org.id, found.id)
        teams, team = await _reach(tx, look, led) if kind == "in_use" else ([], None)
        some = await _channels(tx, look, kind, team) if team or kind == "private" else []
        shown = some[:AT_ONCE]
        lists = {each.id: await connections.allowlist(tx, look.org.id, each.id) for each in shown}
        homes = await listings.homes(tx, look.org.id, [ChannelId(each.id) for each in shown])
    return look.render(
        template,
        group=found,
        q=residents.asked(look)[0],
        teams=[(each.id, each.name) for each in teams],
        team=team or "",
        rows=shown,
        homes=homes,
        lists=lists,
        led={*led.channels},
        is_later="after" in look.params,
        following=shown[-1].id if len(some) > AT_ONCE else "",
        is_enterprise=_is_enterprise(look),
        most=MOST,
    )


async def _channels(tx: Tx, look: Look, kind: str, team: TeamId | None) -> list[Channel]:
    """A page of channels, and one more."""
    q, after = residents.asked(look)
    return await listings.channels(
        tx, look.org.id, folded(q), kind=kind, team=team, after=after, limit=AT_ONCE + 1
    )


async def _reach(tx: Tx, look: Look, led: connections.Connections) -> tuple[list[Workspace], TeamId | None]:
    """The workspaces whose channels the group may lead to, and the one that is looked at."""
    teams = await workspaces.find_many(
        tx, look.org.id, channel_rules.reachable_from(look.org, led.workspaces)
    )
    wanted = look.params.get("team", "")
    chosen = next((each.id for each in teams if each.id == wanted), teams[0].id if teams else None)
    return sorted(teams, key=lambda each: folded(each.name)), chosen


def _is_enterprise(look: Look) -> bool:
    return look.org.plan is Plan.ENTERPRISE
