"""How often somebody may ask for the same thing, and how many at once: by each process for itself."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from ipaddress import ip_address, ip_network
from typing import Any, TypeVar

from rosterd.directory.errors import NotAllowed
from rosterd.ratelimit.buckets import Bucket, decide
from rosterd.ratelimit.limits import Limit

MAILS = Limit("signin_link", per_minute=1, burst=15)
MAIL_COST = 3
"""Five mails at once to one address, then one every three minutes."""

REFUSALS = Limit("refused_sign_ins", per_minute=60, burst=60)
"""Of the refused sign-ins of one person, or of nobody known, so many are put into the trail."""

PASSWORDS_FROM = Limit("passwords_from", per_minute=60, burst=60)
"""From one network, whatever the name. Behind a proxy that is everybody."""

PASSWORDS = Limit("passwords", per_minute=3, burst=10)
"""With one name from one network. More would help whoever guesses."""

NAMED_PASSWORDS = Limit("named_passwords", per_minute=30, burst=60)
"""With one name from anywhere. Fewer would let one stranger keep an administrator out."""

ALL_PASSWORDS = Limit("all_passwords", per_minute=180, burst=180)

MOST_KEYS = 10_000

MOST_WAITING = 8
"""Who wait for their turn, the one whose turn it is among them."""

MOST_DRAWN = 3
"""Pages of one person that are drawn at once; others of theirs wait."""

MOST_ASKED = 20
"""Pages of one person that are drawn, or wait."""

MOST_FILES = 3
"""Files that one person takes home at once."""

LOOK_SECONDS = 2.0
"""How often is looked whether they may still have the rest."""

T = TypeVar("T")


def network_of(address: str | None) -> str:
    """Whoever has an address has its neighbours, too: of IPv6, 2^80 of them. Empty: nobody knows.

    >>> network_of("192.0.2.7"), network_of("2001:db8:7::1"), network_of("::ffff:192.0.2.7"), network_of(None)
    ('192.0.2.7/32', '2001:db8:7::/48', '192.0.2.7/32', '')
    """
    try:
        known = ip_address(address or "")
    except ValueError:
        return ""
    mapped = getattr(known, "ipv4_mapped", None) or known
    return str(ip_network(f"{mapped}/{48 if mapped.version == 6 else 32}", strict=False))


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


class Shares:
    """What one person has of the server at once: few lists are read at a time, and others wait for theirs."""

    def __init__(self) -> None:
        self._asked: Counter[str] = Counter()
        self._gates: dict[str, asyncio.Semaphore] = {}
        self._files: Counter[str] = Counter()

    async def draw(self, person: str, work: Callable[[], Awaitable[T]]) -> T:
        """What ``work`` gives when it is its turn. Raises ``try_again_later`` where too many wait."""
        if self._asked[person] >= MOST_ASKED:
            raise NotAllowed("try_again_later")
        self._asked[person] += 1
        gate = self._gates.setdefault(person, asyncio.Semaphore(MOST_DRAWN))
        try:
            async with gate:
                return await work()
        finally:
            self._asked[person] -= 1
            if not self._asked[person]:
                del self._asked[person], self._gates[person]

    def file(
        self, person: str, parts: AsyncIterator[bytes], still: Callable[[], Awaitable[bool]]
    ) -> AsyncIterator[bytes]:
        """The parts of a file, of which none was made; whoever has them closes them.

        Raises ``try_again_later`` where somebody takes too many. The parts raise ``permission_denied`` once
        ``still`` does not say any more that they may have the rest: nobody takes them for the whole file.
        """
        if self._files[person] >= MOST_FILES:
            raise NotAllowed("try_again_later")
        return Held(self._files, person, parts, still)


class Held:
    """What is sent part by part, and the place of whoever takes it; who closes it gives the place back.

    With ``still``: it ends with ``permission_denied`` once that says that they may not have the rest.
    """

    def __init__(
        self,
        places: Counter[Any],
        holder: Hashable,
        parts: AsyncIterator[bytes],
        still: Callable[[], Awaitable[bool]] | None = None,
    ) -> None:
        self._places = places
        self._holder: Hashable | None = holder
        self._parts = parts
        self._still = still
        self._looked = time.monotonic()
        places[holder] += 1

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        if self._still is not None and time.monotonic() - self._looked >= LOOK_SECONDS:
            if not await self._still():
                raise NotAllowed("permission_denied")
            self._looked = time.monotonic()
        return await anext(self._parts)

    async def aclose(self) -> None:
        """Give the place back. May be called twice."""
        if self._holder is not None:
            self._places[self._holder] -= 1
            if not self._places[self._holder]:
                del self._places[self._holder]
            self._holder = None
        close = getattr(self._parts, "aclose", None)
        if close is not None:
            await close()
