"""What a store counts about itself, for whoever watches it.

Rules of this module:

1. Plain integers, changed on the event loop only: watching costs a fraction of a microsecond, and
   nothing here can fail.
2. The engines count; what the numbers are called outside, and who may see them, is not their
   business. Nothing here ever goes back to zero.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate

MILLISECOND = 1_000_000
"""In nanoseconds, the unit of all times here."""

SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256)
"""Writes that one commit may hold: as many as requests are in flight."""

FLUSHES = tuple(int(ms * MILLISECOND) for ms in (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 1000, 5000))
"""Commits: from a disk with a battery to one that is about to fail."""

WAITS = tuple(int(ms * MILLISECOND) for ms in (0.1, 1, 5, 10, 25, 50, 100, 250, 500, 1000, 5000, 15_000))
"""Waits: from nothing to the end of every patience."""


class Histogram:
    """How many values lay between bounds, which are inclusive and in order; the last bucket has no bound.

    >>> sizes = Histogram((1, 10))
    >>> for value in (1, 2, 10, 11):
    ...     sizes.observe(value)
    >>> sizes.counts, sizes.total, sizes.cumulative()
    ([1, 2, 1], 24, [1, 3, 4])
    """

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: Sequence[int]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0

    def observe(self, value: int) -> None:
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def cumulative(self) -> list[int]:
        """How many values each bound is not below; the last number is that of all values."""
        return list(accumulate(self.counts))


@dataclass(slots=True)
class Watch:
    """A store's numbers. Times are in nanoseconds."""

    writes: Histogram = field(default_factory=lambda: Histogram(SIZES))  # in each commit that succeeded
    commits: Histogram = field(default_factory=lambda: Histogram(FLUSHES))  # how long each of them took
    failed: int = 0  # commits that did not succeed
    turn: Histogram = field(default_factory=lambda: Histogram(WAITS))  # waits to write (SQLite)
    connection: Histogram = field(
        default_factory=lambda: Histogram(WAITS)
    )  # waits for one of a few connections

    def committed(self, writes: int, nanoseconds: int) -> None:
        """A commit with so many writes is on disk, after so long."""
        self.writes.observe(writes)
        self.commits.observe(nanoseconds)
