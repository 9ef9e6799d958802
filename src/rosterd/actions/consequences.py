"""What follows for people when they, their groups, or what groups lead to changes.

Whichever way a change comes, it ends here: workspaces and channels are joined and left, with their
reasons, an event for each workspace, and a digest for whoever has never signed in. Up to
`CONSEQUENCES_AT_ONCE` are part of the change. Beyond that the change only says what is to be done: a
`Task` in the outbox, which :func:`work` does in slices, each a transaction of its own that ends with
how far it came. So a kill repeats nothing, and nobody waits for a group of 100,000.

Source: Slack, *Connect identity provider groups to your Enterprise org*; *Managing users*, heading
*IdP groups*. Where Slack's older text differs (*disconnecting … will automatically remove all
members*), the current one holds: only whoever was there because a group required it leaves.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Literal

import msgspec

from rosterd.directory import groups as group_rules
from rosterd.directory import workspaces as rules
from rosterd.directory.errands import Errand
from rosterd.directory.errands import Kind as ErrandKind
from rosterd.directory.events import Event
from rosterd.directory.model import DIRECTLY, Actor, ChannelId, GroupId, OrgId, Role, TeamId, UserId
from rosterd.store import outbox, users, workspaces
from rosterd.store.belonging import connections, places
from rosterd.store.belonging import consequences as store
from rosterd.store.belonging.connections import Connections
from rosterd.store.belonging.places import CHANNEL, WORKSPACE, Kind, Membership
from rosterd.store.engine import Tx
from rosterd.store.records import audit

PORTION = 500
"""People that one task names."""


class Change(msgspec.Struct):
    """Who joined and left which workspaces and channels. Filled in at its end."""

    people: dict[UserId, store.Person]
    joined: set[Membership] = set()
    left: set[Membership] = set()


@asynccontextmanager
async def changing(
    tx: Tx, org_id: OrgId, people: Sequence[UserId], *, quietly: bool = False, actor: Actor
) -> AsyncIterator[Change]:
    """Inside this block people join and leave places; at its end that is told to the trail and to them.

    ``quietly``: to the trail alone.
    """
    change = Change(await store.lock(tx, org_id, people))
    before = await places.everywhere(tx, org_id, people)
    yield change
    after = await places.everywhere(tx, org_id, people)
    change.joined, change.left = after - before, before - after
    joined, left = ([each for each in some if each[0][0] == "T"] for some in (change.joined, change.left))
    guests = {id for id, person in change.people.items() if person.role.is_guest}
    await audit.append(tx, rules.events_of(joined, left, guests), actor)
    if left:
        await workspaces.drop_roles(tx, org_id, sorted({user for _, user in left}))
    if not quietly:
        await outbox.add(tx, org_id, _digests(change))


def _digests(change: Change) -> Iterable[Errand]:
    """One for each invited person, of all that they joined: workspaces first."""
    news: dict[UserId, list[str]] = {}
    for place, user in sorted(change.joined, key=lambda each: (each[0][:1] != "T", each[0])):
        person = change.people.get(user)
        if person is not None and person.invited and not person.deactivated:
            news.setdefault(user, []).append(place)
    return [Errand(ErrandKind.DIGEST, user, {"places": found}) for user, found in sorted(news.items())]


async def put(
    tx: Tx,
    kind: Kind,
    org_id: OrgId,
    place: str,
    people: Sequence[UserId],
    *,
    source: str = DIRECTLY,
    quietly: bool = False,
    actor: Actor,
) -> Change:
    """People are in a place because of ``source``, with all that follows. ``quietly``: without a digest."""
    async with changing(tx, org_id, people, quietly=quietly, actor=actor) as change:
        await places.add(tx, kind, org_id, place, people, source)
        if kind is WORKSPACE:
            await store.join_channels(tx, org_id, people, [])
        await store.tidy(tx, org_id, people)
    return change


async def take_out(
    tx: Tx, kind: Kind, org_id: OrgId, place: str, people: Sequence[UserId], *, actor: Actor
) -> Change:
    """People are not in a place any more, whatever the reasons were."""
    async with changing(tx, org_id, people, actor=actor) as change:
        await places.remove(tx, kind, org_id, place, people)
        if kind is WORKSPACE:
            await store.tidy(tx, org_id, people)
    return change


async def suspend(tx: Tx, org_id: OrgId, user: UserId, *, actor: Actor) -> None:
    """Somebody is deactivated: out of every place."""
    async with changing(tx, org_id, [user], actor=actor):
        await places.suspend(tx, org_id, user)


async def promote(tx: Tx, org_id: OrgId, user: UserId, former: Role, *, actor: Actor) -> None:
    """A guest is a full member: in the default channels of their workspaces, too.

    Of a single-channel guest nothing had followed from their groups; now it does.
    """
    groups = await _groups(tx, org_id, user) if former is Role.SINGLE_CHANNEL_GUEST else []
    async with changing(tx, org_id, [user], actor=actor):
        await store.join_defaults(tx, org_id, [user])
        await _join(tx, org_id, [user], groups)


async def restore(tx: Tx, org_id: OrgId, user: UserId, *, actor: Actor) -> None:
    """Somebody is active again: back where they were by themselves, and wherever their groups lead now."""
    groups = await _groups(tx, org_id, user)
    async with changing(tx, org_id, [user], actor=actor):
        await places.restore(tx, org_id, user)
        await _join(tx, org_id, [user], groups)


async def _groups(tx: Tx, org_id: OrgId, user: UserId) -> list[GroupId]:
    return [group.id for group in (await users.groups_of(tx, org_id, [user]))[user]]


async def _join(
    tx: Tx, org_id: OrgId, people: Sequence[UserId], groups: Sequence[GroupId], only: Sequence[str] = ()
) -> None:
    await store.join_workspaces(tx, org_id, people, groups, only)
    await store.join_channels(tx, org_id, people, groups, only)
    await store.tidy(tx, org_id, people)


class Task(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Something to do for the people of a group, slice by slice.

    ``follow``: ``users`` joined or left it (``did``). ``connect``: it leads to ``place_ids``, too, or allows
    them there; where else it leads nobody is put again. ``end``: it leads to the one place no more.
    ``restrict``: it is on the allowlist of the one channel, or is not any more.
    """

    do: Literal["follow", "connect", "end", "restrict"]
    group_id: GroupId
    actor: Actor
    users: tuple[UserId, ...] = ()  # in order
    did: Literal["join", "leave", "both"] = "both"  # all of them one of the two, or some this and some that
    place_ids: tuple[str, ...] = ()
    is_required: bool = False  # of the workspace that it led to
    completed: str = ""  # the event at the end
    after: UserId = UserId("")  # how far it came
    slice: int = 100  # people at once
    added: int = 0
    removed: int = 0


