"""How often somebody may ask for the same thing, and how many at once: by each process for itself."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

from rosterd.directory.errors import NotAllowed
from rosterd.ratelimit.buckets import Bucket, decide
from rosterd.ratelimit.limits import Limit

MAILS = Limit("signin_link", per_minute=1, burst=15)
MAIL_COST = 3
"""Five mails at once to one address, then one every three minutes."""

REFUSALS = Limit("refused_sign_ins", per_minute=60, burst=60)
"""Of the refused sign-ins of one person, or of nobody known, so many are put into the trail."""

PASSWORDS = Limit("passwords", per_minute=3, burst=10)
"""With one name. More would help whoever guesses; fewer, whoever wants to keep an administrator out."""

ALL_PASSWORDS = Limit("all_passwords", per_minute=60, burst=60)

MOST_KEYS = 10_000

MOST_WAITING = 8
"""Who wait for their turn, the one whose turn it is among them."""

T = TypeVar("T")


class Patience:
    """Buckets by key; when there are too many, the oldest are forgotten."""

    def __init__(self) -> None:
        self._buckets: dict[str, Bucket] = {}

    def allows(self, key: str, limit: Limit, cost: int) -> bool:
        """Whether this may be once more."""
        decision = decide(time.time_ns() // 1_000, [self._buckets.pop(key, None)], [limit], cost)
        self._buckets[key] = decision.buckets[0]
        if len(self._buckets) > MOST_KEYS:
            self._buckets.pop(next(iter(self._buckets)))
        return decision.allowed


class Turns:
    """Work that takes long and much memory, in a thread: one piece at a time."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()
        self._waiting = 0

    async def take(self, work: Callable[[], T]) -> T:
        """What ``work`` gives. Raises ``try_again_later`` where too many wait."""
        if self._waiting >= MOST_WAITING:
            raise NotAllowed("try_again_later")
        self._waiting += 1
        try:
            async with self._turn:
                return await asyncio.to_thread(work)
        finally:
            self._waiting -= 1
