"""What can be done to people, on both engines: rules, events in the same transaction, nothing half done."""

from __future__ import annotations

import asyncio
import secrets
from typing import Any

import msgspec
import pytest

from rosterd.actions import orgs, users
from rosterd.actions.doors import apps
from rosterd.directory.errors import DirectoryError, Invalid, InvalidProfile
from rosterd.directory.model import Address, Profile, Role, User, UserId
from rosterd.directory.users import UserChange
from rosterd.store import names, profile_fields
from rosterd.store.records import activity, audit
from rosterd.store.records.activity import Note
from rosterd.store.upkeep import fsck
from tests.actions.acting import KEY, ORIGIN, House, details_of, dump, refused

pytestmark = pytest.mark.anyio

COOK = Profile(given_name="Carl", title="Cook", department="Kitchen", has_custom=True)


REFUSED_AT_CREATION: list[tuple[dict[str, Any], str]] = [
    ({"username": ""}, "username_empty"),
    ({"username": "..."}, "username_invalid"),
    ({"username": "x" * 22}, "username_too_long"),
    ({"username": "here"}, "username_not_allowed"),
    ({"username": "ann"}, "username_taken"),
    ({"username": "@example.com"}, "username_empty"),
    ({"email": ""}, "email_empty"),
    ({"email": "carl"}, "bad_email_address"),
    ({"email": "ANN@example.com"}, "email_taken"),
    ({"email": "ann@home.example"}, "email_taken"),
    ({"profile": Profile(secondary_email="ann@example.com")}, "email_taken"),
    ({"profile": Profile(secondary_email="carl")}, "bad_email_address"),
    ({"profile": Profile(given_name="🎉")}, "invalid_emoji_not_allowed"),
    ({"display_name": "@carl"}, "invalid_starts_with_at"),
    ({"guest_expires": 5}, "improper_enterprise_schema_format"),
]

REFUSED_IN_UPDATES: list[tuple[dict[str, Any], str]] = [
    ({"username": "ann"}, "username_taken"),
    ({"username": "channel"}, "username_not_allowed"),
    ({"email": "ann@example.com"}, "email_taken"),
    ({"email": "nowhere"}, "bad_email_address"),
    ({"profile": Profile(secondary_email="ann@example.com")}, "email_taken"),
    ({"manager": "nobody"}, "unknown_user"),
    ({"guest_expires": 5}, "improper_enterprise_schema_format"),
    ({"display_name": "x" * 81}, "invalid_name_maxlength"),
]


async def fill_profile_fields(house: House) -> None:
    """As many custom profile fields as an organisation may have."""
    async with house.store.write() as tx:
        for number in range(50):
            await orgs.add_profile_field(tx, house.org, f"field{number}", "Field", actor=house.actor)


