"""An organisation of 100,000 for pages to be looked at, made in seconds.

Almost everybody is written as rows, past the actions. What pages tell of the last weeks (who was created, and
by what program, who signed in, who left) is done by the actions, at times of the past.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec
from msgspec import UNSET

from rosterd.actions import (
    apps,
    channels,
    connections,
    groups,
    guests,
    indexing,
    orgs,
    signin,
    users,
    workspaces,
)
from rosterd.app import seal
from rosterd.directory.channels import GENERAL
from rosterd.directory.groups import GroupChange, Members
from rosterd.directory.model import (
    Actor,
    ChannelId,
    GroupId,
    GroupWorkspace,
    Org,
    Origin,
    Plan,
    Profile,
    Role,
    TeamId,
    User,
)
from rosterd.directory.signin import Means
from rosterd.directory.users import UserChange
from rosterd.provisioning.cards import card
from rosterd.store import channels as channel_rows
from rosterd.store import users as user_rows
from rosterd.store.engine import Store, Tx, open_store
from tests.browser import people
from tests.browser.people import Base
from tests.protocol.live import SECRET

DOMAIN = "meridian"
SIZE = 100_000
RECENT = 1_000
"""People created by the actions, in the last weeks."""

_DAY = 86_400
_OLDEST = 1_200  # days ago
_TRAIL = 42  # days ago: since then there is an audit trail of people

OWNER, ADMIN, MEMBER, GUEST = (f"{name}@meridian.example" for name in ("olive", "ada", "mira", "gus"))

_WORKSPACES = ("build", "field", "berlin", "oakland", "lab", "care")
_CHANNELS = ("deploys", "incidents", "deals", "shift-handover", "canteen", "safety", "hiring", "night-fleet")
_CLIENTS = (
    "Okta SCIM Client 1.0.0",
    "Azure AD SCIM Client",
    "Python/3.11 slackclient/3.41.0 Linux/6.1",
    "GoogleAutoProvisioning",
)


class Crowd(msgspec.Struct, frozen=True):
    """Ids of what there is to look at, and a token of the owner's."""

    domain: str
    org_id: str
    token: str
    owner: str
    member: str  # somebody with groups, workspaces, channels and a history
    invited: str
    deactivated: str
    guest: str
    group: str  # the largest
    workspace: str
    channel: str
    left: str  # a workspace that the owner and the member may leave
    client_id: str  # of an app


def make(path: Path) -> Crowd:
    """Write the database, which is not there yet."""
    return asyncio.run(_make(path))


