"""Cases by number: what case *n* of a seed is, what comes of it, and a chunk of them in a row."""

from __future__ import annotations

import signal
import tempfile
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from random import Random
from types import FrameType

import msgspec

from tests.fuzz import stored, targets
from tests.fuzz.targets import REFUSALS, Target

CPU_SECONDS, CPU_SECONDS_PER_MIB = 1.0, 0.25
"""What one case may take of the processor, waiting not counted; to read 8 MiB takes about a second."""

ALL: tuple[Target, ...] = (*targets.TARGETS, *stored.TARGETS)
_DRAWN = tuple(target for target in ALL for _ in range(target.share))


class TooSlow(BaseException):
    """A case is at it for too long. No `Exception`: nothing on the way may take it for its own."""


class Finding(msgspec.Struct, frozen=True):
    """A case that nobody may see: run it again by its number, or from its input."""

    seed: int
    case: int
    target: str
    input: bytes
    error: str


class Report(msgspec.Struct):
    """What came of some cases."""

    accepted: dict[str, int] = {}
    refused: dict[str, int] = {}
    findings: list[Finding] = []

    def add(self, other: Report) -> None:
        for mine, theirs in ((self.accepted, other.accepted), (self.refused, other.refused)):
            for name, count in theirs.items():
                mine[name] = mine.get(name, 0) + count
        self.findings += other.findings

    @property
    def cases(self) -> int:
        return sum(self.accepted.values()) + sum(self.refused.values()) + len(self.findings)


def case_of(seed: int, number: int, drawn: Sequence[Target] = _DRAWN) -> tuple[Target, bytes]:
    """The target and the input of one case."""
    random = Random(seed * 1_000_003 + number)
    target = random.choice(drawn)
    return target, target.make(random)


def run_case(seed: int, number: int, report: Report, drawn: Sequence[Target] = _DRAWN) -> None:
    """One case, noted in the report."""
    target, data = case_of(seed, number, drawn)
    try:
        with _limited(CPU_SECONDS + CPU_SECONDS_PER_MIB * len(data) / 2**20):
            target.run(data)
    except REFUSALS:
        report.refused[target.name] = report.refused.get(target.name, 0) + 1
    except (Exception, TooSlow):  # noqa: BLE001 - this is what is looked for
        report.findings.append(Finding(seed, number, target.name, data[:100_000], traceback.format_exc(-6)))
    else:
        report.accepted[target.name] = report.accepted.get(target.name, 0) + 1


def run_chunk(seed: int, first: int, count: int) -> Report:
    """The cases ``first`` to ``first + count - 1``."""
    report = Report()
    for number in range(first, first + count):
        run_case(seed, number, report)
    return report


def put_files_in(folder: str) -> None:
    """For a process that ends without tidying up: from now on its files are in this folder."""
    tempfile.tempdir = folder


@contextmanager
def _limited(seconds: float) -> Iterator[None]:
    """Ends what is inside with TooSlow once it has had so much of the processor."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise TooSlow

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
