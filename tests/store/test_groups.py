"""Groups and members as rows, on both engines."""

from __future__ import annotations

import asyncio

import pytest

from rosterd.directory.model import GroupId, Member, Profile, Role, UserId
from rosterd.directory.query import Compare, Op
from rosterd.store import groups
from rosterd.store.engine import Conflict, Store
from tests.store.rows import E1, E2, a_group, a_user, found, gather, settle

pytestmark = pytest.mark.anyio

S1 = GroupId("S1")


async def test_a_group_comes_back_as_it_was_stored(store: Store) -> None:
    group = a_group(1, display_name="Sales É")
    async with store.write() as tx:
        await found(tx, 0)
        assert await groups.insert(tx, group)
        for lock in (None, "share", "update"):
            assert await groups.find(tx, E1, S1, lock=lock) == group
        assert await groups.find(tx, E2, S1) is None
        await groups.delete(tx, E1, S1)
        assert await groups.find(tx, E1, S1) is None


async def test_names_that_fold_alike_are_the_same_name(store: Store) -> None:
    async with store.write() as tx:
        await found(tx, 0)
        await found(tx, 0, E2)
        assert await groups.insert(tx, a_group(1, display_name="Straße"))
        assert not await groups.insert(tx, a_group(2, display_name="STRASSE"))
        assert await groups.insert(tx, a_group(2, E2, display_name="STRASSE"))


async def test_a_group_may_change_the_case_of_its_name_but_not_take_anothers(store: Store) -> None:
    async with store.write() as tx:
        await found(tx, 0)
        await gather(tx, 1, [])
        await gather(tx, 2, [])
        assert await groups.update(tx, a_group(1, display_name="GROUP 1"))
        assert await groups.update(tx, a_group(2, display_name="Other"))
        assert not await groups.update(tx, a_group(1, display_name="other"))
        assert await groups.page(tx, E1, None, 1, 10) == (
            [a_group(1, display_name="GROUP 1"), a_group(2, display_name="Other")],
            2,
        )


async def test_of_many_who_rename_to_one_name_at_once_one_gets_it_and_all_keep_their_transaction(
    store: Store,
) -> None:
    async with store.write() as tx:
        await found(tx, 0)
        for number in range(10):
            await gather(tx, number, [])

    async def rename(number: int) -> bool:
        async with store.write() as tx:
            won = await groups.update(tx, a_group(number, display_name="Wanted"))
            await groups.insert(tx, a_group(100 + number))  # the transaction still works
            return won

    assert sum(await asyncio.gather(*map(rename, range(10)))) == 1
    async with store.read() as tx:
        _, total = await groups.page(tx, E1, None, 1, 1)
        wanted, _ = await groups.page(tx, E1, Compare("display_name", Op.EQ, "wanted"), 1, 10)
    assert total == 20
    assert [group.display_name for group in wanted] == ["Wanted"]


async def test_members_are_shown_by_full_name_in_order_of_joining(store: Store) -> None:
    async with store.write() as tx:
        await found(tx, 0)
        await settle(
            tx,
            a_user(1, profile=Profile(given_name="Ann", family_name="Example")),
            a_user(2, profile=Profile(family_name="Only")),
            a_user(3),
            a_user(4, display_name=""),
        )
        order = [UserId(id) for id in ("W3", "W1", "W4", "W2")]
        await gather(tx, 1, order)
    expected = [
        Member(UserId("W3"), "Person 3"),
        Member(UserId("W1"), "Ann Example"),
        Member(UserId("W4"), "user4"),
        Member(UserId("W2"), "Only"),
    ]
    async with store.read() as tx:
        assert await groups.members(tx, E1, S1) == expected
        assert await groups.members(tx, E2, S1) == []
        assert await groups.members_of_many(tx, E1, [S1]) == {S1: expected}


