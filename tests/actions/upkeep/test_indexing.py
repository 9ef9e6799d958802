"""The index follows what is done to people, whoever does it and however often it is looked at."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from typing import Any

import msgspec
import pytest

from rosterd.actions import connections, erasure, groups, guests, users, workspaces
from rosterd.actions.upkeep import indexing
from rosterd.app import index, seal
from rosterd.directory import workspaces as rules
from rosterd.directory.facets import Facet
from rosterd.directory.groups import GroupChange
from rosterd.directory.model import GroupWorkspace, OrgId, Origin, Plan, Profile, Role, UserId
from rosterd.directory.users import UserChange
from rosterd.store.engine import Store, StoreUnavailable
from rosterd.store.people import facts
from rosterd.store.people import index as rows
from rosterd.store.people.index import Count
from rosterd.store.upkeep import fsck
from tests.actions.acme import Acme, acme, operator

pytestmark = pytest.mark.anyio

Facts = dict[str, list[str]]


async def facts_of(home: Acme, user: UserId) -> Facts:
    """Field → values, but for those that everybody has; nothing: there is nobody."""
    async with home.store.scan() as tx:
        row = await tx.one(
            "SELECT facts FROM indexed_people WHERE org_id = $1 AND user_id = $2", home.org.id, user
        )
        listed = await tx.all(
            "SELECT field, value FROM facets WHERE org_id = $1 AND user_id = $2", home.org.id, user
        )
    pairs = msgspec.json.decode(row[0], type=list[tuple[str, str]]) if row else []
    assert sorted(map(tuple, listed)) == sorted(pairs)
    found: Facts = {}
    for field, value in pairs:
        found.setdefault(field, []).append(value)
    return found


async def count(home: Acme, facet: Facet, value: str) -> tuple[int, int, int]:
    """Invited, active, deactivated."""
    async with home.store.read() as tx:
        found = await rows.count(tx, home.org.id, facet, value)
    assert found.total == sum(found[1:4])
    return found[1:4]


async def settled(home: Acme) -> None:
    """Everything sealed and indexed, and right."""
    await seal(home.store)
    await index(home.store)
    async with home.store.scan() as tx:
        assert await fsck.check(tx) == []
        assert await rows.is_whole(tx, home.org.id)


async def test_a_person_is_found_by_what_is_true_of_them(store: Store) -> None:
    home = await acme(store)
    profile = Profile(given_name="Ann", family_name="Lee", title=" CTO ", department="IT", division="EMEA")
    okta = msgspec.structs.replace(home.owner, origin=Origin("r", "Okta SCIM Client 1.0.0"))
    async with store.write() as tx:
        change = UserChange(
            username="ann", email="Ann.Lee@acme.example", display_name="Annie", profile=profile
        )
        ann = (await users.create(tx, home.org, change, actor=okta)).id
        change = UserChange(profile=msgspec.structs.replace(profile, manager_id=home.owner.user_id))
        await users.update(tx, home.org, await users.existing(tx, home.org.id, ann), change, actor=home.owner)
        team = await home.group(tx, "Team", [ann])
        await workspaces.assign(tx, home.org, home.first, ann, actor=home.owner)
    await settled(home)
    assert await facts_of(home, ann) == {
        "department": ["IT"],
        "division": ["EMEA"],
        "group": [team],
        "manager": [home.owner.user_id],
        "role": ["member"],
        "source": ["okta"],
        "status": ["invited"],
        "title": ["CTO"],
        "word": ["ann.lee@acme.example", "annie", "lee"],
        "workspace": [home.first],
    }
    assert await count(home, Facet.GROUP, team) == (1, 0, 0)
    assert await count(home, Facet.DEPARTMENT, "IT") == (1, 0, 0)


async def test_each_change_is_followed_in_facts_and_counts(store: Store) -> None:
    home = await acme(store)
    async with store.write() as tx:
        ann, bob = await home.person(tx, "ann"), await home.person(tx, "bob")
        keys = await home.group(tx, "Keys", [ann, bob])
        other = await home.workspace(tx, "other")
        leads = [GroupWorkspace(other, is_required=True, auto_provision=True)]
        await connections.connect_workspaces(tx, home.org, keys, leads, actor=operator(home.org))
    await settled(home)
    assert await count(home, Facet.WORKSPACE, other) == (2, 0, 0)
    async with store.write() as tx:
        user = await users.existing(tx, home.org.id, ann)
        await users.deactivate(tx, home.org, user, actor=home.owner)
        user = await users.existing(tx, home.org.id, bob)
        await users.update(tx, home.org, user, UserChange(guest=True), actor=home.owner)
    await settled(home)
    assert (await facts_of(home, ann))["status"] == ["deactivated"]
    assert (await facts_of(home, bob))["role"] == ["multi_channel_guest"]
    assert await count(home, Facet.WORKSPACE, other) == (1, 0, 0)
    assert await count(home, Facet.GROUP, keys) == (1, 0, 1)
    assert await count(home, Facet.ROLE, "multi_channel_guest") == (1, 0, 0)
    async with store.write() as tx:
        await erasure.erase(tx, home.org, await users.existing(tx, home.org.id, ann), actor=home.owner)
        assert await tx.all("SELECT value FROM facets WHERE user_id = $1", ann) == []  # at once
        await home.leave(tx, keys, bob)
    await settled(home)
    erased = {"group": [keys], "role": ["member"], "source": ["other"], "status": ["deactivated"]}
    assert await facts_of(home, ann) == erased
    assert await count(home, Facet.WORKSPACE, other) == (0, 0, 0)


async def test_people_in_many_places_are_compared_off_the_event_loop(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, seen = await acme(store), list[bool]()

    def compare(*args: Any) -> None:
        seen.append(threading.current_thread() is threading.main_thread())
        facts_compare(*args)

    facts_compare = facts.compare
    monkeypatch.setattr(facts, "compare", compare)
    async with store.write() as tx:
        ann = await home.person(tx, "ann")
        groups = {await home.group(tx, f"Group {n}", [ann]) for n in range(3)}
    await settled(home)
    assert all(seen)
    seen.clear()
    monkeypatch.setattr(indexing, "PLACES", 2)
    monkeypatch.setattr(facts, "_MANY", 2)
    async with store.write() as tx:
        groups.add(await home.group(tx, "One more", [ann]))
    await settled(home)
    assert (seen, {*(await facts_of(home, ann))["group"]}) == ([False], groups)


async def test_members_of_a_deleted_group_are_taken_out_of_it(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexing, "PEOPLE", 3)
    home = await acme(store)
    async with store.write() as tx:
        people = [await home.person(tx, f"user{number}") for number in range(8)]
        group, other = await home.group(tx, "Group", people), await home.group(tx, "Other", people[:1])
    await settled(home)
    async with store.write() as tx:
        await groups.delete(tx, home.org, group, actor=home.owner)
        await groups.update(tx, home.org, other, GroupChange(display_name="New"), actor=home.owner)
    async with store.scan() as tx:
        assert await fsck.check(tx) == []  # it is known to be behind
    await settled(home)
    assert await count(home, Facet.GROUP, group) == (0, 0, 0)
    assert await count(home, Facet.GROUP, other) == (1, 0, 0)
    async with store.read() as tx:
        assert [each.value for each in await rows.counts(tx, home.org.id, Facet.GROUP, limit=9)] == [other]


async def test_bots_are_nobody(store: Store) -> None:
    home = await acme(store)
    async with store.write() as tx:
        bot = await home.person(tx, "robot", role=Role.BOT)
    await settled(home)
    assert await facts_of(home, bot) == {}


async def test_events_are_counted_by_the_day_and_once(store: Store) -> None:
    home = await acme(store)
    async with store.write() as tx:
        for number in range(5):
            await home.person(tx, f"user{number}")
        day = tx.now // 86_400_000_000
    await settled(home)
    await seal(store)
    await index(store)
    async with store.read() as tx:
        found = await rows.days(tx, home.org.id, 0)
        events = Counter([tuple(row) for row in await tx.all("SELECT created, action FROM audit_events")])
        assert await rows.days(tx, home.org.id, day + 2) == {}
    assert found == Counter((created // 86_400_000_000, action) for created, action in events.elements())


async def test_who_indexes_beside_another_counts_nothing_twice(store: Store) -> None:
    home = await acme(store)
    await settled(home)
    for turn in range(5):
        async with store.write() as tx:
            for number in range(10):
                await home.person(tx, f"user{turn}-{number}")
        await seal(store)
        await asyncio.gather(*(index(store) for _ in range(4)))
        await asyncio.gather(*(indexing.freshen(store, home.org.id) for _ in range(4)))
        await settled(home)
    assert await count(home, Facet.STATUS, "invited") == (50, 0, 0)


async def test_what_changes_while_an_index_is_made_is_in_it(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexing, "PEOPLE", 4)
    home = await acme(store)
    async with store.write() as tx:
        people = [await home.person(tx, f"user{number}") for number in range(20)]
    await settled(home)
    await indexing.make_anew(store, home.org.id)
    steps = 0
    while await indexing.advance(store, home.org.id):
        steps += 1
        if steps % 2 and people:
            async with store.write() as tx:
                user = await users.existing(tx, home.org.id, people.pop())
                change = UserChange(profile=Profile(title=f"Title {steps % 4}"))
                await users.update(tx, home.org, user, change, actor=home.owner)
                await home.person(tx, f"new{steps}")
            await seal(store)
            async with store.scan() as tx:
                assert await fsck.check(tx) == []
    assert steps > 5
    await settled(home)
    async with store.read() as tx:
        total = (await tx.one("SELECT COUNT(*) FROM users"))[0]  # type: ignore[index]
        status = await rows.counts(tx, home.org.id, Facet.STATUS, limit=9)
    assert sum(each.total for each in status) == total


async def test_an_index_made_anew_is_the_same(store: Store) -> None:
    home = await acme(store)
    async with store.write() as tx:
        people = [await home.person(tx, f"user{number}") for number in range(9)]
        await home.group(tx, "Group", people)
    tables = ("facets", "facet_counts", "indexed_people", "day_counts")

    async def everything() -> list[list[tuple[object, ...]]]:
        async with store.scan() as tx:
            return [sorted(map(tuple, await tx.all(f"SELECT * FROM {table}"))) for table in tables]

    await settled(home)
    before = await everything()
    async with store.write() as tx:
        await tx.run("INSERT INTO day_counts VALUES ($1, 5, 'request_refused', 7)", home.org.id)
        await tx.run("UPDATE facet_counts SET total = 99 WHERE org_id = $1", home.org.id)
    async with store.scan() as tx:
        assert len(await fsck.check(tx)) == len(before[1])
    await indexing.make_anew(store, home.org.id)
    await settled(home)
    before[-1].insert(0, (home.org.id, 5, "request_refused", 7))
    assert await everything() == before


class TestFreshen:
    async def test_who_has_changed_something_sees_it(self, store: Store) -> None:
        home = await acme(store)
        await settled(home)
        async with store.write() as tx:
            ann = await home.person(tx, "ann")
        await indexing.freshen(store, home.org.id)
        assert (await facts_of(home, ann))["status"] == ["invited"]

    async def test_much_is_left_to_the_background(
        self, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(indexing, "SOON", 3)
        home = await acme(store)
        await settled(home)
        async with store.write() as tx:
            ann = await home.person(tx, "ann")
            for number in range(3):
                await home.person(tx, f"user{number}")
        await indexing.freshen(store, home.org.id)
        assert await facts_of(home, ann) == {}
        await seal(store)
        await indexing.freshen(store, home.org.id)
        assert await facts_of(home, ann) == {}
        await settled(home)

    async def test_nobody_waits_for_the_members_of_a_large_group_to_leave_it(
        self, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        home = await acme(store)
        async with store.write() as tx:
            people = [await home.person(tx, f"user{number}") for number in range(5)]
            group = await home.group(tx, "Group", people)
        await settled(home)
        monkeypatch.setattr(indexing, "SOON", 4)
        async with store.write() as tx:
            await groups.delete(tx, home.org, group, actor=home.owner)
        await indexing.freshen(store, home.org.id)
        assert await count(home, Facet.GROUP, group) == (5, 0, 0)
        await settled(home)
        assert await count(home, Facet.GROUP, group) == (0, 0, 0)

    async def test_an_index_that_is_being_made_is_left_alone(self, store: Store) -> None:
        home = await acme(store)
        await indexing.freshen(store, home.org.id)
        async with store.read() as tx:
            assert await rows.find(tx, home.org.id) is None

    async def test_it_never_fails(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        home = await acme(store)
        await settled(home)
        async with store.write() as tx:
            await home.person(tx, "ann")

        async def locked(*_: object) -> int:
            raise StoreUnavailable("the file was locked")

        monkeypatch.setattr(indexing, "seal_some", locked)
        await indexing.freshen(store, home.org.id)
        await indexing.freshen(store, OrgId("E404"))


async def test_outside_enterprise_people_are_in_the_one_workspace(store: Store) -> None:
    home = await acme(store, Plan.BUSINESS_PLUS)
    async with store.write() as tx:
        ann = await home.person(tx, "ann")
    await settled(home)
    assert (await facts_of(home, ann))["workspace"] == [home.first]


async def test_fsck_tells_what_the_index_has_wrong(store: Store) -> None:
    home = await acme(store)
    async with store.write() as tx:
        ann = await home.person(tx, "ann")
    await settled(home)
    async with store.write() as tx:
        await tx.run("UPDATE users SET deactivated = 1 WHERE id = $1", ann)
        await tx.run("DELETE FROM facets WHERE user_id = $1 AND field = 'role'", ann)
        await tx.run("DELETE FROM facet_counts WHERE field = 'source' AND value = 'other'")
    async with store.scan() as tx:
        found = await fsck.check(tx)
        assert await fsck.check(tx, home.org.id) == found
    assert [line.split(": ", 1)[1] for line in found if "index" in line] == [
        (
            f'the index has of user {ann} invited [["role","member"],["source","other"],["status","invited"],'
            '["word","ann@acme.example"]] instead of deactivated [["role","member"],["source","other"],'
            '["status","deactivated"],["word","ann@acme.example"]]'
        ),
        "the index lists 0 people with role 'member' instead of 1",
        "the index counts source 'other' as [0, 0, 0, 0] instead of [1, 1, 0, 2]",
    ]


async def test_a_guest_who_expires_is_followed(store: Store) -> None:
    home = await acme(store)
    async with store.write() as tx:
        guest = await home.person(tx, "gus", role=Role.MULTI_CHANNEL_GUEST)
        await tx.run("UPDATE users SET guest_expires = 5 WHERE id = $1", guest)
        assert await guests.expire(tx, home.org, guest, actor=operator(home.org))
    await settled(home)
    assert await count(home, Facet.STATUS, "deactivated") == (0, 0, 1)


async def test_what_follows_later_is_followed_then(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A group so large that its consequences are drawn in slices."""
    monkeypatch.setattr(rules, "CONSEQUENCES_AT_ONCE", 10)
    home = await acme(store)
    async with store.write() as tx:
        people = [await home.person(tx, f"user{number}") for number in range(30)]
        group = await home.group(tx, "Group", people)
        other = await home.workspace(tx, "other")
        leads = [GroupWorkspace(other, is_required=True, auto_provision=True)]
        await connections.connect_workspaces(tx, home.org, group, leads, actor=operator(home.org))
    await settled(home)
    assert await count(home, Facet.WORKSPACE, other) == (0, 0, 0)
    assert await home.work_off() > 3
    await settled(home)
    assert await count(home, Facet.WORKSPACE, other) == (30, 0, 0)


async def test_counts_begin_with_the_most_frequent_and_as_asked_for(store: Store) -> None:
    home = await acme(store)
    async with store.write() as tx:
        for number, title in enumerate(["Sales", "sales", "Support", "Support", "Ops"]):
            user = await users.existing(tx, home.org.id, await home.person(tx, f"user{number}"))
            change = UserChange(profile=Profile(title=title))
            await users.update(tx, home.org, user, change, actor=home.owner)
    await settled(home)

    async def titles(limit: int, prefix: str = "") -> list[Count]:
        async with home.store.scan() as tx:
            return await rows.counts(tx, home.org.id, Facet.TITLE, limit=limit, prefix=prefix)

    assert await titles(2) == [Count("Support", 2, 0, 0, 2), Count("sales", 1, 0, 0, 1)]
    assert [each.value for each in await titles(9, "SA")] == ["sales", "Sales"]
    assert [each.value for each in await titles(1, "s")] == ["Support"]
    assert await titles(9, "x\0") == []
    async with home.store.read() as tx:
        assert await rows.count(tx, home.org.id, Facet.TITLE, "x\0") == Count("x\0", 0, 0, 0, 0)
