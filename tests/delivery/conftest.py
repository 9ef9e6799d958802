"""An organisation whose errands are to be delivered, on both engines."""

from __future__ import annotations

import pytest

from rosterd.store.engine import Store
from tests.actions.acting import House, found_house


@pytest.fixture
async def house(store: Store) -> House:
    """An Enterprise organisation; its primary owner acts."""
    return await found_house(store)
