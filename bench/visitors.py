"""Somebody, or many, in front of pages: seen from outside, one click after the other.

``python -m bench.visitors look URL COOKIE ADDRESSES SECONDS`` opens each address again and again, alone. With
``click``, `PEOPLE` people each open one of them every `EVERY` seconds. Both print times to the first byte, in
milliseconds, as JSON.
"""

from __future__ import annotations

import gc
import json
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

import msgspec

from bench.machine import CORES, ROOT, Unmeasured, on

PEOPLE, EVERY = 50, 5.0
"""People who click, and seconds between one's clicks."""

_LEAST, _MOST = 7, 200
"""How many times an address is opened."""


class Seen(msgspec.Struct, frozen=True):
    """What became of an address. Times in milliseconds."""

    address: str
    status: int
    size: int  # bytes
    p50: float
    p99: float


def looked(url: str, cookie: str, addresses: Path, seconds: float) -> list[Seen]:
    """Each address, opened for so long by one person. Raises `Unmeasured`."""
    done = subprocess.run(
        _command("look", url, cookie, addresses, seconds),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise Unmeasured(done.stderr[-500:])
    return msgspec.json.decode(done.stdout, type=list[Seen])


@contextmanager
def clicking(url: str, cookie: str, addresses: Path, seconds: float) -> Iterator[None]:
    """People who click inside of the block, for so many seconds at most. Raises `Unmeasured`."""
    command = _command("click", url, cookie, addresses, seconds)
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        yield
        if process.poll() is None:
            process.terminate()
        elif process.returncode:
            raise Unmeasured((process.stderr.read() if process.stderr else "")[-500:])


def _command(what: str, url: str, cookie: str, addresses: Path, seconds: float) -> list[str]:
    words = (what, url, cookie, str(addresses), str(seconds))
    return on(CORES.load, sys.executable, "-m", "bench.visitors", *words)


class _Window:
    """One connection, as a browser keeps it."""

    def __init__(self, url: str, cookie: str) -> None:
        self._to = HTTPConnection(urlsplit(url).netloc, timeout=60)
        self._headers = {"Cookie": cookie, "Accept": "text/html"}

    def open(self, address: str) -> tuple[int, int, float]:
        """Status, bytes, and milliseconds to the first byte."""
        began = time.perf_counter()
        self._to.request("GET", address, headers=self._headers)
        response = self._to.getresponse()
        first = time.perf_counter() - began
        return response.status, len(response.read()), first * 1000


def look(url: str, cookie: str, addresses: Sequence[str], seconds: float) -> list[Seen]:
    window, found = _Window(url, cookie), []
    for address in addresses:
        status, size, _ = window.open(address)  # whatever is done once is done now
        times: list[float] = []
        until = time.monotonic() + seconds
        while len(times) < _LEAST or (time.monotonic() < until and len(times) < _MOST):
            gc.collect()
            times.append(window.open(address)[2])
        times.sort()
        found.append(Seen(address, status, size, median(times), times[len(times) * 99 // 100]))
    return found


def click(url: str, cookie: str, addresses: Sequence[str], seconds: float) -> list[float]:
    """Times of all clicks. Nobody clicks at the same time as somebody else on purpose."""
    found: list[float] = []
    until = time.monotonic() + seconds

    def person(number: int) -> None:
        window = _Window(url, cookie)
        time.sleep(EVERY * number / PEOPLE)
        while time.monotonic() < until:
            began = time.monotonic()
            status, _, first = window.open(random.choice(addresses))
            if status != 200:
                raise HTTPException(f"a click was answered {status}")
            found.append(first)
            time.sleep(max(0.0, began + EVERY - time.monotonic()))

    threads = [threading.Thread(target=person, args=(number,), daemon=True) for number in range(PEOPLE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(found)


if __name__ == "__main__":
    what, url, cookie, path, span = sys.argv[1:]
    lines = Path(path).read_text().splitlines()
    result = (look if what == "look" else click)(url, cookie, lines, float(span))
    print(json.dumps(msgspec.to_builtins(result)))
