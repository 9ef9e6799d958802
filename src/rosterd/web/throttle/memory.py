"""Buckets and locks in this process.

A bucket that is full again says nothing and is forgotten, so memory follows the organisations that are
busy and not those that ever were.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import repeat

from rosterd.directory.model import OrgId
from rosterd.ratelimit.buckets import TOKEN, Bucket, capacity, decide, refilled
from rosterd.ratelimit.limits import Limit
from rosterd.web.throttle.asking import ADMITTED, LOCKED, Ask, Headroom, Level, Verdict

_SWEEP = 1_000
"""Buckets from which on full ones are looked for."""


def monotonic() -> int:
    """Microseconds of a clock that nobody sets."""
    return time.monotonic_ns() // 1_000


class Memory:
    """``clock`` gives microseconds. What is asked is answered without waiting: tasks cannot interleave."""

    def __init__(self, clock: Callable[[], int] = monotonic) -> None:
        self._clock = clock
        self._buckets: dict[tuple[OrgId, str], Bucket] = {}
        self._limits: dict[tuple[OrgId, str], Limit] = {}  # of the buckets
        self._locked: set[tuple[OrgId, str]] = set()
        self._sweep_at = _SWEEP

    async def ask(self, ask: Ask) -> Verdict:
        """See `Place.ask`."""
        return self.decide(ask)

    def decide(self, ask: Ask) -> Verdict:
        """The same at once."""
        lock = None if ask.resource is None else (ask.org, ask.resource)
        if lock in self._locked:
            return LOCKED
        now = self._clock()
        before = [*map(self._buckets.get, ask.keys)]
        levels = [*map(refilled, repeat(now), before, ask.limits)]
        if min(levels) < TOKEN:
            return Verdict(decide(now, before, ask.limits).retry_after)
        self._keep(ask, [Bucket(level - TOKEN, now) for level in levels])
        if lock is None:
            return ADMITTED
        self._locked.add(lock)
        return Verdict(release=partial(self._release, lock))

    def note(self, ask: Ask, levels: Iterable[int]) -> None:
        """From now on the buckets of this request are at these levels."""
        now = self._clock()
        self._keep(ask, [Bucket(level, now) for level in levels])

    def _keep(self, ask: Ask, buckets: Iterable[Bucket]) -> None:
        self._buckets.update(zip(ask.keys, buckets, strict=True))
        if len(self._buckets) > len(self._limits):
            self._limits.update(zip(ask.keys, ask.limits, strict=True))
            if len(self._buckets) >= self._sweep_at:
                self._forget_full(self._clock())

    def headroom(self) -> Iterator[Headroom]:
        """See `Place.headroom`."""
        now = self._clock()
        limits = self._limits
        least: dict[tuple[OrgId, Limit], int] = {}
        for key, bucket in [*self._buckets.items()]:  # a copy: a thread may ask
            limit = limits.get(key)
            if limit is not None and (level := refilled(now, bucket, limit)) < capacity(limit):
                least[key[0], limit] = min(level, least.get((key[0], limit), level))
        for (org, limit), level in least.items():
            yield Headroom(org, limit.name, level // TOKEN, limit.burst)

    def levels(self, org: OrgId) -> Iterator[Level]:
        """See `Place.levels`."""
        now = self._clock()
        for key, bucket in self._buckets.items():
            limit = self._limits.get(key)
            if key[0] == org and limit is not None:
                level = refilled(now, bucket, limit)
                if level < capacity(limit):
                    yield Level(key[1], limit, level // TOKEN)

    async def close(self) -> None:
        """Nothing to give back."""

    def _forget_full(self, now: int) -> None:
        self._buckets = {
            key: bucket
            for key, bucket in self._buckets.items()
            if refilled(now, bucket, self._limits[key]) < capacity(self._limits[key])
        }
        self._limits = {key: self._limits[key] for key in self._buckets}
        self._sweep_at = max(_SWEEP, 2 * len(self._buckets))

    async def _release(self, lock: tuple[OrgId, str]) -> None:
        self._locked.discard(lock)
