"""People as rows, on both engines."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from rosterd.directory.model import Address, GroupId, GroupRef, Profile, Role, User, UserId
from rosterd.directory.query import Compare, Op
from rosterd.provisioning.cards import card
from rosterd.store import names, users
from rosterd.store.engine import Conflict, Store
from tests.store.rows import E1, E2, a_user, found, gather, settle

pytestmark = pytest.mark.anyio

FULL = a_user(
    7,
    display_name="Ann É",
    role=Role.MULTI_CHANNEL_GUEST,
    deactivated=True,
    date_claimed=1_700_000_000,
    guest_expires=1_800_000_000,
    erased=True,
    profile=Profile(
        given_name="Ann",
        family_name="Example",
        secondary_email="Second@example.com",
        has_custom=True,
        address=Address(locality="Graz"),
        manager_id=UserId("W1"),
        start_date="",
    ),
)


@pytest.mark.parametrize("user", [a_user(7), FULL], ids=["plain", "full"])
async def test_a_user_comes_back_as_it_was_stored(store: Store, user: User) -> None:
    async with store.write() as tx:
        await found(tx, 1)
        await settle(tx, user)
        assert await users.find(tx, E1, user.id, lock=True) == user
    async with store.read() as tx:
        assert await users.find(tx, E1, user.id) == user
        assert await users.find(tx, E2, user.id) is None


async def test_people_are_paged_by_id_within_their_organisation(store: Store) -> None:
    async with store.write() as tx:
        await found(tx, 3)
        await found(tx, 1, E2)
    async with store.read() as tx:
        assert await users.ids(tx, E1, "", 2) == ["W1", "W2"]
        assert await users.ids(tx, E1, "W2", 2) == ["W3"]
        assert await users.ids(tx, E1, "W3", 2) == []


async def test_an_organisation_has_one_primary_owner(store: Store) -> None:
    async with store.write() as tx:
        await found(tx, 1, E2)
        await found(tx, 2)
        for org in (E1, E2):
            await users.update(tx, a_user(1, org, role=Role.PRIMARY_OWNER))
    with pytest.raises(Conflict):
        async with store.write() as tx:
            await users.update(tx, a_user(2, role=Role.PRIMARY_OWNER))
    async with store.read() as tx:
        assert await users.primary_owner(tx, E1) == "W1"


async def test_an_update_stores_every_field(store: Store) -> None:
    changed = msgspec.structs.replace(FULL, id=UserId("W1"), username="renamed", email="new@example.com")
    async with store.write() as tx:
        await found(tx, 1)
        await names.add(tx, E1, "renamed", "user", changed.id)
        await users.update(tx, changed)
        await names.remove(tx, E1, "user1")
    async with store.read() as tx:
        assert await users.find(tx, E1, changed.id) == changed
        by_address, _ = await users.page(tx, E1, Compare("primary_email", Op.EQ, "new@example.com"), 1, 10)
        by_name, _ = await users.page(tx, E1, Compare("display_name", Op.EQ, "ann é"), 1, 10)
    assert by_address == by_name == [a_card(changed)]


async def test_an_id_is_taken_once_per_organisation(store: Store) -> None:
    async with store.write() as tx:
        await found(tx, 1)
        await found(tx, 1, E2)
        assert not await users.insert(tx, a_user(1))


async def test_a_username_must_be_held_first_and_cannot_be_freed_while_used(store: Store) -> None:
    async with store.write() as tx:
        await found(tx, 1)
    with pytest.raises(Conflict):
        async with store.write() as tx:
            await users.insert(tx, a_user(2))
    with pytest.raises(Conflict):
        async with store.write() as tx:
            await names.remove(tx, E1, "user1")


async def test_an_address_belongs_to_one_person_of_an_organisation(store: Store) -> None:
    async with store.write() as tx:
        ann, ben = await found(tx, 2)
        await found(tx, 1, E2)
        assert not await users.add_email(tx, E1, "user1@example.com", ben)
        assert await users.add_email(tx, E1, "second@example.com", ann)
        assert not await users.remove_email(tx, E1, "second@example.com", ben)
        assert await users.find_by_email(tx, E1, "second@example.com") == ann
        assert await users.remove_email(tx, E1, "second@example.com", ann)
        assert await users.find_by_email(tx, E1, "second@example.com") is None


async def test_of_many_who_ask_for_an_address_at_once_one_gets_it(store: Store) -> None:
    async with store.write() as tx:
        people = await found(tx, 20)

    async def ask(user: UserId) -> bool:
        async with store.write() as tx:
            return await users.add_email(tx, E1, "wanted@example.com", user)

    assert sum(await asyncio.gather(*map(ask, people))) == 1


async def test_users_are_found_by_username(store: Store) -> None:
    async with store.write() as tx:
        await found(tx, 2)
        assert await users.find_by_username(tx, E1, "user2") == "W2"
        assert await users.find_by_username(tx, E2, "user2") is None


async def test_the_primary_owner_is_found(store: Store) -> None:
    async with store.write() as tx:
        await found(tx, 2)
        assert await users.primary_owner(tx, E1) is None
        await settle(tx, a_user(3, role=Role.PRIMARY_OWNER))
        assert await users.primary_owner(tx, E1) == "W3"


async def test_briefs_leave_out_who_is_not_of_the_organisation(store: Store) -> None:
    async with store.write() as tx:
        await found(tx, 1)
        await settle(tx, FULL)
        await found(tx, 3, E2)
        briefs = await users.briefs(tx, E1, [UserId(id) for id in ("W1", "W3", "W7", "nobody")])
    assert briefs == {
        "W1": users.Brief(Role.MEMBER, deactivated=False, erased=False),
        "W7": users.Brief(Role.MULTI_CHANNEL_GUEST, deactivated=True, erased=True),
    }


def a_card(user: User, *groups: GroupRef) -> users.Card:
    return users.Card(user.id, card(user), list(groups))


@pytest.mark.parametrize("field", ["id", "username", "email"])
async def test_one_user_is_looked_up_by_what_is_unique(store: Store, field: str) -> None:
    async with store.write() as tx:
        [ann, _] = await found(tx, 2)
        await gather(tx, 1, [ann])
    expected = a_card(a_user(1), GroupRef(GroupId("S1"), "Group 1"))
    value = {"id": "W1", "username": "user1", "email": "user1@example.com"}[field]
    lookup = Compare(field, Op.EQ, value)
    assert users.is_lookup(lookup)
    async with store.read() as tx:
        assert await users.page(tx, E1, lookup, 1, 10) == ([expected], 1)
        assert await users.page(tx, E1, lookup, 2, 10) == ([], 1)
        assert await users.page(tx, E1, lookup, 1, 0) == ([], 1)
        assert await users.page(tx, E2, lookup, 1, 10) == ([], 0)
        assert await users.page(tx, E1, Compare(field, Op.EQ, "\0"), 1, 10) == ([], 0)


async def test_a_card_has_the_groups_in_order_of_joining(store: Store) -> None:
    async with store.write() as tx:
        ann, ben, cat = await found(tx, 3)
        await gather(tx, 2, [ben, ann])
    async with store.write() as tx:
        await gather(tx, 1, [ann])
    expected = [GroupRef("S2", "Group 2"), GroupRef("S1", "Group 1")]  # type: ignore[arg-type]
    async with store.read() as tx:
        assert await users.card(tx, E1, ann) == a_card(a_user(1), *expected)
        assert await users.card(tx, E1, cat) == a_card(a_user(3))
        assert await users.card(tx, E2, ann) is None
        assert await users.groups_of(tx, E1, [cat, ann, ben]) == {cat: [], ann: expected, ben: expected[:1]}
        assert await users.groups_of(tx, E1, []) == {}


async def test_a_page_holds_cards_and_the_total_of_those_that_fit(store: Store) -> None:
    async with store.write() as tx:
        await found(tx, 3)
        await settle(tx, a_user(4, role=Role.ADMIN))
    async with store.scan() as tx:
        assert await users.page(tx, E1, None, 2, 2) == ([a_card(a_user(2)), a_card(a_user(3))], 4)
        assert await users.page(tx, E1, Compare("role", Op.EQ, "member"), 1, 1) == ([a_card(a_user(1))], 3)
        assert await users.page(tx, E2, None, 1, 10) == ([], 0)
