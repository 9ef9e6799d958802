"""Organisations to measure, made by the directory's own actions and kept for the next run.

A seed is a database with one organisation: so many people, each in a team of fifty, groups of 1,000, 10,000
and 100,000 members as far as there are people for them, and one of 1,000 that leads to workspaces and
channels. Seeds are made on SQLite; PostgreSQL gets the same rows. They are named by a fingerprint of whatever
they follow from: a change of the schema, of the cards or of the people makes new ones, and the old ones are
deleted.
"""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import shutil
import sqlite3
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

import msgspec
from sqlalchemy.schema import CreateIndex, CreateTable

from bench import people
from bench.people import TEAM
from bench.servers import SECRET
from rosterd.actions import channels, connections, groups, orgs, users, workspaces
from rosterd.actions.doors import apps
from rosterd.actions.upkeep import indexing
from rosterd.app import seal
from rosterd.directory.groups import GroupChange, Members
from rosterd.directory.model import (
    Actor,
    Group,
    GroupId,
    GroupWorkspace,
    Org,
    OrgId,
    Origin,
    Plan,
    User,
    UserId,
)
from rosterd.provisioning import cards
from rosterd.provisioning.users import creation
from rosterd.store.engine import Store, Tx, open_store
from rosterd.store.people import index
from rosterd.store.tables import metadata

T = TypeVar("T")

BATCH = 5_000
"""People created in one transaction, and members added by one call."""

GROUP_SIZES = (1_000, 10_000, 100_000)
LED_WORKSPACES, LED_CHANNELS = 20, 50
"""How many places the leading group leads to."""
AT_ONCE = 10
"""People who join or leave the leading group by one change, so that what follows is a part of it."""
_REVISION = 3  # to be counted up when seeds are made in another way
_ROW = 48  # bytes of a line in the table of people


class Seed(msgspec.Struct, frozen=True):
    """What there is to ask for. ``groups``: size → id of the group of that size that leads nowhere."""

    users: int
    token: str
    org_id: str
    groups: dict[int, str]
    leading: str  # the group of the smallest size that leads to places


class Place(NamedTuple):
    """Where a seed is kept."""

    folder: Path
    users: int

    @property
    def database(self) -> Path:
        return self.folder / f"{self.users}.db"

    @property
    def rows(self) -> Path:
        """Ids and usernames, one person in each line of the same length."""
        return self.folder / f"{self.users}.txt"

    @property
    def facts(self) -> Path:
        return self.folder / f"{self.users}.json"

    def seed(self) -> Seed:
        return msgspec.json.decode(self.facts.read_bytes(), type=Seed)

    def ids(self, count: int) -> list[str]:
        """The first people's ids, the earliest created first."""
        with self.rows.open() as lines:
            return [line.split()[0] for line in itertools.islice(lines, count)]


def fingerprint() -> str:
    """Of whatever a seed follows from."""
    ddl = [str(CreateTable(table)) for table in metadata.sorted_tables]
    ddl += sorted(str(CreateIndex(index)) for table in metadata.sorted_tables for index in table.indexes)
    bodies = [people.body(number) for number in range(0, 10_000, 97)]
    rest = (_REVISION, index.VERSION, BATCH, TEAM, GROUP_SIZES, bodies, cards.card(_anyone()))
    return hashlib.sha256(msgspec.json.encode((ddl, rest))).hexdigest()[:10]


def _anyone() -> User:
    change = creation(people.body(0))
    return msgspec.convert(
        {
            "org_id": "E1", "id": "W1", "created": 0, "username": "ann", "email": "ann@example.com",
            "display_name": "Ann", "role": "member", "deactivated": False, "date_claimed": None,
            "guest_expires": None, "erased": False, "profile": msgspec.to_builtins(change.profile),
        },
        User,
    )  # fmt: skip


def prepared(work: Path, count: int) -> Place:
    """The seed with so many people, made now unless it is there."""
    folder = work / f"seeds-{fingerprint()}"
    for stale in work.glob("seeds-*"):
        if stale != folder:
            shutil.rmtree(stale)
    folder.mkdir(parents=True, exist_ok=True)
    place = Place(folder, count)
    if not place.facts.exists():
        for leftover in folder.glob(f"{count}.*"):
            leftover.unlink()
        started = time.monotonic()
        asyncio.run(_make(place))
        print(f"made an organisation of {count:,} in {time.monotonic() - started:.0f} s", file=sys.stderr)
    return place


