"""Latency as somebody sees it who does not wait for the server before asking again.

``python -m bench.probe URL TOKEN ROWS RATE SECONDS`` sends GETs of random users at fixed times, over as many
connections as it takes, and counts each from the time it was due: a stall hits everything that was due
meanwhile, not only the one request that happened to be on its way. It prints latencies in milliseconds.
"""

from __future__ import annotations

import asyncio
import gc
import random
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import uvloop

from bench.machine import CORES, ROOT, Unmeasured, on

RATE = 200


class Latencies(msgspec.Struct, frozen=True):
    """Milliseconds."""

    answers: int
    p50: float
    p99: float
    most: float


def probed(url: str, token: str, rows: Path, seconds: float) -> Latencies:
    """Ask `RATE` times a second for so long. Raises `Unmeasured`."""
    words = (url, token, str(rows), str(RATE), str(seconds))
    command = on(CORES.load, sys.executable, "-m", "bench.probe", *words)
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Unmeasured(done.stderr[-500:])
    return msgspec.json.decode(done.stdout, type=Latencies)


class Connections:
    """Keep-alive connections to one server; more are opened while all are in use."""

    def __init__(self, netloc: str, token: str) -> None:
        self._host, _, port = netloc.partition(":")
        self._port = int(port)
        self._head = f"Host: {netloc}\r\nAuthorization: Bearer {token}\r\n\r\n"
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def get(self, path: str) -> None:
        """One GET, read to its end."""
        if self._idle:
            reader, writer = self._idle.pop()
        else:
            reader, writer = await asyncio.open_connection(self._host, self._port)
        writer.write(f"GET {path} HTTP/1.1\r\n{self._head}".encode())
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        if not head.startswith(b"http/1.1 200 "):
            raise Unmeasured(head.decode())
        await reader.readexactly(int(head.partition(b"content-length:")[2].split(b"\r\n")[0]))
        self._idle.append((reader, writer))


async def _probe(url: str, token: str, ids: Sequence[str], rate: float, seconds: float) -> Latencies:
    connections = Connections(urlsplit(url).netloc, token)
    found: list[float] = []

    async def one(due: float) -> None:
        await connections.get(f"/scim/v2/Users/{random.choice(ids)}")
        found.append((time.perf_counter() - due) * 1000)

    for _ in range(100):  # whatever is done once is done now
        await connections.get(f"/scim/v2/Users/{random.choice(ids)}")
    gc.freeze()
    gc.disable()
    began = time.perf_counter()
    async with asyncio.TaskGroup() as tasks:
        for number in range(int(rate * seconds)):
            due = began + number / rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            tasks.create_task(one(due))
    found.sort()
    return Latencies(len(found), found[len(found) // 2], found[len(found) * 99 // 100], found[-1])


if __name__ == "__main__":
    url, token, rows, rate, seconds = sys.argv[1:]
    ids = [line.split()[0] for line in Path(rows).read_text().splitlines()]
    latencies = uvloop.run(_probe(url, token, ids, float(rate), float(seconds)))
    print(msgspec.json.encode(latencies).decode())
