"""A person, as administrators see them: profile, where they are and why, SCIM, sessions, history.

What can be done to them, and who may do it, is asked of :mod:`rosterd.directory`: what would be refused is
not offered, and is refused anyway.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple

import msgspec

from rosterd.dashboard.admin.frame import Look, page, stamp
from rosterd.dashboard.admin.members import history, profile
from rosterd.dashboard.pages import Page
from rosterd.dashboard.words import MEANS, WORDS
from rosterd.directory import access
from rosterd.directory import users as rules
from rosterd.directory.errors import DirectoryError
from rosterd.directory.facets import Facet
from rosterd.directory.model import Org, Plan, Role, User, UserId
from rosterd.directory.signin import is_open
from rosterd.directory.whereabouts import WORDS as WHY_NOT
from rosterd.directory.whereabouts import sentence
from rosterd.provisioning import cards
from rosterd.provisioning.places import Site
from rosterd.scim.dialect import V1, V2
from rosterd.store import channels, users, workspaces
from rosterd.store.belonging import whereabouts
from rosterd.store.doors import sessions
from rosterd.store.engine import Tx
from rosterd.store.people import index
from rosterd.store.records import activity, audit, trail

MOST_WORKSPACES = 200
"""Workspaces that are suggested to put somebody into."""

DIALECTS = {"v2": V2, "v1": V1}

_GONE = ("user_deactivated", "guest_deactivated", "guest_expired")

Values = dict[str, Any]


class Tab(NamedTuple):
    """A part of somebody's page. ``read`` gives what its template shows."""

    name: str
    read: Callable[[Tx, Look, User], Awaitable[Values]]


@page("admin", "members", "*")
async def member(look: Look, user_id: str) -> Page:
    """Somebody of this organisation; a page that says so if there is nobody."""
    key = look.params.get("tab") or "profile"
    if key not in TABS:
        _alert(look, "invalid_query")
        key = "profile"
    async with look.desk.store.scan() as tx:
        user = await users.find(tx, look.org.id, UserId(user_id))
        if user is None:
            return nobody(look)
        values = await TABS[key].read(tx, look, user)
    tabs = [(each, tab.name) for each, tab in TABS.items()]
    offered = offers(look, user)
    return look.render(f"member_{key}.html", tab=key, tabs=tabs, **of_user(user), offers=offered, **values)


def nobody(look: Look) -> Page:
    """There is no such person here; of another organisation they are as unknown as of none."""
    return look.render("nobody.html", 404)


def of_user(user: User) -> Values:
    """What every page about somebody is drawn of."""
    return {"user": user, "seen": stamp(user), "initials": initials(user), "is_bot": user.role is Role.BOT}


def offers(look: Look, user: User) -> frozenset[str]:
    """What may be done to somebody by whoever looks, as far as their role and state go."""
    try:
        rules.check_changeable(look.actor, user)
    except DirectoryError:
        return frozenset()
    return frozenset(name for name, holds in _offers(look, user).items() if holds)


def _offers(look: Look, user: User) -> Mapping[str, bool]:
    is_person = user.role is not Role.BOT
    is_enterprise, is_here = look.org.plan is Plan.ENTERPRISE, not user.deactivated
    return {
        "deactivate": is_here and is_person and user.role is not Role.PRIMARY_OWNER,
        "reactivate": user.deactivated,
        "invite": rules.is_invited(user),
        "role": len(roles_for(look, user)) > 1,
        "guest": is_enterprise and is_here and (user.role is Role.MEMBER or user.role.is_guest),
        "expiry": user.role.is_guest and is_here,
        "workspaces": is_enterprise and is_here and is_person,
        "signout": is_here,
    }


def roles_for(look: Look, user: User) -> list[Role]:
    """The roles that somebody can have by the will of whoever looks, their own among them."""
    if user.role in (Role.BOT, Role.PRIMARY_OWNER) or user.role.is_guest:
        return [user.role]
    known = [Role.PRIMARY_OWNER, Role.OWNER, Role.ADMIN, Role.MEMBER]
    above = access.outranking(look.user.role)
    return [
        role for role in known if role not in above and not (role is Role.PRIMARY_OWNER and user.deactivated)
    ]


def initials(user: User) -> str:
    """The first letters of somebody's names."""
    return "".join(word[0] for word in user.full_name.split()[:2]).upper()


def _alert(look: Look, code: str) -> None:
    look.alert = look.alert or WORDS[code]