async def test_members_read_in_slices_are_all_there_once(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(groups, "SLICE", 3)
    async with store.write() as tx:
        people = await found(tx, 9)
        for number, size in enumerate((0, 1, 3, 4, 9, 2), 1):
            await gather(tx, number, people[::-1][:size])
        ids = [GroupId(f"S{number}") for number in range(1, 7)]
        expected = {id: [m.id for m in await groups.members(tx, E1, id)] for id in ids}
        assert expected[ids[4]] == people[::-1]
        many = await groups.members_of_many(tx, E1, ids)
    assert {id: [m.id for m in shown] for id, shown in many.items()} == expected
    assert [len(shown) for shown in many.values()] == [0, 1, 3, 4, 9, 2]


async def test_changes_of_members_tell_what_they_changed(store: Store) -> None:
    async with store.write() as tx:
        a, b, c, d, e = await found(tx, 5)
        await gather(tx, 1, [a])
        assert await groups.add_members(tx, E1, S1, [d, a, c, d, b, e]) == [d, c, b, e]
        assert await groups.add_members(tx, E1, S1, [d]) == []
        assert await groups.add_members(tx, E1, S1, []) == []
        assert await groups.count_members(tx, E1, S1) == 5
        assert [member.id for member in await groups.members(tx, E1, S1)] == [a, d, c, b, e]
        assert await groups.remove_members(tx, E1, S1, [e, UserId("nobody"), c]) == [e, c]
        assert await groups.remove_members(tx, E1, S1, []) == []
        assert await groups.retain(tx, E1, S1, [d, c]) == [a, b]
        assert await groups.retain(tx, E1, S1, []) == [d]
        await groups.add_members(tx, E1, S1, [b, a])
        assert await groups.remove_all(tx, E1, S1) == [a, b]
        assert await groups.count_members(tx, E1, S1) == 0


async def test_fifteen_thousand_members_join_in_one_call_in_order_and_leave_in_slices(store: Store) -> None:
    columns = "org_id, id, created, username, email, email_folded, display_name, display_folded, role"
    async with store.write() as tx:
        await found(tx, 0)
        ids = [UserId(f"W{number}") for number in range(15_000)]
        await tx.run("INSERT INTO names SELECT 'E1', e.value, 'user', e.value FROM each($1) AS e", ids)
        await tx.run(
            f"INSERT INTO users ({columns}, deactivated, erased, full_name, profile, card)"
            " SELECT 'E1', e.value, 1, e.value, '', '', '', '', 'member', 0, 0, '', '{}', ''"
            " FROM each($1) AS e",
            ids,
        )
        await gather(tx, 1, [])
        assert await groups.add_members(tx, E1, S1, ids) == ids
    async with store.scan() as tx:
        assert [member.id for member in await groups.members(tx, E1, S1)] == ids
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async with store.write() as tx:
        at_work = asyncio.create_task(others())
        assert await groups.remove_all(tx, E1, S1) == sorted(ids)
        at_work.cancel()
    assert turns > 1  # others had their turns meanwhile


async def test_only_users_of_the_organisation_can_be_members(store: Store) -> None:
    async with store.write() as tx:
        await found(tx, 1)
        await found(tx, 2, E2)
        await gather(tx, 1, [])
    with pytest.raises(Conflict):
        async with store.write() as tx:
            await groups.add_members(tx, E1, S1, [UserId("W2")])


async def test_a_group_with_members_is_not_deleted(store: Store) -> None:
    async with store.write() as tx:
        await gather(tx, 1, await found(tx, 1))
    with pytest.raises(Conflict):
        async with store.write() as tx:
            await groups.delete(tx, E1, S1)


async def test_members_with_more_permissions_are_found(store: Store) -> None:
    async with store.write() as tx:
        await found(tx, 1)
        await settle(tx, a_user(2, role=Role.OWNER), a_user(3, role=Role.OWNER), a_user(4, role=Role.ADMIN))
        await gather(tx, 1, [UserId(f"W{number}") for number in (1, 2, 4)])
        assert await groups.outranking(tx, E1, S1, [Role.OWNER, Role.PRIMARY_OWNER]) == ["W2"]
        assert await groups.outranking(tx, E1, S1, [Role.OWNER, Role.ADMIN]) == ["W2", "W4"]
        assert await groups.outranking(tx, E1, S1, []) == []


async def test_additions_at_once_lose_nobody(store: Store) -> None:
    async with store.write() as tx:
        people = await found(tx, 30)
        await gather(tx, 1, [])

    async def join(start: int) -> list[UserId]:
        async with store.write() as tx:
            assert await groups.find(tx, E1, S1, lock="share")
            wanted = people[start : start + 20]
            return await groups.add_members(tx, E1, S1, wanted if start % 2 else wanted[::-1])

    joined = [id for ids in await asyncio.gather(*map(join, range(11))) for id in ids]
    assert sorted(joined) == sorted(people)  # each told once that it joined