async def _make(place: Place) -> None:
    store = await open_store(f"sqlite:///{place.database}", create=True, card=cards.card)
    try:
        seed = await _fill(store, place)
        await seal(store)
        while await indexing.advance(store, OrgId(seed.org_id)):
            pass
    finally:
        await store.close()
    connection = sqlite3.connect(place.database)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    place.facts.write_bytes(msgspec.json.encode(seed))


async def _fill(store: Store, place: Place) -> Seed:
    origin = Origin("bench", "rosterd bench")
    async with store.write() as tx:
        org, owner = await orgs.create(
            tx, "Bench", "bench", Plan.ENTERPRISE, "owner@bench.example", origin=origin
        )
        actor = orgs.operator(org.id, origin)
        _, token = await apps.create_token(tx, org, owner, ("admin",), key=SECRET.encode(), actor=actor)
    ids: list[UserId] = []
    with place.rows.open("w") as rows:
        for numbers in _batches(range(place.users)):
            async with store.write() as tx:
                for number in numbers:
                    user = await _person(tx, org, number, actor)
                    ids.append(user.id)
                    rows.write(f"{user.id} {user.username}".ljust(_ROW - 1) + "\n")
            await seal(store)
    await _teams(store, org, ids, actor)
    sizes = [size for size in GROUP_SIZES if size <= place.users]
    large = {size: await _large(store, org, ids[:size], actor) for size in sizes}
    leading = await _leading(store, org, ids[: GROUP_SIZES[0]], actor)
    return Seed(place.users, token, org.id, large, leading)


async def _person(tx: Tx, org: Org, number: int, actor: Actor) -> User:
    tx.now += 1  # nobody is created at the same time as somebody else
    return await users.create(tx, org, creation(people.body(number)), actor=actor)


async def _teams(store: Store, org: Org, ids: Sequence[UserId], actor: Actor) -> None:
    teams = [ids[start : start + TEAM] for start in range(0, len(ids), TEAM)]
    for numbers in _batches(range(len(teams)), BATCH // TEAM):
        async with store.write() as tx:
            for number in numbers:
                await _group(tx, org, f"Team {number}", teams[number], actor)
        await seal(store)


async def _large(store: Store, org: Org, ids: Sequence[UserId], actor: Actor) -> str:
    async with store.write() as tx:
        group = await _group(tx, org, f"All {len(ids)}", (), actor)
    for members in _batches(ids):
        async with store.write() as tx:
            change = GroupChange(members=Members(add=tuple(members)))
            await groups.update(tx, org, group.id, change, actor=actor)
        await seal(store)
    return group.id


async def _leading(store: Store, org: Org, ids: Sequence[UserId], actor: Actor) -> str:
    """A group that leads to workspaces and channels, all of them required."""
    async with store.write() as tx:
        group = await _group(tx, org, "Leading", (), actor)
        await _lead(tx, org, group.id, actor)
    for members in _batches(ids, AT_ONCE):
        async with store.write() as tx:
            change = GroupChange(members=Members(add=tuple(members)))
            await groups.update(tx, org, group.id, change, actor=actor)
    await seal(store)
    async with store.write() as tx:
        await tx.run(
            "DELETE FROM outbox WHERE org_id = $1", org.id
        )  # nobody is to be mailed by the benchmark
    return group.id


async def _lead(tx: Tx, org: Org, group: GroupId, actor: Actor) -> None:
    teams = [
        (await workspaces.create(tx, org, f"led-{number}", f"Led {number}", actor=actor)).id
        for number in range(LED_WORKSPACES)
    ]
    to = [GroupWorkspace(team, is_required=True, auto_provision=True) for team in teams]
    await connections.connect_workspaces(tx, org, group, to, actor=actor)
    made = [
        (await channels.create(tx, org, f"led-{number}", [teams[number % len(teams)]], actor=actor)).id
        for number in range(LED_CHANNELS)
    ]
    await connections.connect_channels(tx, org, group, made, actor=actor)


async def _group(tx: Tx, org: Org, name: str, ids: Sequence[UserId], actor: Actor) -> Group:
    tx.now += 1
    change = GroupChange(display_name=name, members=Members(add=tuple(ids)))
    return await groups.create(tx, org, change, actor=actor)


def _batches(items: Sequence[T], size: int = BATCH) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
