"""Batches and whom they are about. On both engines."""

from __future__ import annotations

import msgspec
import pytest

from rosterd.directory.bulk import Action, Arguments, Batch, Standing, State
from rosterd.directory.model import OrgId, Role, TeamId, UserId
from rosterd.store import batches
from rosterd.store.batches import Person
from rosterd.store.engine import Store, Tx
from rosterd.store.uuids import least_at
from tests.store.rows import E1, E2, found

pytestmark = pytest.mark.anyio

GONE = Standing(Role.MEMBER, deactivated=True)
HERE = Standing(Role.MEMBER, sources=("", "S1"), workspace_role=Role.ADMIN)


def a_batch(id: str = "b1", org: OrgId = E1, **fields: object) -> Batch:
    given = Arguments(Role.ADMIN, 9, TeamId("T1"))
    plain = Batch(org, id, 5, UserId("W1"), Action.SET_ROLE, given, State.DRAFTING, people=3)
    return msgspec.structs.replace(plain, **fields)


async def drafted(tx: Tx, people: int = 3, id: str = "b1") -> Batch:
    """A batch of so many people of a new organisation, called after others than it is in order of id."""
    ids = await found(tx, people)
    batch = a_batch(id, people=people)
    await batches.insert(tx, batch)
    await batches.add_people(tx, E1, id, ids[::-1])
    return batch


async def test_a_batch_is_found_as_it_was_stored(store: Store) -> None:
    async with store.write() as tx:
        batch = await drafted(tx)
        assert await batches.find(tx, E1, "b1", lock=True) == batch
        assert await batches.find(tx, E1, "b2") is None
        assert await batches.find(tx, E2, "b1") is None
        other = a_batch(
            state=State.CANCELLED, looked=1, deactivations=2, done=3, unchanged=4, failed=5, undoes="b0",
            ended=6, arguments=Arguments(), action=Action.UNDO,
        )  # fmt: skip
        await batches.update(tx, other)
        assert await batches.find(tx, E1, "b1") == other


async def test_people_are_numbered_in_order_of_id_and_dealt_with_from_a_number_on(store: Store) -> None:
    async with store.write() as tx:
        await drafted(tx, 4)
        everyone = [Person(n, UserId(f"W{n}")) for n in (1, 2, 3, 4)]
        assert await batches.to_do(tx, E1, "b1", after=0, limit=9) == everyone
        assert await batches.to_do(tx, E1, "b1", after=1, limit=2) == everyone[1:3]
        settled = [
            Person(1, UserId("W1"), "done", HERE, GONE),
            Person(2, UserId("W2"), "no_such_user"),
            Person(3, UserId("W3"), "", HERE, GONE),
        ]
        await batches.update_people(tx, E1, "b1", settled)
        assert await batches.people(tx, E1, "b1") == [*settled, everyone[3]]
        assert await batches.people(tx, E1, "b1", after=1, limit=2) == settled[1:]
        assert await batches.people(tx, E1, "b1", outcome="done") == settled[:1]
        assert await batches.people(tx, E1, "b1", outcome="", after=3) == everyone[3:]
        assert await batches.to_do(tx, E1, "b1", after=0, limit=9) == [settled[2], everyone[3]]
    async with store.scan() as tx:
        assert await batches.outcomes(tx, E1, "b1") == {"": 2, "done": 1, "no_such_user": 1}


async def test_who_was_changed_is_who_can_be_changed_back_the_other_way_round(store: Store) -> None:
    async with store.write() as tx:
        await drafted(tx, 4)
        changed = [Person(n, UserId(f"W{n}"), "done", HERE, GONE) for n in (1, 3, 4)]
        await batches.update_people(tx, E1, "b1", changed)
        await batches.insert(tx, a_batch("b2", undoes="b1"))
        await batches.add_undone(tx, E1, "b2", "b1", after=1, limit=1)
        assert await batches.people(tx, E1, "b2") == [Person(3, UserId("W3"), "", GONE, HERE)]
        await batches.add_undone(tx, E1, "b2", "b1", after=3, limit=9)
        assert [each.n for each in await batches.people(tx, E1, "b2")] == [3, 4]
        assert await batches.undoing(tx, E1, "b1") == [a_batch("b2", undoes="b1")]
        assert await batches.undoing(tx, E1, "b2") == []


async def test_a_list_begins_with_the_newest(store: Store) -> None:
    async with store.write() as tx:
        await found(tx, 1)
        await found(tx, 1, E2)
        for id in ("b1", "b2", "b3"):
            await batches.insert(tx, a_batch(id))
        await batches.insert(tx, a_batch("b4", E2))
        assert [each.id for each in await batches.page(tx, E1)] == ["b3", "b2", "b1"]
        assert [each.id for each in await batches.page(tx, E1, before="b3", limit=1)] == ["b2"]


async def test_old_drafts_are_found_and_forgotten_bit_by_bit(store: Store) -> None:
    async with store.write() as tx:
        await drafted(tx)
        for id, state in (("b2", State.DRAFT), ("b3", State.RUNNING), ("b4", State.CANCELLED)):
            await batches.insert(tx, a_batch(id, state=state))
        await batches.insert(tx, a_batch("b5", created=7))
        broken_off = a_batch("b6", state=State.CANCELLED)
        await batches.insert(tx, msgspec.structs.replace(broken_off, done=1))  # that can be taken back
        assert await batches.expired(tx, E1, 7, 9) == ["b1", "b2", "b4"]
        assert await batches.expired(tx, E1, 5, 9) == []
        assert [await batches.remove_people(tx, E1, "b1", 2) for _ in range(3)] == [2, 1, 0]
        await batches.delete(tx, E1, "b1")
        assert await batches.expired(tx, E1, 7, 9) == ["b2", "b4"]


async def test_who_was_drafted_lately_is_counted_with_those_who_were_before(store: Store) -> None:
    moments = [1_700_000_000_000_000 + n * 1_000_000 for n in range(3)]
    async with store.write() as tx:
        await found(tx, 1)
        await found(tx, 1, E2)
        for org, moment in ((E1, moments[0]), (E1, moments[1]), (E1, moments[2]), (E2, moments[2])):
            await batches.insert(tx, a_batch(least_at(moment // 1000), org))
        counted = [await batches.drafted(tx, E1, moment) for moment in (*moments, moments[2] + 1_000_000)]
        assert counted == [9, 6, 3, 0]


async def test_an_organisation_is_not_shown_anothers_people(store: Store) -> None:
    async with store.write() as tx:
        await drafted(tx)
        assert await batches.people(tx, E2, "b1") == []
        assert await batches.to_do(tx, E2, "b1", after=0, limit=9) == []
        assert await batches.remove_people(tx, E2, "b1", 9) == 0
