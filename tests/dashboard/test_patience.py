"""Work that takes long is done one piece at a time, and few wait for it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator

import pytest

from rosterd.dashboard import patience
from rosterd.dashboard.patience import Shares, Turns
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


async def test_whoever_asks_for_many_pages_at_once_keeps_nobody_else_waiting() -> None:
    shares, go = Shares(), asyncio.Event()
    drawn: list[int] = []

    async def page(number: int) -> int:
        drawn.append(number)
        await go.wait()
        return number

    asked = [
        asyncio.create_task(shares.draw("W1", lambda number=number: page(number)))  # type: ignore[misc]
        for number in range(patience.MOST_ASKED)
    ]
    await asyncio.sleep(0)
    assert drawn == [*range(patience.MOST_DRAWN)]
    with pytest.raises(DirectoryError, match="try_again_later"):
        await shares.draw("W1", lambda: page(-1))
    other = asyncio.create_task(shares.draw("W2", lambda: page(-2)))
    await asyncio.sleep(0)
    assert drawn[-1] == -2
    go.set()
    assert await asyncio.gather(*asked, other) == [*range(patience.MOST_ASKED), -2]
    assert await shares.draw("W1", lambda: page(7)) == 7


async def always() -> bool:
    return True


async def two_parts() -> AsyncIterator[bytes]:
    yield b"a"
    yield b"b"


async def test_files_that_are_taken_home_have_places_and_give_them_back() -> None:
    shares = Shares()
    taken = [shares.file("W1", two_parts(), always) for _ in range(patience.MOST_FILES)]
    with pytest.raises(DirectoryError, match="try_again_later"):
        shares.file("W1", two_parts(), always)
    assert [part async for part in shares.file("W2", two_parts(), always)] == [b"a", b"b"]
    assert await anext(taken[0]) == b"a"
    for each in taken:  # one has begun, the others have not
        await each.aclose()  # type: ignore[attr-defined]
        await each.aclose()  # type: ignore[attr-defined]
    for _ in range(patience.MOST_FILES):
        shares.file("W1", two_parts(), always)


async def test_whoever_may_not_have_the_rest_of_a_file_gets_no_more_of_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(patience, "LOOK_SECONDS", 0.0)
    looks = [False, True]

    async def still() -> bool:
        return looks.pop()

    taken = Shares().file("W1", two_parts(), still)
    assert await anext(taken) == b"a"
    with pytest.raises(DirectoryError, match="permission_denied"):
        await anext(taken)
