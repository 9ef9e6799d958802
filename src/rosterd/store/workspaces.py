"""Workspaces, and who has a role in one. Who is in them is in :mod:`rosterd.store.belonging.places`."""

from __future__ import annotations

from collections.abc import Sequence

from rosterd.directory.model import Discoverability, OrgId, Role, TeamId, UserId, Workspace
from rosterd.store.contract import Row, Tx


async def insert(tx: Tx, workspace: Workspace) -> bool:
    """Store a new workspace. False: its id or domain is taken."""
    row = await tx.one(
        f"INSERT INTO workspaces ({_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7)"
        " ON CONFLICT DO NOTHING RETURNING id",
        workspace.org_id, workspace.id, workspace.created, workspace.name, workspace.domain,
        workspace.description, str(workspace.discoverability),
    )  # fmt: skip
    return row is not None


async def find(tx: Tx, org: OrgId, id: TeamId) -> Workspace | None:
    """The workspace, or None."""
    row = await tx.one(f"SELECT {_COLUMNS} FROM workspaces WHERE org_id = $1 AND id = $2", org, id)
    return None if row is None else _workspace(row)


async def find_by_domain(tx: Tx, org: OrgId, domain: str) -> Workspace | None:
    """The workspace with this domain (lower case), or None."""
    row = await tx.one(f"SELECT {_COLUMNS} FROM workspaces WHERE org_id = $1 AND domain = $2", org, domain)
    return None if row is None else _workspace(row)


async def find_many(tx: Tx, org: OrgId, ids: Sequence[TeamId]) -> list[Workspace]:
    """These workspaces, in order of creation. Unknown ids are left out."""
    rows = await tx.all(
        f"SELECT {_COLUMNS} FROM workspaces WHERE org_id = $1 AND id IN each($2) ORDER BY created, id",
        org, list(ids),
    )  # fmt: skip
    return [_workspace(row) for row in rows]


async def every(tx: Tx, org: OrgId) -> list[Workspace]:
    """The organisation's workspaces, in order of creation."""
    rows = await tx.all(f"SELECT {_COLUMNS} FROM workspaces WHERE org_id = $1 ORDER BY created, id", org)
    return [_workspace(row) for row in rows]


async def page(tx: Tx, org: OrgId, *, after: tuple[int, str] = (0, ""), limit: int = 100) -> list[Workspace]:
    """Workspaces in order of creation, behind the one of this time and id."""
    rows = await tx.all(
        f"SELECT {_COLUMNS} FROM workspaces WHERE org_id = $1 AND (created, id) > ($2, $3)"
        " ORDER BY created, id LIMIT $4",
        org, *after, limit,
    )  # fmt: skip
    return [_workspace(row) for row in rows]


async def open_to(
    tx: Tx, org: OrgId, user: UserId, *, after: TeamId | None = None, limit: int = 100
) -> list[Workspace]:
    """Workspaces that somebody is not in, and that are open or that a group of theirs leads to.

    In order of name, from behind ``after`` on; an unknown one is as none.
    """
    start = None if after is None else await find(tx, org, after)
    behind = ("", "") if start is None else (start.name, start.id)
    return [_workspace(row) for row in await tx.all(_OPEN_TO, org, user, *behind, limit)]


async def owners(tx: Tx, org: OrgId, ids: Sequence[TeamId]) -> dict[TeamId, UserId]:
    """An owner of each of these workspaces that have one of their own."""
    rows = await tx.all(
        "SELECT team_id, MIN(user_id) FROM workspace_roles"
        f" WHERE org_id = $1 AND team_id IN each($2) AND role = '{Role.OWNER}' GROUP BY team_id",
        org, list(ids),
    )  # fmt: skip
    return {TeamId(team): UserId(user) for team, user in rows}


async def set_role(tx: Tx, org: OrgId, team: TeamId, user: UserId, role: Role) -> None:
    """Make somebody an owner or admin of a workspace; `Role.MEMBER`: neither any more."""
    if role is Role.MEMBER:
        await tx.run(
            "DELETE FROM workspace_roles WHERE org_id = $1 AND team_id = $2 AND user_id = $3", org, team, user
        )
        return
    await tx.run(
        "INSERT INTO workspace_roles (org_id, team_id, user_id, role) VALUES ($1, $2, $3, $4)"
        " ON CONFLICT (org_id, team_id, user_id) DO UPDATE SET role = $4",
        org, team, user, str(role),
    )  # fmt: skip


async def roles_of(tx: Tx, org: OrgId, user: UserId) -> dict[TeamId, Role]:
    """The workspaces in which somebody is an owner or admin."""
    rows = await tx.all(
        "SELECT team_id, role FROM workspace_roles WHERE org_id = $1 AND user_id = $2", org, user
    )
    return {TeamId(team): Role(role) for team, role in rows}


async def roles_in(tx: Tx, org: OrgId, team: TeamId) -> dict[UserId, Role]:
    """The owners and admins of a workspace."""
    rows = await tx.all(
        "SELECT user_id, role FROM workspace_roles WHERE org_id = $1 AND team_id = $2", org, team
    )
    return {UserId(user): Role(role) for user, role in rows}


async def drop_roles(tx: Tx, org: OrgId, users: Sequence[UserId]) -> None:
    """Of these people, those who are not in a workspace have no role in it."""
    await tx.run(
        "DELETE FROM workspace_roles WHERE org_id = $1 AND user_id IN each($2) AND NOT EXISTS"
        " (SELECT 1 FROM workspace_members w WHERE w.org_id = $1"
        " AND w.team_id = workspace_roles.team_id AND w.user_id = workspace_roles.user_id)",
        org, list(users),
    )  # fmt: skip


_COLUMNS = "org_id, id, created, name, domain, description, discoverability"
_OPEN_TO = (
    f"SELECT {_COLUMNS} FROM workspaces WHERE org_id = $1 AND (name, id) > ($3, $4) AND id IN"
    f" (SELECT o.id FROM workspaces o WHERE o.org_id = $1 AND o.discoverability = '{Discoverability.OPEN}'"
    " UNION SELECT g.team_id FROM members m"
    " JOIN group_workspaces g ON g.org_id = $1 AND g.group_id = m.group_id"
    " WHERE m.org_id = $1 AND m.user_id = $2)"
    " AND NOT EXISTS (SELECT 1 FROM workspace_members w"
    " WHERE w.org_id = $1 AND w.team_id = workspaces.id AND w.user_id = $2)"
    " ORDER BY name, id LIMIT $5"
)


def _workspace(row: Row) -> Workspace:
    org, id, created, name, domain, description, discoverability = row
    return Workspace(org, id, created, name, domain, description, Discoverability(discoverability))
