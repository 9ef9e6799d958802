"""What can be done to groups, on both engines."""

from __future__ import annotations

import pytest

from rosterd.actions import groups
from rosterd.directory.groups import Members
from rosterd.directory.model import Group, GroupId, Role, UserId
from rosterd.directory.plans import MEMBERS_PER_CALL
from tests.actions.acting import House, details_of, dump, refused

pytestmark = pytest.mark.anyio


async def delete(house: House, group: Group) -> None:
    async with house.store.write() as tx:
        await groups.delete(tx, house.org, group.id, actor=house.actor)


async def crowd(house: House, count: int) -> list[UserId]:
    """Many members of the organisation at once, straight into the tables."""
    ids = [f"U{number:010}" for number in range(count)]
    async with house.store.write() as tx:
        await tx.run(
            "INSERT INTO names (org_id, name, kind, holder_id)"
            " SELECT $1, LOWER(e.value), 'user', e.value FROM each($2) AS e",
            house.org.id, ids,
        )  # fmt: skip
        await tx.run(
            "INSERT INTO users (org_id, id, created, username, email, email_folded, display_name,"
            " display_folded, role, deactivated, erased, full_name, profile, card)"
            " SELECT $1, e.value, 1, LOWER(e.value), e.value, LOWER(e.value), e.value, LOWER(e.value),"
            " 'member', 0, 0, '', '{}', '' FROM each($2) AS e",
            house.org.id, ids,
        )  # fmt: skip
    return [UserId(id) for id in ids]


class TestCreate:
    async def test_members_join_in_order_with_an_event_each(self, house: House) -> None:
        ann, bob = await house.create("ann"), await house.create("bob")
        group = await house.gather(" Sales ", bob, ann)
        assert group.display_name == "Sales"
        assert group.id.startswith("S")
        assert await house.members(group) == [bob.id, ann.id]
        assert await house.actions_of(group.id) == ["usergroup_updated"]
        assert (await house.actions_of(ann.id))[-1] == "user_added_to_usergroup"

    async def test_a_name_is_taken_in_any_case(self, house: House) -> None:
        await house.gather("Straße")
        async with refused(house.store, "group_creation_failed"):
            await house.gather("STRASSE")

    async def test_a_name_that_cannot_be_is_refused(self, house: House) -> None:
        for name, code in ((" ", "invalid_attribute_format"), ("x" * 256, "invalid_name_maxlength")):
            async with refused(house.store, code):
                await house.gather(name)

    async def test_only_administrators_may(self, house: House) -> None:
        member = house.acting(await house.create("ann"))
        async with refused(house.store, "permission_denied"):
            await member.gather("Sales")


class TestMembers:
    async def test_only_who_really_joins_or_leaves_is_an_event(self, house: House) -> None:
        ann, bob = await house.create("ann"), await house.create("bob")
        group = await house.gather("Sales", ann)
        before = await dump(house.store)
        await house.regroup(group, members=Members(add=(ann.id,), remove=(bob.id,)))
        assert await dump(house.store) == before
        await house.regroup(group, members=Members(add=(bob.id,), remove=(ann.id,)))
        assert await house.members(group) == [bob.id]
        last = (await house.trail())[-2:]
        assert [(each.action, each.entity_id) for each in last] == [
            ("user_removed_from_usergroup", ann.id),
            ("user_added_to_usergroup", bob.id),
        ]
        assert details_of(last[0]) == {"usergroup": group.id}

    async def test_replacing_keeps_who_stays(self, house: House) -> None:
        ann, bob, cat = [await house.create(name) for name in ("ann", "bob", "cat")]
        group = await house.gather("Sales", ann, bob)
        await house.regroup(group, members=Members(replace=(cat.id, bob.id)))
        assert await house.members(group) == [bob.id, cat.id]
        await house.regroup(group, members=Members(replace=()))
        assert await house.members(group) == []

    async def test_one_unknown_member_refuses_all(self, house: House) -> None:
        ann = await house.create("ann")
        group = await house.gather("Sales")
        async with refused(house.store, "no_such_group_members"):
            await house.regroup(group, display_name="X", members=Members(add=(ann.id, UserId("W0000000000"))))

    async def test_the_deactivated_do_not_join_but_stay(self, house: House) -> None:
        ann = await house.create("ann")
        group = await house.gather("Sales", ann)
        await house.change(ann, active=False)
        await house.regroup(group, members=Members(replace=(ann.id,)))
        assert await house.members(group) == [ann.id]
        async with refused(house.store, "unable_to_add_deleted_or_guest_to_group"):
            await house.gather("Other", ann)

    async def test_multi_channel_guests_join_idp_groups(self, house: House) -> None:
        guest = await house.create("gus", guest=True)
        assert await house.members(await house.gather("Sales", guest)) == [guest.id]

    async def test_no_more_than_fifteen_thousand_are_named_in_one_call(self, house: House) -> None:
        group = await house.gather("Sales")
        many = tuple(UserId(f"W{number:010}") for number in range(MEMBERS_PER_CALL + 1))
        async with refused(house.store, "too_many_users"):
            await house.regroup(group, members=Members(add=many))

    async def test_a_user_group_holds_five_thousand(self, business: House) -> None:
        ids = await crowd(business, 5_001)
        group = await business.gather("All")
        await business.regroup(group, members=Members(replace=tuple(ids[:5_000])))
        async with refused(business.store, "group_member_max_exceeded"):
            await business.regroup(group, members=Members(add=(ids[-1],)))
        await business.regroup(group, members=Members(add=(ids[-1],), remove=(ids[0],)))
        assert len(await business.members(group)) == 5_000


