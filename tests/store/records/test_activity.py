"""On which days people were there."""

from __future__ import annotations

import pytest

from rosterd import app
from rosterd.actions.doors import signin
from rosterd.directory.analytics import first_kept
from rosterd.directory.model import OrgId, Token, TokenId, UserId
from rosterd.directory.signin import Means
from rosterd.store.doors import tokens
from rosterd.store.engine import Store, Tx
from rosterd.store.records import activity
from rosterd.store.records.activity import DAY, Note
from tests.actions.acting import KEY, ORIGIN, found_house
from tests.store.rows import E1, E2, found

pytestmark = pytest.mark.anyio

W1, W2 = UserId("W1"), UserId("W2")
Row = tuple[str, int, str, int, int]


async def noted(tx: Tx) -> list[Row]:
    """All that is noted, in order."""
    rows = await tx.all("SELECT org_id, day, user_id, signed_in, by_app FROM activity ORDER BY 1, 2, 3")
    return [(*row,) for row in rows]


async def test_what_was_noted_stays_and_more_is_added(store: Store) -> None:
    async with store.write() as tx:
        await found(tx, 2)
        await activity.note(tx, [])
        await activity.note(tx, [Note(E1, 7, W1, signed_in=True), Note(E1, 7, W2), Note(E1, 8, W1)])
        await activity.note(
            tx, [Note(E1, 7, W1, by_app=True), Note(E1, 7, W2), Note(E1, 8, W1, signed_in=True)]
        )
        assert await noted(tx) == [("E1", 7, "W1", 1, 1), ("E1", 7, "W2", 0, 0), ("E1", 8, "W1", 1, 0)]
        assert [await activity.latest(tx, E1, user) for user in (W1, W2, UserId("W3"))] == [8, 7, None]
        assert await activity.latest(tx, E2, W1) is None


async def test_the_owners_of_tokens_were_there_by_an_app(store: Store) -> None:
    async with store.write() as tx:
        for org in (E1, E2):
            await found(tx, 2, org)
            token = Token(TokenId("A1"), org, W2, ("admin",), None, (), 1, None, None, None)
            await tokens.insert(tx, token, f"hash-{org}")
        await activity.note(tx, [Note(E1, 3, W2, signed_in=True)])
        uses = [("hash-E1", 3 * DAY), ("hash-E1", 5 * DAY - 1), ("hash-E2", 4 * DAY), ("no such", 3 * DAY)]
        await activity.note_tokens(tx, uses)
        await activity.note_tokens(tx, uses)
        assert await noted(tx) == [("E1", 3, "W2", 1, 1), ("E1", 4, "W2", 0, 1), ("E2", 4, "W2", 0, 1)]


async def test_what_no_file_is_made_of_is_forgotten(store: Store) -> None:
    today = 20_000
    first = first_kept(today)
    async with store.write() as tx:
        for org in (E1, E2):
            await found(tx, 2, org)
        days = (first - 100, first - 1, first, today)
        await activity.note(tx, [Note(OrgId(org), day, W1) for org in (E1, E2) for day in days])
        await activity.note(tx, [Note(E1, first - 1, W2)])
        assert await activity.prune(tx, E1, first - 1, limit=1) == 1
        assert await activity.oldest(tx, E1) == first - 100
    assert await app.prune(store, today) == 4
    assert await app.prune(store, today) == 0
    async with store.read() as tx:
        assert [row[:2] for row in await noted(tx)] == [
            (org, day) for org in (E1, E2) for day in (first, today)
        ]


async def test_signing_in_is_noted_on_its_day(store: Store) -> None:
    house = await found_house(store)
    for _ in range(2):
        async with store.write() as tx:
            entry = await signin.sign_in(tx, house.org, house.owner.id, Means.LINK, key=KEY, origin=ORIGIN)
    async with store.read() as tx:
        day = entry.session.created // 1_000_000 // DAY
        assert (house.org.id, day, house.owner.id, 1, 0) in await noted(tx)
