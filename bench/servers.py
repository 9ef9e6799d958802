"""Servers in processes of their own, bound to the server's core: rosterd, and the control."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from bench.fixed import Sample
from bench.machine import CORES, ROOT, Unmeasured, on

SECRET = "the key of the benchmark's tokens"
LIMITS = ("--rate-limits", "slack", "--limits-table", str(Path(__file__).with_name("lifted.toml")))
_END_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Server:
    """One that listens."""

    url: str
    pid: int
    said: str  # its first line, which ends with the URL


@contextmanager
def rosterd(database: str, log: Path) -> Iterator[Server]:
    """``rosterd serve`` with everything switched on. What it says goes to ``log``."""
    command = (sys.executable, "-m", "rosterd", "serve", "--database", database, "--port", "0", *LIMITS)
    environment = {"ROSTERD_SECRET": SECRET, "ROSTERD_MAIL_DIR": str(log.with_name("mail"))}
    with served(command, log, environment) as server:
        yield server


@contextmanager
def control(sample: Sample, folder: Path) -> Iterator[Server]:
    """uvicorn answering this to everything."""
    path = folder / "sample.json"
    path.write_bytes(msgspec.json.encode(sample))
    with served((sys.executable, "-m", "bench.fixed", str(path)), folder / "control.log") as server:
        yield server


@contextmanager
def served(
    command: Sequence[str], log: Path, environment: Mapping[str, str] | None = None, core: str = CORES.server
) -> Iterator[Server]:
    """A process that prints its URL as the last word of its first line. Raises `Unmeasured`."""
    with log.open("ab") as said:
        process = subprocess.Popen(
            on(core, *command),
            cwd=ROOT,
            env={**os.environ, **(environment or {})},
            stdout=subprocess.PIPE,
            stderr=said,
            text=True,
        )
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        if "http://" not in line:
            raise Unmeasured(f"{' '.join(command)}: {line}{log.read_text()[-2000:]}")
        yield Server(line.split()[-1], process.pid, line)
    finally:
        process.terminate()
        process.wait(_END_SECONDS)
        process.stdout.close()


def answer(url: str, token: str, path: str, method: str = "GET", body: bytes | None = None) -> Sample:
    """What the server at this URL answers to one request."""
    connection = HTTPConnection(urlsplit(url).netloc, timeout=60)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    try:
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        text = response.read().decode()
    finally:
        connection.close()
    kept = [
        (name, value) for name, value in response.getheaders() if name.lower() not in ("date", "connection")
    ]
    return Sample(response.status, kept, text)
