"""Checks of the audit trail: one at a time, remembered with what they found."""

from __future__ import annotations

import asyncio

import pytest

from rosterd.actions.upkeep import verifications
from rosterd.actions.upkeep.verifications import LOST_SECONDS, is_under_way
from rosterd.directory.model import Role
from rosterd.store.records import audit
from rosterd.store.records import verifications as rows
from rosterd.store.records.audit import Verdict
from rosterd.store.records.verifications import KEPT, Verification
from tests.actions.acting import House, refused

pytestmark = pytest.mark.anyio

FINE = Verdict(1, 2, 0, None, "ab", None)


async def begin(house: House) -> int:
    async with house.store.write() as tx:
        return await verifications.begin(tx, house.org, actor=house.actor)


async def checks(house: House, limit: int = 1_000) -> list[Verification]:
    async with house.store.read() as tx:
        return await rows.page(tx, house.org.id, limit)


async def run(house: House, began: int) -> None:
    await verifications.run(house.store, house.org, began, asyncio.Lock(), actor=house.actor)


async def seal(house: House) -> None:
    async with house.store.write() as tx:
        await audit.seal(tx, house.org.id)


async def test_a_check_finds_what_verify_finds(house: House) -> None:
    await house.create("ann")
    await seal(house)
    async with house.store.scan() as tx:
        verdict = await audit.verify(tx, house.org.id)
    began = await begin(house)
    await run(house, began)
    [check] = await checks(house)
    assert check.ended is not None
    assert began <= check.ended == check.seen
    assert (check.began, check.seals, check.events, check.unsealed, check.head, check.problem) == (
        began, verdict.seals, verdict.events, verdict.unsealed, verdict.head, None,
    )  # fmt: skip
    assert verdict.seals == 1


async def test_a_check_of_a_changed_trail_says_what_is_wrong(house: House) -> None:
    await house.create("ann")
    await seal(house)
    async with house.store.write() as tx:
        await tx.run("UPDATE audit_events SET actor_id = 'W0' WHERE org_id = $1", house.org.id)
    await run(house, await begin(house))
    [check] = await checks(house)
    assert check.problem is not None
    assert "seal 1 does not fit its events" in check.problem


async def test_while_one_is_under_way_there_is_no_other(house: House) -> None:
    began = await begin(house)
    async with refused(house.store, "verification_under_way"):
        await begin(house)
    await run(house, began)
    assert await begin(house) > began


async def test_one_that_was_not_heard_of_for_a_minute_is_lost(house: House) -> None:
    await begin(house)
    async with house.store.write() as tx:
        await tx.run("UPDATE verifications SET seen = seen - $1", LOST_SECONDS * 1_000_000)
        now = tx.now
    [check] = await checks(house)
    assert not is_under_way(check, now)
    await begin(house)


async def test_how_far_it_has_come_is_said_until_it_has_ended(house: House) -> None:
    began = await begin(house)
    async with house.store.write() as tx:
        await rows.update_progress(tx, house.org.id, began, 3, 4)
    [check] = await checks(house)
    assert (check.seals, check.events, check.ended) == (3, 4, None)
    async with house.store.write() as tx:
        await rows.update(tx, house.org.id, began, FINE)
        await rows.update_progress(tx, house.org.id, began, 9, 9)
    [check] = await checks(house)
    assert (check.seals, check.events) == (1, 2)


@pytest.mark.parametrize("role", [Role.ADMIN, Role.MEMBER])
async def test_only_owners_check(house: House, role: Role) -> None:
    somebody = house.acting(await house.create("ann", role=role))
    async with refused(house.store, "permission_denied"):
        await begin(somebody)
    async with refused(house.store, "permission_denied"), house.store.write() as tx:
        await verifications.keep(tx, house.org, 1, FINE, actor=somebody.actor)
    assert await checks(house) == []


async def test_the_last_hundred_are_remembered(house: House) -> None:
    async with house.store.write() as tx:
        for began in range(1, KEPT + 3):
            await verifications.keep(tx, house.org, began, FINE, actor=house.actor)
    assert [check.began for check in await checks(house)] == [*range(KEPT + 2, 2, -1)]
