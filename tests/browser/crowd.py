"""An organisation of 100,000 for pages to be looked at, made in seconds.

Almost everybody is written as rows, past the actions (:mod:`tests.browser.people`); the last weeks are told
by the actions (:mod:`tests.browser.story`). The index of people is made.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from rosterd.actions import channels, connections, groups, orgs, workspaces
from rosterd.actions.doors import apps
from rosterd.actions.upkeep import indexing
from rosterd.app import seal
from rosterd.directory.channels import GENERAL
from rosterd.directory.groups import GroupChange
from rosterd.directory.model import Actor, ChannelId, GroupId, GroupWorkspace, Org, Origin, Plan, TeamId
from rosterd.provisioning.cards import card
from rosterd.store import channels as channel_rows
from rosterd.store.engine import Store, Tx, open_store
from tests.browser import people, story
from tests.browser.people import Base
from tests.browser.story import OWNER, Cast
from tests.protocol.live import SECRET

DOMAIN = "meridian"

_DAY = 86_400
_OLDEST = 1_200  # days ago
_TRAIL = 42  # days ago: since then there is an audit trail of people

_WORKSPACES = ("build", "field", "berlin", "oakland", "lab", "care")
_CHANNELS = ("deploys", "incidents", "deals", "shift-handover", "canteen", "safety", "hiring", "night-fleet")


class Crowd(msgspec.Struct, frozen=True):
    """What there is to look at: ids, but for what is said otherwise."""

    domain: str
    org_id: str
    owner: str
    invited: str
    deactivated: str
    group: str  # the largest
    workspace: str
    channel: str
    private: str  # a channel
    left: str  # a workspace that the owner and the member may leave
    app: str
    client_id: str  # the app's
    token: str  # the text of one of the owner's
    token_id: str
    member: str  # somebody with groups, workspaces, channels and a history
    guest: str
    batch: str  # a bulk change that the owner may confirm


def make(path: Path) -> Crowd:
    """Write the database, which is not there yet. Under way no other event loop may run in this thread."""
    return asyncio.run(_make(path))


async def _make(path: Path) -> Crowd:
    now = int(time.time())
    store = await open_store(f"sqlite:///{path}", create=True, card=card)
    try:
        base = await _begin(store, (now - _OLDEST * _DAY) * 1_000_000)
    finally:
        await store.close()
    until = (now - _TRAIL * _DAY) * 1_000_000
    people.fill(path, base, until)
    store = await open_store(f"sqlite:///{path}", card=card)
    try:
        cast = await story.tell(store, base, until // 1_000_000, now)
        await seal(store)
        while await indexing.advance(store, base.org.id):
            pass
        crowd = await _seen(store, base, cast)
    finally:
        await store.close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return crowd


async def _begin(store: Store, start: int) -> Base:
    """The organisation, its places and its groups."""
    origin = Origin("made", "rosterd org create")
    async with store.write() as tx:
        tx.now = start
        org, owner = await orgs.create(tx, "Meridian Freight", DOMAIN, Plan.ENTERPRISE, OWNER, origin=origin)
        actor = orgs.operator(org.id, origin)
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
    return Base(org, owner.id, teams, known, rooms, departments, large, leading, {large: shared})


async def _rooms(tx: Tx, org: Org, teams: Sequence[TeamId], actor: Actor) -> list[tuple[ChannelId, TeamId]]:
    made: list[tuple[ChannelId, TeamId]] = []
    for number, name in enumerate(_CHANNELS):
        home = teams[number % 4]
        room = await channels.create(tx, org, name, [home], is_private=number % 3 == 1, actor=actor)
        made.append((room.id, home))
    return made


async def _group(tx: Tx, org: Org, name: str, actor: Actor) -> GroupId:
    return (await groups.create(tx, org, GroupChange(display_name=name), actor=actor)).id


async def _seen(store: Store, base: Base, cast: Cast) -> Crowd:
    org = base.org.id
    async with store.read() as tx:
        [[invited]], [[gone]] = [
            await tx.all(f"SELECT id FROM users WHERE org_id = $1 AND {what} ORDER BY id DESC LIMIT 1", org)
            for what in ("date_claimed IS NULL AND deactivated = 0 AND role = 'member'", "deactivated = 1")
        ]
        [[app_id, client_id]] = await tx.all("SELECT id, client_id FROM apps WHERE org_id = $1", org)
    return Crowd(
        domain=DOMAIN,
        org_id=org,
        owner=base.owner,
        invited=invited,
        deactivated=gone,
        group=base.large,
        workspace=base.teams[3],
        channel=base.rooms[0][0],
        private=base.rooms[1][0],
        left=base.rooms[0][1],
        app=app_id,
        client_id=client_id,
        **cast._asdict(),
    )
