"""The member directory: who else is here, for members.

Source: Slack's help centre, *Manage invited members* (who is invited is found like everybody else, and
labelled), *View member profiles and the directory*.
"""

from __future__ import annotations

import time
from functools import partial

from rosterd.dashboard.desk import Desk
from rosterd.dashboard.pages import Page, Visit
from rosterd.dashboard.people import manager_of, shown
from rosterd.directory.errors import NotAllowed, NotFound
from rosterd.directory.facets import Sort, asked
from rosterd.directory.model import OrgId, Plan, Role, TeamId, User, UserId, Workspace
from rosterd.store import users, workspaces
from rosterd.store.belonging import places
from rosterd.store.doors.sessions import Seat
from rosterd.store.engine import Tx
from rosterd.store.people import index, search
from rosterd.store.people.search import Found, Wanted

PATH = "/directory"
AT_ONCE = 50
MAX_SEARCH = 100
SECONDS = 0.3
"""After which a page has whom it has found by then."""


async def directory(desk: Desk, visit: Visit) -> Page:
    """Everybody who is not deactivated, by display name; ``q``: how words of their names begin.

    ``after``: where the page before ended.
    """
    seat = await desk.seat(visit)
    if seat is None:
        return await desk.sign_in_first(visit)
    _check(seat)
    return await desk.shares.draw(seat.user.id, partial(_directory, desk, visit, seat))


async def _directory(desk: Desk, visit: Visit, seat: Seat) -> Page:
    q = visit.params.get("q", "").strip()[:MAX_SEARCH]
    after = visit.params.get("after") or None
    async with desk.store.scan() as tx:
        found = await _page(tx, seat.org.id, q, after)
        is_whole = not q or await index.is_whole(tx, seat.org.id)
    return shown(
        seat,
        "directory.html",
        here="directory",
        path=PATH,
        q=q,
        people=found.people,
        is_later=after is not None,
        following=found.after,
        is_stopped=found.stopped,
        is_whole=is_whole,
    )


async def colleague(desk: Desk, visit: Visit, user_id: str) -> Page:
    """Somebody else, as far as all members may know of them."""
    seat = await desk.seat(visit)
    if seat is None:
        return await desk.sign_in_first(visit)
    _check(seat)
    async with desk.store.read() as tx:
        user = None if "\0" in user_id else await users.find(tx, seat.org.id, UserId(user_id))
        if user is None or user.deactivated or user.role is Role.BOT:
            raise NotFound("no_such_user")
        manager = await manager_of(tx, user)
        shared = await _shared(tx, seat, user) if seat.org.plan is Plan.ENTERPRISE else []
    return shown(
        seat, "colleague.html", here="directory", path=PATH, user=user, manager=manager, workspaces=shared
    )


async def _page(tx: Tx, org: OrgId, q: str, after: str | None) -> Found:
    """The next people, without those who are deactivated. May have fewer than `AT_ONCE`, and say so."""
    if q and not (words := asked(q)):  # nothing but punctuation, say: no words, and not everybody
        return Found([], None, False)
    wanted = Wanted(words if q else (), sort=Sort.NAME)
    deadline = time.monotonic() + SECONDS
    people: list[User] = []
    while True:
        left = AT_ONCE - len(people)
        found = await search.page(tx, org, wanted, after=after, limit=left, seconds=SECONDS)
        people += [user for user in found.people if not user.deactivated]
        after = found.after
        if len(people) >= AT_ONCE or after is None:
            return Found(people, after, False)
        if found.stopped or time.monotonic() > deadline:
            return Found(people, after, True)


async def _shared(tx: Tx, seat: Seat, user: User) -> list[Workspace]:
    """The workspaces that both are in."""
    if user.id == seat.user.id:
        return []
    found = await places.of_people(tx, places.WORKSPACE, seat.org.id, [seat.user.id, user.id])
    mine, theirs = ({place for place, who in found if who == each} for each in (seat.user.id, user.id))
    return await workspaces.find_many(tx, seat.org.id, sorted(map(TeamId, mine & theirs)))


def _check(seat: Seat) -> None:
    """Guests see only whom they share a channel with, which is not known here: they have no directory."""
    if seat.user.role.is_guest:
        raise NotAllowed("guests_see_no_directory")
