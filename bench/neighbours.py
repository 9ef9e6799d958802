"""What others notice of one who asks for much: latency of GETs meanwhile, and the worker's memory.

Each disturbance goes on for the whole of a measurement: requests that follow each other on one connection, or
a command that starts anew when it ends. All share the load's core with the probe, and are *nice* to it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

from bench import seeds
from bench.figures import GROUP_MEMORY, MEMORY, P99, Figure
from bench.machine import CORES, ROOT, Unmeasured, anonymous_memory, on
from bench.probe import probed
from bench.servers import SECRET
from bench.stage import Stage
from bench.wrk import Requests

_GUESTS = 10_000
"""People of the organisation that is imported meanwhile."""

_SETTLE = 0.5  # seconds until a disturbance is under way
_SHORTEST = 5.0  # seconds that a latency is probed, or a group read
_LARGE = 100_000

Disturbance = Callable[[Stage, float], AbstractContextManager[None]]
"""Goes on inside of the block, for at least so many seconds."""


def latency(stage: Stage) -> Iterator[Figure]:
    """The p99 of GETs while nothing else happens, while each disturbance goes on, and with all of them."""
    if _LARGE not in stage.seed.groups:
        return
    seconds = max(_SHORTEST, 2 * stage.pace.seconds)
    everything = tuple(DISTURBANCES)
    for name, chosen in (
        ("nothing else", ()),
        *((each, (each,)) for each in everything),
        ("all of these", everything),
    ):
        with ExitStack() as stack:
            for each in chosen:
                stack.enter_context(DISTURBANCES[each](stage, seconds))
            found = probed(stage.server.url, stage.seed.token, stage.place.rows, seconds)
        yield Figure(P99 + name, stage.engine, stage.users, found.p99, "ms")


@contextmanager
def _asking(stage: Stage, seconds: float, path: str, rows: Path | None = None) -> Iterator[None]:
    """One client that asks again as soon as it has its answer."""
    requests = Requests.get(path, rows or stage.place.rows)
    errors: list[Unmeasured] = []

    def ask() -> None:
        try:
            stage.drive(requests, seconds + 2 * _SETTLE, connections=1, nice=True)
        except Unmeasured as error:
            errors.append(error)

    asking = threading.Thread(target=ask)
    asking.start()
    time.sleep(_SETTLE)
    yield
    asking.join()
    if errors:
        raise errors[0]


def _group_reads(stage: Stage, seconds: float) -> AbstractContextManager[None]:
    return _asking(stage, seconds, f"/scim/v2/Groups/{stage.seed.groups[_LARGE]}")


def _searches(stage: Stage, seconds: float) -> AbstractContextManager[None]:
    return _asking(stage, seconds, "/scim/v2/Users?filter=userName%20co%20%22tansy%22")


def _large_pages(stage: Stage, seconds: float) -> AbstractContextManager[None]:
    last = stage.users - 1_000
    starts = stage.write("starts", [f"{1 + last * n // 100:09}" for n in range(100)])
    return _asking(stage, seconds, "/scim/v2/Users?count=1000&startIndex=<1>", starts)


@contextmanager
def _running(stage: Stage, command: Callable[[int], tuple[str, ...]]) -> Iterator[None]:
    """A command of rosterd's on the same database, again and again, numbered from 0."""
    stop = threading.Event()
    failures: list[str] = []

    def run() -> None:
        number = 0
        while not stop.is_set() and not failures:
            failures.extend(_failure(stop, command(number), stage.database))
            number += 1

    running = threading.Thread(target=run)
    running.start()
    time.sleep(2 * _SETTLE)  # until Python is up
    try:
        yield
    finally:
        stop.set()
        running.join()
    if failures:
        raise Unmeasured(failures[0])


def _failure(stop: threading.Event, words: tuple[str, ...], database: str) -> Iterator[str]:
    """Run one command to its end, or until it is told to stop. What it said, if it failed by itself."""
    command = on(CORES.load, "nice", sys.executable, "-m", "rosterd", *words, "--database", database)
    environment = {**os.environ, "ROSTERD_SECRET": SECRET}
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        while process.poll() is None:
            if stop.wait(0.05):
                process.terminate()
                process.communicate()
                return
        assert process.stderr is not None
        if process.returncode:
            yield process.stderr.read()


def _import(stage: Stage, seconds: float) -> AbstractContextManager[None]:
    lines, org_id = _export(stage)

    def command(number: int) -> tuple[str, ...]:
        name = f"guests{time.monotonic_ns()}"
        file = stage.folder / "import"
        file.write_text(lines.replace(org_id, f"E{time.monotonic_ns() % 10**10:010}"))
        return "import", str(file), "--as-domain", name

    return _running(stage, command)


def _export(stage: Stage) -> tuple[str, str]:
    """Another organisation as JSON lines, and its id."""
    place = seeds.prepared(stage.place.folder.parent, _GUESTS)
    path = place.folder / f"{_GUESTS}.export"
    if not path.exists():
        partial = path.with_suffix(".partial")
        words = ("export", "--org", "bench", str(partial), "--database", f"sqlite:///{place.database}")
        subprocess.run([sys.executable, "-m", "rosterd", *words], cwd=ROOT, check=True)
        partial.rename(path)
    return path.read_text(), place.seed().org_id


def _backup(stage: Stage, seconds: float) -> AbstractContextManager[None]:
    return _running(stage, lambda number: ("backup", str(stage.folder / "backup")))


DISTURBANCES: Mapping[str, Disturbance] = {
    "reads of a group of 100,000": _group_reads,
    "co filters": _searches,
    "pages of 1,000": _large_pages,
    "an import": _import,
    "a backup": _backup,
}


def group_memory(stage: Stage) -> Iterator[Figure]:
    """What reading the largest group takes: milliseconds, and memory at its peak beside before."""
    if _LARGE not in stage.seed.groups:
        return
    path = f"/scim/v2/Groups/{stage.seed.groups[_LARGE]}"
    requests = Requests.get(path, stage.place.rows)
    before = anonymous_memory(stage.server.pid)
    peak = [before]
    stop = threading.Event()

    def watch() -> None:
        while not stop.wait(0.01):
            peak.append(anonymous_memory(stage.server.pid))

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        load = stage.drive(requests, max(stage.pace.seconds, _SHORTEST), connections=1)
    finally:
        stop.set()
        watching.join()
    yield Figure("read of a group of 100,000", stage.engine, stage.users, 1000 / load.rate, "ms")
    yield Figure(GROUP_MEMORY, stage.engine, stage.users, max(peak) - before, "MiB")


def memory(stage: Stage) -> Iterator[Figure]:
    """The worker's anonymous memory, after everything that was measured before."""
    yield Figure(MEMORY, stage.engine, stage.users, anonymous_memory(stage.server.pid), "MiB")
