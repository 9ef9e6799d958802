"""Lists of groups, workspaces and channels: in order of name, page after page, narrowed, with numbers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from rosterd.actions import connections, workspaces
from rosterd.directory.facets import Facet
from rosterd.directory.model import GroupWorkspace, OrgId
from rosterd.directory.names import folded
from rosterd.store import channels
from rosterd.store.belonging import listings, places
from rosterd.store.belonging.listings import Led
from rosterd.store.engine import Store, Tx
from rosterd.store.people import index
from tests.actions.acme import Acme, acme

pytestmark = pytest.mark.anyio


async def names(read: Callable[..., Awaitable[Any]], tx: Tx, at: Acme, text: str, **more: Any) -> list[str]:
    """The names on all pages of two."""
    found: list[Any] = []
    after = ""
    while some := await read(tx, at.org.id, text, after=after, limit=2, **more):
        found += some
        after = some[-1].id
    return [getattr(each, "display_name", "") or each.name for each in found]


async def test_groups_come_in_order_of_name_whatever_its_case(store: Store) -> None:
    at = await acme(store)
    async with store.write() as tx:
        for name in ("sales EU", "Sales", "Écoute", "engineering", "Office"):
            await at.group(tx, name)
    async with store.scan() as tx:
        assert await names(listings.groups, tx, at, "") == [
            "engineering", "Office", "Sales", "sales EU", "Écoute",
        ]  # fmt: skip
        assert await names(listings.groups, tx, at, "sales") == ["Sales", "sales EU"]
        assert await names(listings.groups, tx, at, "éc") == ["Écoute"]
        for nothing in ("%", "_", "nobody", "a\0b"):
            assert await names(listings.groups, tx, at, nothing) == []
        first = await listings.groups(tx, at.org.id, "", after="S0NOTHING00", limit=1)
        assert [each.display_name for each in first] == ["engineering"]


async def test_workspaces_are_found_by_name_and_domain(store: Store) -> None:
    at = await acme(store)
    async with store.write() as tx:
        for domain in ("north", "South", "southwest"):
            await at.workspace(tx, domain)
    async with store.scan() as tx:
        assert await names(listings.workspaces, tx, at, "") == ["Acme", "North", "South", "Southwest"]
        assert await names(listings.workspaces, tx, at, "south") == ["South", "Southwest"]
        assert await names(listings.workspaces, tx, at, "acme") == ["Acme"]


async def test_names_of_every_language_are_found_whatever_their_case(store: Store) -> None:
    at = await acme(store)
    async with store.write() as tx:
        await workspaces.create(tx, at.org, "zurich", "ZÜRICH Straße", actor=at.owner)
        await workspaces.create(tx, at.org, "athens", "Αθήνας", actor=at.owner)
        for name in ("über-straße", "οδός", "plain"):
            await at.channel(tx, name, at.first)
        await at.group(tx, "ÜBER Straße")
    async with store.scan() as tx:
        for text in ("zürich", "STRASSE", "straße"):
            found = await names(listings.workspaces, tx, at, folded(text))
            assert found == ["ZÜRICH Straße"], text
        assert await names(listings.workspaces, tx, at, "") == [
            "Acme", "ZÜRICH Straße", "Αθήνας",
        ]  # fmt: skip
        assert await names(listings.workspaces, tx, at, folded("ΑΘΉΝΑΣ")) == ["Αθήνας"]
        for text in ("ÜBER-STRASSE", "über-straße"):
            assert await names(listings.channels, tx, at, folded(text)) == ["über-straße"], text
        assert await names(listings.channels, tx, at, folded("ΟΔΌΣ")) == ["οδός"]
        assert await names(listings.groups, tx, at, folded("über strasse")) == ["ÜBER Straße"]


async def test_a_channel_is_found_behind_a_thousand_others(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listings, "_LOOKED_AT", 3)
    at = await acme(store)
    async with store.write() as tx:
        for number in range(12):
            await at.channel(tx, f"a{number:02}{'-x' if number % 5 == 1 else ''}", at.first)
    async with store.scan() as tx:
        assert await names(listings.channels, tx, at, "-x") == ["a01-x", "a06-x", "a11-x"]
        assert await names(listings.channels, tx, at, "nothing") == []


async def test_channels_of_one_name_are_all_there(store: Store) -> None:
    at = await acme(store)
    async with store.write() as tx:
        north, south = [await at.workspace(tx, domain) for domain in ("north", "south")]
        secret = await at.channel(tx, "secret-deals", north, private=True)
        old = await at.channel(tx, "old", south)
        await channels.set_archived(tx, at.org.id, old, True)
        group = await at.group(tx, "Crew", [await at.person(tx, "ann")])
        await connections.allow(tx, at.org, secret, group, actor=at.owner)
    async with store.scan() as tx:
        assert await names(listings.channels, tx, at, "") == [
            "general", "general", "general", "old", "secret-deals",
        ]  # fmt: skip
        assert await names(listings.channels, tx, at, "", team=north) == ["general", "secret-deals"]
        assert await names(listings.channels, tx, at, "deal") == ["secret-deals"]
        for kind, found in {
            "private": ["secret-deals"], "archived": ["old"], "restricted": ["secret-deals"], "org_wide": [],
            "public": ["general", "general", "general", "old"],
            "in_use": ["general", "general", "general", "secret-deals"],
        }.items():  # fmt: skip
            assert await names(listings.channels, tx, at, "", kind=kind) == found, kind


async def test_numbers_stand_beside_what_is_listed(store: Store) -> None:
    at = await acme(store)
    async with store.write() as tx:
        team = await at.workspace(tx, "north")
        people = [await at.person(tx, name) for name in ("ann", "bob")]
        crew, others = await at.group(tx, "Crew", people), await at.group(tx, "Others")
        way = GroupWorkspace(team, True, True)
        deals = await at.channel(tx, "deals", team, private=True)
        await connections.connect_workspaces(tx, at.org, crew, [way], actor=at.owner)
        await connections.connect_channels(tx, at.org, crew, [deals], actor=at.owner)
        await connections.allow(tx, at.org, deals, crew, actor=at.owner)
        general = await channels.named(tx, at.org.id, team, "general")
    assert general is not None
    async with store.scan() as tx:
        org = at.org.id
        assert await listings.led(tx, org, [crew, others]) == {crew: Led(1, 1, 1), others: Led()}
        assert await listings.people_in(tx, org, [deals, general], 9) == {deals: 2, general: 2}
        assert await listings.people_in(tx, org, [deals], 1) == {deals: 1}
        assert await listings.homes(tx, org, [deals]) == {deals: ["North"]}
        assert await listings.within(tx, org, [team, at.first], 9) == {team: (2, 1), at.first: (1, 0)}
        [(ref, to)] = await listings.leading_to_workspace(tx, org, team, limit=9)
        assert (ref.id, ref.display_name, to) == (crew, "Crew", way)
        assert [each.id for each in await listings.leading_to_channel(tx, org, deals, limit=9)] == [crew]
        assert await listings.names_of_groups(tx, org, [crew, "S0NOTHING00"]) == {crew: "Crew"}
        assert (
            await listings.newest_member(tx, org, crew) > 0 == await listings.newest_member(tx, org, others)
        )
        reasons = await places.reasons_at(tx, places.WORKSPACE, org, team, [*people, at.owner.user_id])
        assert {user: [each.source_id for each in why] for user, why in reasons.items()} == {
            user: [crew] for user in people
        }
        counted = await index.count_many(tx, org, Facet.GROUP, [crew])
        assert counted[crew].total == 0  # the index is kept by others


async def test_another_organisation_is_out_of_sight(store: Store) -> None:
    at, other = await acme(store), OrgId("E0NOBODY000")
    async with store.scan() as tx:
        assert await listings.groups(tx, other, "", limit=9) == []
        assert await listings.workspaces(tx, other, "", limit=9) == []
        assert await listings.channels(tx, other, "", limit=9) == []
        assert await listings.leading_to_workspace(tx, other, at.first, limit=9) == []
        assert [each.id for each in await listings.workspaces(tx, at.org.id, "", limit=9)] == [at.first]
