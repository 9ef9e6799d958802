"""What is to be done to people who were ticked in a list, or to everybody whom its filter shows.

Nothing is changed here: what comes of it is a draft, which its own page shows.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from rosterd.actions import bulk as actions
from rosterd.actions.upkeep import indexing
from rosterd.dashboard import forms, pages
from rosterd.dashboard.admin import days
from rosterd.dashboard.admin.bulk.words import ACTIONS
from rosterd.dashboard.admin.frame import Done, Look, Shown, form, page
from rosterd.dashboard.admin.members import listing, selection
from rosterd.dashboard.admin.members.selection import Selection
from rosterd.dashboard.pages import Page
from rosterd.dashboard.words import ROLES, STATUSES
from rosterd.directory import bulk as rules
from rosterd.directory.bulk import MOST_PEOPLE, Action, Arguments
from rosterd.directory.errors import Invalid, NotAllowed
from rosterd.directory.model import Role, TeamId, User, UserId
from rosterd.store import users, workspaces
from rosterd.store.engine import Tx
from rosterd.store.people import index, search

PATH = "/admin/bulk"
MEMBERS = "/admin/members"
ALL = "all"
"""The field that says that everybody is meant whom the filter in the address shows."""

SLICE = 1_000
"""People of a filter who are looked for at once."""
PATIENCE = 10.0
"""Seconds that may be looked for them."""

_NEEDED = {
    Action.SET_ROLE: "role",
    Action.SET_EXPIRY: "day",
    Action.ADD_TO_WORKSPACE: "team_to",
    Action.REMOVE_FROM_WORKSPACE: "team_from",
}
"""The field that an action needs."""


NAMED = 10
"""People whom the choice names."""


async def choose(look: Look) -> Page:
    """The choice, with what was chosen so far."""
    chosen = selection.read(look.params)
    async with look.desk.store.scan() as tx:
        teams = await workspaces.every(tx, look.org.id)
        named, amount = await _named(tx, look, chosen)
    filters = chosen.filters
    names = {str(each): name for each, name in (*STATUSES.items(), *ROLES.items())}
    names |= {each.id: each.name for each in teams}
    offered = rules.on_plan(look.org.plan)
    return look.render(
        "bulk_choice.html",
        actions=[(each, ACTIONS[each].choice, _NEEDED.get(each, "")) for each in offered],
        ticked=forms.ticked(look.fields),
        is_all=bool(look.fields.get(ALL)),
        named=named,
        amount=amount,
        filters=[
            (selection.FACETS.get(name, "Search"), names.get(value, value)) for name, value in filters.items()
        ],
        to=pages.link(PATH, filters),
        back=pages.link(MEMBERS, filters),
        roles=[(str(each), ROLES[each]) for each in (Role.MEMBER, Role.ADMIN, Role.OWNER)],
        teams=[(each.id, each.name) for each in teams],
    )


async def _named(tx: Tx, look: Look, chosen: Selection) -> tuple[list[User], int | None]:
    """The first of those who are meant, and how many they are; None: nobody has counted them."""
    org = look.org.id
    if not look.fields.get(ALL):
        ids = [UserId(id) for id in forms.ticked(look.fields)]
        named = [id for id in ids[:NAMED] if "\0" not in id]
        return await users.find_many(tx, org, named), len(ids)
    if chosen.problems:  # nobody is meant
        return [], None
    found = await search.page(tx, org, chosen.wanted, after=None, limit=NAMED)
    return found.people, await listing.amount(tx, org, chosen) if found.after else len(found.people)


@page("admin", "members", "bulk")
async def back(look: Look) -> Page:
    """Whoever loads the choice again has ticked nobody."""
    return pages.redirect(pages.link(MEMBERS, selection.read(look.params).filters))


@form("admin", "members", "bulk", shown=choose, once=False, first=choose)
async def begin(tx: Tx, look: Look, drawn: Page) -> Done | Shown:
    """Go from the list of members to the choice: nothing is kept."""
    chosen = selection.read(look.params)
    if not look.fields.get(ALL) and not forms.ticked(look.fields):
        return Done(pages.link(MEMBERS, chosen.filters), "Nobody was ticked. Tick somebody first.")
    if look.fields.get(ALL) and chosen.problems:
        raise Invalid("invalid_query")
    return Shown(lambda _: drawn)


async def chosen_people(look: Look) -> Sequence[UserId]:
    """Who is meant. Raises ``invalid_query``, ``filter_too_wide`` and ``search_not_ready``."""
    if not look.fields.get(ALL):
        return [UserId(id) for id in forms.ticked(look.fields)]
    chosen = selection.read(look.params)
    if chosen.problems:
        raise Invalid("invalid_query")
    store, org = look.desk.store, look.org.id
    await indexing.freshen(store, org)
    async with store.read() as tx:
        if (chosen.wanted.words or chosen.wanted.facets) and not await index.is_whole(tx, org):
            raise NotAllowed("search_not_ready")  # it would find only some
    found: list[UserId] = []
    until, after = time.monotonic() + PATIENCE, None
    while True:
        async with store.scan() as tx:
            some = await search.ids(tx, org, chosen.wanted, after=after, limit=SLICE)
        found += some.ids
        after = some.after
        if after is None or len(found) > MOST_PEOPLE:
            return found
        if time.monotonic() > until:
            raise NotAllowed("filter_too_wide")


@form("admin", "bulk", shown=choose, first=chosen_people)
async def draft(tx: Tx, look: Look, people: Sequence[UserId]) -> Done:
    """The draft of what was chosen."""
    given = look.fields
    if (name := given.get("action", "")) not in list(Action):
        raise Invalid("no_such_change")
    action = Action(name)
    batch = await actions.draft(tx, look.org, action, _arguments(action, look), people, actor=look.actor)
    return Done(f"{PATH}/{batch.id}")


def _arguments(action: Action, look: Look) -> Arguments:
    """What is given for an action; what is not understood is not given."""
    text = look.fields.get(_NEEDED.get(action, ""), "").strip()
    match action:
        case Action.SET_ROLE:
            return Arguments(role=Role(text) if text in list(Role) else None)
        case Action.SET_EXPIRY:
            return Arguments(expires=days.last_second(text))
        case Action.ADD_TO_WORKSPACE | Action.REMOVE_FROM_WORKSPACE:
            return Arguments(team_id=TeamId(text))
    return Arguments()
