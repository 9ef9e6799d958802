"""How many people have each department, title, division, manager, workspace or source: as bars.

The counts are kept (:mod:`rosterd.store.people.index`). A list goes from the most frequent value on, behind
the last one that was shown.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from rosterd.actions.upkeep import indexing
from rosterd.dashboard import pages
from rosterd.dashboard.admin.frame import Look, page
from rosterd.dashboard.pages import Page
from rosterd.directory.connectors import LABELS
from rosterd.directory.errors import Invalid, NotFound
from rosterd.directory.facets import VALUE_LENGTH, Facet
from rosterd.directory.model import OrgId, Plan, TeamId, UserId
from rosterd.store import users, workspaces
from rosterd.store.engine import Tx
from rosterd.store.people import index, search
from rosterd.store.people.index import Count
from rosterd.store.people.search import Wanted

AT_ONCE = 50
MEMBERS = "/admin/members"


class By(NamedTuple):
    """A way to break people down."""

    facet: Facet
    name: str
    plural: str
    nobody: str  # where there is no value


BY: Mapping[str, By] = {
    each.facet: each
    for each in (
        By(Facet.DEPARTMENT, "Department", "Departments", "Nobody has a department."),
        By(Facet.TITLE, "Title", "Titles", "Nobody has a title."),
        By(Facet.DIVISION, "Division", "Divisions", "Nobody has a division."),
        By(Facet.MANAGER, "Manager", "Managers", "Nobody has a manager."),
        By(Facet.WORKSPACE, "Workspace", "Workspaces", "Nobody is in a workspace."),
        By(Facet.SOURCE, "Created by", "Sources", "Nobody is here."),
    )
}
"""Key, as in the address → the way."""

_AFTER = re.compile(rf"([0-9]{{1,15}}):(.{{0,{VALUE_LENGTH}}})", re.DOTALL)


class Bar(NamedTuple):
    """A value, and how many people have it. ``to``: where they are."""

    name: str
    to: str
    invited: int
    active: int
    deactivated: int
    total: int


@page("admin", "by", "*")
async def breakdown(look: Look, field: str) -> Page:
    """Every value of a field; ``q``: those that begin so."""
    by = BY.get(field)
    if by is None or (by.facet is Facet.WORKSPACE and look.org.plan is not Plan.ENTERPRISE):
        raise NotFound("bad_endpoint")
    q = look.params.get("q", "").strip()[:VALUE_LENGTH].replace("\0", "")
    after = place(look.params.get("after", ""))
    await indexing.freshen(look.desk.store, look.org.id)
    async with look.desk.store.scan() as tx:
        found = await _counts(tx, look.org.id, by.facet, q, after)
        rows = await bars(tx, look.org.id, by.facet, found[:AT_ONCE])
        is_whole = await index.is_whole(tx, look.org.id)
    path = f"/admin/by/{field}"
    last = found[AT_ONCE - 1] if len(found) > AT_ONCE else None
    return look.render(
        "breakdown.html",
        path=path,
        by=by,
        ways=ways(look.org.plan),
        q=q,
        rows=rows,
        is_later=after is not None,
        next=pages.link(path, {"q": q}, after=f"{last.total}:{last.value}") if last else "",
        is_whole=is_whole,
        is_by_name=by.facet is not Facet.WORKSPACE,
    )


def ways(plan: Plan) -> Sequence[By]:
    """The ways that an organisation of this plan has: only on Enterprise there are several workspaces."""
    return [by for by in BY.values() if by.facet is not Facet.WORKSPACE or plan is Plan.ENTERPRISE]


async def bars(tx: Tx, org: OrgId, facet: Facet, counts: Sequence[Count]) -> list[Bar]:
    """These counts, by the names of what they count."""
    names = await _names(tx, org, facet, [each.value for each in counts])
    return [Bar(names.get(each.value, each.value), link_to(facet, each.value), *each[1:]) for each in counts]


def link_to(facet: Facet, value: str, **more: str) -> str:
    """Where the people of a value are.

    >>> link_to(Facet.DEPARTMENT, "R & D", status="invited")
    '/admin/members?department=R+%26+D&status=invited'
    """
    return pages.link(MEMBERS, {str(facet): value, **more})


def place(said: str) -> tuple[int, str] | None:
    """Behind which value a page begins: its total and name. Raises ``invalid_cursor``.

    >>> place("12:a:b"), place("")
    ((12, 'a:b'), None)
    """
    if not said:
        return None
    found = _AFTER.fullmatch(said)
    if found is None or "\0" in said:
        raise Invalid("invalid_cursor")
    return int(found[1]), found[2]


async def _counts(tx: Tx, org: OrgId, facet: Facet, q: str, after: tuple[int, str] | None) -> Sequence[Count]:
    """The next counts, one more than a page has if there is one."""
    if not q or facet not in (Facet.MANAGER, Facet.SOURCE):
        return await index.counts(tx, org, facet, limit=AT_ONCE + 1, prefix=q, after=after)
    if facet is Facet.SOURCE:
        values = [key for key, label in LABELS.items() if label.lower().startswith(q.lower())]
    else:  # people are found by the words of their names
        found = await search.page(tx, org, Wanted((q,)), after=None, limit=4 * AT_ONCE)
        values = [user.id for user in found.people]
    counted = await index.count_many(tx, org, facet, values)
    return sorted((each for each in counted.values() if each.total), key=lambda each: -each.total)[:AT_ONCE]


async def _names(tx: Tx, org: OrgId, facet: Facet, values: Sequence[str]) -> Mapping[str, str]:
    """Value → what it is called, where that is not the value itself."""
    match facet:
        case Facet.MANAGER:
            people = await users.find_many(tx, org, [*map(UserId, values)])
            return {user.id: user.full_name for user in people}
        case Facet.WORKSPACE:
            return {
                each.id: each.name for each in await workspaces.find_many(tx, org, [*map(TeamId, values)])
            }
        case Facet.SOURCE:
            return LABELS
    return {}
