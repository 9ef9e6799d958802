"""A preview says of everybody what then becomes of them, and says so of many in bounded time."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Iterator, Mapping
from itertools import islice
from typing import Any

import pytest

from rosterd.actions import channels, connections, users, workspaces
from rosterd.directory.errors import DirectoryError
from rosterd.directory.model import ChannelId, GroupId, GroupWorkspace, Role, TeamId, UserId
from rosterd.directory.previews import Fate, Preview
from rosterd.store import channels as channel_rows
from rosterd.store import groups
from rosterd.store.belonging import previews
from rosterd.store.engine import Store, Tx
from tests.actions.acme import acme
from tests.actions.test_consequences_model import Step, World, a_world, doing, rows
from tests.store.rows import a_user, settle

pytestmark = pytest.mark.anyio

STAYING = {
    Fate.KEPT, Fate.THERE, Fate.DIRECTLY, Fate.BY_GROUP, Fate.BY_DEFAULT, Fate.KEPT_BEFORE, Fate.ALLOWED,
}  # fmt: skip

Memberships = set[tuple[str, str]]
"""(place, person)."""

FORESEEN: Mapping[str, Callable[..., Awaitable[Preview]]] = {
    "connect": lambda tx, org, group, team, required, at_once: previews.connect_workspaces(
        tx, org, group, [GroupWorkspace(team, required, at_once)]
    ),
    "disconnect": previews.disconnect_workspace,
    "connect_channel": lambda tx, org, group, channel: previews.connect_channels(tx, org, group, [channel]),
    "disconnect_channel": lambda tx, org, group, channel: previews.disconnect_channels(
        tx, org, group, [channel]
    ),
    "allow": previews.allow,
    "disallow": previews.disallow,
    "assign": lambda tx, org, person, team: previews.assign(tx, org, team, person),
    "remove": lambda tx, org, person, team: previews.take_out(tx, org, team, person),
}
"""By the names of the steps, with the arguments of the model's methods."""
BETWEEN = (
    "join_group", "join_group", "join_group", "leave_group", "leave", "join", "invite", "invite", "kick",
    "deactivate", "reactivate", "reactivate", "reactivate", "make_guest", "make_member", "make_member",
    "make_single",
)  # fmt: skip


def steps(seed: int) -> Iterator[Step]:
    draw = random.Random(seed)
    foreseen = [*FORESEEN, "connect", "connect", "connect_channel", "allow"]
    while True:
        name = draw.choice(foreseen if draw.random() < 0.6 else BETWEEN)
        yield name, draw.randrange(3), draw.randrange(3), draw.randrange(7), draw.randrange(32)


async def take(world: World, step: Step) -> bool:
    """Whether it was not refused."""
    try:
        async with world.at.store.write() as tx:
            if step[0] == "make_single":
                await make_single(tx, world, step)
            else:
                found = doing(world, step)
                assert found is not None
                await found[2](tx)
    except DirectoryError:
        return False
    return True


async def make_single(tx: Tx, world: World, step: Step) -> None:
    """Somebody is a single-channel guest, wherever they are."""
    org, person = world.at.org, world.people[step[4] % 5]
    found = await users.existing(tx, org.id, person)
    await users.set_role(tx, org, found, Role.SINGLE_CHANNEL_GUEST, actor=world.at.owner)


async def reactivates(world: World, step: Step) -> bool:
    """Whether an administrator assigns somebody deactivated, who then is back everywhere."""
    async with world.at.store.read() as tx:
        found = await users.existing(tx, world.at.org.id, world.people[step[4] % 5])
    return step[0] == "assign" and found.deactivated


async def foreseen(world: World, step: Step) -> Preview:
    found = doing(world, step)
    assert found is not None
    async with world.at.store.scan() as tx:
        return await FORESEEN[step[0]](tx, world.at.org.id, *found[1])


def of_fate(preview: Preview, fate: Fate) -> Memberships:
    crowds = [
        (effect.place_id, crowd)
        for effect in (*preview.asked, *preview.following)
        for crowd in effect.crowds
        if crowd.fate is fate
    ]
    assert all(crowd.number == len(crowd.some) for _, crowd in crowds)
    return {(place, named.id) for place, crowd in crowds for named in crowd.some}


async def there(world: World) -> Memberships:
    async with world.at.store.read() as tx:
        return {*await rows(tx, world.at)}


async def a_new_world(store: Store) -> World:
    at = await acme(store)
    async with store.write() as tx:
        return await a_world(tx, at)


@pytest.mark.parametrize("seed", range(3))
async def test_whoever_a_preview_says_would_join_and_leave_does(store: Store, seed: int) -> None:
    world = await a_new_world(store)
    tried = 0
    for number, step in enumerate(islice(steps(seed), 300)):
        if step[0] not in FORESEEN or await reactivates(world, step):
            await take(world, step)
            continue
        preview, before = await foreseen(world, step), await there(world)
        if not await take(world, step):
            continue
        after = await there(world)
        where = f"step {number} of seed {seed}: {step}"
        assert of_fate(preview, Fate.JOIN) == after - before, where
        assert of_fate(preview, Fate.LEAVE) == before - after, where
        for fate in Fate:
            if fate in STAYING:
                assert of_fate(preview, fate) <= before & after, f"{fate} at {where}"
            elif not fate.is_change:
                assert of_fate(preview, fate).isdisjoint(before | after), f"{fate} at {where}"
        tried += bool(after ^ before)
    assert tried >= 10