async def _make(path: Path) -> Crowd:
    now = int(time.time())
    store = await open_store(f"sqlite:///{path}", create=True, card=card)
    try:
        base, token = await _begin(store, (now - _OLDEST * _DAY) * 1_000_000)
    finally:
        await store.close()
    until = (now - _TRAIL * _DAY) * 1_000_000
    people.fill(path, base, SIZE - RECENT, until)
    store = await open_store(f"sqlite:///{path}", card=card)
    try:
        await _go_on(store, base, until // 1_000_000, now)
        await seal(store)
        while await indexing.advance(store, base.org.id):
            pass
        crowd = await _seen(store, base, token)
    finally:
        await store.close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return crowd


async def _begin(store: Store, start: int) -> tuple[Base, str]:
    """The organisation, its places and its groups, and a token of the owner's."""
    origin = Origin("made", "rosterd org create")
    async with store.write() as tx:
        tx.now = start
        org, owner = await orgs.create(tx, "Meridian Freight", DOMAIN, Plan.ENTERPRISE, OWNER, origin=origin)
        actor = orgs.operator(org.id, origin)
        _, token = await apps.create_token(tx, org, owner, ("admin",), key=SECRET.encode(), actor=actor)
        await apps.create_app(
            tx, org, "Fleet Planner", ["http://127.0.0.1/fleet"], ["admin", "users:read"],
            key=SECRET.encode(), actor=actor,
        )  # fmt: skip
        teams = [org.team_id]
        for name in _WORKSPACES:
            made = await workspaces.create(tx, org, f"{DOMAIN}-{name}", name.title(), actor=actor)
            teams.append(made.id)
        rooms = await _rooms(tx, org, teams, actor)
        departments = [await _group(tx, org, f"Team {number + 1}", actor) for number in range(60)]
        large = await _group(tx, org, "Everybody in Berlin", actor)
        leading = {large: teams[3], **{group: teams[1 + n % 2] for n, group in enumerate(departments[:12])}}
        for n, (group, team) in enumerate(leading.items()):
            to = [GroupWorkspace(team, is_required=n % 3 != 1, auto_provision=True)]
            await connections.connect_workspaces(tx, org, group, to, actor=actor)
        shared = next(room for room, home in rooms if home == teams[3])
        await connections.connect_channels(tx, org, large, [shared], actor=actor)
        generals = {team: await channel_rows.named(tx, org.id, team, GENERAL) for team in teams}
    known = {team: general for team, general in generals.items() if general is not None}
    return Base(org, owner.id, teams, known, rooms, departments, large, leading, {large: shared}), token


async def _rooms(tx: Tx, org: Org, teams: Sequence[TeamId], actor: Actor) -> list[tuple[ChannelId, TeamId]]:
    made: list[tuple[ChannelId, TeamId]] = []
    for number, name in enumerate(_CHANNELS):
        home = teams[number % 4]
        room = await channels.create(tx, org, name, [home], is_private=number % 3 == 1, actor=actor)
        made.append((room.id, home))
    return made


async def _group(tx: Tx, org: Org, name: str, actor: Actor) -> GroupId:
    return (await groups.create(tx, org, GroupChange(display_name=name), actor=actor)).id


async def _go_on(store: Store, base: Base, start: int, now: int) -> None:
    """The last weeks, up to an hour ago: people are created, most of them sign in, and some leave."""
    step = (now - 3_600 - start) // RECENT
    for first in range(0, RECENT, 250):
        async with store.write() as tx:
            for number in range(first, first + 250):
                tx.now = (start + step * number) * 1_000_000
                await _arrive(tx, base, SIZE - RECENT + number)
    async with store.write() as tx:
        tx.now = (now - 3_600) * 1_000_000
        await _those_with_names(tx, base, now)
        await tx.run("DELETE FROM outbox WHERE org_id = $1", base.org.id)  # nobody is to be mailed


def _by(base: Base, number: int) -> Actor:
    origin = Origin(f"request-{number}", _CLIENTS[number // 9 % len(_CLIENTS)], "192.0.2.7")
    return Actor(base.org.id, base.owner, Role.PRIMARY_OWNER, origin)


async def _arrive(tx: Tx, base: Base, number: int) -> None:
    actor = _by(base, number)
    given, _, username = people.names(number)
    change = UserChange(
        username=username,
        email=f"{username}@meridian.example",
        display_name=given,
        profile=people.profile(number, None),
        manager=base.owner if number % 5 else UNSET,
    )
    user = await users.create(tx, base.org, change, actor=actor)
    if number % 3:
        origin = Origin(f"sign-in-{number}", "Firefox 146 on Linux", "198.51.100.23")
        await signin.sign_in(tx, base.org, user.id, Means.OIDC, key=SECRET.encode(), origin=origin)
    if number % 17 == 0:
        await users.deactivate(tx, base.org, await users.existing(tx, base.org.id, user.id), actor=actor)


async def _those_with_names(tx: Tx, base: Base, now: int) -> None:
    """Who signs in in the tests: an administrator, a member with places and a history, a guest."""
    org, actor = base.org, _by(base, 0)
    ada = await _settle(tx, org, ADMIN, "Ada", "Adeyemi", actor=actor)
    mira = await _settle(tx, org, MEMBER, "Mira", "Castellanos", actor=actor)
    gus = await _settle(tx, org, GUEST, "Gus", "Guestley", guest=True, actor=actor)
    await users.set_role(tx, org, ada, Role.ADMIN, actor=orgs.operator(org.id, Origin("made", "rosterd")))
    both = GroupChange(members=Members(add=(ada.id, mira.id)))
    await groups.update(tx, org, base.large, both, actor=actor)
    profile = msgspec.structs.replace(mira.profile, title="Head of Dispatch", department="Terminal Berlin")
    await users.update(tx, org, mira, UserChange(profile=profile, display_name="Mira C."), actor=actor)
    room, team = base.rooms[0]
    for user in (mira, gus):
        await workspaces.assign(tx, org, team, user.id, channel_ids=[room], actor=actor)
    await guests.set_expiration(tx, org, gus.id, now + 5 * _DAY, actor=actor)


async def _settle(
    tx: Tx, org: Org, email: str, given: str, family: str, *, guest: bool = False, actor: Actor
) -> User:
    """Somebody who has signed in."""
    profile = Profile(given_name=given, family_name=family, title="Dispatcher", department="Operations")
    username = email.partition("@")[0]
    change = UserChange(username=username, email=email, display_name=given, guest=guest, profile=profile)
    made = await users.create(tx, org, change, actor=actor)
    origin = Origin(f"sign-in of {username}", "Firefox 146 on Linux", "198.51.100.23")
    await signin.sign_in(tx, org, made.id, Means.LINK, key=SECRET.encode(), origin=origin)
    return await users.existing(tx, org.id, made.id)


async def _seen(store: Store, base: Base, token: str) -> Crowd:
    async with store.read() as tx:
        org = base.org.id

        async def named(email: str) -> str:
            id = await user_rows.find_by_email(tx, org, email)
            assert id is not None
            return id

        [[invited]], [[gone]] = [
            await tx.all(
                f"SELECT id FROM users WHERE org_id = $1 AND {what} ORDER BY created DESC LIMIT 1", org
            )
            for what in (
                "role = 'member' AND date_claimed IS NULL AND deactivated = 0",
                "deactivated = 1",
            )
        ]
        [[app]] = await tx.all("SELECT client_id FROM apps WHERE org_id = $1", org)
        return Crowd(
            domain=DOMAIN,
            org_id=org,
            token=token,
            owner=base.owner,
            member=await named(MEMBER),
            invited=invited,
            deactivated=gone,
            guest=await named(GUEST),
            group=base.large,
            workspace=base.teams[3],
            channel=base.rooms[0][0],
            left=base.rooms[0][1],
            client_id=app,
        )
