"""What a process counts, in Prometheus's text format.

Rules of this module:

1. A request costs one look-up and one addition; names, labels and text are made when somebody asks.
2. Labels come from closed sets: a route's pattern and never a path, known methods, statuses. What a client
   chooses makes no new series.
3. A scrape reads memory only: it answers also when the database does not.
4. A thread reads what the event loop goes on changing: each number is right by itself, and a dictionary is
   copied, which is one step of the interpreter, before it is walked.

Source: Prometheus, *Metric and label naming* and *Exposition formats*.
"""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, ProcessCollector, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from rosterd import __version__
from rosterd.store.outbox import Backlog
from rosterd.store.watch import MILLISECOND, Histogram, Watch

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4.encode()

LATENCIES = tuple(
    int(ms * MILLISECOND) for ms in (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 5000, 15_000)
)
"""Answers: from a point read to the end of every patience."""

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

Route = tuple[str, ...]
"""A path's segments with ``*`` for an id, such as ``("scim", "v2", "Users", "*")``; ``()``: no route."""


Headroom = tuple[str, str, float, float]
"""An organisation, one of its limits, how many calls are left in the bucket, and how many fill it."""


class Request(NamedTuple):
    """Which requests are counted together."""

    route: Route
    method: str
    status: int


class Metrics(Collector):
    """The numbers of one process. ``headroom`` says what is left of the limits that are in use."""

    def __init__(self, store: Watch, headroom: Callable[[], Iterable[Headroom]] = tuple) -> None:
        self.in_flight = 0
        self._store = store
        self._headroom = headroom
        self._requests: dict[tuple[Route, str, int], Histogram] = {}
        self._errands: dict[tuple[str, str], int] = {}
        self._backlog: Sequence[Backlog] = ()
        self._sealed = 0
        self._sealed_through = time.time()  # until the first round, which may never come
        self._process = ProcessCollector(registry=None)

    def observe(self, route: Route, method: str, status: int, nanoseconds: int) -> None:
        """A request is over. ``status`` 0: it went without an answer."""
        key = (route, method, status)
        counted = self._requests.get(key)
        if counted is None:
            counted = self._new(Request(*key))
        counted.observe(nanoseconds)

    def sealed(self, events: int, started: float) -> None:
        """So many events got their seal, and none from before ``started`` (seconds) is without."""
        self._sealed += events
        self._sealed_through = started

    def errand(self, kind: str, outcome: str) -> None:
        """An attempt at an errand is over: ``done``, ``dropped``, ``failed`` or ``dead``."""
        self._errands[kind, outcome] = self._errands.get((kind, outcome), 0) + 1

    def backlog(self, found: Sequence[Backlog]) -> None:
        """What there is to do in the outbox."""
        self._backlog = found

    def collect(self) -> Iterable[Metric]:
        yield self._build()
        yield from _requests(self._requests)
        yield GaugeMetricFamily(
            "rosterd_http_requests_in_flight", "Requests begun and not answered.", self.in_flight
        )
        yield from _store(self._store)
        yield CounterMetricFamily("rosterd_audit_sealed_events", "Audit events sealed.", self._sealed)
        yield GaugeMetricFamily(
            "rosterd_audit_sealed_through_timestamp_seconds",
            "Audit events committed before this time have their seal.",
            self._sealed_through,
        )
        yield from _outbox(self._errands, self._backlog)
        yield from _limits(self._headroom())
        yield from self._process.collect()

    def _new(self, request: Request) -> Histogram:
        """The place for such requests; a method that nobody knows counts as OTHER."""
        if request.method not in METHODS:
            request = request._replace(method="OTHER")
        return self._requests.setdefault(request, Histogram(LATENCIES))

    def _build(self) -> Metric:
        facts = {"version": __version__, "python": platform.python_version()}
        return InfoMetricFamily("rosterd_build", "What runs here.", facts)


def text(numbers: Collector) -> bytes:
    """All of it, in the format that ``CONTENT_TYPE`` names."""
    return generate_latest(numbers)


