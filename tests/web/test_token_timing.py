"""What a token is looked up by says nothing of how it begins; ``make fuzz`` times the refusals."""

from __future__ import annotations

from random import Random

import pytest

from rosterd.actions.doors.apps import create_token, hash_of
from rosterd.store.doors import tokens
from rosterd.store.engine import Store
from tests.actions.acting import KEY, House, dump, found_house
from tests.fuzz.timing import KINDS, Timings, rank_z, wrong_tokens

PIECE = 8  # characters of a token that nobody guesses


def shared(one: str, other: str) -> int:
    """How many leading characters two texts of one length, which differ, have in common."""
    return next(
        (place for place, pair in enumerate(zip(one, other, strict=True)) if len({*pair}) == 2), len(one)
    )


@pytest.fixture
async def house(store: Store) -> House:
    return await found_house(store)


async def a_token(house: House) -> str:
    async with house.store.write() as tx:
        return (await create_token(tx, house.org, house.owner, ["admin"], key=KEY, actor=house.actor))[1]


@pytest.mark.anyio
async def test_a_token_is_looked_up_by_a_hash_that_says_nothing_of_its_beginning(house: House) -> None:
    token = await a_token(house)
    stored = repr(await dump(house.store))
    secret = token.partition("-")[2]
    pieces = {secret[start : start + PIECE] for start in range(len(secret) - PIECE + 1)}
    assert [piece for piece in pieces if piece in stored] == []
    hashed = hash_of(token, KEY)
    assert stored.count(hashed) == 1
    async with house.store.read() as tx:
        for length in range(len(token)):
            assert await tokens.authenticate(tx, hash_of(token[:length], KEY)) is None
        assert await tokens.authenticate(tx, hashed[:-1]) is None
        assert await tokens.authenticate(tx, hashed) is not None


def test_hashes_of_tokens_that_begin_alike_do_not_begin_alike() -> None:
    token, random = "xoxp-0123456789ab-" + "x" * 43, Random(1)
    for _ in range(200):
        for wrong in wrong_tokens(token, random).values():
            assert len(wrong) == len(token)
            assert wrong != token
            assert shared(hash_of(token, KEY), hash_of(wrong, KEY)) < PIECE


def test_a_wrong_token_is_right_up_to_where_it_should_be() -> None:
    token = "xoxp-0123456789ab"
    counts = [shared(token, wrong) for wrong in wrong_tokens(token, Random(1)).values()]
    assert counts == [0, len(token) // 2, len(token) - 1]


def test_a_comparison_that_stops_early_would_be_seen() -> None:
    random = Random(1)
    even = {kind: [random.randrange(14_000, 18_000) for _ in range(2_000)] for kind in KINDS}
    assert "no leak" in Timings(even).sentence()
    leaking = even | {KINDS[-1]: [taken + 2_000 for taken in even[KINDS[-1]]]}
    assert "LEAK" in Timings(leaking).sentence()
    assert abs(rank_z(even[KINDS[0]], even[KINDS[1]])) < 4 < -rank_z(leaking[KINDS[0]], leaking[KINDS[-1]])