async def follow(
    tx: Tx, org_id: OrgId, group: GroupId, joined: Sequence[UserId], left: Sequence[UserId], *, actor: Actor
) -> None:
    """People have joined and left a group: they follow to where it leads."""
    people = tuple(sorted({*joined, *left}))
    led = await connections.of_group(tx, org_id, group) if people else connections.NONE
    if led.channels or led.allowlists:
        group_rules.check_removals(len(left))
    if led.size:
        did: Literal["join", "leave", "both"] = "both" if joined and left else "join" if joined else "leave"
        task = Task(do="follow", group_id=group, actor=actor, users=people, did=did)
        await begin(tx, org_id, task, led, enqueued="usergroup_update_enqueued")


async def begin(tx: Tx, org_id: OrgId, task: Task, led: Connections, *, enqueued: str) -> None:
    """Do a task now if it is small, and tell that it waits otherwise. ``led``: to what it may lead each."""
    size = max(1, led.size)
    people = await _next(tx, org_id, msgspec.structs.replace(task, slice=rules.CONSEQUENCES_AT_ONCE + 1))
    if len(people) * size <= rules.CONSEQUENCES_AT_ONCE:
        going: Task | None = msgspec.structs.replace(task, slice=rules.CONSEQUENCES_AT_ONCE)
        while going is not None:
            going = await _step(tx, org_id, going)
        return
    await _tell(tx, task, enqueued, {})
    waiting = msgspec.structs.replace(task, slice=max(1, rules.CONSEQUENCES_AT_ONCE // 2 // size))
    tasks = [msgspec.structs.replace(waiting, users=users) for users in _portions(task.users)]
    tasks[-1] = msgspec.structs.replace(tasks[-1], completed=task.completed or "usergroup_updated")
    await outbox.add(
        tx,
        org_id,
        [Errand(ErrandKind.CONSEQUENCES, each.group_id, msgspec.to_builtins(each)) for each in tasks],
    )


def _portions(people: tuple[UserId, ...]) -> list[tuple[UserId, ...]]:
    """Tasks are written again after every slice: so none names many people."""
    return [people[n : n + PORTION] for n in range(0, max(len(people), 1), PORTION)]


async def work(tx: Tx, org_id: OrgId, arguments: dict[str, Any]) -> dict[str, Any] | None:
    """Do one slice of a task. What is left of it; None: it is done."""
    left = await _step(tx, org_id, msgspec.convert(arguments, Task))
    return None if left is None else msgspec.to_builtins(left)


async def remaining(tx: Tx, org_id: OrgId, group: GroupId) -> int:
    """How many people tasks of a group have still to get to; who is in two of them counts twice.

    Under ``scan``.
    """
    waiting = await outbox.of_subject(tx, org_id, ErrandKind.CONSEQUENCES, group)
    tasks = [msgspec.convert(each, Task) for each in waiting]
    return sum([await _remaining(tx, org_id, task) for task in tasks])


async def _remaining(tx: Tx, org_id: OrgId, task: Task) -> int:
    match task.do:
        case "follow":
            return sum(user > task.after for user in task.users)
        case "connect":
            return await store.count_in_group(tx, org_id, task.group_id, after=task.after)
        case "restrict":
            [channel] = task.place_ids
            return await places.count_behind(tx, CHANNEL, org_id, channel, after=task.after)
        case "end":
            [place] = task.place_ids
            return await store.count_held_by(tx, org_id, place, task.group_id, after=task.after)


async def _step(tx: Tx, org_id: OrgId, task: Task) -> Task | None:
    people = await _next(tx, org_id, task)
    if not people:
        if task.completed:
            counts = {"added_user_count": task.added, "removed_user_count": task.removed}
            await _tell(tx, task, task.completed, counts)
        return None
    async with changing(tx, org_id, people, actor=task.actor) as change:
        await _do(tx, org_id, task, people)
    return msgspec.structs.replace(
        task,
        after=people[-1],
        added=task.added + len({user for _, user in change.joined}),
        removed=task.removed + len({user for _, user in change.left}),
    )


async def _tell(tx: Tx, task: Task, action: str, counts: dict[str, int]) -> None:
    """An event for each place that a task is about, or for all of them together."""
    about = [{"team" if id.startswith("T") else "channel": id} for id in task.place_ids]
    events = [Event(action, "usergroup", task.group_id, counts | place) for place in about or [{}]]
    await audit.append(tx, events, task.actor)


async def _next(tx: Tx, org_id: OrgId, task: Task) -> list[UserId]:
    match task.do:
        case "follow":
            return [user for user in task.users if user > task.after][: task.slice]
        case "connect":
            return await store.in_group(tx, org_id, task.group_id, after=task.after, limit=task.slice)
        case "restrict":
            [channel] = task.place_ids
            return await places.page(tx, CHANNEL, org_id, channel, after=task.after, limit=task.slice)
        case "end":
            [place] = task.place_ids
            return await store.held_by(tx, org_id, place, task.group_id, after=task.after, limit=task.slice)


async def _do(tx: Tx, org_id: OrgId, task: Task, people: Sequence[UserId]) -> None:
    group = task.group_id
    match task.do:
        case "follow":
            if task.did != "join":
                await _leave(tx, org_id, people, group)
            if task.did != "leave":
                await _join(tx, org_id, people, [group])
            else:
                await store.tidy(tx, org_id, people)
        case "connect":
            await _join(tx, org_id, people, [group], task.place_ids)
        case "restrict":
            await store.tidy(tx, org_id, people)
        case "end":
            [place] = task.place_ids
            led = await connections.of_group(tx, org_id, group)
            if place in {*led.channels, *(each.team_id for each in led.workspaces)}:
                await _leave(tx, org_id, people, group)  # it leads there again, and they left it meanwhile
            elif place.startswith("T"):
                team = TeamId(place)
                await store.end_workspace(tx, org_id, team, group, people, required=task.is_required)
            else:
                await store.end_channel(tx, org_id, ChannelId(place), group, people)
            await store.tidy(tx, org_id, people)


async def _leave(tx: Tx, org_id: OrgId, people: Sequence[UserId], group: GroupId) -> None:
    await store.leave_workspaces(tx, org_id, people, [group])
    await store.leave_channels(tx, org_id, people, [group])