async def _profile(tx: Tx, look: Look, user: User) -> Values:
    records = await profile.last_set(tx, look.org, user)
    gone = await _last(tx, look.org, user, _GONE) if user.deactivated else None
    names = await trail.names(tx, look.org.id, [*records.values(), *([gone] if gone else [])])
    manager = user.profile.manager_id
    day = await activity.latest(tx, look.org.id, user.id)
    return {
        "groups": profile.shown(look.org, user, records),
        "by_of": {key: history.by(record, names) for key, record in records.items()},
        "manager": await users.find(tx, look.org.id, manager) if manager else None,
        "reports": await index.count(tx, look.org.id, Facet.MANAGER, user.id),
        "last_day": None if day is None else day * activity.DAY,
        "gone": None if gone is None else (gone.created / 1_000_000, history.by(gone, names)),
        "photo": _picture(user),
    }


def _picture(user: User) -> str:
    """A picture that is part of the profile; one that is elsewhere is not loaded."""
    photo = user.profile.photo or ""
    return photo if photo.lower().startswith("data:image/") else ""


async def _last(tx: Tx, org: Org, user: User, actions: tuple[str, ...]) -> audit.Record | None:
    found = await trail.page(tx, org.id, trail.Wanted(actions, entity=user.id), before=None, limit=1)
    return found.records[0] if found.records else None


class Place(NamedTuple):
    """Where somebody is, or is not."""

    id: str
    name: str
    whys: list[str]
    role: Role | None = None
    is_required: bool = False  # by a group: an administrator cannot take them out


async def _places(tx: Tx, look: Look, user: User) -> Values:
    org = look.org.id
    found = await whereabouts.of_person(tx, org, user)
    own = await workspaces.roles_of(tx, org, user.id)
    stays = [
        Place(
            stay.place_id,
            stay.name,
            [
                *map(sentence, stay.reasons),
                *(f"allowed by the group “{group.display_name}”" for group in stay.allowed_by),
            ],
            next((role for team, role in own.items() if team == stay.place_id), None),
            any(why.is_required for why in stay.reasons),
        )
        for stay in found.stays
    ]
    absences = [
        Place(
            each.place_id,
            each.name,
            [f"the group “{each.group.display_name}” leads there, but {WHY_NOT[each.why]}"],
        )
        for each in found.absences
    ]
    others = await workspaces.page(tx, org, limit=MOST_WORKSPACES) if look.org.plan is Plan.ENTERPRISE else []
    return {
        "groups": (await users.groups_of(tx, org, [user.id]))[user.id],
        "workspaces": [each for each in stays if each.id.startswith("T")],
        "channels": [each for each in stays if each.id.startswith("C")],
        "absences": absences,
        "others": [each for each in others if each.id not in {stay.id for stay in stays}],
    }


async def _scim(tx: Tx, look: Look, user: User) -> Values:
    version = look.params.get("version") or "v2"
    if version not in DIALECTS:
        _alert(look, "invalid_query")
        version = "v2"
    dialect = DIALECTS[version]
    site = Site(look.desk.base_url, look.org.domain)
    groups = (await users.groups_of(tx, look.org.id, [user.id]))[user.id]
    card = cards.card(user)
    guests = await channels.of_guests(tx, look.org.id, [user.id]) if cards.shows_channels(card) else {}
    json = cards.fill(card, groups, dialect, site, guests.get(user.id, ()))
    return {
        "version": version,
        "path": site.location(user.id, dialect),
        "json": msgspec.json.format(json, indent=2).decode(),
    }


class Signed(NamedTuple):
    """A session, for people to read."""

    client: str
    ip_address: str
    means: str
    since: float  # seconds
    last_used: int  # seconds
    is_mine: bool


async def _sessions(tx: Tx, look: Look, user: User) -> Values:
    now = int(time.time())
    found = await sessions.of_user(tx, look.org.id, user.id)
    return {
        "sessions": [
            Signed(
                each.client,
                each.ip_address or "",
                MEANS.get(each.means, str(each.means)),
                each.created / 1_000_000,
                each.last_used,
                each.id == look.seat.session.id,
            )
            for each in reversed(found)
            if is_open(each, user.role, now)
        ]
    }


async def _history(tx: Tx, look: Look, user: User) -> Values:
    return await history.page(tx, look, user.id)


TABS: Mapping[str, Tab] = {
    "profile": Tab("Profile", _profile),
    "places": Tab("Groups and channels", _places),
    "scim": Tab("SCIM", _scim),
    "sessions": Tab("Sessions", _sessions),
    "history": Tab("History", _history),
}
