"""What charts are drawn from: numbers in, places in a picture out. The pictures are templates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

HEIGHT = 58
"""Of the tallest column, in the picture's units; the picture is 60 high, with its foot at 59."""


class Series(NamedTuple):
    """One kind of thing that is counted. ``key``: its colour's name in the stylesheet."""

    name: str
    key: str
    counts: Sequence[int]


class Piece(NamedTuple):
    """A part of a column."""

    key: str
    day: int  # from 0
    top: float
    height: float


class Columns(NamedTuple):
    """Columns, one for each day, in which the series stand on top of each other."""

    caption: str
    days: Sequence[str]
    series: Sequence[Series]

    @property
    def most(self) -> int:
        """How much the tallest column stands for.

        >>> Columns("", ["1 May", "2 May"], [Series("a", "a", [1, 2]), Series("b", "b", [3, 0])]).most
        4
        """
        return max(
            (sum(counts) for counts in zip(*(each.counts for each in self.series), strict=True)), default=0
        )

    @property
    def pieces(self) -> Iterator[Piece]:
        """The parts that are not empty.

        >>> [*Columns("", ["1 May"], [Series("a", "a", [1]), Series("b", "b", [3])]).pieces]
        [Piece(key='a', day=0, top=44.5, height=14.5), Piece(key='b', day=0, top=1.0, height=43.5)]
        """
        unit = HEIGHT / (self.most or 1)
        for day in range(len(self.days)):
            foot = HEIGHT + 1.0
            for each in self.series:
                if each.counts[day]:
                    height = round(each.counts[day] * unit, 2)
                    foot = round(foot - height, 2)
                    yield Piece(each.key, day, foot, height)
