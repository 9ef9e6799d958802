"""What can be done to an organisation, on both engines."""

from __future__ import annotations

import asyncio

import pytest

from rosterd.actions import orgs
from rosterd.directory.model import Plan, Role, Status
from rosterd.directory.names import RESERVED_NAMES
from rosterd.store import names
from rosterd.store import orgs as org_rows
from rosterd.store.engine import Store
from tests.actions.acting import ORIGIN, House, details_of, dump, found_house, refused

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("plan", Plan)
async def test_a_new_organisation_has_a_workspace_and_a_primary_owner_who_is_signed_in(
    store: Store, plan: Plan
) -> None:
    house = await found_house(store, plan)
    assert house.org.team_id.startswith("T")
    assert house.org.id.startswith("E") if plan is Plan.ENTERPRISE else str(house.org.id) == house.org.team_id
    assert (house.owner.role, house.owner.status) == (Role.PRIMARY_OWNER, Status.ACTIVE)
    assert [each.action for each in await house.trail()] == [
        "organization_created", "public_channel_created", "user_created", "user_joined_workspace",
    ]  # fmt: skip


async def test_reserved_words_are_held_from_the_start(house: House) -> None:
    async with house.store.read() as tx:
        for word in RESERVED_NAMES:
            assert await names.kind_of(tx, house.org.id, word) == "reserved"


async def test_what_cannot_be_is_refused_and_leaves_nothing(house: House) -> None:
    for domain, email, code in (
        ("ACME ", "o@x.example", "domain_taken"),
        ("", "o@x.example", "invalid_domain"),
        ("a.b", "o@x.example", "invalid_domain"),
        ("x" * 64, "o@x.example", "invalid_domain"),
        ("zoë", "o@x.example", "invalid_domain"),
        ("Admin", "o@x.example", "domain_reserved"),
        ("fine", "nowhere", "bad_email_address"),
    ):
        async with refused(house.store, code), house.store.write() as tx:
            await orgs.create(tx, "Other", domain, Plan.ENTERPRISE, email, origin=ORIGIN)


async def test_of_two_at_once_one_gets_the_domain(store: Store) -> None:
    made = await asyncio.gather(*(found_house(store) for _ in range(2)), return_exceptions=True)
    assert sorted(type(each).__name__ for each in made) == ["House", "Taken"]
    async with store.read() as tx:
        assert [org.domain for org in await org_rows.every(tx)] == ["acme"]


async def test_two_organisations_share_no_names(house: House) -> None:
    other = await found_house(house.store, domain="other")
    first, second = await house.create("carl"), await other.create("carl")
    assert first.username == second.username
    assert first.id != second.id


async def test_the_setting_of_display_names_is_an_owners(house: House) -> None:
    async with house.store.write() as tx:
        org = await orgs.set_display_name_change(tx, house.org, True, actor=house.actor)
    assert org.display_name_change
    before = await dump(house.store)
    async with house.store.write() as tx:
        assert await orgs.set_display_name_change(tx, org, True, actor=house.actor) == org
    assert await dump(house.store) == before
    admin = house.acting(await house.create("ada", Role.ADMIN))
    async with refused(house.store, "permission_denied"), house.store.write() as tx:
        await orgs.set_display_name_change(tx, org, False, actor=admin.actor)


async def test_a_profile_field_is_added_once(house: House) -> None:
    async with house.store.write() as tx:
        await orgs.add_profile_field(tx, house.org, "shoe_size", "Shoe size", actor=house.actor)
    last = (await house.trail())[-1]
    assert (last.action, details_of(last)["field"]) == ("custom_profile_field_added", "shoe_size")
    for name, code in (("shoe_size", "field_taken"), ("shoe size", "invalid_field_name")):
        async with refused(house.store, code), house.store.write() as tx:
            await orgs.add_profile_field(tx, house.org, name, "x", actor=house.actor)


async def test_an_organisation_has_fifty_profile_fields(house: House) -> None:
    async with house.store.write() as tx:
        for number in range(50):
            await orgs.add_profile_field(tx, house.org, f"field{number}", "Field", actor=house.actor)
    async with refused(house.store, "unable_to_create_team_profile_fields"), house.store.write() as tx:
        await orgs.add_profile_field(tx, house.org, "one_more", "Field", actor=house.actor)
