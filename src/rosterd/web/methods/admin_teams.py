"""``admin.teams.*``: the workspaces of an Enterprise organisation.

Source: Slack's page of each method.
"""

from __future__ import annotations

from typing import Any

from rosterd.actions import workspaces as actions
from rosterd.directory.model import Discoverability, Role, TeamId, User, Workspace
from rosterd.store import users, workspaces
from rosterd.web.methods.call import ENTERPRISE, MethodCall, method
from rosterd.web.methods.channels import behind
from rosterd.web.methods.cursors import metadata
from rosterd.web.methods.errors import MethodError


@method(
    "admin.teams.create",
    scope="admin.teams:write",
    tier=1,
    plans=ENTERPRISE,
    org_token=True,
    errors={"invalid_domain": "bad_url"},
)
async def admin_teams_create(call: MethodCall) -> dict[str, Any]:
    """A new workspace, owned by the caller."""
    given = call.arguments
    domain, name = given.text("team_domain"), given.text("team_name")
    if not domain:
        raise MethodError("must_provide_team_domain")
    if not name:
        raise MethodError("must_provide_team_name")
    shown_to = given.text("team_discoverability") or Discoverability.INVITE_ONLY
    if shown_to not in set(Discoverability):
        raise MethodError("discoverability_setting_invalid")
    async with call.store.write() as tx:
        caller = await call.caller(tx)
        made = await actions.create(
            tx,
            caller.org,
            domain,
            name,
            description=given.text("team_description") or "",
            discoverability=Discoverability(shown_to),
            actor=caller.actor,
        )
    return {"team": made.id}


@method("admin.teams.list", scope="admin.teams:read", tier=2, plans=ENTERPRISE, org_token=True)
async def admin_teams_list(call: MethodCall) -> dict[str, Any]:
    """Every workspace, in order of creation. One without an owner is the primary owner's."""
    page = call.page("team", default=100)
    limit = page.limit or 100
    async with call.store.read() as tx:
        found = await workspaces.page(tx, call.org.id, after=behind(page), limit=limit + 1)
        shown = found[:limit]
        owners = await workspaces.owners(tx, call.org.id, [team.id for team in shown])
        primary = await users.primary_owner(tx, call.org.id)
        theirs = {team.id: owners.get(team.id) or primary for team in shown}
        people = sorted({user for user in theirs.values() if user})
        known = {user.id: user for user in await users.find_many(tx, call.org.id, people)}
    drawn = [_drawn(call, team, known[owner] if (owner := theirs[team.id]) else None) for team in shown]
    last = f"{shown[-1].created}:{shown[-1].id}" if len(found) > limit else None
    return {"teams": drawn} | metadata("team", last)


def _drawn(call: MethodCall, team: Workspace, owner: User | None) -> dict[str, Any]:
    return {
        "id": team.id,
        "name": team.name,
        "discoverability": str(team.discoverability),
        "primary_owner": {"user_id": owner.id, "email": owner.email} if owner else None,
        "team_url": f"{call.site.home}/",
    }


@method("admin.teams.admins.list", scope="admin.teams:read", tier=3, plans=ENTERPRISE, org_token=True)
async def admin_teams_admins_list(call: MethodCall) -> dict[str, Any]:
    """The admins of a workspace, in order of id."""
    return await _holders(call, Role.ADMIN, "admin_ids")


@method("admin.teams.owners.list", scope="admin.teams:read", tier=3, plans=ENTERPRISE, org_token=True)
async def admin_teams_owners_list(call: MethodCall) -> dict[str, Any]:
    """The owners of a workspace, in order of id."""
    return await _holders(call, Role.OWNER, "owner_ids")


async def _holders(call: MethodCall, role: Role, key: str) -> dict[str, Any]:
    page = call.page("user", default=100)
    team = TeamId(call.arguments.required("team_id"))
    async with call.store.read() as tx:
        if await workspaces.find(tx, call.org.id, team) is None:
            raise MethodError("team_not_found")
        held = await workspaces.roles_in(tx, call.org.id, team)
    found = sorted(user for user, each in held.items() if each is role and user > (page.after or ""))
    shown = found[: page.limit]
    return {key: shown} | metadata("user", shown[-1] if len(found) > len(shown) else None)
