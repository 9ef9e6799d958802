"""Figures, and what they are to reach."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from statistics import median
from typing import NamedTuple

import msgspec

SQLITE, POSTGRESQL = "sqlite", "postgresql"
UVICORN = "uvicorn, fixed body"


class Figure(msgspec.Struct, frozen=True):
    """One thing measured. ``ratio`` is to the control; for what has a size of its own, ``value`` counts."""

    name: str
    engine: str
    users: int
    value: float
    unit: str
    control: str = ""
    beside: float | None = None  # the control's value, in the same unit
    ratio: float | None = None
    cpu: float | None = None  # the ratio, of answers for each second that the two have worked
    driver: float | None = None  # the database's driver with its bare statement, in the same unit
    p99: float | None = None  # milliseconds, of the same answers
    load: float | None = None  # the part of its core that the load needed to drive the control
    target: str = ""
    reached: bool | None = None


class Target(NamedTuple):
    """``least`` or ``most`` of a figure's ratio, or of its value where it has no ratio.

    A name that ends in a space is that of all figures whose names begin so.
    """

    name: str
    engine: str
    users: int  # 0: any number
    least: float | None = None
    most: float | None = None

    def fits(self, figure: Figure) -> bool:
        named = figure.name.startswith(self.name) if self.name.endswith(" ") else figure.name == self.name
        return named and self.engine in ("", figure.engine) and self.users in (0, figure.users)

    @property
    def words(self) -> str:
        """
        >>> Target("GET by id", "sqlite", 100_000, least=0.55).words
        '≥ 0.55'
        """
        return f"≥ {self.least:g}" if self.least is not None else f"≤ {self.most:g}"

    def reached_by(self, number: float) -> bool:
        return (self.least is None or number >= self.least) and (self.most is None or number <= self.most)


GET, FILTER, POST = "GET by id", "filter by userName", "POST user, 32 in flight"
PATCH_V1 = "PATCH of one member, group of 100,000, v1"
PATCH_V2 = "PATCH of one member, group of 100,000, v2"
LEADING = "PATCH of one member, 20 workspaces and 50 channels follow"
DEEP = "page of 100 at 500,000"
GROWTH = "filter by userName, cost at 1M beside 1k"
GET_POSTGRESQL, FILTER_POSTGRESQL = "GET by id, PostgreSQL beside SQLite", "filter, PostgreSQL beside SQLite"
P99 = "GET by id, p99 during "
PAGE, ANSWER = "page: ", "list of members: "
FILE, FILE_MEMORY = "file of all members", "memory for a file of all members"
CLICKED = "GET by id, 50 people click"
MEMORY, GROUP_MEMORY = "memory of the worker", "memory for reading a group of 100,000"

TARGETS = (
    Target(GET, SQLITE, 100_000, least=0.55),
    Target(FILTER, SQLITE, 100_000, least=0.4),
    Target(GROWTH, "", 0, most=1.5),
    Target(POST, SQLITE, 0, least=0.35),
    Target(POST, POSTGRESQL, 0, least=0.4),
    Target(PATCH_V1, "", 0, most=1.5),
    Target(PATCH_V2, "", 0, most=1.5),
    Target(LEADING, "", 0, least=0.1),
    Target(DEEP, "", 1_000_000, most=10),
    Target(MEMORY, "", 1_000_000, most=150),
    Target(GROUP_MEMORY, "", 0, most=64),
    Target(P99, "", 0, most=50),
    Target(PAGE, "", 0, most=100),
    Target(ANSWER, "", 0, most=500),
    Target(FILE_MEMORY, "", 0, most=64),
    Target(CLICKED, "", 0, least=0.7),
    Target(GET_POSTGRESQL, "", 0, least=0.3),
    Target(FILTER_POSTGRESQL, "", 0, least=0.3),
)


class Rounds(msgspec.Struct, frozen=True):
    """What two contenders reached, round by round."""

    ours: list[float]
    theirs: list[float]

    @property
    def value(self) -> float:
        return median(self.ours)

    @property
    def beside(self) -> float:
        return median(self.theirs)

    @property
    def ratio(self) -> float:
        """The median of the rounds' ratios: what slows both down in one round leaves it as it is.

        >>> Rounds([10, 5, 12], [20, 10, 20]).ratio
        0.5
        """
        return median(ours / theirs for ours, theirs in zip(self.ours, self.theirs, strict=True))


def duel(ours: Callable[[], float], theirs: Callable[[], float], rounds: int) -> Rounds:
    """Let the two take turns."""
    pairs = [(ours(), theirs()) for _ in range(rounds)]
    return Rounds([pair[0] for pair in pairs], [pair[1] for pair in pairs])


def judged(figure: Figure) -> Figure:
    """The figure with what it was to reach, and whether it did."""
    target = next((target for target in TARGETS if target.fits(figure)), None)
    if target is None:
        return figure
    number = figure.value if figure.ratio is None else figure.ratio
    return msgspec.structs.replace(figure, target=target.words, reached=target.reached_by(number))


def derived(figures: Iterable[Figure]) -> Iterator[Figure]:
    """What follows from figures of different sizes and engines, each taken beside its own control."""
    ratios = {(figure.name, figure.engine, figure.users): figure.ratio for figure in figures}
    for engine in (SQLITE, POSTGRESQL):
        small, large = (ratios.get((FILTER, engine, users)) for users in (1_000, 1_000_000))
        if small and large:
            yield Figure(GROWTH, engine, 1_000_000, small / large, "times")
    for name, base in ((GET_POSTGRESQL, GET), (FILTER_POSTGRESQL, FILTER)):
        for users in sorted({key[2] for key in ratios}):
            ours, theirs = (ratios.get((base, engine, users)) for engine in (POSTGRESQL, SQLITE))
            if ours and theirs:
                yield Figure(name, POSTGRESQL, users, ours / theirs, "times")