class TestCreate:
    async def test_a_new_user_is_invited_and_named_by_the_username(self, house: House) -> None:
        carl = await house.create("Carl")
        assert await house.user(carl) == carl
        assert (carl.username, carl.display_name, carl.full_name, carl.status) == (
            "carl",
            "carl",
            "carl",
            "invited",
        )
        assert carl.id.startswith("W")

    async def test_on_business_plus_ids_start_with_u(self, business: House) -> None:
        assert (await business.create("carl")).id.startswith("U")

    async def test_the_event_is_there_with_the_user_and_goes_with_it(self, house: House) -> None:
        before = await dump(house.store)
        with pytest.raises(ZeroDivisionError):
            async with house.store.write() as tx:
                change = UserChange(username="carl", email="carl@example.com")
                await users.create(tx, house.org, change, actor=house.actor)
                raise ZeroDivisionError
        assert await dump(house.store) == before
        carl = await house.create("carl")
        [record] = await house.trail(carl.id)
        assert (record.action, record.actor_id, record.subject_id) == (
            "user_created",
            house.owner.id,
            carl.id,
        )

    async def test_one_created_inactive_is_deactivated(self, house: House) -> None:
        carl = await house.create("carl", active=False)
        assert carl.deactivated
        assert await house.actions_of(carl.id) == ["user_created", "user_deactivated"]

    async def test_what_cannot_be_is_refused_and_leaves_nothing(self, house: House) -> None:
        await house.create("ann", profile=Profile(secondary_email="ann@home.example"))
        for fields, code in REFUSED_AT_CREATION:
            async with refused(house.store, code):
                await house.create("carl", **fields)

    async def test_whose_address_it_is_is_said(self, house: House) -> None:
        ann = await house.create("ann")
        with pytest.raises(DirectoryError) as caught:
            await house.create("carl", email="Ann@example.com")
        assert caught.value.data == {"user": "carl", "existing_user": ann.id}

    async def test_of_two_at_once_one_gets_the_address(self, house: House) -> None:
        made = await asyncio.gather(
            house.create("carl"), house.create("kyle", email="carl@example.com"), return_exceptions=True
        )
        assert sorted(type(each).__name__ for each in made) == ["Taken", "User"]

    async def test_an_id_in_use_is_drawn_again(self, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
        drawn = iter([1, 1, 1, 2])
        monkeypatch.setattr(secrets, "randbelow", lambda _: next(drawn))
        async with house.store.write() as tx:
            made = [
                await users.create(
                    tx, house.org, UserChange(username=name, email=f"{name}@x.example"), actor=house.actor
                )
                for name in ("one", "two")
            ]
        assert made[0].id != made[1].id
        assert list(drawn) == []
        async with house.store.scan() as tx:
            assert await fsck.check(tx) == []

    async def test_a_username_from_an_address_gets_a_number(self, house: House) -> None:
        made = [await house.create("", username=f"ann@{x}.example", email=f"ann@{x}.example") for x in "abc"]
        assert [user.username for user in made] == ["ann", "ann2", "ann3"]
        here = await house.create("", username="here@a.example", email="here@a.example")
        assert here.username == "here2"

    async def test_a_long_local_part_gives_way_to_the_number(self, house: House) -> None:
        long = "x" * 30
        made = [
            await house.create("", username=f"{long}@{x}.example", email=f"{long}@{x}.example") for x in "ab"
        ]
        assert [user.username for user in made] == ["x" * 21, "x" * 20 + "2"]

    async def test_when_every_number_is_taken_it_is_a_truncation_error(self, house: House) -> None:
        async with house.store.write() as tx:
            await names.add_reserved(tx, house.org.id, ["ann", *(f"ann{n}" for n in range(2, 10_000))])
        with pytest.raises(Invalid, match="truncation_error"):
            await house.create("", username="ann@a.example", email="ann@a.example")

    async def test_a_full_set_of_profile_fields_costs_the_profile(self, house: House) -> None:
        await fill_profile_fields(house)
        carl = await house.create("carl", profile=COOK)
        assert carl.profile == Profile(given_name="Carl", title="Cook")
        [record] = await house.trail(carl.id)
        assert details_of(record)["profile_dropped"] == "unable_to_create_team_profile_fields"

    async def test_an_unknown_manager_costs_the_profile(self, house: House) -> None:
        carl = await house.create("carl", profile=COOK, manager="nobody")
        assert carl.profile == Profile(given_name="Carl", title="Cook")
        [record] = await house.trail(carl.id)
        assert details_of(record)["profile_dropped"] == "unknown_user"

    async def test_a_second_address_is_no_custom_field_and_stays_when_those_are_dropped(
        self, house: House
    ) -> None:
        home = Profile(department="Kitchen", secondary_email="carl@home.example")
        invalid = InvalidProfile("roles_invalid")
        for name, fields, code in (
            ("carl", {"manager": "nobody"}, "unknown_user"),
            ("kyle", {"refused_profile": invalid, "manager": "nobody"}, "roles_invalid"),
        ):
            profile = msgspec.structs.replace(home, secondary_email=f"{name}@home.example")
            made = await house.create(name, profile=profile, **fields)
            assert made.profile == Profile(
                given_name=name, secondary_email=f"{name}@home.example", has_custom=True
            )
            [record] = await house.trail(made.id)
            assert details_of(record)["profile_dropped"] == code
        async with house.store.read() as tx:
            assert await profile_fields.names(tx, house.org.id) == set()

    async def test_a_second_address_that_is_the_first_is_none(self, house: House) -> None:
        carl = await house.create("carl", profile=Profile(secondary_email="CARL@example.com"))
        assert carl.profile == Profile(given_name="carl")

    async def test_nobody_is_found_by_a_name_that_only_looks_like_theirs(self, house: House) -> None:
        sam = await house.create("sam")
        for reference in ("ſam", "ſam@example.com", "ｓam"):
            async with refused(house.store, "unknown_user"):
                await house.change(sam, manager=reference)

    async def test_there_is_one_primary_owner(self, house: House) -> None:
        async with refused(house.store, "primary_owner_exists"):
            await house.create("owen", Role.PRIMARY_OWNER)

    async def test_profile_fields_are_made_once_by_the_first_who_fills_one(self, house: House) -> None:
        await house.create("carl", profile=COOK)
        await house.create("ann", profile=Profile(department="Bar", address=Address(country="FR")))
        async with house.store.read() as tx:
            assert await profile_fields.names(tx, house.org.id) == {"department", "address"}

    async def test_a_manager_is_named_by_id_address_or_username(self, house: House) -> None:
        mira = await house.create("mira")
        for name, reference in (("a", mira.id), ("b", "MIRA@example.com"), ("c", "Mira")):
            profile = (await house.create(name, manager=reference)).profile
            assert (profile.manager_id, profile.has_custom) == (mira.id, True)

    async def test_a_guest_is_made_on_enterprise_only(self, house: House) -> None:
        guest = await house.create("gus", guest=True, guest_expires=2_000_000_000)
        assert (guest.role, guest.guest_expires) == (Role.MULTI_CHANNEL_GUEST, 2_000_000_000)
        assert await house.actions_of(guest.id) == ["guest_created"]

    async def test_no_guest_is_made_on_business_plus(self, business: House) -> None:
        async with refused(business.store, "permission_denied"):
            await business.create("gus", guest=True)

    async def test_nobody_makes_someone_above_themselves(self, house: House) -> None:
        admin = house.acting(await house.create("ada", Role.ADMIN))
        async with refused(house.store, "cannot_modify_owner"):
            await admin.create("owen", Role.OWNER)
        member = house.acting(await house.create("carl"))
        async with refused(house.store, "permission_denied"):
            await member.create("kyle")


class TestUpdate:
    async def test_what_is_so_already_is_no_event(self, house: House) -> None:
        carl = await house.create("carl", profile=COOK)
        before = await dump(house.store)
        fields = {
            "username": "CARL",
            "email": carl.email,
            "display_name": "carl",
            "active": True,
            "guest": False,
        }
        assert await house.change(carl, **fields, profile=carl.profile) == carl
        assert await dump(house.store) == before

    async def test_an_address_keeps_its_owner_through_a_swap(self, house: House) -> None:
        carl = await house.create("carl", profile=Profile(secondary_email="carl@home.example"))
        swapped = await house.change(
            carl, email="carl@home.example", profile=Profile(given_name="carl", secondary_email=carl.email)
        )
        assert (swapped.email, swapped.profile.secondary_email) == ("carl@home.example", "carl@example.com")
        assert await house.actions_of(carl.id) == ["user_created", "user_email_updated"]

    async def test_a_second_address_that_becomes_the_first_is_the_second_no_more(self, house: House) -> None:
        carl = await house.create("carl", profile=Profile(secondary_email="carl@home.example"))
        changed = await house.change(carl, email="Carl@Home.example")
        assert (changed.email, changed.profile.secondary_email) == ("Carl@Home.example", None)
        assert (await house.create("kyle", email="carl@example.com")).email == "carl@example.com"

    async def test_a_single_channel_guest_keeps_the_expiration(self, house: House) -> None:
        gus = await house.create("gus", guest=True, guest_expires=2_000_000_000)
        await house.set_role(gus, Role.SINGLE_CHANNEL_GUEST)
        changed = await house.change(gus, display_name="Gus", guest=True)
        assert (changed.role, changed.guest_expires) == (Role.SINGLE_CHANNEL_GUEST, 2_000_000_000)
        assert (await house.actions_of(gus.id))[-1] == "user_profile_updated"
        async with refused(house.store, "improper_enterprise_schema_format"):
            await house.change(gus, guest_expires=2_100_000_000)

    async def test_an_address_given_up_is_free(self, house: House) -> None:
        carl = await house.create("carl")
        await house.change(carl, email="new@example.com")
        assert (await house.create("kyle", email="carl@example.com")).email == "carl@example.com"

    async def test_a_username_given_up_is_free(self, house: House) -> None:
        carl = await house.create("carl")
        assert (await house.change(carl, username="karl")).username == "karl"
        assert (await house.create("carl", email="other@example.com")).username == "carl"

    async def test_an_address_as_username_leaves_a_numbered_name(self, house: House) -> None:
        await house.create("ann")
        second = await house.create("", username="ann@b.example", email="ann@b.example")
        assert (await house.change(second, username="ann@b.example")).username == "ann2"

    async def test_what_cannot_be_is_refused_and_leaves_nothing(self, house: House) -> None:
        await house.create("ann")
        carl = await house.create("carl")
        for fields, code in REFUSED_IN_UPDATES:
            async with refused(house.store, code):
                await house.change(carl, **({"display_name": "Carl"} | fields))

    async def test_a_full_set_of_profile_fields_refuses_the_change(self, house: House) -> None:
        carl = await house.create("carl")
        await fill_profile_fields(house)
        async with refused(house.store, "unable_to_create_team_profile_fields"):
            await house.change(carl, profile=COOK)

    async def test_where_members_choose_their_display_names_it_stays(self, house: House) -> None:
        carl = await house.create("carl")
        async with house.store.write() as tx:
            org = await orgs.set_display_name_change(tx, house.org, True, actor=house.actor)
        strict = House(house.store, org, house.owner, house.actor)
        async with refused(house.store, "invalid_display_name"):
            await strict.change(carl, display_name="Carl L")
        assert (await strict.change(carl, display_name="")).display_name == "carl"
        assert (await strict.change(carl, display_name="carl")).display_name == "carl"

    async def test_a_conversion_reactivates_and_a_return_clears_the_expiration(self, house: House) -> None:
        carl = await house.create("carl", active=False)
        guest = await house.change(carl, guest=True, guest_expires=2_000_000_000)
        assert (guest.role, guest.deactivated) == (Role.MULTI_CHANNEL_GUEST, False)
        member = await house.change(carl, guest=False)
        assert (member.role, member.guest_expires) == (Role.MEMBER, None)
        assert await house.actions_of(carl.id) == [
            "user_created",
            "user_deactivated",
            "guest_reactivated",
            "role_change_to_guest",
            "guest_expiration_set",
            "role_change_to_user",
            "guest_expiration_cleared",
        ]

    async def test_only_someone_with_as_many_permissions_may(self, house: House) -> None:
        admin = house.acting(await house.create("ada", Role.ADMIN))
        owner = await house.create("owen", Role.OWNER)
        async with refused(house.store, "cannot_modify_owner"):
            await admin.change(owner, display_name="Owen")
        assert (await admin.change(await house.create("carl"), display_name="Carl")).display_name == "Carl"

    async def test_nobody_of_another_organisation_is_found(self, house: House) -> None:
        with pytest.raises(DirectoryError, match="no_such_user"):
            async with house.store.read() as tx:
                await users.existing(tx, house.org.id, UserId("W0000000000"))


class TestDeactivate:
    async def test_tokens_end_for_good_and_groups_stay(self, house: House) -> None:
        ada = await house.create("ada", Role.ADMIN)
        group = await house.gather("Sales", ada)
        async with house.store.write() as tx:
            token, _ = await apps.create_token(tx, house.org, ada, ["admin"], key=KEY, actor=house.actor)
        await house.change(ada, active=False)
        await house.change(ada, active=True)
        async with house.store.read() as tx:
            row = await tx.one(
                "SELECT revoked FROM tokens WHERE org_id = $1 AND id = $2", house.org.id, token.id
            )
        assert row is not None
        assert row[0] is not None
        assert await house.members(group) == [ada.id]

    async def test_twice_is_once(self, house: House) -> None:
        carl = await house.create("carl")
        for _ in range(2):
            async with house.store.write() as tx:
                found = await users.existing(tx, house.org.id, carl.id)
                await users.deactivate(tx, house.org, found, actor=house.actor)
        assert await house.actions_of(carl.id) == ["user_created", "user_deactivated"]

    async def test_the_primary_owner_and_bots_stay(self, house: House) -> None:
        bot = await house.create("robby", Role.BOT)
        async with refused(house.store, "cannot_disable_primary_owner"):
            await house.change(house.owner, active=False)
        async with refused(house.store, "cannot_disable_bot_user_with_scim"):
            await house.change(bot, active=False)


class TestRoles:
    async def test_a_role_is_given(self, house: House) -> None:
        carl = await house.create("carl")
        for role, action in (
            (Role.OWNER, "role_change_to_owner"),
            (Role.MEMBER, "role_change_to_user"),
            (Role.MULTI_CHANNEL_GUEST, "role_change_to_guest"),
        ):
            assert (await house.set_role(carl, role)).role is role
            assert (await house.actions_of(carl.id))[-1] == action

    async def test_the_primary_owner_hands_over(self, house: House) -> None:
        carl = await house.create("carl", Role.OWNER)
        await house.set_role(carl, Role.PRIMARY_OWNER)
        assert (await house.user(house.owner)).role is Role.OWNER
        assert (await house.user(carl)).role is Role.PRIMARY_OWNER

    async def test_the_primary_owner_hands_over_to_nobody_who_is_gone(self, house: House) -> None:
        gone = await house.create("gone", Role.OWNER, active=False)
        async with refused(house.store, "account_inactive"):
            await house.set_role(gone, Role.PRIMARY_OWNER)

    async def test_the_primary_owner_is_not_demoted_and_nobody_rises_above_the_actor(
        self, house: House
    ) -> None:
        async with refused(house.store, "cannot_modify_owner"):
            await house.set_role(house.owner, Role.MEMBER)
        admin = house.acting(await house.create("ada", Role.ADMIN))
        carl = await house.create("carl")
        async with refused(house.store, "permission_denied"):
            await admin.set_role(carl, Role.OWNER)

    async def test_the_same_role_is_no_event(self, house: House) -> None:
        carl = await house.create("carl")
        before = await dump(house.store)
        await house.set_role(carl, Role.MEMBER)
        await house.set_role(house.owner, Role.PRIMARY_OWNER)
        assert await dump(house.store) == before


class TestErase:
    async def forgotten(self, house: House) -> User:
        carl = await house.create("carl", profile=COOK, display_name="Carl Lee")
        await house.change(carl, email="carl.lee@example.com")
        return await house.erase(carl)

    async def test_nothing_personal_is_left_in_any_table(self, house: House) -> None:
        gone = await self.forgotten(house)
        assert (gone.erased, gone.deactivated, gone.profile) == (True, True, Profile())
        everything = repr(await dump(house.store)).lower()
        for word in ("carl", "kitchen", "cook"):
            assert word not in everything

    async def test_when_somebody_was_there_is_forgotten_too(self, house: House) -> None:
        carl = await house.create("carl")
        async with house.store.write() as tx:
            await activity.note(tx, [Note(house.org.id, day, carl.id, True) for day in (1, 2)])
            await activity.note(tx, [Note(house.org.id, 1, house.owner.id, True)])
        await house.erase(carl)
        async with house.store.read() as tx:
            assert [(*row,) for row in await tx.all("SELECT user_id FROM activity")] == [(house.owner.id,)]

    async def test_the_trail_still_verifies(self, house: House) -> None:
        await self.forgotten(house)
        async with house.store.write() as tx:
            while await audit.seal(tx, house.org.id):
                pass
        async with house.store.scan() as tx:
            assert (await audit.verify(tx, house.org.id)).ok
            assert list(await fsck.check(tx)) == []

    async def test_what_a_forgotten_administrator_did_stays_with_where_from(self, house: House) -> None:
        ada = await house.create("ada", Role.ADMIN)
        carl = await house.acting(ada).create("carl")
        await house.erase(ada)
        [record] = await house.trail(carl.id)
        assert (record.action, record.actor_id) == ("user_created", ada.id)
        assert (record.client, record.ip_address) == (ORIGIN.client, ORIGIN.ip_address)
        everything = repr(await dump(house.store)).lower()
        assert "ada@example.com" not in everything

    async def test_nobody_takes_the_name_or_the_address_of_somebody_forgotten(self, house: House) -> None:
        gone = await self.forgotten(house)
        assert gone.username.startswith("erased-")
        for fields, code in (
            ({"username": gone.username}, "username_not_allowed"),
            ({"username": f"{gone.username}@example.com"}, "username_not_allowed"),
            ({"email": gone.email}, "bad_email_address"),
            ({"profile": Profile(secondary_email=gone.email)}, "bad_email_address"),
        ):
            async with refused(house.store, code):
                await house.create("ann", **fields)

    async def test_name_and_address_are_free_again(self, house: House) -> None:
        await self.forgotten(house)
        assert (await house.create("carl")).username == "carl"

    async def test_the_account_may_not_be_modified_any_more(self, house: House) -> None:
        gone = await self.forgotten(house)
        async with refused(house.store, "cannot_modify_gdpr"):
            await house.change(gone, active=True)
        async with refused(house.store, "cannot_modify_gdpr"):
            await house.erase(gone)

    async def test_the_primary_owner_is_not_forgotten(self, house: House) -> None:
        async with refused(house.store, "cannot_disable_primary_owner"):
            await house.erase(house.owner)
