"""Pages for whoever is signed in: who they are, and who else is here.

Source: Slack's help centre, *Manage invited members* (who is invited is found like everybody else, and
labelled) and *View member profiles and the directory*.
"""

from __future__ import annotations

from typing import Any

from rosterd.dashboard import pages
from rosterd.dashboard.desk import Desk, sign_in_first
from rosterd.dashboard.pages import Page, Visit
from rosterd.directory.errors import NotAllowed
from rosterd.directory.model import Role, UserId
from rosterd.directory.names import folded
from rosterd.store import channels, colleagues, places, sessions, workspaces
from rosterd.store.engine import Tx
from rosterd.store.sessions import Seat

AT_ONCE = 50
MAX_SEARCH = 100

ROLES = {
    Role.PRIMARY_OWNER: "Primary owner",
    Role.OWNER: "Owner",
    Role.ADMIN: "Admin",
    Role.MEMBER: "Member",
    Role.MULTI_CHANNEL_GUEST: "Multi-channel guest",
    Role.SINGLE_CHANNEL_GUEST: "Single-channel guest",
    Role.BOT: "Bot",
}


async def home(desk: Desk, visit: Visit) -> Page:
    """Who I am, and where I am signed in."""
    seat = await desk.seat(visit)
    if seat is None:
        return sign_in_first(None, "/home")
    async with desk.store.read() as tx:
        mine = await sessions.of_user(tx, seat.org.id, seat.user.id)
        teams = await workspaces.find_many(tx, seat.org.id, await _places(tx, places.WORKSPACE, seat))
        joined = await channels.find_many(tx, seat.org.id, await _places(tx, places.CHANNEL, seat))
    return pages.render(
        "home.html",
        here="home",
        org=seat.org,
        user=seat.user,
        role=ROLES[seat.user.role],
        session=seat.session,
        sessions=mine,
        workspaces=teams,
        channels=[channel for channel in joined if not channel.is_archived],
    )


async def _places(tx: Tx, kind: places.Kind, seat: Seat) -> list[Any]:
    """The ids of the workspaces or channels that somebody is in."""
    return [place for place, _ in await places.of_people(tx, kind, seat.org.id, [seat.user.id])]


async def directory(desk: Desk, visit: Visit) -> Page:
    """Everybody who is not deactivated, by display name; ``q``: whose name or address begins so.

    ``after`` is the id of the last person of the page before. Guests see only whom they share a channel
    with, which is not known here: for them there is no directory.
    """
    seat = await desk.seat(visit)
    if seat is None:
        return sign_in_first(None, "/directory")
    if seat.user.role.is_guest:
        raise NotAllowed("guests_see_no_directory")
    q = visit.params.get("q", "").strip()[:MAX_SEARCH]
    after = visit.params.get("after", "")
    async with desk.store.scan() as tx:
        found = await colleagues.page(
            tx, seat.org.id, folded(q), after=UserId(after) if after else None, count=AT_ONCE + 1
        )
    shown = found[:AT_ONCE]
    return pages.render(
        "directory.html",
        here="directory",
        org=seat.org,
        q=q,
        people=shown,
        is_later=bool(after),
        following=shown[-1].id if len(found) > AT_ONCE else "",
    )
