"""When guests expire: set, cleared, and carried out once, however many are at it."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from rosterd import app
from rosterd.actions import guests, users
from rosterd.app import App
from rosterd.directory.errors import DirectoryError
from rosterd.directory.model import Actor, Org, Role, UserId
from rosterd.directory.users import UserChange
from rosterd.store import users as rows
from rosterd.store.belonging import places
from rosterd.store.belonging.places import CHANNEL, WORKSPACE
from rosterd.store.doors import tokens
from rosterd.store.engine import Store
from rosterd.store.upkeep import fsck
from tests.actions.acme import Acme, acme, operator
from tests.actions.acting import House, details_of

pytestmark = pytest.mark.anyio

PAST, LATER = 1_000_000_000, 1_930_000_000


async def guest(at: Acme, name: str, expires: int | None, role: Role = Role.MULTI_CHANNEL_GUEST) -> UserId:
    """A guest who expires then, perhaps in the past."""
    async with at.store.write() as tx:
        id = await at.person(tx, name, role=role)
        user = await rows.find(tx, at.org.id, id)
        assert user is not None
        await rows.update(tx, msgspec.structs.replace(user, guest_expires=expires))
    return id


async def active(store: Store, org: Org) -> set[str]:
    async with store.scan() as tx:
        found, _ = await rows.page(tx, org.id, None, 1, 100)
        people = await rows.find_many(tx, org.id, [each.id for each in found])
    return {user.username for user in people if not user.deactivated}


@pytest.mark.parametrize("role", [Role.MULTI_CHANNEL_GUEST, Role.SINGLE_CHANNEL_GUEST])
async def test_whose_time_is_up_is_deactivated_and_nobody_else(store: Store, role: Role) -> None:
    at = await acme(store)
    gus = await guest(at, "gus", PAST, role)
    await guest(at, "later", LATER, role)
    await guest(at, "never", None, role)
    async with store.write() as tx:
        ann = await at.person(tx, "ann")
        channel = await at.channel(tx, "bread", at.first)
        for kind, place in ((WORKSPACE, at.first), (CHANNEL, channel)):
            await places.add(tx, kind, at.org.id, place, [gus, ann], "")
    assert await app.expire_guests(store) == 1
    assert await active(store, at.org) == {"owner", "later", "never", "ann"}
    async with store.write() as tx:
        assert await at.where(tx, gus) == {}
        assert await at.actions(tx, gus) == ["guest_created", "guest_expired", "user_left_workspace"]
        assert await fsck.check(tx) == []
    assert await app.expire_guests(store) == 0


async def test_several_at_once_expire_each_guest_once(store: Store) -> None:
    at = await acme(store)
    made = [await guest(at, f"guest-{number}", PAST) for number in range(5)]
    counts = await asyncio.gather(*(app.expire_guests(store) for _ in range(3)))
    assert sum(counts) == len(made)
    async with store.write() as tx:
        for id in made:
            assert (await at.actions(tx, id)).count("guest_expired") == 1


async def test_it_is_looked_at_when_the_server_starts(store: Store) -> None:
    at = await acme(store)
    await guest(at, "gus", PAST)
    async with asyncio.timeout(30), App(store, b"a key for tests of the app", "https://x.example").running():
        while "gus" in await active(store, at.org):
            await asyncio.sleep(0.01)


async def test_what_is_not_due_any_more_when_its_turn_comes_stays(store: Store) -> None:
    at = await acme(store)
    gus = await guest(at, "gus", PAST)
    async with store.write() as tx:
        await guests.set_expiration(tx, at.org, gus, LATER, actor=at.owner)
        assert await guests.expire(tx, at.org, gus, actor=operator(at.org)) is False
        assert await guests.expire(tx, at.org, UserId("W0NOBODY000"), actor=operator(at.org)) is False
    assert "gus" in await active(store, at.org)


async def test_an_expired_guest_is_told_of_in_the_trail_as_the_servers_doing(house: House) -> None:
    user = await house.create("gus", guest=True, guest_expires=PAST)
    assert await app.expire_guests(house.store) == 1
    [event] = [each for each in await house.trail(user.id) if each.action == "guest_expired"]
    assert (event.actor_id, event.token_id) == ("USLACKUSER", None)
    assert details_of(event) == {"expired": PAST}
    async with house.store.read() as tx:
        assert await tokens.of_org(tx, house.org.id) == []


async def test_who_outranks_or_is_no_guest_is_refused(house: House) -> None:
    member, gus = await house.create("ann"), await house.create("gus", guest=True)
    for id, expires, code in (
        (member.id, LATER, "user_is_not_a_guest"),
        (gus.id, PAST, "invalid_expiration"),
        (UserId("W0NOBODY000"), LATER, "no_such_user"),
    ):
        with pytest.raises(DirectoryError) as caught:
            async with house.store.write() as tx:
                await guests.set_expiration(tx, house.org, id, expires, actor=house.actor)
        assert caught.value.code == code
    by_member = Actor(house.org.id, member.id, Role.MEMBER, house.actor.origin)
    with pytest.raises(DirectoryError, match="permission_denied"):
        async with house.store.write() as tx:
            await guests.set_expiration(tx, house.org, gus.id, LATER, actor=by_member)


async def test_a_return_by_itself_clears_what_has_passed_and_nothing_else(house: House) -> None:
    gus = await house.create("gus", guest=True, guest_expires=PAST, active=False)
    later = await house.create("later", guest=True, guest_expires=LATER, active=False)
    assert (await house.change(gus, active=True)).guest_expires is None
    assert (await house.change(later, active=True)).guest_expires == LATER
    async with house.store.write() as tx:
        found = await users.existing(tx, house.org.id, gus.id)
        change = UserChange(active=False, guest_expires=PAST)
        assert (await users.update(tx, house.org, found, change, actor=house.actor)).guest_expires == PAST
    again = await house.change(gus, active=True, guest_expires=PAST)
    assert (again.deactivated, again.guest_expires) == (False, PAST)
