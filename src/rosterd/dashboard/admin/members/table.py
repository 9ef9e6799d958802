"""All members: searched, filtered, sorted, a page at a time, and the whole selection as a file.

The state of the list is its address (:mod:`rosterd.dashboard.admin.members.selection`). Whatever a page
shows, it looks at a bounded number of rows: nothing is counted for it.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from rosterd.actions.upkeep import indexing
from rosterd.dashboard import exports, pages
from rosterd.dashboard.admin.frame import Look, page
from rosterd.dashboard.admin.members import listing, selection
from rosterd.dashboard.admin.members.selection import COLUMNS, FACETS, Selection
from rosterd.dashboard.pages import Page
from rosterd.dashboard.words import ROLES, STATUSES, WORDS
from rosterd.directory.connectors import LABELS
from rosterd.directory.errors import Invalid
from rosterd.directory.facets import Facet, Sort
from rosterd.directory.model import Org, Role, UserId
from rosterd.store import users
from rosterd.store.engine import Store, Tx
from rosterd.store.people import index, search
from rosterd.store.people.search import Found
from rosterd.store.records import trail

PATH = "/admin/members"
AT_ONCE = 50

NAMED = 5
"""Groups and workspaces of somebody that their row names; files have all."""

SUGGESTED = 50
"""Values that are suggested where any can be typed."""
OFFERED = 100
"""Values that can be chosen where people know names and filters ids."""

SLICE = 1_000
"""People of a file who are looked for at once."""
READ = 100
"""Those who are read at once: each may have a picture of a quarter of a megabyte."""
SLICE_SECONDS = 2.0

_TICK = "c."
"""A column's box in the form that chooses them: ``c.title=1``."""

_TYPED = (Facet.DEPARTMENT, Facet.TITLE, Facet.DIVISION)
_NAMED: Mapping[Facet, str] = {
    Facet.WORKSPACE: "workspace",
    Facet.GROUP: "usergroup",
    Facet.MANAGER: "user",
}
"""Filters by id → the kind of thing that it is."""

_MORE = frozenset({*FACETS, "sort"} - {Facet.STATUS, Facet.ROLE, Facet.GROUP})
"""What has its place behind a fold of the form, which is open where it is used."""

_ALWAYS = ("id", "name", "status")
_TITLES: Mapping[str, str] = {"id": "Member ID", "name": "Name", "status": "Status", **COLUMNS}
"""The headings of a file."""


class Heading(NamedTuple):
    """The head of a column: where a click leads, and how the list is sorted by it now."""

    key: str
    name: str
    to: str = ""
    direction: str = ""  # as of aria-sort


class Chip(NamedTuple):
    """Something that the list is narrowed to, and the list without it."""

    name: str
    value: str
    to: str


@page("admin", "members")
async def members(look: Look) -> Page:
    """The list, or where the list is that a form's fields stand for."""
    if (tidy := _tidied(look.params)) is not None:
        return pages.redirect(pages.link(PATH, tidy))
    await indexing.freshen(look.desk.store, look.org.id)
    chosen = selection.read(look.params)
    problems = [*chosen.problems]
    async with look.desk.store.scan() as tx:
        try:
            found = await _found(tx, look.org, chosen, AT_ONCE)
        except Invalid:  # the cursor
            problems.append(selection.BAD_CURSOR)
            chosen = chosen._replace(after=None)
            found = await _found(tx, look.org, chosen, AT_ONCE)
        rows = await listing.rows(tx, look.org.id, found.people, chosen.columns)
        options = await _options(tx, look.org, chosen)
        amount = await listing.amount(tx, look.org.id, chosen)
        is_whole = await index.is_whole(tx, look.org.id)
    if problems:
        look.alert = look.alert or WORDS["invalid_list_state"]
    return look.render(
        "members.html",
        path=PATH,
        chosen=chosen,
        problems=problems,
        rows=rows,
        options=options,
        chips=_chips(chosen, options),
        headings=_headings(chosen),
        columns=COLUMNS,
        facets=FACETS,
        sorts={sort: name for sort, name in listing.SORT_NAMES.items() if sort is not Sort.NEWEST},
        newest=listing.SORT_NAMES[Sort.NEWEST],
        named=NAMED,
        more=not _MORE.isdisjoint(chosen.state),
        amount=amount,
        is_whole=is_whole,
        stopped=found.stopped,
        following=found.after or "",
        can_change=look.sees(Role.ADMIN),
    )


@page("admin", "members.csv")
async def members_file(look: Look) -> Page:
    """Everybody in the selection, as a file that is made while it is sent.

    An address with anything wrong in it is refused: a file looks the same, whoever is missing from it.
    """
    chosen = selection.read(look.params)
    if chosen.problems:
        return look.render(
            "members_refused.html", 400, problems=chosen.problems, to=pages.link(PATH, chosen.state)
        )
    await indexing.freshen(look.desk.store, look.org.id)
    columns = (*_ALWAYS, *chosen.columns)
    day = f"{datetime.fromtimestamp(time.time(), UTC):%Y-%m-%d}"
    lines = _lines(look.desk.store, look.org, chosen, columns)
    return exports.csv_page(
        f"members-{look.org.domain}-{day}.csv", [_TITLES[each] for each in columns], lines
    )


