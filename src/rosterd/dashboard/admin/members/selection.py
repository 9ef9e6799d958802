"""Which people a list shows: what its address says, in words of the index.

All state of the list is in its address. What is wrong there is named and left out, so that a list is never
larger than its reader believes: whoever acts on a selection looks at ``problems`` first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from rosterd.dashboard.words import ROLES, STATUSES
from rosterd.directory import facets
from rosterd.directory.connectors import LABELS
from rosterd.directory.facets import VALUE_LENGTH, Facet, Sort
from rosterd.directory.ids import is_slack_id
from rosterd.store.people.search import Wanted

LONGEST_SEARCH = 200
"""Characters."""
LONGEST_CURSOR = 2_000

FACETS: Mapping[str, str] = {
    Facet.STATUS: "Status",
    Facet.ROLE: "Role",
    Facet.WORKSPACE: "Workspace",
    Facet.GROUP: "Group",
    Facet.DEPARTMENT: "Department",
    Facet.TITLE: "Title",
    Facet.DIVISION: "Division",
    Facet.MANAGER: "Manager",
    Facet.SOURCE: "Created by",
}
"""What a list can be narrowed to: the parameter of the address, and what people call it."""

COLUMNS: Mapping[str, str] = {
    "username": "Username",
    "email": "E-mail",
    "title": "Title",
    "department": "Department",
    "division": "Division",
    "manager": "Manager",
    "role": "Role",
    "groups": "Groups",
    "workspaces": "Workspaces",
    "source": "Created by",
    "created": "Created",
    "claimed": "First sign-in",
    "expires": "Guest until",
}
"""The columns that can be chosen, in their order. The name and the status are always there."""

DEFAULT_COLUMNS = ("email", "title", "department", "role")

_KINDS: Mapping[str, str] = {Facet.WORKSPACE: "T", Facet.GROUP: "S", Facet.MANAGER: "UW"}
"""The ids that a filter takes begin with one of these."""
_CHOICES: Mapping[str, Sequence[str]] = {
    Facet.STATUS: [*STATUSES],
    Facet.ROLE: [role for role in ROLES if role != "bot"],
    Facet.SOURCE: [*LABELS],
}


class Selection(NamedTuple):
    """A list of people. ``state``: what of its address counts, but for where the page begins."""

    wanted: Wanted
    q: str
    columns: tuple[str, ...]
    after: str | None
    state: Mapping[str, str]
    problems: tuple[str, ...]  # what of the address was left out, each as a sentence

    @property
    def filters(self) -> Mapping[str, str]:
        """The search and the filters alone."""
        return {name: value for name, value in self.state.items() if name == "q" or name in FACETS}


def read(params: Mapping[str, str]) -> Selection:
    """The selection that these parameters of an address mean.

    >>> found = read({"q": "Ann Lee", "status": "invited", "sort": "name", "columns": "title,email"})
    >>> found.wanted.words, found.wanted.sort, found.columns, found.problems
    (('ann', 'lee'), <Sort.NAME: 'name'>, ('email', 'title'), ())
    >>> read({"status": "asleep", "departement": "Sales"}).problems
    ('Status: there is no “asleep”.', 'A list has no “departement”.')
    """
    problems: list[str] = []
    q = params.get("q", "").strip()
    if len(q) > LONGEST_SEARCH or "\0" in q:
        problems.append(f"A search has {LONGEST_SEARCH} characters at most.")
        q = ""
    narrowed = {}
    for facet, name in FACETS.items():
        given = params.get(facet, "")
        if given and (problem := _problem(facet, name, given)):
            problems.append(problem)
        elif value := facets.valued(given):
            narrowed[facet] = value
    sort, columns = _sort(params, problems), _columns(params, problems)
    after = params.get("after") or None
    if after is not None and (len(after) > LONGEST_CURSOR or "\0" in after):
        problems.append(BAD_CURSOR)
        after = None
    known = {"q", "sort", "columns", "after", *FACETS}
    problems += [f"A list has no “{name[:40]}”." for name in params if name not in known]
    state = {"q": q, **narrowed, "sort": sort, "columns": ",".join(columns) or "none"}
    if sort is Sort.NEWEST:
        del state["sort"]
    if columns == DEFAULT_COLUMNS:
        del state["columns"]
    wanted = Wanted(facets.asked(q), tuple((Facet(name), value) for name, value in narrowed.items()), sort)
    kept = {name: value for name, value in state.items() if value}
    return Selection(wanted, q, columns, after, kept, tuple(problems))


BAD_CURSOR = "Where the page begins was not understood, so this is the first one."


def _problem(facet: str, name: str, value: str) -> str:
    """Why a filter cannot have this value; empty: it can."""
    if facet in _CHOICES:
        is_known = value in _CHOICES[facet]
    elif facet in _KINDS:
        is_known = is_slack_id(value, _KINDS[facet])
    else:
        is_known = len(value) <= VALUE_LENGTH and "\0" not in value
    return "" if is_known else f"{name}: there is no “{value[:40]}”."


def _sort(params: Mapping[str, str], problems: list[str]) -> Sort:
    given = params.get("sort") or Sort.NEWEST
    if given in list(Sort):
        return Sort(given)
    problems.append(f"A list is not sorted by “{given[:40]}”.")
    return Sort.NEWEST


def _columns(params: Mapping[str, str], problems: list[str]) -> tuple[str, ...]:
    """The chosen columns in the order of the table; also ``all``, and ``none``."""
    given = params.get("columns", "")
    if not given:
        return DEFAULT_COLUMNS
    chosen = {"none": [], "all": [*COLUMNS]}.get(given, given.split(","))
    if unknown := [each for each in chosen if each not in COLUMNS]:
        problems.append(f"There is no column “{unknown[0][:40]}”.")
    return tuple(each for each in COLUMNS if each in chosen)
