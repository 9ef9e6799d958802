"""The arithmetic of token buckets: may this be spent from all of these at once?"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from rosterd.ratelimit.limits import Limit

TOKEN = 60_000_000
"""Units of a level in one token; one token a minute is one unit a microsecond."""


class Bucket(msgspec.Struct, frozen=True, gc=False):
    """What is in a bucket, in units of a token's `TOKEN`\\ th, at a time in microseconds."""

    level: int
    at: int


class Decision(msgspec.Struct, frozen=True, gc=False):
    """``wait``: 0 if all may be spent, else the microseconds until it may. ``buckets``: as they are now."""

    wait: int
    buckets: tuple[Bucket, ...]

    @property
    def allowed(self) -> bool:
        return self.wait == 0

    @property
    def retry_after(self) -> int:
        """Whole seconds to wait, rounded up; 0 if nothing is to wait for.

        >>> Decision(1, ()).retry_after, Decision(1_000_000, ()).retry_after, Decision(0, ()).retry_after
        (1, 1, 0)
        """
        return -(-self.wait // 1_000_000)

    @property
    def remaining(self) -> tuple[int, ...]:
        """Whole tokens left, bucket by bucket."""
        return tuple(bucket.level // TOKEN for bucket in self.buckets)


def capacity(limit: Limit) -> int:
    """The level of a full bucket."""
    return limit.burst * TOKEN


def refilled(now: int, bucket: Bucket | None, limit: Limit) -> int:
    """The level at ``now`` (microseconds). None is a bucket that nobody has spent from: a full one.

    Time that went back refills nothing.

    >>> refilled(1_000_000, Bucket(0, 0), Limit("x", per_minute=120, burst=20)) // TOKEN
    2
    >>> refilled(5, Bucket(7, 1_000_000), Limit("x", 120, 20))
    7
    """
    full = limit.burst * TOKEN
    if bucket is None:
        return full
    passed = now - bucket.at
    if passed <= 0:
        return min(full, bucket.level)
    level = bucket.level + passed * limit.per_minute
    return min(full, level)


def decide(now: int, buckets: Sequence[Bucket | None], limits: Sequence[Limit], cost: int = 1) -> Decision:
    """Spend ``cost`` tokens from each bucket, or none from any if one of them lacks room.

    Buckets and limits belong together by their order; ``now`` is in microseconds. Raises `ValueError`
    for a cost above a burst: there is nothing to wait for.

    >>> limits = [Limit("all", per_minute=60, burst=9), Limit("own", per_minute=60, burst=1)]
    >>> first = decide(0, [None, None], limits)
    >>> first.allowed, first.remaining
    (True, (8, 0))
    >>> second = decide(0, first.buckets, limits)
    >>> second.allowed, second.retry_after, second.remaining
    (False, 1, (8, 0))
    """
    spent, wait = cost * TOKEN, 0
    levels: list[int] = []
    for bucket, limit in zip(buckets, limits, strict=True):
        level = refilled(now, bucket, limit)
        if level < spent:
            if cost > limit.burst:
                raise ValueError(f"a cost of {cost} is above a burst")
            wait = max(wait, -((level - spent) // limit.per_minute))
        levels.append(level)
    if wait > 0:
        spent = 0
    return Decision(wait, tuple([Bucket(level - spent, now) for level in levels]))