async def _lines(
    store: Store, org: Org, chosen: Selection, columns: Sequence[str]
) -> AsyncIterator[Iterable[list[str]]]:
    """Everybody in the selection, slice by slice, each read in a transaction of its own."""
    after: str | None = None
    while True:
        async with store.scan() as tx:
            found = await search.ids(
                tx, org.id, chosen.wanted, after=after, limit=SLICE, seconds=SLICE_SECONDS
            )
        for start in range(0, len(found.ids), READ):
            yield await _some(store, org, found.ids[start : start + READ], columns)
        if (after := found.after) is None:
            return


async def _some(store: Store, org: Org, ids: Sequence[UserId], columns: Sequence[str]) -> Iterable[list[str]]:
    """The lines of these people, made when they are asked for: who takes them may be slow."""
    async with store.scan() as tx:
        known = {user.id: user for user in await users.find_many(tx, org.id, ids)}
        rows = await listing.rows(tx, org.id, [known[id] for id in ids if id in known], columns)
    return ([listing.text(row, column) for column in columns] for row in rows)


async def _found(tx: Tx, org: Org, chosen: Selection, limit: int) -> Found:
    return await search.page(tx, org.id, chosen.wanted, after=chosen.after, limit=limit)


Options = Mapping[str, Sequence[tuple[str, str]]]
"""Filter → what can be chosen: pairs of value and name."""


async def _options(tx: Tx, org: Org, chosen: Selection) -> Options:
    """What each filter offers: the most frequent values, and the chosen one in any case."""
    given = {str(facet): value for facet, value in chosen.wanted.facets}
    values: dict[str, list[str]] = {}
    for facet in (*_TYPED, *_NAMED, Facet.SOURCE):
        limit = OFFERED if facet in _NAMED else SUGGESTED
        values[facet] = [each.value for each in await index.counts(tx, org.id, facet, limit=limit)]
    for facet in (*_NAMED, Facet.SOURCE):
        if (value := given.get(facet, "")) and value not in values[facet]:
            values[facet].append(value)
    wanted = [(kind, value) for facet, kind in _NAMED.items() for value in values[facet]]
    names = await trail.names(tx, org.id, [], wanted)
    named: Mapping[str, Mapping[str, str]] = {
        Facet.WORKSPACE: {id: name for id, (name, _) in names.workspaces.items()},
        Facet.GROUP: names.groups,
        Facet.MANAGER: {id: person.name for id, person in names.people.items()},
        Facet.SOURCE: LABELS,
    }
    options: dict[str, Sequence[tuple[str, str]]] = {
        Facet.STATUS: [(str(value), name) for value, name in STATUSES.items()],
        Facet.ROLE: [(str(value), name) for value, name in ROLES.items() if value is not Role.BOT],
    }
    for field, found in values.items():
        pairs = [(value, named.get(field, {}).get(value) or value) for value in found]
        options[field] = pairs if field in _TYPED else sorted(pairs, key=lambda pair: pair[1].casefold())
    return options


def _chips(chosen: Selection, options: Options) -> list[Chip]:
    chips = [Chip("Search", chosen.q, pages.link(PATH, chosen.state, q=None))] if chosen.q else []
    for facet, value in chosen.wanted.facets:
        name = dict(options[facet]).get(value, value)
        chips.append(Chip(FACETS[facet], name, pages.link(PATH, chosen.state, **{facet: None})))
    return chips


def _headings(chosen: Selection) -> list[Heading]:
    shown = [("name", "Name"), ("status", "Status"), *((key, COLUMNS[key]) for key in chosen.columns)]
    return [_heading(chosen, key, name) for key, name in shown]


def _heading(chosen: Selection, key: str, name: str) -> Heading:
    if key not in listing.SORTS:
        return Heading(key, name)
    up, down = listing.SORTS[key]
    now = chosen.wanted.sort
    following = down if now is up else up
    to = pages.link(PATH, chosen.state, sort=None if following is Sort.NEWEST else following)
    return Heading(key, name, to, "ascending" if now is up else "descending" if now is down else "")


def _tidied(params: Mapping[str, str]) -> Mapping[str, str] | None:
    """The parameters without what a form sends for nothing, and its ticked columns in one; None: they are so.

    >>> _tidied({"q": "", "status": "active", "c": "1", "c.title": "1", "c.email": "1"})
    {'status': 'active', 'columns': 'email,title'}
    >>> _tidied({"q": "ann"}) is None
    True
    """
    kept = {
        name: value for name, value in params.items() if value and name != "c" and not name.startswith(_TICK)
    }
    if kept == params:
        return None
    if "c" in params:
        kept["columns"] = ",".join(key for key in COLUMNS if _TICK + key in params) or "none"
    return kept
