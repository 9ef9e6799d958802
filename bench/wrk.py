"""The load: wrk, one thread, with requests made by ``drive.lua``.

wrk has to be faster than whatever it measures, the control included, so what it needs of its own core stands
beside the figures.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import msgspec

from bench.machine import CORES, Unmeasured, on

CONNECTIONS = 32
_SCRIPT = Path(__file__).with_name("drive.lua")


class Load(msgspec.Struct, frozen=True):
    """What wrk saw: answers in how many microseconds; latencies in microseconds."""

    answers: int
    microseconds: int
    p50: float
    p99: float
    refused: int
    broken: int
    cpu: float  # seconds that wrk itself has worked

    @property
    def rate(self) -> float:
        """Answers per second."""
        return self.answers / self.microseconds * 1e6

    @property
    def busy(self) -> float:
        """The part of its core that wrk needed: near 1, it was the load that was measured."""
        return self.cpu / self.microseconds * 1e6


class Requests(msgspec.Struct, frozen=True):
    """What to send, as the arguments of ``drive.lua``."""

    words: tuple[str, ...]

    @classmethod
    def get(cls, path: str, rows: Path) -> Requests:
        """GETs of a path in which ``<1>`` and ``<2>`` are the columns of a random row."""
        return cls(("fill", path, str(rows)))

    @classmethod
    def send(cls, method: str, path: str, bodies: Path, mark: str = "") -> Requests:
        """The bodies in turn; in them ``@@`` becomes ``mark`` with a number."""
        return cls(("send", method, path, str(bodies), mark))


def drive(
    url: str,
    requests: Requests,
    seconds: float,
    *,
    token: str,
    connections: int = CONNECTIONS,
    nice: bool = False,
) -> Load:
    """Send these requests for so long, each connection one at a time. Raises `Unmeasured`.

    ``nice``: whoever measures on the same core goes first.
    """
    wrk = (
        *("nice",) * nice,
        "wrk",
        "--threads=1",
        f"--connections={connections}",
        f"--duration={max(1, round(seconds))}s",
    )
    command = on(
        CORES.load, *wrk, "--timeout=30s", "--latency", "--script", _SCRIPT,
        "--header", f"Authorization: Bearer {token}", url, "--", *requests.words,
    )  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    last = done.stdout.strip().rpartition("\n")[2]
    if done.returncode or not last.startswith("{"):
        raise Unmeasured(f"wrk: {done.stderr or done.stdout}")
    load = msgspec.json.decode(last, type=Load)
    if load.refused or load.broken or not load.answers:
        raise Unmeasured(f"{url}: {load.refused} of {load.answers} requests refused, {load.broken} broken")
    return load
