"""What follows from groups, in any order of changes, is what a plain model of the rules says.

Source of the rules: Slack, *Connect identity provider groups to your Enterprise org*; *Managing users*,
heading *IdP groups*; where they leave something open, docs/divergences.md.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import pytest

from rosterd.actions import channels, connections, groups, users, workspaces
from rosterd.directory.errors import DirectoryError
from rosterd.directory.model import Actor, ChannelId, GroupId, GroupWorkspace, Role, TeamId, UserId
from rosterd.directory.users import UserChange
from rosterd.store import channels as channel_rows
from rosterd.store.belonging.places import CHANNEL, WORKSPACE
from rosterd.store.engine import Store, Tx
from tests.actions.acme import ORIGIN, Acme, acme, operator
from tests.actions.model_of_places import Places, Reasons

pytestmark = pytest.mark.anyio

Step = tuple[str, int, int, int, int]
"""What is done, and numbers that say to whom and where."""


@dataclass
class World:
    """An organisation, what the model says of it, and the ids that steps choose from."""

    at: Acme
    teams: Sequence[TeamId]
    channels: Sequence[ChannelId]
    groups: Sequence[GroupId]
    people: Sequence[UserId]
    model: Places


async def a_world(tx: Tx, at: Acme) -> World:
    """Three workspaces, seven channels of which two are private, three groups, five people."""
    teams = [await at.workspace(tx, f"team{n}") for n in range(3)]
    one, two, three = teams
    made = [
        await at.channel(tx, "c0", one),
        await at.channel(tx, "c1", one, private=True),
        await at.channel(tx, "c2", two),
        await at.channel(tx, "c3", two, three, private=True),
        await at.channel(tx, "c4", three),
        await at.channel(tx, "c5", one, two),
    ]
    everywhere = await channels.create(
        tx, at.org, "c6", [two, three], is_default=True, actor=operator(at.org)
    )
    made.append(everywhere.id)
    people = [await at.person(tx, f"p{n}") for n in range(5)]
    crews = [await at.group(tx, f"G{n}", people[n : n + 2]) for n in range(3)]
    found = [await channel_rows.named(tx, at.org.id, team, "general") for team in teams]
    general = [id for id in found if id]
    homes = await channel_rows.homes(tx, at.org.id, [*made, *general])
    model = Places(
        homes={id: {home.team_id for home in at} for id, at in homes.items()},
        defaults={
            team: {id for id, at in homes.items() for home in at if home.is_default and home.team_id == team}
            for team in teams
        },
        private={made[1], made[3]},
        members={group: set(people[n : n + 2]) for n, group in enumerate(crews)},
    )
    return World(at, teams, made, crews, people, model)


async def rows(tx: Tx, at: Acme) -> dict[tuple[str, str], Reasons]:
    """Where everybody is but the owner, as stored."""
    found: dict[tuple[str, str], Reasons] = {}
    for table, column in (WORKSPACE, CHANNEL):
        sql = f"SELECT {column}, user_id, source_id, kept FROM {table} WHERE org_id = $1 AND user_id <> $2"
        for place, user, source, kept in await tx.all(sql, at.org.id, at.owner.user_id):
            found.setdefault((place, user), {})[source] = bool(kept)
    return found


Doing = tuple[Callable[..., str | None], tuple[Any, ...], Callable[[Tx], Awaitable[object]]]
"""The model's method, what it is called with, and the action."""


def doing(world: World, step: Step) -> Doing | None:
    """What a step is in this world; None: its group is gone."""
    name, n, m, k, j = step
    at, model, org, who = world.at, world.model, world.at.org, world.at.owner
    group, team = world.groups[n % 3], world.teams[m % 3]
    channel, person = world.channels[k % 7], world.people[j % 5]
    some = [each for bit, each in enumerate(world.people) if j >> bit & 1]
    way = GroupWorkspace(team, bool(k & 1), bool(k & 2))
    if name in _OF_GROUPS and group not in model.members:
        return None
    itself = Actor(org.id, person, Role.MEMBER, ORIGIN)
    table: Mapping[str, Doing] = {
        "join_group": (model.join_group, (group, some), lambda tx: at.join(tx, group, *some)),
        "leave_group": (model.leave_group, (group, some), lambda tx: at.leave(tx, group, *some)),
        "connect": (
            model.connect, (group, team, way.is_required, way.auto_provision),
            lambda tx: connections.connect_workspaces(tx, org, group, [way], actor=who),
        ),
        "disconnect": (
            model.disconnect, (group, team),
            lambda tx: connections.disconnect_workspace(tx, org, group, team, actor=who),
        ),
        "connect_channel": (
            model.connect_channel, (group, channel),
            lambda tx: connections.connect_channels(tx, org, group, [channel], actor=who),
        ),
        "disconnect_channel": (
            model.disconnect_channel, (group, channel),
            lambda tx: connections.disconnect_channels(tx, org, group, [channel], actor=who),
        ),
        "allow": (
            model.allow, (channel, group), lambda tx: connections.allow(tx, org, channel, group, actor=who)
        ),
        "disallow": (
            model.disallow, (channel, group),
            lambda tx: connections.disallow(tx, org, channel, group, actor=who),
        ),
        "delete_group": (
            model.delete_group, (group,), lambda tx: groups.delete(tx, org, group, actor=who)
        ),
        "assign": (
            model.assign, (person, team), lambda tx: workspaces.assign(tx, org, team, person, actor=who)
        ),
        "remove": (
            model.remove, (person, team), lambda tx: workspaces.remove(tx, org, team, person, actor=who)
        ),
        "join": (model.join, (person, team), lambda tx: workspaces.join(tx, org, team, actor=itself)),
        "leave": (model.leave, (person, team), lambda tx: workspaces.leave(tx, org, team, actor=itself)),
        "invite": (
            model.invite, (person, channel), lambda tx: channels.invite(tx, org, channel, [person], actor=who)
        ),
        "kick": (
            model.kick, (person, channel), lambda tx: channels.kick(tx, org, channel, person, actor=who)
        ),
        "deactivate": (model.deactivate, (person,), lambda tx: _change(tx, world, person, active=False)),
        "reactivate": (model.reactivate, (person,), lambda tx: _change(tx, world, person, active=True)),
        "make_guest": (model.make_guest, (person,), lambda tx: _change(tx, world, person, guest=True)),
        "make_member": (model.make_member, (person,), lambda tx: _change(tx, world, person, guest=False)),
    }  # fmt: skip
    return table[name]


