"""The database of a running server, seen and filled from inside: what HTTP cannot show, or not at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import NamedTuple, TypeVar

from rosterd.actions import connections, orgs, users
from rosterd.actions.doors import apps
from rosterd.actions.upkeep import indexing
from rosterd.actions.upkeep.sealing import seal_some
from rosterd.directory.model import (
    DIRECTLY,
    Channel,
    ChannelId,
    Discoverability,
    GroupId,
    GroupWorkspace,
    OrgId,
    Origin,
    Plan,
    Role,
    TeamId,
    UserId,
    Workspace,
)
from rosterd.directory.users import UserChange
from rosterd.store import channels, names, outbox, workspaces
from rosterd.store import orgs as org_rows
from rosterd.store.belonging import places
from rosterd.store.engine import Store, Tx, open_store
from rosterd.store.people import index as index_rows
from rosterd.store.records import activity, audit

T = TypeVar("T")


def _run(database: str, work: Callable[[Tx], Awaitable[T]]) -> T:
    async def session() -> T:
        store = await open_store(database)
        try:
            async with store.write() as tx:
                return await work(tx)
        finally:
            await store.close()

    return asyncio.run(session())


def events(database: str, org_id: str, entity_id: str | None = None) -> list[audit.Record]:
    """The newest thousand events of an organisation, the oldest first; with an id, of that entity."""

    async def read(tx: Tx) -> list[audit.Record]:
        return await audit.page(tx, OrgId(org_id), entity=entity_id, limit=1_000)

    return _run(database, read)[::-1]


class Made(NamedTuple):
    """A new organisation: ids, domain, and a token of its primary owner with the scope ``admin``."""

    org_id: str
    team_id: str
    owner_id: str
    domain: str
    token: str


def make_orgs(database: str, plan: Plan, domains: Iterable[str], key: bytes) -> list[Made]:
    """New organisations, made in one transaction; their owners are ``owner@<domain>.example``."""

    async def make(tx: Tx) -> list[Made]:
        return [await _make_org(tx, plan, domain, key) for domain in domains]

    return _run(database, make)


async def _make_org(tx: Tx, plan: Plan, domain: str, key: bytes) -> Made:
    origin = Origin("0")
    org, owner = await orgs.create(tx, domain, domain, plan, f"owner@{domain}.example", origin=origin)
    actor = orgs.operator(org.id, origin)
    _, token = await apps.create_token(tx, org, owner, ["admin"], key=key, actor=actor)
    return Made(org.id, org.team_id, owner.id, domain, token)


def reserve(database: str, org_id: str, words: Iterable[str]) -> None:
    """Make these names taken."""
    _run(database, lambda tx: names.add_reserved(tx, OrgId(org_id), words))


def add_people(database: str, domain: str, count: int, roles: Sequence[str] = ()) -> list[str]:
    """The ids of so many new users, made in one transaction; members, unless ``roles`` says otherwise."""
    given = map(Role, roles or ["member"] * count)

    async def add(tx: Tx) -> list[str]:
        org = await org_rows.find(tx, domain)
        assert org is not None
        actor = orgs.operator(org.id, Origin("0"))
        changes = (UserChange(username=f"p{n}", email=f"p{n}@example.com") for n in range(count))
        pairs = list(zip(changes, given, strict=True))
        return [(await users.create(tx, org, each, role=role, actor=actor)).id for each, role in pairs]

    return _run(database, add)


def age_events(database: str, org_id: str, seconds: int) -> None:
    """Let all that happened have happened so much earlier."""

    async def age(tx: Tx) -> None:
        await tx.run(
            "UPDATE audit_events SET created = created - $2 WHERE org_id = $1", org_id, seconds * 1_000_000
        )

    _run(database, age)


def add_workspace(database: str, org_id: str, domain: str) -> str:
    """The id of a new workspace, which nobody is in."""
    id = TeamId(f"T0{org_id[2:-1]}{domain[0].upper()}")
    workspace = Workspace(OrgId(org_id), id, 1, domain, domain)
    assert _run(database, lambda tx: workspaces.insert(tx, workspace))
    return id


def open_workspaces(database: str, org_id: str, count: int) -> list[str]:
    """The ids of so many new workspaces that are open to everybody, in order of name."""

    async def add(tx: Tx) -> list[str]:
        made = [
            Workspace(
                OrgId(org_id),
                TeamId(f"T0{org_id[2:]}{n:03}"),
                1,
                f"open {n:03}",
                f"open-{n:03}",
                discoverability=Discoverability.OPEN,
            )
            for n in range(count)
        ]
        for each in made:
            assert await workspaces.insert(tx, each)
        return [each.id for each in made]

    return _run(database, add)


def put_in(database: str, org_id: str, people: Mapping[str, Sequence[str]]) -> None:
    """Put people into workspaces and channels, as if somebody had decided so."""

    async def put(tx: Tx) -> None:
        for place, ids in people.items():
            kind = places.CHANNEL if place.startswith("C") else places.WORKSPACE
            await places.add(tx, kind, OrgId(org_id), place, [*map(UserId, ids)], DIRECTLY)

    _run(database, put)


def suspend(database: str, org_id: str, user: str) -> None:
    """Take somebody out of every place, as a deactivation does."""
    _run(database, lambda tx: places.suspend(tx, OrgId(org_id), UserId(user)))


def set_workspace_role(database: str, org_id: str, team: str, user: str, role: str) -> None:
    """Make somebody an owner or admin of a workspace."""
    given = OrgId(org_id), TeamId(team), UserId(user), Role(role)
    _run(database, lambda tx: workspaces.set_role(tx, *given))


def add_channel(database: str, made: Channel, teams: Sequence[str]) -> str:
    """The id of a new channel of these workspaces, which nobody is in."""

    async def add(tx: Tx) -> None:
        await names.add(tx, made.org_id, made.name, "channel", made.id)
        assert await channels.insert(tx, made)
        for team in teams:
            assert await channels.add_home(tx, made, TeamId(team))

    _run(database, add)
    return made.id


def a_channel(database: str, org_id: str, creator: str, teams: Sequence[str]) -> str:
    """The id of a new public channel of these workspaces, which nobody is in."""
    id = ChannelId(f"C0{org_id[2:]}")
    return add_channel(
        database, Channel(OrgId(org_id), id, 1, f"channel-{id.lower()}", UserId(creator)), teams
    )


def age_org(database: str, org_id: str, days: int) -> None:
    """Let an organisation, and everybody in it, have been there for so many days more."""

    async def age(tx: Tx) -> None:
        for table, key in (("orgs", "id"), ("users", "org_id")):
            sql = f"UPDATE {table} SET created = created - $2 WHERE {key} = $1"
            await tx.run(sql, org_id, days * activity.DAY * 1_000_000)

    _run(database, age)


def note_activity(database: str, notes: Iterable[activity.Note]) -> None:
    """Note that somebody was there on a day."""
    _run(database, lambda tx: activity.note(tx, notes))


def connect(database: str, org_id: str, group: str, team: str, channels: Sequence[str] = ()) -> None:
    """Let a group lead to a workspace, which it requires, and to channels there."""

    async def do(tx: Tx) -> None:
        org = await org_rows.find(tx, org_id)
        assert org is not None
        actor = orgs.operator(org.id, Origin("0"))
        to = [GroupWorkspace(TeamId(team), is_required=True, auto_provision=True)]
        await connections.connect_workspaces(tx, org, GroupId(group), to, actor=actor)
        ids = [*map(ChannelId, channels)]
        await connections.connect_channels(tx, org, GroupId(group), ids, actor=actor)

    _run(database, do)


def errands(database: str, org_id: str, kind: str) -> list[tuple[str, dict[str, object]]]:
    """For whom errands of a kind wait, and with which arguments, the oldest first."""

    async def read(tx: Tx) -> list[tuple[str, dict[str, object]]]:
        return [
            (entry.subject_id, entry.arguments)
            for entry in await outbox.page(tx, OrgId(org_id), dead=False, limit=1_000)
            if entry.kind == kind
        ]

    return _run(database, read)


def archive(database: str, org_id: str, channel: str) -> None:
    """Put a channel away."""
    _run(database, lambda tx: channels.set_archived(tx, OrgId(org_id), ChannelId(channel), True))


def index(database: str, org_id: str) -> None:
    """Bring the index of people up to all that has happened."""

    async def session() -> None:
        store = await open_store(database)
        try:
            while await _is_behind(store, OrgId(org_id)):
                await seal_some(store, OrgId(org_id))
                if not await indexing.advance(store, OrgId(org_id)):
                    await asyncio.sleep(0.01)  # the server is at it
        finally:
            await store.close()

    asyncio.run(session())


async def _is_behind(store: Store, org: OrgId) -> bool:
    async with store.read() as tx:
        progress = await index_rows.find(tx, org)
        if progress is None or not progress.is_whole or await index_rows.unsealed(tx, org, 1):
            return True
        return progress.seal < await index_rows.newest_seal(tx, org)


def execute(database: str, sql: str, *args: object) -> None:
    """Something that no part of rosterd does."""
    execute_many(database, sql, [args])


def execute_many(database: str, sql: str, rows: Sequence[Sequence[object]]) -> None:
    """The same once for each of these."""
    _run(database, lambda tx: tx.many(sql, rows))
