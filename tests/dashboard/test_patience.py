"""Work that takes long is done one piece at a time, and few wait for it."""

from __future__ import annotations

import asyncio
import threading

import pytest

from rosterd.dashboard import patience
from rosterd.dashboard.patience import Turns
from rosterd.directory.errors import DirectoryError

pytestmark = pytest.mark.anyio


async def test_one_at_a_time_and_the_rest_of_a_long_line_come_again() -> None:
    turns, go = Turns(), threading.Event()
    at_work: list[int] = []
    most: list[int] = []

    def work(number: int) -> int:
        at_work.append(number)
        go.wait(10)
        most.append(len(at_work))
        at_work.remove(number)
        return number

    waiting = [
        asyncio.create_task(turns.take(lambda number=number: work(number)))  # type: ignore[misc]
        for number in range(patience.MOST_WAITING)
    ]
    await asyncio.sleep(0)
    with pytest.raises(DirectoryError, match="try_again_later"):
        await turns.take(lambda: 0)
    go.set()
    assert await asyncio.gather(*waiting) == [*range(patience.MOST_WAITING)]
    assert set(most) == {1}
    assert await turns.take(lambda: 7) == 7


async def test_work_that_fails_gives_its_turn_back() -> None:
    turns = Turns()
    for _ in range(patience.MOST_WAITING + 1):
        with pytest.raises(ZeroDivisionError):
            await turns.take(lambda: 1 // 0)
