"""The machine: which core does what, and what is to be known about it beside a figure.

The server has a core for itself. The load shares the other one with PostgreSQL's backends, unless there are
more cores. Whatever takes the server's place as a control takes its core too.
"""

from __future__ import annotations

import fcntl
import os
import platform
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent


class Cores(NamedTuple):
    """Numbers of cores, as ``taskset`` takes them; empty: wherever the kernel likes."""

    server: str
    load: str
    database: str


def _cores() -> Cores:
    allowed = sorted(os.sched_getaffinity(0))
    if len(allowed) < 2 or shutil.which("taskset") is None:
        return Cores("", "", "")
    server, load, *rest = map(str, allowed)
    return Cores(server, load, ",".join(rest) or load)


CORES = _cores()


def on(core: str, *command: str | Path) -> list[str]:
    """The command, bound to a core of `CORES`.

    >>> on("", "true")
    ['true']
    """
    words = [str(word) for word in command]
    return ["taskset", "--cpu-list", core, *words] if core else words


class NotReady(Exception):
    """The benchmark cannot begin; the text says why, and what to do."""


class Unmeasured(Exception):
    """Something went wrong while a figure was taken; the text says what."""


@contextmanager
def ready(folder: Path, **programs: str) -> Iterator[None]:
    """A folder for this process alone, and these programs on the path: name → how to get it.

    Raises `NotReady`.
    """
    for program, source in programs.items():
        if shutil.which(program) is None:
            raise NotReady(f"{program} is needed and not here: {source}")
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise NotReady(f"another run is under way in {folder}: two would measure each other") from error
        yield


WRK = "apt-get install wrk, or brew install wrk"


def described() -> dict[str, Any]:
    """What a reader of the figures wants to know: processor, kernel, versions, commit."""
    return {
        "cpu": _cpu(),
        "cores": len(os.sched_getaffinity(0)),
        "placement": CORES._asdict(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        **{name: version(name) for name in ("uvicorn", "uvloop", "httptools", "asyncpg", "msgspec")},
        "commit": _said_by("git", "describe", "--always", "--dirty"),
        "busy": os.getloadavg()[0],
    }


def _cpu() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next(
        (line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.machine()
    )


def _said_by(*command: str) -> str:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip()


def processor_time(pid: int) -> float:
    """Seconds that a process has worked so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def anonymous_memory(pid: int) -> float:
    """MiB of a process's memory that no file stands behind."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Anonymous:")) / 1024
