"""Somebody put into a workspace, or taken out of it: first what it would mean for them, then the form."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from rosterd.actions import workspaces as actions
from rosterd.dashboard.admin.frame import Done, Look, check_stamp, form, page, stamp
from rosterd.dashboard.admin.places import residents
from rosterd.dashboard.admin.places.connecting import missing
from rosterd.dashboard.admin.places.workspaces import about
from rosterd.dashboard.pages import Page
from rosterd.dashboard.words import WORDS, of_others
from rosterd.directory import workspaces as rules
from rosterd.directory.errors import DirectoryError, NotFound
from rosterd.directory.model import OrgId, TeamId, User, UserId, Workspace
from rosterd.directory.previews import Preview
from rosterd.store import users, workspaces
from rosterd.store.belonging import places, previews
from rosterd.store.belonging.places import WORKSPACE
from rosterd.store.engine import Tx

Foresee = Callable[[Tx, OrgId, TeamId, UserId], Awaitable[Preview]]


@page("admin", "workspaces", "*", "add")
async def ask_to_add(look: Look, team_id: str) -> Page:
    """Who is to be added, and what that means for them."""
    return await _ask(look, team_id, "workspace_add.html", previews.assign)


@page("admin", "workspaces", "*", "remove")
async def ask_to_remove(look: Look, team_id: str) -> Page:
    """What it means for somebody to be taken out."""
    return await _ask(look, team_id, "workspace_remove.html", previews.take_out)


async def _ask(look: Look, team_id: str, template: str, foresee: Foresee) -> Page:
    who = look.params.get("who", "").strip()[: residents.LONGEST_SEARCH]
    async with look.desk.store.scan() as tx:
        team = await workspaces.find(tx, look.org.id, TeamId(team_id))
        if team is None:
            return missing(look, "workspace")
        values = await about(tx, look, team)
        user = await residents.found_by(tx, look.org.id, who)
        foreseen = None
        if user is not None:
            values["seen"] = stamp(*await _depends(tx, look.org.id, team, user))
            foreseen = await foresee(tx, look.org.id, team.id, user.id)
    if who and user is None:
        look.alert = look.alert or WORDS["no_such_person"]
    return look.render(template, **values, who=who, user=user, preview=foreseen)


@form("admin", "workspaces", "*", "add", shown=ask_to_add)
async def add(tx: Tx, look: Look, team_id: str) -> Done:
    """They are there, because an administrator says so."""
    team, user = await _seen(tx, look, team_id)
    await actions.assign(tx, look.org, team.id, user.id, actor=look.actor)
    return Done(_members_of(team), f"{user.full_name} is in the workspace {team.name}.")


@form("admin", "workspaces", "*", "remove", shown=ask_to_remove)
async def remove(tx: Tx, look: Look, team_id: str) -> Done:
    """They are not there any more."""
    team, user = await _seen(tx, look, team_id)
    try:
        await actions.remove(tx, look.org, team.id, user.id, actor=look.actor)
    except DirectoryError as error:
        raise of_others(error) from error
    return Done(_members_of(team), f"{user.full_name} is not in the workspace {team.name} any more.")


async def _seen(tx: Tx, look: Look, team_id: str) -> tuple[Workspace, User]:
    """Both as they were when the form was drawn."""
    rules.check_many(look.org.plan)
    team = await workspaces.find(tx, look.org.id, TeamId(team_id))
    if team is None:
        raise NotFound("no_such_team")
    user = await residents.found_by(tx, look.org.id, look.params.get("who", ""))
    if user is None:
        raise NotFound("no_such_user")
    user = await users.find(tx, look.org.id, user.id, lock=True) or user
    check_stamp(look, *await _depends(tx, look.org.id, team, user))
    return team, user


async def _depends(tx: Tx, org: OrgId, team: Workspace, user: User) -> tuple[object, ...]:
    """What both changes depend on: the person, their groups, and why they are there."""
    reasons = (await places.reasons_at(tx, WORKSPACE, org, team.id, [user.id])).get(user.id, [])
    return team.id, user, (await users.groups_of(tx, org, [user.id]))[user.id], reasons


def _members_of(team: Workspace) -> str:
    return f"/admin/workspaces/{team.id}?tab=members"