def template(route: Route) -> str:
    """A route as people write it.

    >>> template(("scim", "v2", "Users", "*")), template(("healthz",)), template(())
    ('/scim/v2/Users/{id}', '/healthz', 'other')
    """
    return "/" + "/".join("{id}" if part == "*" else part for part in route) if route else "other"


def _version(route: Route) -> str:
    return route[1] if route[:1] == ("scim",) else ""


def _requests(counted: Mapping[tuple[Route, str, int], Histogram]) -> Iterable[Metric]:
    """Numbers by status, times without it: a time for each status would be ten times the series."""
    requests = CounterMetricFamily(
        "rosterd_http_requests",
        "Requests by what they came to; status 0: the client went away, or the server had to.",
        labels=("route", "version", "method", "status"),
    )
    seconds = HistogramMetricFamily(
        "rosterd_http_request_duration_seconds",
        "From the head of a request to the end of its answer.",
        labels=("route", "version", "method"),
    )
    together: dict[tuple[str, str, str], Histogram] = {}
    for (route, method, status), histogram in sorted([*counted.items()]):
        labels = (template(route), _version(route), method)
        requests.add_metric((*labels, str(status)), sum(histogram.counts))
        whole = together.setdefault(labels, Histogram(LATENCIES))
        whole.counts = [*map(sum, zip(whole.counts, histogram.counts, strict=True))]
        whole.total += histogram.total
    for labels, histogram in together.items():
        _add(seconds, histogram, labels, MILLISECOND * 1000)
    return requests, seconds


def _store(watch: Watch) -> Iterable[Metric]:
    writes = HistogramMetricFamily("rosterd_store_commit_writes", "Requests that shared a commit.", labels=())
    _add(writes, watch.writes, ())
    commits = HistogramMetricFamily(
        "rosterd_store_commit_duration_seconds", "Commits, until they were on disk.", labels=()
    )
    _add(commits, watch.commits, (), MILLISECOND * 1000)
    waits = HistogramMetricFamily(
        "rosterd_store_wait_seconds",
        "Waits for the turn to write, or for a connection.",
        labels=("resource",),
    )
    for resource, histogram in (("turn", watch.turn), ("connection", watch.connection)):
        _add(waits, histogram, (resource,), MILLISECOND * 1000)
    failed = CounterMetricFamily(
        "rosterd_store_failed_commits", "Commits that came to nothing.", watch.failed
    )
    return writes, commits, failed, waits


def _outbox(counted: Mapping[tuple[str, str], int], backlog: Iterable[Backlog]) -> Iterable[Metric]:
    attempts = CounterMetricFamily(
        "rosterd_outbox_attempts", "Errands by what an attempt came to.", labels=("kind", "outcome")
    )
    for labels, count in sorted([*counted.items()]):
        attempts.add_metric(labels, count)
    errands = GaugeMetricFamily(
        "rosterd_outbox_errands", "Errands in the outbox of all organisations.", labels=("kind", "state")
    )
    for each in backlog:
        for state, count in (("due", each.due), ("later", each.later), ("dead", each.dead)):
            errands.add_metric((each.kind, state), count)
    return attempts, errands


def _limits(headroom: Iterable[Headroom]) -> Iterable[Metric]:
    labels = ("org", "limit")
    remaining = GaugeMetricFamily(
        "rosterd_limit_remaining",
        "Calls left in a limit's bucket; limits that nobody uses are full.",
        labels=labels,
    )
    capacity = GaugeMetricFamily("rosterd_limit_capacity", "Calls in a full bucket.", labels=labels)
    for org, limit, left, most in headroom:
        remaining.add_metric((org, limit), left)
        capacity.add_metric((org, limit), most)
    return remaining, capacity


def _add(family: HistogramMetricFamily, histogram: Histogram, labels: Sequence[str], unit: int = 1) -> None:
    """A series. ``unit``: how many of the histogram's make one of the family's."""
    bounds = [repr(bound / unit) for bound in histogram.bounds]
    buckets = [*zip([*bounds, "+Inf"], histogram.cumulative(), strict=True)]
    family.add_metric(labels, buckets, histogram.total / unit)
