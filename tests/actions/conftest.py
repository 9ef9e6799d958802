"""Organisations of both plans, on both engines."""

from __future__ import annotations

import pytest

from rosterd.directory.model import Plan
from rosterd.store.engine import Store
from tests.actions.acting import House, found_house


@pytest.fixture
async def house(store: Store) -> House:
    """An Enterprise organisation; its primary owner acts."""
    return await found_house(store)


@pytest.fixture
async def business(store: Store) -> House:
    """A Business+ organisation; its primary owner acts."""
    return await found_house(store, Plan.BUSINESS_PLUS)
