"""Rows of the list of members: what each column shows, on the page and in a file, and how many there are."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from rosterd.dashboard.admin.members.selection import Selection
from rosterd.dashboard.pages import iso
from rosterd.dashboard.words import ROLES, STATUSES
from rosterd.directory.connectors import LABELS
from rosterd.directory.facets import Facet, Sort
from rosterd.directory.model import OrgId, TeamId, User, UserId
from rosterd.store import users, workspaces
from rosterd.store.belonging import places
from rosterd.store.belonging.places import WORKSPACE
from rosterd.store.engine import Tx
from rosterd.store.people import facts, index


class Row(NamedTuple):
    """A person, with the names that a row shows of others. What no column asks for is not looked up."""

    user: User
    manager: str
    groups: Sequence[str]
    workspaces: Sequence[str]
    source: str


SORTS: Mapping[str, tuple[Sort, Sort]] = {
    "name": (Sort.NAME, Sort.NAME_DOWN),
    "username": (Sort.USERNAME, Sort.USERNAME_DOWN),
    "created": (Sort.OLDEST, Sort.NEWEST),
}
"""The columns that a list can be sorted by: upwards, and downwards."""

SORT_NAMES: Mapping[Sort, str] = {
    Sort.NEWEST: "Newest first",
    Sort.OLDEST: "Oldest first",
    Sort.NAME: "Name, A to Z",
    Sort.NAME_DOWN: "Name, Z to A",
    Sort.USERNAME: "Username, A to Z",
    Sort.USERNAME_DOWN: "Username, Z to A",
}


async def rows(tx: Tx, org: OrgId, people: Sequence[User], columns: Collection[str]) -> list[Row]:
    """These people, with a statement for each column that is about others. Under ``scan``."""
    ids = [user.id for user in people]
    managers = await _managers(tx, org, people) if "manager" in columns else {}
    groups = await users.groups_of(tx, org, ids) if "groups" in columns else {}
    teams = await _workspaces(tx, org, ids) if "workspaces" in columns else {}
    sources = await facts.sources(tx, org, ids) if "source" in columns else {}
    return [
        Row(
            user,
            managers.get(user.profile.manager_id or UserId(""), ""),
            [group.display_name for group in groups.get(user.id, ())],
            teams.get(user.id, ()),
            LABELS.get(sources.get(user.id, ""), ""),
        )
        for user in people
    ]


async def amount(tx: Tx, org: OrgId, chosen: Selection) -> int | None:
    """How many people the selection has, where that is kept: by one facet at most, and status beside it."""
    if chosen.wanted.words:
        return None
    given = dict(chosen.wanted.facets)
    status = given.pop(Facet.STATUS, "")
    if len(given) > 1:
        return None
    if given:
        [(facet, value)] = given.items()
        counted = [await index.count(tx, org, facet, value)]
    else:
        counted = await index.counts(tx, org, Facet.STATUS, limit=len(STATUSES))
    return sum(int(getattr(each, status or "total")) for each in counted)


async def _managers(tx: Tx, org: OrgId, people: Sequence[User]) -> dict[UserId, str]:
    ids = {user.profile.manager_id for user in people if user.profile.manager_id}
    return {user.id: user.full_name for user in await users.find_many(tx, org, sorted(ids))} if ids else {}


async def _workspaces(tx: Tx, org: OrgId, ids: Sequence[UserId]) -> dict[UserId, list[str]]:
    found = await places.of_people(tx, WORKSPACE, org, ids)
    teams = await workspaces.find_many(tx, org, sorted({TeamId(team) for team, _ in found}))
    names: dict[UserId, list[str]] = {}
    inside: dict[str, list[UserId]] = {}
    for team_id, id in found:
        inside.setdefault(team_id, []).append(UserId(id))
    for team in teams:
        for id in inside[team.id]:
            names.setdefault(id, []).append(team.name)
    return names


def text(row: Row, column: str) -> str:
    """What a column of a file says of somebody. Times are ISO 8601, in UTC."""
    user, profile = row.user, row.user.profile
    match column:
        case "id":
            return user.id
        case "name":
            return user.full_name
        case "status":
            return STATUSES[user.status]
        case "username" | "email":
            return str(getattr(user, column))
        case "role":
            return ROLES[user.role]
        case "manager" | "source":
            return str(getattr(row, column))
        case "groups" | "workspaces":
            return "; ".join(getattr(row, column))
        case "created":
            return iso(user.created / 1_000_000)
        case "claimed":
            return "" if user.date_claimed is None else iso(user.date_claimed)
        case "expires":
            return "" if user.guest_expires is None else iso(user.guest_expires)
    return getattr(profile, column) or ""
