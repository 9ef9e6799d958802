"""Organisations, workspaces and custom profile fields, on both engines."""

from __future__ import annotations

import msgspec
import pytest

from rosterd.directory.model import Plan
from rosterd.store import orgs, profile_fields
from rosterd.store.engine import Store
from tests.store.rows import E1, E2, an_org

pytestmark = pytest.mark.anyio


async def test_an_organisation_is_found_by_id_and_by_domain(store: Store) -> None:
    org = an_org(display_name_change=True)
    async with store.write() as tx:
        assert await orgs.insert(tx, org)
        assert not await orgs.insert(tx, msgspec.structs.replace(an_org(E2), domain=org.domain))
        assert not await orgs.insert(tx, msgspec.structs.replace(org, domain="other.example.com"))
    async with store.read() as tx:
        assert await orgs.find(tx, org.id) == await orgs.find(tx, org.domain) == org
        assert await orgs.every(tx) == [org]
        assert await orgs.find(tx, "nobody") is None


async def test_an_update_stores_every_field(store: Store) -> None:
    changed = msgspec.structs.replace(an_org(), name="New", plan=Plan.BUSINESS_PLUS, display_name_change=True)
    async with store.write() as tx:
        await orgs.insert(tx, an_org())
        await orgs.update(tx, changed)
        assert await orgs.find(tx, E1) == changed


async def test_a_profile_field_is_made_once(store: Store) -> None:
    async with store.write() as tx:
        await orgs.insert(tx, an_org())
        assert await profile_fields.add(tx, E1, "department", "Department", is_scim=True)
        assert not await profile_fields.add(tx, E1, "department", "Dept", is_scim=False)
        assert await profile_fields.names(tx, E1) == {"department"}
        assert await profile_fields.names(tx, E2) == set()


async def test_profile_fields_come_in_the_order_they_were_made_in(store: Store) -> None:
    async with store.write() as tx:
        await orgs.insert(tx, an_org())
        await profile_fields.add(tx, E1, "shoe_size", "Shoe size", is_scim=False)
        await profile_fields.add(tx, E1, "department", "Department", is_scim=True)
        tx.now += 1
        await profile_fields.add(tx, E1, "a", "A", is_scim=True)
        assert await profile_fields.every(tx, E1) == [
            ("department", "Department", True),
            ("shoe_size", "Shoe size", False),
            ("a", "A", True),
        ]
        assert await profile_fields.every(tx, E2) == []
