"""The numbers of several processes behind one socket, added up: whichever is asked speaks for all.

Rules of this module:

1. Each process writes its numbers to a file of its own in a folder that all share, every second and at its
   end. Who is asked writes its own and adds up the files. Nothing but files is added up: with numbers of its
   own that the next one to be asked has not seen, a sum would fall between two scrapes.
2. What was counted stays counted when its process is gone, for the same reason. What is true of a
   living process only (a gauge) goes with it.
"""

from __future__ import annotations

import operator
import os
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import msgspec
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

SECONDS = 1.0
"""How often each process writes."""

STALE_SECONDS = 10.0
"""The age from which a file is that of a process that is gone."""

COMBINE: Mapping[str, Callable[[float, float], float]] = {
    "rosterd_build_info": max,
    "rosterd_audit_sealed_through_timestamp_seconds": max,  # each of them seals for all
    "rosterd_outbox_errands": max,  # each of them counts all
    "rosterd_limit_remaining": min,
    "rosterd_limit_capacity": max,
    "process_start_time_seconds": min,
    "process_max_fds": min,
}
"""How two processes' samples of this name become one, where it is not by adding."""


class Family(msgspec.Struct, array_like=True, frozen=True):
    """A metric as it is written down."""

    name: str
    documentation: str
    type: str
    samples: list[tuple[str, dict[str, str], float]]


_decode = msgspec.json.Decoder(list[Family]).decode


class Pool:
    """A folder of numbers, and this process's file in it. Everything here reads or writes files."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def write(self, own: Iterable[Metric]) -> None:
        """Leave this process's numbers for all to see. One call at a time."""
        file = self._folder / f"{os.getpid()}.json"  # asked late: the pool is made before the process
        fresh = file.with_suffix(".new")
        fresh.write_bytes(msgspec.json.encode(list(map(_written, own))))
        fresh.replace(file)  # whole at any moment

    def together(self) -> Collector:
        """The numbers of all, as they were last written."""
        oldest = time.time() - STALE_SECONDS
        families: list[Family] = []
        for file in sorted(self._folder.glob("*.json")):
            living = file.stat().st_mtime > oldest
            families += [each for each in _decode(file.read_bytes()) if living or each.type != "gauge"]
        return Sum(families)


class Sum(Collector):
    """Families of several processes as one of each name.

    >>> one, two = Family("n", "N.", "gauge", [("n", {}, 1.0)]), Family("n", "N.", "gauge", [("n", {}, 2.0)])
    >>> [family.samples[0].value for family in Sum([one, two]).collect()]
    [3.0]
    """

    def __init__(self, families: Iterable[Family]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        metrics: dict[str, Metric] = {}
        values: dict[str, dict[tuple[str, tuple[tuple[str, str], ...]], float]] = {}
        for family in self._families:
            metrics.setdefault(family.name, Metric(family.name, family.documentation, family.type))
            known = values.setdefault(family.name, {})
            for name, labels, value in family.samples:
                key = (name, tuple(labels.items()))
                combine: Callable[[float, float], float] = COMBINE.get(name, operator.add)
                known[key] = combine(known[key], value) if key in known else value
        for name, metric in metrics.items():
            for (sample, labels_of), value in values[name].items():
                metric.add_sample(sample, dict(labels_of), value)
        return metrics.values()


def _written(metric: Metric) -> Family:
    samples = [(sample.name, dict(sample.labels), sample.value) for sample in metric.samples]
    return Family(metric.name, metric.documentation, metric.type, samples)
