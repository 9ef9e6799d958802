"""People as administrators list them: of an organisation or of one workspace, of some kinds or all."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from heapq import merge
from itertools import islice
from typing import NamedTuple

from rosterd.directory.model import OrgId, Role, TeamId, UserId
from rosterd.store.contract import Tx
from rosterd.store.records.activity import DAY


class Kind(StrEnum):
    """Some of the people."""

    GUESTS = "guests"
    ADMINS = "admins"  # and no owners
    OWNERS = "owners"


class Place(NamedTuple):
    """Where in the order of creation somebody is."""

    created: int  # microseconds
    id: UserId


FIRST = Place(0, UserId(""))

_ROLES = {
    Kind.GUESTS: (Role.MULTI_CHANNEL_GUEST, Role.SINGLE_CHANNEL_GUEST),
    Kind.ADMINS: (Role.ADMIN,),
    Kind.OWNERS: (Role.OWNER, Role.PRIMARY_OWNER),
}
_WITHIN = {Kind.ADMINS: Role.ADMIN, Kind.OWNERS: Role.OWNER}  # what a workspace's own are called


async def of_org(
    tx: Tx, org: OrgId, kinds: Sequence[Kind], *, active: bool, after: Place = FIRST, limit: int
) -> list[Place]:
    """People of the organisation, in order of creation, behind ``after``. No kinds: all. Costs a page."""
    roles = [role for kind in kinds for role in _ROLES[kind]]
    if not roles:
        return [Place(*row) for row in await tx.all(_OF_ORG, org, int(not active), *after, limit)]
    found = [await tx.all(_OF_ROLE, org, int(not active), *after, limit, str(role)) for role in roles]
    return [Place(*row) for row in islice(merge(*map(list, found)), limit)]


async def of_workspace(
    tx: Tx, org: OrgId, team: TeamId, kinds: Sequence[Kind], *, active: bool, after: str, limit: int
) -> list[UserId]:
    """People of a workspace (else: who were there when they were deactivated), in order of id.

    May look at more of them than it returns: under ``scan``.
    """
    sql = (_OF_WORKSPACE if active else _FORMERLY).format(_condition(kinds))
    return [UserId(id) for (id,) in await tx.all(sql, org, team, after, limit)]


async def former_workspaces(tx: Tx, org: OrgId, users: Sequence[UserId]) -> set[tuple[TeamId, UserId]]:
    """The workspaces that each of these people was in when they were deactivated."""
    rows = await tx.all(
        "SELECT DISTINCT place_id, user_id FROM former_members"
        " WHERE org_id = $1 AND user_id IN each($2) AND SUBSTR(place_id, 1, 1) = 'T'",
        org, list(users),
    )  # fmt: skip
    return {(TeamId(team), UserId(user)) for team, user in rows}


async def last_active(tx: Tx, org: OrgId, users: Sequence[UserId]) -> dict[UserId, int]:
    """The beginning (in seconds) of the last day on which each was there. Who never was is left out."""
    rows = await tx.all(
        "SELECT user_id, MAX(day) FROM activity WHERE org_id = $1 AND user_id IN each($2) GROUP BY user_id",
        org, list(users),
    )  # fmt: skip
    return {UserId(user): day * DAY for user, day in rows}


async def deactivations(tx: Tx, org: OrgId, users: Sequence[UserId]) -> dict[UserId, int]:
    """When (in seconds) each was last deactivated, as far as the trail knows."""
    rows = await tx.all(
        "SELECT entity_id, MAX(created) FROM audit_events WHERE org_id = $1 AND entity_id IN each($2)"
        " AND action IN ('user_deactivated', 'guest_deactivated', 'guest_expired') GROUP BY entity_id",
        org, list(users),
    )  # fmt: skip
    return {UserId(user): created // 1_000_000 for user, created in rows}


def _listed(roles: Sequence[Role]) -> str:
    return ", ".join(f"'{role}'" for role in roles)


def _condition(kinds: Sequence[Kind]) -> str:
    """SQL for being of one of these kinds, in the organisation or in the workspace ``$2``."""
    roles = [role for kind in kinds for role in _ROLES[kind]]
    within = [_WITHIN[kind] for kind in kinds if kind in _WITHIN]
    parts = [f"u.role IN ({_listed(roles)})"] if roles else []
    parts += [_RUNS.format(_listed(within))] if within else []
    return f" AND ({' OR '.join(parts)})" if parts else ""


_BEHIND = "u.deactivated = $2 AND (u.created, u.id) > ($3, $4)"
_IN_ORDER = "ORDER BY u.created, u.id LIMIT $5"
_OF_ORG = f"SELECT u.created, u.id FROM users u WHERE u.org_id = $1 AND {_BEHIND} {_IN_ORDER}"
_OF_ROLE = (
    f"SELECT u.created, u.id FROM users u WHERE u.org_id = $1 AND u.role = $6 AND {_BEHIND} {_IN_ORDER}"
)
_OF_WORKSPACE = (
    "SELECT DISTINCT w.user_id FROM workspace_members w JOIN users u ON u.org_id = $1 AND u.id = w.user_id"
    " WHERE w.org_id = $1 AND w.team_id = $2 AND w.user_id > $3{} ORDER BY w.user_id LIMIT $4"
)
_FORMERLY = (
    "SELECT DISTINCT f.user_id FROM former_members f JOIN users u ON u.org_id = $1 AND u.id = f.user_id"
    " WHERE f.org_id = $1 AND f.place_id = $2 AND f.user_id > $3 AND u.deactivated = 1{}"
    " ORDER BY f.user_id LIMIT $4"
)
_RUNS = (
    "EXISTS (SELECT 1 FROM workspace_roles r WHERE r.org_id = $1 AND r.team_id = $2 AND r.user_id = u.id"
    " AND r.role IN ({}))"
)
