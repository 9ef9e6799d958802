"""Who is told by mail of a message: those who never signed in, if they may see it."""

from __future__ import annotations

from typing import Any

import pytest

from rosterd.actions import channels, messages, users, workspaces
from rosterd.directory.errors import DirectoryError
from rosterd.directory.model import Actor, Role, UserId
from rosterd.directory.users import UserChange
from rosterd.store import outbox
from rosterd.store.engine import Store, Tx
from tests.actions.acme import ORIGIN, Acme, acme

pytestmark = pytest.mark.anyio


async def a_channel(tx: Tx, at: Acme) -> dict[str, Any]:
    """A channel with ann (who acts), bob and cleo (who has signed in) in it; dan is only in the workspace."""
    team = await at.workspace(tx, "sales")
    channel = await at.channel(tx, "deals", team)
    people: dict[str, UserId] = {}
    for name in ("ann", "bob", "cleo", "dan"):
        change = UserChange(username=name, email=f"{name}@acme.example")
        user = await users.create(tx, at.org, change, claimed=name == "cleo", actor=at.owner)
        people[name] = user.id
        within = [] if name == "dan" else [channel]
        await workspaces.assign(tx, at.org, team, user.id, channel_ids=within, actor=at.owner)
    return {**people, "channel": channel, "team": team}


def by(at: Acme, user: UserId, role: Role = Role.MEMBER) -> Actor:
    return Actor(at.org.id, user, role, ORIGIN)


async def told(tx: Tx, at: Acme) -> list[tuple[str, dict[str, Any]]]:
    waiting = await outbox.page(tx, at.org.id, dead=False)
    return [(each.subject_id, each.arguments) for each in waiting if each.kind == "message"]


async def test_of_those_mentioned_the_invited_members_of_the_channel_are_told(store: Store) -> None:
    at = await acme(store)
    async with store.write() as tx:
        made = await a_channel(tx, at)
        names = ("ann", "bob", "bob", "cleo", "dan")
        text = " ".join(f"<@{made[name]}>" for name in names) + " <!channel> <@W0NOBODY000>"
        posted = await messages.post(tx, at.org, made["channel"], text, actor=by(at, made["ann"]))
        assert posted == messages.Posted(made["channel"], 1)
        wanted = {"channel": made["channel"], "author": made["ann"], "text": text}
        assert await told(tx, at) == [(made["bob"], wanted)]


async def test_a_person_is_told_of_what_is_written_to_them(store: Store) -> None:
    at = await acme(store)
    async with store.write() as tx:
        made = await a_channel(tx, at)
        ann = by(at, made["ann"])
        direct = "D" + made["dan"][1:]
        for to in (made["dan"], direct):
            assert await messages.post(tx, at.org, to, "hello", actor=ann) == messages.Posted(direct, 1)
        for to in (made["cleo"], made["ann"]):
            assert (await messages.post(tx, at.org, to, "hello", actor=ann)).mailed == 0
        wanted = {"channel": None, "author": made["ann"], "text": "hello"}
        assert await told(tx, at) == [(made["dan"], wanted)] * 2


async def test_nobody_deactivated_is_told(store: Store) -> None:
    at = await acme(store)
    async with store.write() as tx:
        made = await a_channel(tx, at)
        bob = await users.existing(tx, at.org.id, made["bob"])
        await users.deactivate(tx, at.org, bob, actor=at.owner)
        for to in (bob.id, made["channel"]):
            posted = await messages.post(tx, at.org, to, f"<@{bob.id}>", actor=by(at, made["ann"]))
            assert posted.mailed == 0
        assert await told(tx, at) == []


async def test_guests_write_to_those_with_whom_they_share_a_channel(store: Store) -> None:
    at = await acme(store)
    async with store.write() as tx:
        made = await a_channel(tx, at)
        gus = by(at, made["ann"], Role.MULTI_CHANNEL_GUEST)
        assert (await messages.post(tx, at.org, made["bob"], "hello", actor=gus)).mailed == 1
        stranger = await at.person(tx, "zoe")
        with pytest.raises(DirectoryError, match="no_such_channel"):
            await messages.post(tx, at.org, stranger, "hello", actor=gus)
        assert (await messages.post(tx, at.org, stranger, "hello", actor=by(at, made["ann"]))).mailed == 1


async def test_a_channel_is_written_to_by_those_who_are_in_it(store: Store) -> None:
    at = await acme(store)
    async with store.write() as tx:
        made = await a_channel(tx, at)
        secret = await at.channel(tx, "secret", made["team"], private=True)
        for actor, to, code in (
            (by(at, made["dan"]), made["channel"], "not_in_channel"),
            (at.owner, made["channel"], "not_in_channel"),
            (by(at, made["ann"]), secret, "no_such_channel"),
            (by(at, made["ann"]), "C0NOTHING00", "no_such_channel"),
            (by(at, made["ann"]), "W0NOBODY000", "no_such_channel"),
            (by(at, made["ann"]), "D0NOBODY000", "no_such_channel"),
            (by(at, made["ann"]), "#deals", "no_such_channel"),
        ):
            with pytest.raises(DirectoryError, match=code):
                await messages.post(tx, at.org, to, "hello", actor=actor)
        for to in ("#deals", "Deals"):
            posted = await messages.post(
                tx, at.org, to, "hello", team_id=made["team"], actor=by(at, made["ann"])
            )
            assert posted.channel_id == made["channel"]
        await channels.set_archived(tx, at.org, made["channel"], True, actor=at.owner)
        with pytest.raises(DirectoryError, match="is_archived"):
            await messages.post(tx, at.org, made["channel"], "hello", actor=by(at, made["ann"]))


@pytest.mark.parametrize(("text", "code"), [(" \n", "no_text"), ("x" * 40_001, "msg_too_long")])
async def test_a_message_says_something_and_not_too_much(store: Store, text: str, code: str) -> None:
    at = await acme(store)
    async with store.write() as tx:
        made = await a_channel(tx, at)
        with pytest.raises(DirectoryError, match=code):
            await messages.post(tx, at.org, made["channel"], text, actor=by(at, made["ann"]))
