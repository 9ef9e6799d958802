"""What is struck: a server process, and on PostgreSQL the database server behind it too.

Each machine has a database of its own. A process is killed with SIGKILL, PostgreSQL with ``pg_ctl stop -m
immediate``, which ends it without a checkpoint, so that it has to recover from its log.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from random import Random

import httpx

from tests.clusters import Cluster, cluster
from tests.delivery.mailboxes import Mailbox, receiving
from tests.protocol.live import SECRET

STRIKES = {
    "sqlite": ("server", "server, twice"),
    "postgresql": ("server", "server, twice", "database", "both"),
}
"""What may be struck. ``twice``: once more while it starts again."""

ATTEMPT = 1
"""Seconds that an attempt to deliver a mail may take. What a kill broke off comes again after twice that."""

PATIENCE = 60.0
"""Seconds until a start that does not succeed counts as one that never will."""


class Machine:
    """A server over one database, which can be struck and put up again."""

    def __init__(
        self, engine: str, database: str, folder: Path, postgresql: Cluster | None, box: Mailbox
    ) -> None:
        self.engine = engine
        self.database = database
        self.url = ""
        self.log = folder / "stderr.log"
        self.box = box
        self._postgresql = postgresql
        self._process: subprocess.Popen[bytes] | None = None

    def strike(self, what: str) -> None:
        """Kill, at once. On ``both`` the database goes first, and the server while it still asks it."""
        if self._postgresql is not None and what in ("database", "both"):
            self._postgresql.stop()
        if what != "database":
            self.end()

    def put_up(self, what: str, random: Random) -> None:
        """Start what was struck, and wait until it answers."""
        if self._postgresql is not None and what in ("database", "both"):
            self._postgresql.start()
        if what == "server, twice":
            self._process = self._started()
            time.sleep(random.uniform(0.0, 0.8))
            self.end()
        if what != "database":
            self.start()
        deadline = time.monotonic() + PATIENCE
        while not self._is_ready():
            assert time.monotonic() < deadline, self.log.read_text()[-2_000:]
            time.sleep(0.05)

    def start(self) -> None:
        """Start the server process; it listens when this returns."""
        self._process = self._started()
        assert self._process.stdout is not None
        line = self._process.stdout.readline().decode()
        assert line.startswith("rosterd listening on "), self.log.read_text()[-2_000:]
        self.url = line.split()[-1]

    def end(self) -> None:
        """SIGKILL, and the end of the process."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            if self._process.stdout is not None:
                self._process.stdout.close()
            self._process = None

    def _started(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "rosterd", "serve", "--port", "0", "--database", self.database]
        command += ["--smtp-url", self.box.url, "--delivery-seconds", str(ATTEMPT), "--retry-seconds", "1"]
        environment = os.environ | {"ROSTERD_SECRET": SECRET}
        with self.log.open("ab") as errors:
            return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, env=environment)

    def _is_ready(self) -> bool:
        return httpx.get(f"{self.url}/readyz", timeout=PATIENCE, trust_env=False).status_code == 200


@contextmanager
def machine(engine: str, folder: Path) -> Iterator[Machine]:
    """A running machine in an empty folder; everything of it is ended and deleted at the end."""
    with ExitStack() as stack:
        box = stack.enter_context(receiving(Mailbox()))
        if engine == "sqlite":
            made = Machine(engine, f"sqlite:///{folder / 'rosterd.db'}", folder, None, box)
        else:
            postgresql = stack.enter_context(cluster())
            postgresql.start()
            made = Machine(engine, postgresql.url, folder, postgresql, box)
        yield stack.enter_context(_running(made))


@contextmanager
def _running(made: Machine) -> Iterator[Machine]:
    try:
        made.start()
        yield made
    finally:
        made.end()
