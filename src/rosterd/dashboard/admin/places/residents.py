"""Who is in a group, a workspace or a channel, page after page, and why.

People of groups and workspaces are found by the index, which is a moment behind; why they are there is as it
is now. Whoever is not there any more is left out. Nobody is counted for a page.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from rosterd.dashboard.admin.frame import Look
from rosterd.dashboard.words import WORDS
from rosterd.directory.errors import Invalid
from rosterd.directory.facets import Facet
from rosterd.directory.model import ChannelId, OrgId, Reason, TeamId, User, UserId
from rosterd.directory.names import folded
from rosterd.directory.whereabouts import Why, sentence
from rosterd.store import users, workspaces
from rosterd.store.belonging import listings, places
from rosterd.store.belonging.places import CHANNEL, WORKSPACE, Kind
from rosterd.store.engine import Tx
from rosterd.store.people import index, search
from rosterd.store.people.search import Found, Wanted

AT_ONCE = 50
LONGEST_SEARCH = 100

SECONDS = 0.3
"""How long is looked for people of a channel by name."""
SLICE = 500
"""Of these at once."""


class Resident(NamedTuple):
    """Somebody who is there, and why."""

    user: User
    whys: list[str]
    is_bound: bool = False  # a group requires them there


class Crowd(NamedTuple):
    """A page of them, and what its list is drawn of."""

    q: str
    people: list[Resident]
    is_later: bool
    following: str  # the next page begins behind this; "": there is none
    stopped: bool  # time was up
    is_whole: bool  # the index has everybody


def asked(look: Look) -> tuple[str, str]:
    """What is searched for, and where the page begins. What cannot be is left out, and the page says so."""
    q, after = look.params.get("q", "").strip(), look.params.get("after", "")
    if "\0" in q + after or len(q) > LONGEST_SEARCH:
        look.alert = look.alert or WORDS["invalid_list_state"]
        return "", ""
    return q, after


async def of_group(tx: Tx, look: Look, group: str) -> Crowd:
    """A page of a group. Under ``scan``."""
    found, crowd = await _by_facet(tx, look, Facet.GROUP, group)
    return crowd._replace(people=[Resident(user, []) for user in found.people])


async def of_workspace(tx: Tx, look: Look, team: TeamId) -> Crowd:
    """A page of a workspace, with why. Under ``scan``."""
    found, crowd = await _by_facet(tx, look, Facet.WORKSPACE, team)
    return crowd._replace(people=await _with_reasons(tx, look.org.id, WORKSPACE, team, found.people))


async def of_channel(tx: Tx, look: Look, channel: ChannelId) -> Crowd:
    """A page of a channel, with why: in order of id, or (of a search) of creation. Under ``scan``."""
    org, (q, after) = look.org.id, asked(look)
    if q:
        found = await _searched(tx, look, channel, q, after)
    else:
        ids = await places.page(tx, CHANNEL, org, channel, after=after, limit=AT_ONCE + 1)
        people = {user.id: user for user in await users.find_many(tx, org, ids[:AT_ONCE])}
        following = ids[AT_ONCE - 1] if len(ids) > AT_ONCE else None
        found = Found([people[id] for id in ids[:AT_ONCE] if id in people], following, False)
    residents = await _with_reasons(tx, org, CHANNEL, channel, found.people)
    is_whole = not q or await index.is_whole(tx, org)
    return Crowd(q, residents, bool(after), found.after or "", found.stopped, is_whole)


async def _by_facet(tx: Tx, look: Look, facet: Facet, value: str) -> tuple[Found, Crowd]:
    q, after = asked(look)
    wanted = Wanted((q,) if q else (), ((facet, value),))
    found = await _page(tx, look, wanted, after or None, AT_ONCE)
    is_whole = await index.is_whole(tx, look.org.id)
    return found, Crowd(q, [], bool(after), found.after or "", found.stopped, is_whole)


async def _page(tx: Tx, look: Look, wanted: Wanted, after: str | None, limit: int) -> Found:
    """The page; from the beginning, and said so, for a place that is none."""
    try:
        return await search.page(tx, look.org.id, wanted, after=after, limit=limit)
    except Invalid:
        look.alert = look.alert or WORDS["invalid_list_state"]
        return await search.page(tx, look.org.id, wanted, after=None, limit=limit)


async def _searched(tx: Tx, look: Look, channel: ChannelId, q: str, after: str) -> Found:
    """Of those who are found in the organisation those who are there, until time is up."""
    deadline = time.monotonic() + SECONDS
    people: list[User] = []
    position: str | None = after or None
    while True:
        found = await _page(tx, look, Wanted((q,)), position, SLICE)
        there = await places.among(tx, CHANNEL, look.org.id, channel, [user.id for user in found.people])
        people += [user for user in found.people if user.id in there]
        position = found.after
        if position is None or len(people) >= AT_ONCE or time.monotonic() > deadline:
            return Found(people, position, position is not None and len(people) < AT_ONCE)


async def _with_reasons(tx: Tx, org: OrgId, kind: Kind, place: str, people: Sequence[User]) -> list[Resident]:
    reasons = await places.reasons_at(tx, kind, org, place, [user.id for user in people])
    sources = sorted({reason.source_id for some in reasons.values() for reason in some} - {""})
    names = await listings.names_of_groups(tx, org, [each for each in sources if each.startswith("S")])
    teams = [TeamId(each) for each in sources if each.startswith("T")]
    names |= {team.id: team.name for team in await workspaces.find_many(tx, org, teams)}
    required = await listings.requiring(tx, org, TeamId(place), sources) if kind is WORKSPACE else set()
    return [
        Resident(
            user,
            [sentence(_why(reason, names, required)) for reason in reasons[user.id]],
            any(reason.source_id in required and not reason.kept for reason in reasons[user.id]),
        )
        for user in people
        if user.id in reasons
    ]


def _why(reason: Reason, names: Mapping[str, str], required: set[str]) -> Why:
    source = reason.source_id
    return Why(source, names.get(source, ""), reason.kept, source in required)


async def found_by(tx: Tx, org: OrgId, who: str) -> User | None:
    """The person with this address, username or id."""
    given = who.strip()
    if not given or "\0" in given:
        return None
    if "@" in given:
        id = await users.find_by_email(tx, org, folded(given))
    else:
        id = await users.find_by_username(tx, org, given.lower()) or UserId(given)
    return await users.find(tx, org, id) if id else None
