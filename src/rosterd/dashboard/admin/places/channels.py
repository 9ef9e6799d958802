"""Channels, and a channel: its workspaces, who is in it and why, which groups lead there or are allowed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple

from rosterd.actions import channels as actions
from rosterd.actions.upkeep import indexing
from rosterd.dashboard.admin.frame import Done, Look, check_stamp, form, page, stamp
from rosterd.dashboard.admin.places import residents
from rosterd.dashboard.admin.places.connecting import missing
from rosterd.dashboard.pages import Page
from rosterd.dashboard.words import WORDS
from rosterd.directory.errors import Invalid, NotFound
from rosterd.directory.facets import Facet
from rosterd.directory.model import Channel, ChannelId, Plan
from rosterd.directory.names import folded
from rosterd.store import channels, users, workspaces
from rosterd.store.belonging import connections, listings
from rosterd.store.engine import Tx
from rosterd.store.people import index

AT_ONCE = 50
MOST, MOST_OF_ONE = 1_000, 100_000
"""People who are counted in each channel of a list, and in one alone; beyond that a page says “or more”."""
OFFERED = 200
"""Workspaces that are suggested for a new channel."""
MAX_PURPOSE = 250

KINDS: Mapping[str, str] = {
    "in_use": "In use",
    "public": "Public",
    "private": "Private",
    "restricted": "With an allowlist",
    "org_wide": "In every workspace",
    "archived": "Archived",
}
"""What the list can be narrowed to."""

Values = dict[str, Any]


class Row(NamedTuple):
    """A channel in the list."""

    channel: Channel
    homes: list[str]
    people: int


@page("admin", "channels")
async def every_channel(look: Look) -> Page:
    """All channels by name, a page at a time; ``q`` stands in their names, ``kind`` is one of `KINDS`."""
    q, after = residents.asked(look)
    kind = look.params.get("kind", "")
    if kind and kind not in KINDS:
        look.alert = WORDS["invalid_list_state"]
        kind = ""
    async with look.desk.store.scan() as tx:
        org, text = look.org.id, folded(q.removeprefix("#"))
        found = await listings.channels(tx, org, text, kind=kind, after=after, limit=AT_ONCE + 1)
        ids = [ChannelId(each.id) for each in found[:AT_ONCE]]
        homes, sizes = await listings.homes(tx, org, ids), await listings.people_in(tx, org, ids, MOST)
    return look.render(
        "channels.html",
        q=q,
        kind=kind,
        kinds=[*KINDS.items()],
        rows=[Row(each, homes[each.id], sizes[each.id]) for each in found[:AT_ONCE]],
        most=MOST,
        is_later=bool(after),
        following=ids[-1] if len(found) > AT_ONCE else "",
    )


class Tab(NamedTuple):
    """A part of a channel's page. ``read`` gives what its template shows."""

    name: str
    read: Callable[[Tx, Look, Channel], Awaitable[Values]]


@page("admin", "channels", "*")
async def channel(look: Look, channel_id: str) -> Page:
    """A channel of this organisation; a page that says so if there is none."""
    key = look.params.get("tab") or "groups"
    if key not in TABS:
        look.alert = look.alert or WORDS["invalid_query"]
        key = "groups"
    if "q" in look.params:
        await indexing.freshen(look.desk.store, look.org.id)
    async with look.desk.store.scan() as tx:
        found = await channels.find(tx, look.org.id, ChannelId(channel_id))
        if found is None:
            return missing(look, "channel")
        values = await _about(tx, look, found) | await TABS[key].read(tx, look, found)
    tabs = [(each, tab.name) for each, tab in TABS.items()]
    return look.render(f"channel_{key}.html", tab=key, tabs=tabs, **values)


async def _about(tx: Tx, look: Look, found: Channel) -> Values:
    """What every part of its page shows."""
    org = look.org.id
    homes = (await channels.homes(tx, org, [found.id]))[found.id]
    teams = await workspaces.find_many(tx, org, [home.team_id for home in homes])
    return {
        "channel": found,
        "homes": sorted(teams, key=lambda team: folded(team.name)),
        "default": {home.team_id for home in homes if home.is_default},
        "is_general": any(home.is_general for home in homes),
        "is_default": any(home.is_default for home in homes),
        "creator": await users.find(tx, org, found.creator_id),
        "people": (await listings.people_in(tx, org, [found.id], MOST_OF_ONE))[found.id],
        "most": MOST_OF_ONE,
        "seen": stamp(found),
        "is_enterprise": look.org.plan is Plan.ENTERPRISE,
    }


async def _groups(tx: Tx, look: Look, found: Channel) -> Values:
    org, (_, after) = look.org.id, residents.asked(look)
    leading = await listings.leading_to_channel(tx, org, found.id, after=after, limit=AT_ONCE + 1)
    listed = await connections.allowlist(tx, org, found.id)
    names = await listings.names_of_groups(tx, org, listed)
    ids = [*listed, *(group.id for group in leading)]
    counted = await index.count_many(tx, org, Facet.GROUP, ids)
    return {
        "leading": [(group.id, group.display_name) for group in leading[:AT_ONCE]],
        "listed": [(id, names.get(id, id)) for id in listed],
        "sizes": counted,
        "is_later": bool(after),
        "following": leading[AT_ONCE - 1].id if len(leading) > AT_ONCE else "",
    }


async def _members(tx: Tx, look: Look, found: Channel) -> Values:
    return {"crowd": await residents.of_channel(tx, look, found.id)}


TABS: Mapping[str, Tab] = {"groups": Tab("Groups", _groups), "members": Tab("Members", _members)}


@form("admin", "channels", "*", "archive", shown=channel)
async def archive(tx: Tx, look: Look, channel_id: str) -> Done:
    """It is put away, or taken out again."""
    found = await channels.find(tx, look.org.id, ChannelId(channel_id), lock=True)
    if found is None:
        raise NotFound("no_such_channel")
    check_stamp(look, found)
    put_away = not found.is_archived
    await actions.set_archived(tx, look.org, found.id, put_away, actor=look.actor)
    said = "is archived: nobody joins it any more" if put_away else "is in use again"
    return Done(f"/admin/channels/{found.id}", f"#{found.name} {said}.")


@page("admin", "channels", "new")
async def new_channel(look: Look) -> Page:
    """A form for one."""
    async with look.desk.store.scan() as tx:
        teams = await listings.workspaces(tx, look.org.id, "", limit=OFFERED)
    return look.render("new_channel.html", teams=teams)


@form("admin", "channels", "new", shown=new_channel)
async def create(tx: Tx, look: Look) -> Done:
    """There it is, and whoever made it is in it."""
    fields = look.fields
    domain, name, purpose = (fields.get(each, "") for each in ("workspace", "name", "purpose"))
    if "\0" in domain + name + purpose:
        raise Invalid("invalid_form_data")
    team = await workspaces.find_by_domain(tx, look.org.id, domain.strip().lower())
    if team is None:
        raise NotFound("no_such_team")
    made = await actions.create(
        tx,
        look.org,
        name,
        [team.id],
        is_private="private" in fields,
        is_default="default" in fields,
        purpose=purpose[:MAX_PURPOSE],
        actor=look.actor,
    )
    return Done(f"/admin/channels/{made.id}", f"#{made.name} is there.")
