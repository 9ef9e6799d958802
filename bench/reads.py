"""Reading: one user by id, one by username, pages near and far."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from bench import bare
from bench.figures import DEEP, FILTER, GET, UVICORN, Figure, duel
from bench.machine import processor_time
from bench.servers import Server
from bench.stage import WARM_UP, Stage
from bench.wrk import Load, Requests

USER = "/scim/v2/Users/<1>"
_BY_NAME = "/scim/v2/Users?filter=userName%20eq%20%22<2>%22"
_ACTIVE = "filter=active%20eq%20true&"
_FAR = 500_000
_LONG = 2.0  # seconds: of a page that takes a tenth of one, some have to be seen


def get(stage: Stage) -> Iterator[Figure]:
    """GET of a random user."""
    yield _beside_uvicorn(stage, GET, USER, "id")


def by_username(stage: Stage) -> Iterator[Figure]:
    """The list with the one user who has a random, existing username."""
    yield _beside_uvicorn(stage, FILTER, _BY_NAME, "username")


def _beside_uvicorn(stage: Stage, name: str, path: str, column: str) -> Figure:
    requests = Requests.get(path, stage.place.rows)
    with stage.place.rows.open() as rows:
        id, username = rows.readline().split()
    sample = stage.answer(path.replace("<1>", id).replace("<2>", username))
    with stage.control(sample) as control:
        for server in (stage.server, control):
            stage.drive(requests, WARM_UP, server=server)
        ours, theirs = _Meter(stage, stage.server, requests), _Meter(stage, control, requests)
        rounds = duel(ours.round, theirs.round, stage.pace.rounds)
    return Figure(
        name, stage.engine, stage.users, rounds.value, "req/s", UVICORN, rounds.beside, rounds.ratio,
        cpu=theirs.cost() / ours.cost(),
        driver=bare.selects(stage.database, column, stage.pace.seconds),
        p99=median(load.p99 for load in ours.loads) / 1000,
        load=median(load.busy for load in theirs.loads),
    )  # fmt: skip


class _Meter:
    """Rounds of the same requests to one server, and how long it has worked for them."""

    def __init__(self, stage: Stage, server: Server, requests: Requests) -> None:
        self.loads: list[Load] = []
        self._stage = stage
        self._server = server
        self._requests = requests
        self._worked = 0.0

    def round(self) -> float:
        before = processor_time(self._server.pid)
        self.loads.append(self._stage.drive(self._requests, server=self._server))
        self._worked += processor_time(self._server.pid) - before
        return self.loads[-1].rate

    def cost(self) -> float:
        """Seconds of work for each answer."""
        return self._worked / sum(load.answers for load in self.loads)


def pages(stage: Stage) -> Iterator[Figure]:
    """Pages of 100, one request at a time: in the middle of the organisation beside the first."""
    start = min(_FAR, stage.users // 2)
    yield _page(stage, DEEP if start == _FAR else f"page of 100 at {start:,}", "", start)
    yield _page(stage, f"page of 100 at {start:,}, active eq true", _ACTIVE, start)


def _page(stage: Stage, name: str, query: str, start: int) -> Figure:
    first, deep = (
        Requests.get(f"/scim/v2/Users?{query}startIndex={n}&count=100", stage.place.rows) for n in (1, start)
    )

    def milliseconds(requests: Requests) -> float:
        return 1000 / stage.drive(requests, max(stage.pace.seconds, _LONG), connections=1).rate

    rounds = duel(lambda: milliseconds(deep), lambda: milliseconds(first), stage.pace.rounds)
    return Figure(
        name, stage.engine, stage.users, rounds.value, "ms", "the first page", rounds.beside, rounds.ratio
    )
