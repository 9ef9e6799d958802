"""``users.*``: who is there. Invited people are, and so are those who are deactivated; see *users.list*."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from heapq import merge
from itertools import islice
from typing import Any, TypeVar

from rosterd.directory import names
from rosterd.directory.errors import NotFound
from rosterd.directory.model import Plan, TeamId, User, UserId
from rosterd.store import channels as channel_rows
from rosterd.store import users
from rosterd.store.belonging import places
from rosterd.store.engine import Tx
from rosterd.web.methods import channels, people
from rosterd.web.methods.call import MethodCall, method
from rosterd.web.methods.cursors import metadata
from rosterd.web.methods.errors import MethodError

T = TypeVar("T")

WHOLE = 10_000
"""So many people are listed at once for those who do not say how many they want."""

_SMALL = 50
"""People who are drawn on the loop: more would hold up everybody else."""


def _view(call: MethodCall, now: int, team: TeamId | None, *, alone: bool = False) -> people.View:
    with_email, with_locale = call.has_scope("users:read.email"), call.arguments.flag("include_locale")
    return people.View(call.org, call.site, now, team, with_email, with_locale, alone)


async def _existing(tx: Tx, call: MethodCall, id: str) -> User:
    user = await users.find(tx, call.org.id, UserId(id))
    if user is None:
        raise NotFound("no_such_user")
    return user


async def _is_visible(tx: Tx, call: MethodCall, id: UserId) -> bool:
    """Whether the caller may know of somebody: guests of themselves, and of those in a channel with them."""
    me = call.token.user_id
    if not call.grant.owner_role.is_guest or id == me:
        return True
    return bool(await places.acquainted(tx, call.org.id, me, [id]))


async def _visible(tx: Tx, call: MethodCall, id: str, code: str = "user_not_found") -> User:
    """Somebody of whom the caller may know; ``code``: what is said of others."""
    user = await _existing(tx, call, id)
    if not await _is_visible(tx, call, user.id):
        raise MethodError(code)
    return user


async def _alone(tx: Tx, call: MethodCall, user: User) -> dict[str, Any]:
    """One person as the answer shows them."""
    team = call.token.team_id
    known = await people.around(tx, call.org, [user], team)
    return {"user": people.drawn(user, known[user.id], _view(call, tx.now, team, alone=True))}


@method("users.info", scope="users:read", tier=4)
async def users_info(call: MethodCall) -> dict[str, Any]:
    """One person of the organisation, whatever became of them."""
    id = call.arguments.required("user")
    async with call.store.read() as tx:
        return await _alone(tx, call, await _visible(tx, call, id, "user_not_visible"))


@method("users.lookupByEmail", scope="users:read.email", tier=3, errors={"no_such_user": "users_not_found"})
async def users_lookup_by_email(call: MethodCall) -> dict[str, Any]:
    """Whose address this is, of those who are not deactivated."""
    address = names.account_key(call.arguments.required("email").strip())
    async with call.store.read() as tx:
        id = await users.find_by_email(tx, call.org.id, address)
        user = await _existing(tx, call, id or "")
        if user.deactivated or not await _is_visible(tx, call, user.id):
            raise NotFound("no_such_user")
        return await _alone(tx, call, user)


@method("users.list", scope="users:read", tier=2)
async def users_list(call: MethodCall) -> dict[str, Any]:
    """Everybody of a workspace, in order of id: a page costs what is on it, however many there are.

    Guests are shown those who are in a channel with them.
    """
    page = call.page("user", default=None)
    async with call.store.scan() as tx:
        team = await call.team(tx)
        wanted = WHOLE if page.limit is None else page.limit
        ids = await _of_team(tx, call, team, page.after or "", wanted + 1)
        if page.limit is None and len(ids) > WHOLE:
            raise MethodError("limit_required")
        shown = sorted(await users.find_many(tx, call.org.id, ids[:wanted]), key=lambda user: user.id)
        known = await people.around(tx, call.org, shown, team)
        now = tx.now
    view = _view(call, now, team)
    members = await _aside(len(shown), lambda: [people.drawn(user, known[user.id], view) for user in shown])
    behind = shown[-1].id if len(ids) > wanted else None
    return {"members": members, "cache_ts": now // 1_000_000} | metadata("user", behind)


async def _of_team(tx: Tx, call: MethodCall, team: TeamId, after: str, limit: int) -> Sequence[UserId]:
    """Who is in a workspace, and who was when they were deactivated. Outside Enterprise: everybody."""
    org = call.org.id
    if call.grant.owner_role.is_guest:
        return await places.acquaintances(tx, org, call.token.user_id, team, after=after, limit=limit)
    if call.org.plan is not Plan.ENTERPRISE:
        return await users.ids(tx, org, after, limit)
    present = await places.page(tx, places.WORKSPACE, org, team, after=after, limit=limit)
    former = await places.former(tx, org, team, after=after, limit=limit)
    return list(islice(dict.fromkeys(merge(present, former)), limit))


async def _aside(size: int, work: Callable[[], T]) -> T:
    return work() if size <= _SMALL else await asyncio.to_thread(work)


@method("users.profile.get", scope="users.profile:read", tier=4)
async def users_profile_get(call: MethodCall) -> dict[str, Any]:
    """A person's profile, one's own unless another is named."""
    id = call.arguments.text("user") or call.token.user_id
    labels = call.arguments.flag("include_labels")
    async with call.store.read() as tx:
        user = await _visible(tx, call, id)
        view = _view(call, tx.now, call.token.team_id, alone=True)
    return {"profile": people.profile(user, view, labels)}


@method("users.conversations", scope=channels.READING, tier=3)
async def users_conversations(call: MethodCall) -> dict[str, Any]:
    """The channels of a workspace that somebody is in: of private ones those that one is in, too.

    For guests that goes for public ones as well.
    """
    page = call.page("channel", default=100, most=999)
    wanted = channels.wanted(call, page)
    async with call.store.scan() as tx:
        team = await call.team(tx)
        me, is_guest = call.token.user_id, call.grant.owner_role.is_guest
        user = await _visible(tx, call, call.arguments.text("user") or me)
        found = await channel_rows.of_person(tx, call.org.id, user.id, me, team, wanted, public=not is_guest)
        shown = found[: wanted.limit - 1]
        homes = await channel_rows.homes(tx, call.org.id, [channel.id for channel in shown])
    drawn = [channels.drawn(channel, homes[channel.id], call.org, team) for channel in shown]
    behind = channels.position(shown[-1]) if len(found) > len(shown) else None
    return {"channels": drawn} | metadata("channel", behind)
