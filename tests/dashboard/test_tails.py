"""Streams of server-sent events: how many, how long, and what is told."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from rosterd.dashboard import tails
from rosterd.dashboard.pages import Page
from rosterd.dashboard.tails import News, Tails
from rosterd.directory.errors import NotAllowed

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tails, "POLL_SECONDS", 0.0)
    monkeypatch.setattr(tails, "HEARTBEAT_SECONDS", 0.0)


async def nothing() -> News | None:
    return None


async def always() -> bool:
    return True


async def never() -> bool:
    return False


def parts(page: Page) -> AsyncIterator[bytes]:
    assert not isinstance(page.body, bytes)
    return page.body


async def close(page: Page) -> None:
    await page.body.aclose()  # type: ignore[union-attr]


async def test_what_is_new_is_told_with_its_id() -> None:
    told = [("0197", "<li>a</li>\n\n<li>b</li>\n")]

    async def news() -> News | None:
        return told.pop() if told else None

    async def still() -> bool:
        return bool(looks.pop())

    looks = [False, True]
    page = Tails().follow("E1", "W1", news, still)
    assert (page.status, page.media) == (200, b"text/event-stream")
    assert [part async for part in parts(page)] == [
        b"retry: 2000\n\n",
        b"id: 0197\ndata: <li>a</li>\ndata: <li>b</li>\n\n",
        b": still there\n\n",
        b"event: end\ndata:\n\n",
    ]


async def test_whoever_may_look_no_more_is_told_nothing_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tails, "HEARTBEAT_SECONDS", 60.0)

    async def news() -> News | None:
        return "0197", "<li>a</li>"

    page = Tails().follow("E1", "W1", news, never)
    assert [part async for part in parts(page)] == [b"retry: 2000\n\n", b"event: end\ndata:\n\n"]


async def test_a_word_comes_while_nothing_happens() -> None:
    stream = parts(Tails().follow("E1", "W1", nothing, always))
    assert [await anext(stream) for _ in range(3)] == [
        b"retry: 2000\n\n",
        b": still there\n\n",
        b": still there\n\n",
    ]


async def test_a_stream_ends_when_the_server_stops() -> None:
    following = Tails()
    stream = parts(following.follow("E1", "W1", nothing, always))
    await anext(stream)
    following.stopping.set()
    assert [part async for part in stream] == []
    with pytest.raises(NotAllowed, match="try_again_later"):
        following.follow("E1", "W1", nothing, always)


async def test_there_are_so_many_streams_and_no_more() -> None:
    following = Tails()
    pages = [
        following.follow(f"E{number % 2}", f"W{number % 10}", nothing, always) for number in range(tails.MOST)
    ]
    with pytest.raises(NotAllowed, match="try_again_later"):
        following.follow("E9", "W99", nothing, always)
    await anext(parts(pages[0]))
    for page in pages[:2]:  # one has begun, the other has not
        await close(page)
        await close(page)
    more = [following.follow("E1", "W99", nothing, always) for _ in range(2)]
    with pytest.raises(NotAllowed, match="try_again_later"):
        following.follow("E1", "W98", nothing, always)
    for page in (*pages, *more):
        await close(page)


async def test_nobody_takes_all_of_them() -> None:
    following = Tails()
    pages = [following.follow("E1", "W1", nothing, always) for _ in range(tails.MOST_EACH)]
    with pytest.raises(NotAllowed, match="try_again_later"):
        following.follow("E1", "W1", nothing, always)
    pages.append(following.follow("E1", "W2", nothing, always))
    for page in pages:
        await close(page)


async def test_no_organisation_takes_all_of_them() -> None:
    following = Tails()
    pages = [
        following.follow("E1", f"W{number % 10}", nothing, always) for number in range(tails.MOST_OF_ORG)
    ]
    with pytest.raises(NotAllowed, match="try_again_later"):
        following.follow("E1", "W99", nothing, always)
    pages.append(following.follow("E2", "W0", nothing, always))
    await close(pages[0])
    pages.append(following.follow("E1", "W99", nothing, always))
    for page in pages:
        await close(page)
