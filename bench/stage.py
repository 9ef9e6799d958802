"""Where figures are taken: one engine, one organisation, one worker for all of them."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import postgres, seeds, servers
from bench.figures import POSTGRESQL
from bench.fixed import Sample
from bench.machine import Unmeasured
from bench.postgres import Postgres
from bench.seeds import Place, Seed
from bench.servers import Server
from bench.wrk import CONNECTIONS, Load, Requests, drive

WARM_UP = 1.0  # seconds


@dataclass(frozen=True, slots=True)
class Pace:
    """How long is measured: rounds of so many seconds."""

    seconds: float
    rounds: int


@dataclass(frozen=True, slots=True)
class Stage:
    """A running server over a copy of a seed, and a second copy for controls that write."""

    engine: str
    place: Place
    seed: Seed
    server: Server
    database: str
    spare: str
    folder: Path
    pace: Pace

    @property
    def users(self) -> int:
        return self.place.users

    def drive(
        self,
        requests: Requests,
        seconds: float | None = None,
        *,
        server: Server | None = None,
        connections: int = CONNECTIONS,
        nice: bool = False,
    ) -> Load:
        """These requests to the server, or to another one, for a round or for so many seconds."""
        url, seconds = (server or self.server).url, seconds or self.pace.seconds
        return drive(url, requests, seconds, token=self.seed.token, connections=connections, nice=nice)

    def answer(self, path: str) -> Sample:
        return servers.answer(self.server.url, self.seed.token, path)

    def ask(self, method: str, path: str, body: bytes) -> None:
        """A single request that has to succeed. Raises `Unmeasured`."""
        sample = servers.answer(self.server.url, self.seed.token, path, method, body)
        if sample.status >= 300:
            raise Unmeasured(f"{method} {path}: {sample.status} {sample.body[:200]}")

    @contextmanager
    def control(self, sample: Sample) -> Iterator[Server]:
        with servers.control(sample, self.folder) as server:
            yield server

    def write(self, name: str, lines: list[str]) -> Path:
        """A file of lines for the load to read."""
        path = self.folder / name
        path.write_text("".join(f"{line}\n" for line in lines))
        return path


def stages(
    folder: Path, sizes: Sequence[int], engines: Sequence[str], pace: Pace, *, spare: bool
) -> Iterator[Stage]:
    """A stage for every size and engine, one after the other. ``spare``: with a second copy."""
    places = [seeds.prepared(folder, size) for size in sizes]
    with ExitStack() as stack:
        server = stack.enter_context(postgres.running(places[0].folder)) if POSTGRESQL in engines else None
        for place in places:
            for engine in engines:
                with _stage(place, server if engine == POSTGRESQL else None, engine, pace, spare) as stage:
                    yield stage


@contextmanager
def _stage(place: Place, server: Postgres | None, engine: str, pace: Pace, spare: bool) -> Iterator[Stage]:
    work = place.folder / "work"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    names = ("work", "spare")[: 1 + spare]
    urls = [server.copied(place, name) if server else _copied(place, work / f"{name}.db") for name in names]
    try:
        with servers.rosterd(urls[0], work / "rosterd.log") as running:
            yield Stage(engine, place, place.seed(), running, urls[0], urls[-1], work, pace)
    finally:
        if server is not None:
            for name in names:
                server.drop(name)
        shutil.rmtree(work)


def _copied(place: Place, path: Path) -> str:
    subprocess.run(["cp", "--reflink=auto", place.database, path], check=True)
    return f"sqlite:///{path}"
