"""The last weeks of the organisation, told by its own actions at times of the past.

Programs create people, who sign in or do not; some leave. Others are refused. Then come those who sign in in
the tests, and a bulk change that waits for its confirmation.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec
from msgspec import UNSET

from rosterd.actions import bulk, groups, guests, orgs, users, workspaces
from rosterd.actions.doors import apps, signin
from rosterd.directory.bulk import Action, Arguments
from rosterd.directory.groups import GroupChange, Members
from rosterd.directory.model import Actor, Org, Origin, Profile, Role, Token, User, UserId
from rosterd.directory.signin import Means
from rosterd.directory.users import UserChange
from rosterd.store.engine import Store, Tx
from rosterd.store.records import requests
from rosterd.store.records.requests import Refusal
from rosterd.store.uuids import Growing
from tests.browser import people
from tests.browser.people import Base
from tests.protocol.live import SECRET

OWNER, ADMIN, MEMBER, GUEST = (f"{name}@meridian.example" for name in ("olive", "ada", "mira", "gus"))

RECENT = 1_000
"""People who are created."""

_DAY = 86_400
_BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:146.0) Gecko/20100101 Firefox/146.0"

_PROGRAMS = (
    ("Okta production", "Okta SCIM Client 1.0.0"),
    ("Entra pilot", "Azure AD SCIM Client"),
    ("Nightly script", "Python/3.11 slackclient/3.41.0 Linux/6.1"),
    ("Google Workspace", "GoogleAutoProvisioning"),
)
"""Name of a token, and what the program with it calls itself."""

_REFUSED = (
    ("POST", "/scim/v2/Users", 409, "email_taken", "email_taken (user=mira)"),
    ("POST", "/scim/v1/Users", 409, "username_taken", "username_taken"),
    ("PATCH", "/scim/v2/Groups/{id}", 404, "group_not_found", "group_not_found"),
    ("PUT", "/scim/v2/Users/{id}", 400, "invalid_email", "invalid_email"),
    ("GET", "/scim/v2/Users", 429, "rate_limited", "rate_limited"),
)


class Cast(NamedTuple):
    """Who and what came out of it."""

    token: str  # the text of the owner's
    member: str
    guest: str
    token_id: str
    batch: str


async def tell(store: Store, base: Base, start: int, now: int) -> Cast:
    """Let it happen between these times (seconds), of which the second is the present."""
    end = now - 3_600
    async with store.write() as tx:
        tx.now = start * 1_000_000
        tokens, text = await _tokens(tx, base, end)
    step = (end - start) // RECENT
    for first in range(0, RECENT, 250):
        async with store.write() as tx:
            for number in range(first, first + 250):
                tx.now = (start + step * number) * 1_000_000
                await _arrive(tx, base, people.SIZE + number, tokens)
    async with store.write() as tx:
        await _refuse(tx, base, tokens, end)
        tx.now = end * 1_000_000
        member, guest = await _those_with_names(tx, base, tokens[0], now)
        await tx.run("DELETE FROM outbox WHERE org_id = $1", base.org.id)  # nobody is to be mailed
    async with store.write() as tx:
        batch = await _draft(tx, base)
    return Cast(text, member.id, guest.id, tokens[0].id, batch)


def _by(base: Base, number: int, tokens: list[Token]) -> Actor:
    which = number // 9 % len(_PROGRAMS)
    origin = Origin(f"request-{number}", _PROGRAMS[which][1], f"192.0.2.{which + 7}")
    return Actor(base.org.id, base.owner, Role.PRIMARY_OWNER, origin, tokens[which].id)


async def _tokens(tx: Tx, base: Base, end: int) -> tuple[list[Token], str]:
    """Those of the programs, and the text of the first. The last one ends soon."""
    actor = orgs.operator(base.org.id, Origin("made", "rosterd token create"))
    owner = await users.existing(tx, base.org.id, base.owner)
    names = Profile(given_name="Olive", family_name="Owusu", title="Chief Information Officer")
    owner = await users.update(
        tx, base.org, owner, UserChange(profile=names, display_name="Olive"), actor=actor
    )
    made = [
        await apps.create_token(
            tx, base.org, owner, ("admin",), key=SECRET.encode(), name=name, actor=actor,
            expires=end + 6 * _DAY if name == _PROGRAMS[-1][0] else None,
        )
        for name, _ in _PROGRAMS
    ]  # fmt: skip
    await tx.run("UPDATE tokens SET last_used = $2 WHERE org_id = $1", base.org.id, end)
    return [token for token, _ in made], made[0][1]


async def _arrive(tx: Tx, base: Base, number: int, tokens: list[Token]) -> None:
    actor = _by(base, number, tokens)
    given, _, username = people.names(number)
    change = UserChange(
        username=username,
        email=f"{username}@meridian.example",
        display_name=given,
        profile=people.profile(number, None),
        manager=base.owner if number % 5 == 0 else UNSET,
    )
    user = await users.create(tx, base.org, change, actor=actor)
    if number % 3:
        await _enter(tx, base.org, user.id, f"sign-in-{number}", Means.OIDC)
    if number * 7 % 17 < number % 3:
        await users.deactivate(tx, base.org, await users.existing(tx, base.org.id, user.id), actor=actor)


async def _enter(tx: Tx, org: Org, user: UserId, request: str, means: Means) -> None:
    origin = Origin(request, _BROWSER, "198.51.100.23")
    await signin.sign_in(tx, org, user, means, key=SECRET.encode(), origin=origin)


async def _refuse(tx: Tx, base: Base, tokens: list[Token], end: int) -> None:
    """Some requests a day, more at the beginning of a week than at its end."""
    ids, rows = Growing(), []
    for number in range(90):
        at = end - 28 * _DAY + number // 3 * _DAY * 28 // 30 + number % 3 * 3_000
        if number % 7 > 4:
            continue
        method, route, status, code, detail = _REFUSED[number * 5 // 7 % len(_REFUSED)]
        actor = _by(base, number * 4, tokens)
        origin, id = actor.origin, ids.following(at * 1_000_000)
        rows.append(
            Refusal(
                base.org.id, id, f"refused-{number}", method, route, "", status, code, detail,
                actor.token_id or "", actor.user_id, origin.client, origin.ip_address, times=1 + number % 4,
            )
        )  # fmt: skip
    await requests.note(tx, rows, [])


async def _those_with_names(tx: Tx, base: Base, token: Token, now: int) -> tuple[User, User]:
    """An administrator, and, given back, a member with places and a history, and a guest."""
    org = base.org
    origin = Origin("request-named", _PROGRAMS[0][1], "192.0.2.7")
    actor = Actor(org.id, base.owner, Role.PRIMARY_OWNER, origin, token.id)
    ada = await _settle(tx, org, ADMIN, "Ada", "Adeyemi", actor=actor)
    mira = await _settle(tx, org, MEMBER, "Mira", "Castellanos", actor=actor)
    gus = await _settle(tx, org, GUEST, "Gus", "Guestley", guest=True, actor=actor)
    actor = msgspec.structs.replace(actor, origin=Origin("request-places", *_of(actor)))
    await users.set_role(tx, org, ada, Role.ADMIN, actor=orgs.operator(org.id, Origin("made", "rosterd")))
    both = GroupChange(members=Members(add=(ada.id, mira.id)))
    await groups.update(tx, org, base.large, both, actor=actor)
    profile = msgspec.structs.replace(mira.profile, title="Head of Dispatch", department="Terminal Berlin")
    change = UserChange(profile=profile, display_name="Mira C.", manager=ada.id)
    await users.update(tx, org, mira, change, actor=actor)
    room, team = base.rooms[0]
    for user in (ada, mira, gus):
        await workspaces.assign(tx, org, team, user.id, channel_ids=[room], actor=actor)
    await guests.set_expiration(tx, org, gus.id, now + 5 * _DAY, actor=actor)
    return mira, gus


def _of(actor: Actor) -> tuple[str, str | None]:
    return actor.origin.client, actor.origin.ip_address


async def _settle(
    tx: Tx, org: Org, email: str, given: str, family: str, *, guest: bool = False, actor: Actor
) -> User:
    """Somebody who has signed in."""
    profile = Profile(given_name=given, family_name=family, title="Dispatcher", department="Operations")
    username = email.partition("@")[0]
    change = UserChange(username=username, email=email, display_name=given, guest=guest, profile=profile)
    actor = msgspec.structs.replace(actor, origin=Origin(f"request-{username}", *_of(actor)))
    made = await users.create(tx, org, change, actor=actor)
    await _enter(tx, org, made.id, f"sign-in-{username}", Means.LINK)
    return await users.existing(tx, org.id, made.id)


async def _draft(tx: Tx, base: Base) -> str:
    """A bulk change of the owner's, about some who are there and some who have gone."""
    actor = Actor(base.org.id, base.owner, Role.PRIMARY_OWNER, Origin("draft", _BROWSER, "198.51.100.24"))
    chosen = [people.id_of(number) for number in (*range(4_000, 4_012), 18, 37)]
    return (await bulk.draft(tx, base.org, Action.DEACTIVATE, Arguments(), chosen, actor=actor)).id
