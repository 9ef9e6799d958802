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
from rosterd.directory.names import folded
from rosterd.store import users, workspaces
from rosterd.store.belonging import places
from rosterd.store.doors.sessions import Seat
from rosterd.store.engine import Tx
from rosterd.store.people import index, search
from rosterd.store.people.orders import encoded
from rosterd.store.people.search import Found, Wanted

PATH = "/directory"
AT_ONCE = 50
MAX_SEARCH = 100
SECONDS = 0.3
"""After which a page has whom it has found by then."""
_REST = "."
"""Begins a place among those who are found by other words than the first of their display names."""


async def directory(desk: Desk, visit: Visit) -> Page:
    """Everybody who is not deactivated, by display name; ``q``: how it begins, or words of their names do.

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
    """The next people who are not deactivated. Whose display name begins with ``q`` comes first.

    May have fewer than `AT_ONCE`, and say so. Of a common name, everybody is at one place in the order of
    display names: whoever looked for others on the way there would seldom come so far in time.
    """
    words, name = asked(q), folded(" ".join(q.replace("\0", " ").split()))
    if q and not words:  # nothing but punctuation, say: no words, and not everybody
        return Found([], None, False)
    is_rest = not q or (after or "").startswith(_REST)
    place = (after or "").removeprefix(_REST) or ("" if is_rest else encoded(Sort.NAME, (name, -1, "")))
    deadline = time.monotonic() + SECONDS
    people: list[User] = []
    while True:
        wanted = Wanted(words if is_rest else (), sort=Sort.NAME)
        left = AT_ONCE - len(people)
        found = await search.page(tx, org, wanted, after=place or None, limit=left, seconds=SECONDS)
        fitting = [each for each in found.people if not q or _is_called(each, name) is not is_rest]
        people += [user for user in fitting if not user.deactivated]
        following = found.after
        if not is_rest and (following is None or len(fitting) < len(found.people)):
            is_rest, following = True, ""
        if following is None:
            return Found(people, None, False)
        is_full = len(people) >= AT_ONCE
        if is_full or found.stopped or time.monotonic() > deadline:
            return Found(people, f"{_REST}{following}" if q and is_rest else following, not is_full)
        place = following


def _is_called(user: User, name: str) -> bool:
    return folded(user.display_name).startswith(name)


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