async def put(world: World, *, direct: str = "", kicked: str = "", group: str = "", **led: Any) -> None:
    """One change for the second of the people, or of where their group leads."""
    org, owner, person = world.at.org, world.at.owner, world.people[1]
    async with world.at.store.write() as tx:
        if direct:
            await workspaces.assign(tx, org, TeamId(direct), person, actor=owner)
        if kicked:
            await channels.kick(tx, org, ChannelId(kicked), person, actor=owner)
        if team := led.get("team"):
            way = GroupWorkspace(team, led["required"], led["at_once"])
            await connections.connect_workspaces(tx, org, GroupId(group), [way], actor=owner)
        if channel := led.get("channel"):
            await connections.connect_channels(tx, org, GroupId(group), [channel], actor=owner)


def said(preview: Preview, person: str) -> dict[str, Fate]:
    """Place → what would become of somebody there."""
    return {
        effect.place_id: crowd.fate
        for effect in (*preview.asked, *preview.following)
        for crowd in effect.crowds
        if person in {named.id for named in crowd.some}
    }


async def test_a_default_channel_of_another_workspace_does_not_hold_whoever_was_taken_out_of_it(
    store: Store,
) -> None:
    world = await a_new_world(store)
    (_, two, three), shared, person = world.teams, world.channels[6], world.people[1]
    group, alone = world.groups[0], world.people[0]
    await put(world, direct=three)
    await put(world, kicked=shared)
    await put(world, group=group, team=two, required=True, at_once=True)
    async with store.scan() as tx:
        general = await channel_rows.named(tx, world.at.org.id, two, "general")
        preview = await previews.disconnect_workspace(tx, world.at.org.id, group, two)
    gone = {two: Fate.LEAVE, general: Fate.LEAVE, shared: Fate.LEAVE}
    assert (said(preview, person), said(preview, alone)) == (gone, gone)
    await put(world, group=group, channel=shared)
    async with store.scan() as tx:
        preview = await previews.disconnect_workspace(tx, world.at.org.id, group, two)
    assert (said(preview, person), preview.lost) == (gone, (shared,))


async def test_whoever_leaves_a_channel_and_is_led_there_again_by_the_same_change_stays(store: Store) -> None:
    world = await a_new_world(store)
    (one, two, _), shared, person = world.teams, world.channels[5], world.people[1]
    group, other = world.groups[0], world.groups[1]
    await put(world, direct=two)
    await put(world, group=other, team=two, required=True, at_once=False)
    await put(world, group=other, channel=shared)
    await put(world, kicked=shared)
    await put(world, group=group, team=one, required=True, at_once=False)
    await put(world, group=group, channel=shared)
    way = GroupWorkspace(one, False, True)
    async with store.scan() as tx:
        preview = await previews.connect_workspaces(tx, world.at.org.id, group, [way])
    assert said(preview, person)[one] is Fate.JOIN
    assert said(preview, person)[shared] is Fate.BY_GROUP
    before = await there(world)
    await put(world, group=group, team=one, required=False, at_once=True)
    assert (shared, person) in before & await there(world)


async def test_of_many_the_numbers_are_exact_and_some_are_named(store: Store) -> None:
    world = await a_new_world(store)
    org, team = world.at.org, world.teams[0]
    async with store.write() as tx:
        await fill_group(tx, world, 999)
        way = GroupWorkspace(team, True, True)
    async with store.scan() as tx:
        preview = await previews.connect_workspaces(tx, org.id, world.groups[0], [way])
        general = await channel_rows.named(tx, org.id, team, "general")
    [effect] = preview.asked
    assert [(crowd.fate, crowd.number, len(crowd.some)) for crowd in effect.crowds] == [
        (Fate.JOIN, 668, 5),
        (Fate.SINGLE_CHANNEL_GUEST, 333, 5),
    ]
    assert [(each.place_id, each.number(Fate.JOIN)) for each in preview.following] == [(general, 335)]


async def fill_group(tx: Tx, world: World, count: int) -> None:
    """So many more people in the first group: members, guests and single-channel guests in turn."""
    roles = (Role.MEMBER, Role.MULTI_CHANNEL_GUEST, Role.SINGLE_CHANNEL_GUEST)
    org = world.at.org.id
    for number in range(count):
        await settle(tx, a_user(number, org, id=UserId(f"WX{number:04}"), role=roles[number % 3]))
    await groups.add_members(tx, org, world.groups[0], [UserId(f"WX{n:04}") for n in range(count)])


async def test_what_cannot_be_counted_in_time_is_said_to_be_more(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = await a_new_world(store)
    async with store.write() as tx:
        await fill_group(tx, world, 999)
    monkeypatch.setattr(previews, "MOST_SECONDS", 0.0)
    way = GroupWorkspace(world.teams[0], True, True)
    async with store.scan() as tx:
        preview = await previews.connect_workspaces(tx, world.at.org.id, world.groups[0], [way], seconds=0.0)
    assert (preview.is_counted, preview.is_followed, preview.changes_nothing) == (False, False, False)
    assert preview.asked[0].number(Fate.JOIN) < 668
