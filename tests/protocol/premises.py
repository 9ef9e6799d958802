"""Workspaces, channels and connections in an organisation of a running server, made by an operator."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from rosterd.actions import channels, connections, orgs, workspaces
from rosterd.directory.model import (
    Actor,
    ChannelId,
    GroupId,
    GroupWorkspace,
    Org,
    OrgId,
    Origin,
    TeamId,
    UserId,
)
from rosterd.provisioning.cards import card
from rosterd.store import channels as channel_rows
from rosterd.store import orgs as org_rows
from rosterd.store.belonging import places
from rosterd.store.engine import Tx, open_store
from tests.protocol import live

T = TypeVar("T")


def act(org: live.Org, work: Callable[[Tx, Org, Actor], Awaitable[T]]) -> T:
    """One transaction of an operator in this organisation."""

    async def session() -> T:
        store = await open_store(org.server.database, card=card)
        try:
            async with store.write() as tx:
                found = await org_rows.find(tx, org.domain)
                assert found is not None
                return await work(tx, found, orgs.operator(OrgId(org.org_id), Origin("tests")))
        finally:
            await store.close()

    return asyncio.run(session())


def workspace(org: live.Org, domain: str) -> str:
    """The id of a new workspace, which nobody is in."""

    async def make(tx: Tx, within: Org, actor: Actor) -> str:
        return (await workspaces.create(tx, within, domain, domain.title(), actor=actor)).id

    return act(org, make)


def channel(org: live.Org, name: str, *teams: str, private: bool = False, default: bool = False) -> str:
    """The id of a new channel of these workspaces (none: of the first), which nobody is in."""

    async def make(tx: Tx, within: Org, actor: Actor) -> str:
        homes = [*map(TeamId, teams)] or [within.team_id]
        made = await channels.create(
            tx, within, name, homes, is_private=private, is_default=default, actor=actor
        )
        return made.id

    return act(org, make)


def lead(org: live.Org, group: str, team: str, *to: str, required: bool = True, at_once: bool = True) -> None:
    """A group leads to a workspace, and to channels of it."""

    async def connect(tx: Tx, within: Org, actor: Actor) -> None:
        there = GroupWorkspace(TeamId(team), required, at_once)
        await connections.connect_workspaces(tx, within, GroupId(group), [there], actor=actor)
        if to:
            await connections.connect_channels(tx, within, GroupId(group), [*map(ChannelId, to)], actor=actor)

    act(org, connect)


def archive(org: live.Org, id: str) -> None:
    """A channel put away."""

    async def put_away(tx: Tx, within: Org, actor: Actor) -> None:
        await channels.set_archived(tx, within, ChannelId(id), True, actor=actor)

    act(org, put_away)


def where(org: live.Org, user: str) -> tuple[set[str], set[str]]:
    """The workspaces, and the channels but #general, that somebody is in."""

    async def look(tx: Tx, within: Org, actor: Actor) -> tuple[set[str], set[str]]:
        teams, channels = [
            {place for place, _ in await places.of_people(tx, kind, within.id, [UserId(user)])}
            for kind in (places.WORKSPACE, places.CHANNEL)
        ]
        homes = await channel_rows.homes(tx, within.id, [*map(ChannelId, channels)])
        return teams, {id for id in channels if not any(home.is_general for home in homes[ChannelId(id)])}

    return act(org, look)