_OF_GROUPS = {
    "join_group", "leave_group", "connect", "disconnect", "connect_channel", "disconnect_channel", "allow",
    "disallow", "delete_group",
}  # fmt: skip
_USUAL = (*sorted(_OF_GROUPS - {"delete_group"}), "connect", "connect_channel", "join_group")
_SELDOM = (
    "assign", "remove", "join", "leave", "invite", "kick", "deactivate", "reactivate", "make_guest",
    "make_member", "delete_group",
)  # fmt: skip


async def _change(tx: Tx, world: World, person: UserId, **fields: Any) -> None:
    org = world.at.org
    found = await users.existing(tx, org.id, person)
    await users.update(tx, org, found, UserChange(**fields), actor=world.at.owner)


Rows = Mapping[tuple[str, str], Reasons]
"""(place, person) → reasons."""


def reaches(model: Places, found: Rows, person: str, channel: str) -> bool:
    return any((team, person) in found for team in model.homes[channel])


def check_sound(model: Places, found: Rows) -> None:
    """Nobody is where they must not be. The model says what leads where, ``found`` who is where."""
    for (place, person), why in found.items():
        assert person not in model.gone
        if place in model.homes:
            assert reaches(model, found, person, place)
            assert model.allowed(person, place)
        for source, kept in why.items():
            if source and not kept and source not in model.defaults:
                assert person in model.members[source]
                assert place in {*model.ways.get(source, {}), *model.leads.get(source, set())}
    for group, led in model.leads.items():
        required = {team for team, (must, _) in model.ways.get(group, {}).items() if must}
        assert not [channel for channel in led if model.homes[channel].isdisjoint(required)]


def check_complete(model: Places, found: Rows) -> None:
    """Everybody is wherever their groups lead, if nobody took them out."""
    for group, people in model.members.items():
        for person in people - model.gone:
            for team, (_, at_once) in model.ways.get(group, {}).items():
                assert not at_once or found[team, person][group] is False
            for channel in model.leads.get(group, set()):
                if reaches(model, found, person, channel) and model.allowed(person, channel):
                    assert found[channel, person][group] is False


def steps(seed: int) -> Iterator[Step]:
    """Without end. Seldom steps undo much, so that they come seldom."""
    draw = random.Random(seed)
    while True:
        name = draw.choice(_SELDOM if draw.random() < 0.3 else _USUAL)
        yield name, draw.randrange(3), draw.randrange(3), draw.randrange(7), draw.randrange(32)


async def take(world: World, step: Step, where: str) -> None:
    """Do a step, by the model and by the action: both refuse it in the same words, or neither does."""
    if (found := doing(world, step)) is None:
        return
    ask, arguments, do = found
    expected = ask(*arguments)
    try:
        async with world.at.store.write() as tx:
            await do(tx)
        refused = None
    except DirectoryError as error:
        refused = error.code
    assert refused == expected, f"{where}: {step[0]} {arguments}"


async def walk(store: Store, seed: int, length: int, *, later: bool = False) -> None:
    """Take these steps, and compare after each. ``later``: after doing what it left to be done."""
    at = await acme(store)
    async with store.write() as tx:
        world = await a_world(tx, at)
    for number, step in enumerate(islice(steps(seed), length)):
        where = f"step {number} of seed {seed}"
        await take(world, step, where)
        if later:
            await at.work_off()
        async with store.read() as tx:
            assert await rows(tx, at) == world.model.rows(), f"{where}: {step}"
        check_sound(world.model, world.model.rows())


@pytest.mark.parametrize("seed", range(2))
async def test_whatever_is_done_everybody_is_where_the_rules_say(store: Store, seed: int) -> None:
    await walk(store, seed, 120)


async def test_what_is_left_for_later_comes_to_the_same(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rosterd.directory.workspaces.CONSEQUENCES_AT_ONCE", 0)
    await walk(store, 15, 80, later=True)


@pytest.mark.parametrize("seed", range(2))
async def test_what_is_left_for_later_is_right_whatever_was_done_since(
    store: Store, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr("rosterd.directory.workspaces.CONSEQUENCES_AT_ONCE", 0)
    at = await acme(store)
    async with store.write() as tx:
        world = await a_world(tx, at)
    of_groups = (step for step in steps(seed) if step[0] in _OF_GROUPS | {"deactivate", "reactivate"})
    for number, step in enumerate(islice(of_groups, 60)):
        await take(world, step, f"step {number} of seed {seed}")
        if step[4] % 7 == 0:
            await at.work_off()
            async with store.read() as tx:
                found = await rows(tx, at)
            check_sound(world.model, found)
            check_complete(world.model, found)