class TestPermissions:
    async def test_an_administrator_does_not_move_owners(self, house: House) -> None:
        owen = await house.create("owen", Role.OWNER)
        with_owen, without = await house.gather("With", owen), await house.gather("Without")
        admin = house.acting(await house.create("ada", Role.ADMIN))
        for group, members in (
            (without, Members(add=(owen.id,))),
            (without, Members(replace=(owen.id,))),
            (with_owen, Members(remove=(owen.id,))),
            (with_owen, Members(replace=())),
        ):
            async with refused(house.store, "cannot_modify_owner"):
                await admin.regroup(group, members=members)
        async with refused(house.store, "cannot_modify_owner"):
            await delete(admin, with_owen)

    async def test_an_administrator_may_leave_an_owner_where_they_are(self, house: House) -> None:
        owen, ann = await house.create("owen", Role.OWNER), await house.create("ann")
        group = await house.gather("With", owen)
        admin = house.acting(await house.create("ada", Role.ADMIN))
        await admin.regroup(group, members=Members(replace=(owen.id, ann.id)))
        assert await house.members(group) == [owen.id, ann.id]


class TestRename:
    async def test_a_new_name_is_an_event_and_the_old_one_is_free(self, house: House) -> None:
        group = await house.gather("Sales")
        assert (await house.regroup(group, display_name="Trade")).display_name == "Trade"
        assert details_of((await house.trail(group.id))[-1]) == {"before": "Sales", "after": "Trade"}
        await house.gather("Sales")

    async def test_the_same_name_is_none_and_another_spelling_is_fine(self, house: House) -> None:
        group = await house.gather("Sales")
        before = await dump(house.store)
        await house.regroup(group, display_name="Sales")
        assert await dump(house.store) == before
        assert (await house.regroup(group, display_name="SALES")).display_name == "SALES"

    async def test_a_taken_name_is_refused(self, house: House) -> None:
        await house.gather("Sales")
        group = await house.gather("Trade")
        async with refused(house.store, "group_creation_failed"):
            await house.regroup(group, display_name="sales")


class TestDelete:
    async def test_the_group_goes_and_its_members_stay(self, house: House) -> None:
        ann = await house.create("ann")
        group = await house.gather("Sales", ann)
        await delete(house, group)
        assert await house.user(ann) == ann
        assert await house.members(group) == []
        deletion = details_of((await house.trail(group.id))[-1])
        assert (deletion["before"], deletion["after"]) == ("Sales", None)
        async with refused(house.store, "no_such_group"):
            await delete(house, group)

    async def test_there_is_no_group_of_another_organisation(self, house: House) -> None:
        async with refused(house.store, "no_such_group"):
            await house.regroup(Group(house.org.id, GroupId("S0000000000"), 1, "x"), display_name="y")
