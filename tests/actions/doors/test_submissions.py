"""A form counts once, in its organisation, for a day."""

from __future__ import annotations

import asyncio

import pytest

from rosterd import app
from rosterd.actions.doors import submissions
from rosterd.actions.doors.submissions import KEEP_SECONDS
from rosterd.directory.errors import DirectoryError, NotAllowed
from rosterd.store.engine import Store
from tests.actions.acting import House, found_house, refused

pytestmark = pytest.mark.anyio

FORM = "0123456789abcdef"


async def take(house: House, key: str = FORM) -> None:
    async with house.store.write() as tx:
        await submissions.take(tx, house.org, key, actor=house.actor)


async def taken(store: Store) -> list[tuple[str, str, str]]:
    async with store.read() as tx:
        return [(*row,) for row in await tx.all("SELECT org_id, key, user_id FROM submissions ORDER BY 1, 2")]


async def test_a_form_counts_once_whoever_sends_it_again(house: House) -> None:
    await take(house)
    somebody = house.acting(await house.create("ann"))
    for again in (house, somebody):
        async with refused(house.store, "already_submitted"):
            await take(again)
    assert await taken(house.store) == [(house.org.id, FORM, house.owner.id)]


async def test_each_organisation_has_forms_of_its_own(house: House) -> None:
    other = await found_house(house.store, domain="other")
    await take(house)
    await take(other)
    assert len(await taken(house.store)) == 2


@pytest.mark.parametrize(
    "key", ["", "x" * 15, "x" * 65, "x" * 15 + "\0", "x" * 15 + "é", "x" * 20 + "\n", "a b" * 8]
)
async def test_what_is_no_key_is_refused(house: House, key: str) -> None:
    async with refused(house.store, "invalid_form_data"):
        await take(house, key)


@pytest.mark.parametrize("key", ["x" * 16, "x" * 64, "AZaz09-_" * 2])
async def test_keys_are_as_secrets_writes_them(house: House, key: str) -> None:
    await take(house, key)


async def test_a_form_that_came_to_nothing_may_be_sent_again(house: House) -> None:
    with pytest.raises(NotAllowed):
        async with house.store.write() as tx:
            await submissions.take(tx, house.org, FORM, actor=house.actor)
            raise NotAllowed("permission_denied")
    await take(house)


async def test_of_two_at_the_same_time_one_counts(house: House) -> None:
    ends = await asyncio.gather(*(take(house) for _ in range(5)), return_exceptions=True)
    refusals = [end for end in ends if end is not None]
    assert len(refusals) == 4
    assert {end.code for end in refusals if isinstance(end, DirectoryError)} == {"already_submitted"}
    assert len(await taken(house.store)) == 1


async def test_after_a_day_a_form_is_forgotten(house: House) -> None:
    await take(house, "of-yesterday-0001")
    async with house.store.write() as tx:
        await tx.run("UPDATE submissions SET created = created - $1", (KEEP_SECONDS + 1) * 1_000_000)
    await take(house)
    assert await app.prune_submissions(house.store) == 1
    assert await app.prune_submissions(house.store) == 0
    assert [key for _, key, _ in await taken(house.store)] == [FORM]
