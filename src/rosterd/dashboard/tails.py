"""Streams of server-sent events: who may follow something, and how long.

Rules of this module:

1. There are `MOST` streams at a time, `MOST_OF_ORG` of one organisation, `MOST_EACH` of one person. A place
   is taken before the answer begins, and given back when it is closed, whether any of it was sent or not.
2. A stream ends when the server stops (whoever follows comes back by themselves), and when the person may not
   look any more (which is said, so that they do not). Of what happens from then on they are told nothing.

Source: HTML, heading *Server-sent events*.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable

from rosterd.dashboard import pages
from rosterd.dashboard.pages import Page
from rosterd.dashboard.patience import Held
from rosterd.directory.errors import NotAllowed

MOST = 50
MOST_OF_ORG = 30
MOST_EACH = 10
POLL_SECONDS = 1.0
SHARE = 0.25
"""Of one processor's time, for all streams together: where much happens, each is told less often."""
LONGEST_PAUSE = 10.0
HEARTBEAT_SECONDS = 15.0
"""After so long without a word there is a comment, so that nobody on the way takes the line for dead."""

MEDIA = b"text/event-stream"

News = tuple[str, str]
"""An id to go on from, and HTML."""

Person = tuple[str, str]
"""An organisation, and somebody in it."""


class Tails:
    """The streams of one process."""

    def __init__(self) -> None:
        self.stopping = asyncio.Event()
        self._following: Counter[Person] = Counter()

    def follow(
        self,
        org: str,
        person: str,
        news: Callable[[], Awaitable[News | None]],
        still: Callable[[], Awaitable[bool]],
    ) -> Page:
        """A stream of what ``news`` gives, which is asked about every second, for as long as ``still`` says.

        Raises ``try_again_later``.
        """
        who, places = (org, person), self._following
        of_org = sum(number for (other, _), number in places.items() if other == org)
        is_full = places.total() >= MOST or of_org >= MOST_OF_ORG or places[who] >= MOST_EACH
        if is_full or self.stopping.is_set():
            raise NotAllowed("try_again_later")
        headers = pages.headers() | {"X-Accel-Buffering": "no"}  # nginx would keep it to itself
        return Page(200, Held(places, who, self._parts(news, still)), MEDIA, headers)

    async def _parts(
        self, news: Callable[[], Awaitable[News | None]], still: Callable[[], Awaitable[bool]]
    ) -> AsyncIterator[bytes]:
        yield b"retry: 2000\n\n"
        spoke = time.monotonic()
        while not self.stopping.is_set():
            began = time.monotonic()
            found = await news()
            spent = time.monotonic() - began
            is_silent = time.monotonic() - spoke >= HEARTBEAT_SECONDS
            if (found is not None or is_silent) and not await still():
                yield b"event: end\ndata:\n\n"
                return
            if found is not None:
                yield message(*found)
            if is_silent:
                yield b": still there\n\n"
                spoke = time.monotonic()
            try:
                async with asyncio.timeout(self._pause(spent)):
                    await self.stopping.wait()
            except TimeoutError:
                continue

    def _pause(self, spent: float) -> float:
        """How long to wait, if finding out what is new takes so long."""
        return max(POLL_SECONDS, min(LONGEST_PAUSE, spent * self._following.total() / SHARE))


def message(id: str, html: str) -> bytes:
    r"""One event.

    >>> message("0197", "<li>a</li>\n<li>b</li>\n")
    b'id: 0197\ndata: <li>a</li>\ndata: <li>b</li>\n\n'
    """
    lines = "".join(f"data: {line}\n" for line in html.splitlines() if line)
    return f"id: {id}\n{lines}\n".encode()
