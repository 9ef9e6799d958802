"""The one namespace of usernames, channel names and reserved words, on both engines."""

from __future__ import annotations

import asyncio

import pytest

from rosterd.store import names
from rosterd.store.engine import Store
from tests.store.rows import E1, E2

pytestmark = pytest.mark.anyio


async def test_a_name_is_held_once_whatever_holds_it(store: Store) -> None:
    async with store.write() as tx:
        assert await names.add(tx, E1, "sales", "channel", "C1")
        assert not await names.add(tx, E1, "sales", "user", "W1")
        assert await names.add(tx, E2, "sales", "user", "W1")
        assert await names.kind_of(tx, E1, "sales") == "channel"
        await names.remove(tx, E1, "sales")
        assert await names.kind_of(tx, E1, "sales") is None
        assert await names.kind_of(tx, E2, "sales") == "user"


async def test_reserved_words_do_not_displace_who_is_there(store: Store) -> None:
    async with store.write() as tx:
        await names.add(tx, E1, "here", "user", "W1")
        await names.add_reserved(tx, E1, {"here", "everyone"})
        await names.add_reserved(tx, E1, {"everyone"})
        assert await names.kind_of(tx, E1, "here") == "user"
        assert await names.kind_of(tx, E1, "everyone") == "reserved"
        assert not await names.add(tx, E1, "everyone", "user", "W2")


async def test_names_like_a_stem_start_with_it(store: Store) -> None:
    async with store.write() as tx:
        for name in ("ann", "ann2", "anna", "ano", "an", "bann", "ann_x"):
            await names.add(tx, E1, name, "user", "W1")
        await names.add(tx, E2, "ann9", "user", "W1")
        assert await names.like(tx, E1, "ann") == {"ann", "ann2", "anna", "ann_x"}


async def test_of_many_who_ask_for_a_name_at_once_one_gets_it(store: Store) -> None:
    async def ask(number: int) -> bool:
        async with store.write() as tx:
            return await names.add(tx, E1, "wanted", "user", f"W{number}")

    assert sum(await asyncio.gather(*map(ask, range(20)))) == 1
