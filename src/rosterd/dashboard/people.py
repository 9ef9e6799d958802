"""The own page of whoever is signed in: who they are, where they are, and where they may go.

Source: Slack's help centre, *Join or leave workspaces in an Enterprise org*.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import quote

from rosterd.actions import workspaces as actions
from rosterd.dashboard import forms, pages
from rosterd.dashboard.desk import Desk, to_sign_in
from rosterd.dashboard.pages import Page, Visit
from rosterd.dashboard.session import actor_of
from rosterd.dashboard.words import WORDS
from rosterd.directory import access
from rosterd.directory import workspaces as rules
from rosterd.directory.errors import DirectoryError, Invalid, NotFound
from rosterd.directory.model import Plan, TeamId, User, Workspace
from rosterd.store import channels, users, workspaces
from rosterd.store.belonging import connections, places
from rosterd.store.doors import sessions
from rosterd.store.doors.sessions import Seat
from rosterd.store.engine import Tx

HOME = "/home"
AT_ONCE = 50


def shown(seat: Seat, template: str, status: int = 200, **values: Any) -> Page:
    """A page for whoever is signed in, with the header of all such pages."""
    return pages.render(
        template,
        status,
        scripts=True,
        org=seat.org,
        me=seat.user,
        administers=access.may_administer(seat.user.role),
        **values,
    )


async def manager_of(tx: Tx, user: User) -> User | None:
    """Whom somebody reports to, if they are still here."""
    id = user.profile.manager_id
    found = None if id is None else await users.find(tx, user.org_id, id)
    return None if found is None or found.deactivated else found


async def home(desk: Desk, visit: Visit) -> Page:
    """Who I am, where I am and may be, and where I am signed in.

    ``after`` is the id of the last workspace of the page before that may be joined.
    """
    seat = await desk.seat(visit)
    if seat is None:
        return await desk.sign_in_first(visit)
    after = visit.params.get("after", "")
    if after and not (after.isascii() and after.isalnum()):
        return await _home(desk, seat, Invalid("invalid_cursor"))
    return await _home(desk, seat, after=after)


async def by_username(desk: Desk, visit: Visit, domain: str, username: str) -> Page:
    """From where SCIM says that somebody's profile is to their page in the directory."""
    seat = await desk.seat(visit)
    if seat is None:
        return to_sign_in(await desk.org(domain), f"/{quote(domain)}/team/{quote(username)}")
    is_here = domain.lower() == seat.org.domain and "\0" not in username
    async with desk.store.read() as tx:
        id = await users.find_by_username(tx, seat.org.id, username.lower()) if is_here else None
    if id is None:
        raise NotFound("no_such_user")
    return pages.redirect(f"/directory/{id}")


async def join(desk: Desk, visit: Visit) -> Page:
    """I am in a workspace from now on. Once more, and nothing changes."""
    return await _move(desk, visit, actions.join)


async def ask_to_leave(desk: Desk, visit: Visit) -> Page:
    """Shows what leaving means, and a button."""
    seat = await desk.seat(visit)
    if seat is None:
        return await desk.sign_in_first(visit, HOME)
    try:
        async with desk.store.read() as tx:
            team = await workspaces.find(tx, seat.org.id, _team_id(visit.params))
            if team is None:
                raise NotFound("no_such_team")
            await actions.check_may_leave(tx, seat.org, team.id, seat.user)
            is_way_back = bool(await actions.ways_in(tx, seat.org, team, seat.user.id))
    except DirectoryError as error:
        return await _home(desk, seat, error)
    return shown(seat, "leave.html", here="", team=team, is_way_back=is_way_back)


async def leave(desk: Desk, visit: Visit) -> Page:
    """I am not in a workspace any more."""
    return await _move(desk, visit, actions.leave)


Moving = Callable[..., Awaitable[None]]
"""An action of whoever moves: ``(tx, org, team_id, *, actor)``."""


async def _move(desk: Desk, visit: Visit, move: Moving) -> Page:
    """Back to the own page, which says so if that was refused."""
    fields = await forms.fields(visit, desk.base_url)
    seat = None
    try:
        async with desk.store.write() as tx:
            seat = await desk.cookies.seat(visit, tx)
            if seat is None:
                return to_sign_in(await desk.cookies.org(visit, tx), HOME)
            await move(tx, seat.org, _team_id(fields), actor=actor_of(seat, visit))
    except DirectoryError as error:
        if seat is None or error.code not in WORDS:
            raise
        return await _home(desk, seat, error)
    return pages.redirect(HOME)


def _team_id(given: Mapping[str, str]) -> TeamId:
    """The workspace that is named; raises ``no_such_team`` for what cannot be one."""
    if "\0" in (team := given.get("team", "")):
        raise NotFound("no_such_team")
    return TeamId(team)


async def _home(desk: Desk, seat: Seat, refused: DirectoryError | None = None, *, after: str = "") -> Page:
    moves = seat.org.plan is Plan.ENTERPRISE and not seat.user.role.is_guest
    async with desk.store.read() as tx:
        mine = await sessions.of_user(tx, seat.org.id, seat.user.id)
        teams = await workspaces.find_many(tx, seat.org.id, await _places(tx, places.WORKSPACE, seat))
        joined = await channels.find_many(tx, seat.org.id, await _places(tx, places.CHANNEL, seat))
        held = await connections.holding(tx, seat.org.id, seat.user.id) if moves else []
        others = await _open_to(tx, seat, after) if moves else []
        manager = await manager_of(tx, seat.user)
        homes = await channels.homes(tx, seat.org.id, [channel.id for channel in joined])
    names = {team.id: team.name for team in teams} if len(teams) > 1 else {}
    words = WORDS[refused.code] if refused else None
    return shown(
        seat,
        "home.html",
        words.status if words else 200,
        refused=words,
        here="home",
        user=seat.user,
        manager=manager,
        session=seat.session,
        sessions=mine,
        workspaces=teams,
        moves=moves,
        bound={to.team_id for _, to in held if rules.binds(to)},
        others=others[:AT_ONCE],
        following=others[AT_ONCE - 1].id if len(others) > AT_ONCE else "",
        channels=[channel for channel in joined if not channel.is_archived],
        where={id: [names[home.team_id] for home in of if home.team_id in names] for id, of in homes.items()},
    )


async def _open_to(tx: Tx, seat: Seat, after: str) -> list[Workspace]:
    """The workspaces that somebody may join, one more than a page shows."""
    start = TeamId(after) if after else None
    return await workspaces.open_to(tx, seat.org.id, seat.user.id, after=start, limit=AT_ONCE + 1)


async def _places(tx: Tx, kind: places.Kind, seat: Seat) -> list[Any]:
    """The ids of the workspaces or channels that somebody is in."""
    return [place for place, _ in await places.of_people(tx, kind, seat.org.id, [seat.user.id])]
