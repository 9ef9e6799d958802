"""A server whose PostgreSQL crashes, freezes, is full or holds a lock: every request is answered in time.

One server process lives through all of it: that it answers in the next test is its recovery.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from threading import Event

import asyncpg
import httpx
import pytest

from rosterd.store.engines.postgres import CONNECTIONS
from rosterd.store.engines.postgres_server import LONGEST_STATEMENT, PATIENCE
from tests.clusters import Cluster, cluster
from tests.protocol.live import SECRET, Api, Org, make_org, ok, serving

BOUND = 2 * PATIENCE + LONGEST_STATEMENT
"""Seconds that a request may take at most: for a place in line, a connection, and one statement."""

GRACE = 5.0
"""Seconds more that a busy machine may need. Without limits the waits here would never end."""

_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Place:
    """An organisation, and the PostgreSQL under it."""

    org: Org
    cluster: Cluster
    threads: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(32))

    def status(self, path: str) -> int:
        """Of what anybody may ask."""
        return self.org.server.http.get(f"{self.org.server.url}/{path}").status_code

    def start(self, request: Callable[[], httpx.Response]) -> Future[httpx.Response]:
        """The request, under way."""
        return self.threads.submit(request)

    def create(self, version: str = "v2") -> httpx.Response:
        """A POST of somebody new."""
        api = self.org.api(version)
        return api.post("Users", api.user_body(f"p{next(_numbers)}"))

    def await_recovery(self) -> None:
        deadline = time.monotonic() + 30
        while self.status("readyz") != 200:
            assert time.monotonic() < deadline
            time.sleep(0.05)

    def check(self) -> None:
        """The directory is whole, and so is its audit trail."""
        assert self.org.server.run("fsck")
        assert self.org.run("audit", "verify")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with cluster() as postgres:
        postgres.start()
        log = tmp_path_factory.mktemp("away") / "stderr.log"
        with serving("postgresql", postgres.url, log) as server:
            yield Place(make_org(server), postgres)


def check_unavailable(api: Api, response: httpx.Response) -> None:
    """503 in the envelope of the version, and when to come again."""
    api.check_refused(response, "service_unavailable", 503)
    assert response.headers["Retry-After"] == "1"
    assert response.elapsed.total_seconds() < BOUND + GRACE


@dataclass(slots=True)
class Load:
    """People created one after the other, in both versions, until told to stop."""

    place: Place
    stop: Event = field(default_factory=Event)
    created: list[str] = field(default_factory=list)  # acknowledged ids
    refused: list[tuple[Api, httpx.Response]] = field(default_factory=list)

    def run(self, version: str) -> None:
        api = self.place.org.api(version)
        while not self.stop.is_set():
            response = api.post("Users", api.user_body(f"p{next(_numbers)}"))
            if response.status_code == 201:
                self.created.append(response.json()["id"])
            else:
                self.refused.append((api, response))

    def wait(self, done: Callable[[], bool]) -> None:
        deadline = time.monotonic() + BOUND + GRACE
        while not done():
            assert time.monotonic() < deadline
            time.sleep(0.01)


@contextmanager
def loaded(place: Place) -> Iterator[Load]:
    """Six clients at work while the block runs."""
    load = Load(place)
    clients = [place.threads.submit(load.run, version) for version in ("v1", "v2") * 3]
    try:
        yield load
    finally:
        load.stop.set()
        for client in clients:
            client.result()


def test_a_crash_under_load_is_answered_and_survived_and_loses_nothing(place: Place) -> None:
    with loaded(place) as load:
        load.wait(lambda: len(load.created) > 50)
        place.cluster.stop("immediate")
        load.wait(lambda: len(load.refused) > 50)
        assert (place.status("healthz"), place.status("readyz")) == (200, 503)
        place.cluster.start()
        before = len(load.created)
        load.wait(lambda: len(load.created) > before + 50)
        assert place.status("readyz") == 200
    for api, response in load.refused:
        check_unavailable(api, response)
    for user_id in load.created:
        ok(place.org.api("v2").get(f"Users/{user_id}"))
    place.check()


def test_a_server_that_does_not_answer_is_not_waited_for_and_may_wake_again(place: Place) -> None:
    api = place.org.api("v2")
    with place.cluster.frozen():
        asked = [place.start(place.create) for _ in range(CONNECTIONS + 4)]
        asked += [place.start(lambda: api.get("Users")) for _ in range(4)]
        assert place.status("healthz") == 200
        answers = [each.result() for each in asked]
    for response in answers:
        check_unavailable(api, response)
    place.await_recovery()
    assert place.create().status_code == 201
    place.check()


@contextmanager
def locked(place: Place, user_id: str) -> Iterator[None]:
    """Another program's transaction, which has the row of a user and does not end."""
    with asyncio.Runner() as runner:

        async def lock() -> asyncpg.Connection:
            connection = await asyncpg.connect(place.cluster.url)
            await connection.execute("BEGIN")
            await connection.fetch("SELECT id FROM users WHERE id = $1 FOR UPDATE", user_id)
            return connection

        connection = runner.run(lock())
        yield
        runner.run(connection.close())


def test_a_locked_row_holds_up_its_own_requests_and_nobody_elses(place: Place) -> None:
    api = place.org.api("v2")
    mine, other = api.create_user(f"p{next(_numbers)}"), api.create_user(f"p{next(_numbers)}")

    def change(user_id: str) -> httpx.Response:
        return api.patch_user(user_id, {"op": "replace", "path": "title", "value": "changed"})

    with locked(place, mine["id"]):
        waiting = [place.start(lambda: change(mine["id"])) for _ in range(CONNECTIONS // 2)]
        assert change(other["id"]).status_code == 200
        ok(api.get(f"Users/{mine['id']}"))
        assert not any(each.done() for each in waiting)
        for each in waiting:
            check_unavailable(api, each.result())
    assert api.user(mine["id"]).get("title", "") == ""
    assert change(mine["id"]).status_code == 200


@contextmanager
def crowded(place: Place) -> Iterator[None]:
    """Every connection that PostgreSQL gives out is taken by others."""
    with asyncio.Runner() as runner, ExitStack() as stack:
        with pytest.raises(asyncpg.TooManyConnectionsError):
            while True:
                connection = runner.run(asyncpg.connect(place.cluster.url))
                stack.callback(lambda each: runner.run(each.close()), connection)
        yield


def test_a_postgresql_without_a_free_connection_is_answered_for(place: Place) -> None:
    place.cluster.stop("fast")  # which ends the server's connections, too
    place.cluster.start("max_connections=12")
    with crowded(place):
        check_unavailable(place.org.api("v2"), place.create())
        check_unavailable(place.org.api("v1"), place.create("v1"))
    assert place.create().status_code == 201
    place.cluster.stop("fast")
    place.cluster.start()
    place.await_recovery()


class TestInDoubt:
    """The commit is on disk, but the server was told to wait for a standby that never comes."""

    @pytest.fixture(autouse=True)
    def unconfirmed(self, place: Place) -> Iterator[None]:
        self.follow(place, "nobody")
        yield
        self.follow(place, "")

    @staticmethod
    def follow(place: Place, name: str) -> None:
        place.await_recovery()
        asyncio.run(place.cluster.run(f"ALTER SYSTEM SET synchronous_standby_names = '{name}'"))
        asyncio.run(place.cluster.run("SELECT pg_reload_conf()"))

    @staticmethod
    def waiting(place: Place) -> list[int]:
        """The backends of commits that wait for the standby, and that somebody was created in: the server has
        commits of its own."""
        sql = (
            "SELECT DISTINCT a.pid FROM pg_stat_activity a JOIN pg_locks l ON l.pid = a.pid"
            " WHERE a.wait_event = 'SyncRep' AND a.query = 'COMMIT'"
            " AND l.relation = 'users'::regclass AND l.mode = 'RowExclusiveLock'"
        )
        deadline = time.monotonic() + 10
        while not (rows := asyncio.run(place.cluster.run(sql))):
            assert time.monotonic() < deadline
        return [row["pid"] for row in rows]

    def names(self, place: Place) -> set[str]:
        found = ok(place.org.api("v2").get("Users", count=1000))
        return {user["userName"] for user in found["Resources"]}

    @pytest.mark.parametrize("end", ["cancelled", "lost"])
    def test_a_commit_whose_end_is_not_known_is_unavailable(self, place: Place, end: str) -> None:
        api = place.org.api("v2")
        name = f"doubt{next(_numbers)}"
        posted = place.start(lambda: api.post("Users", api.user_body(name)))
        if end == "cancelled":  # PostgreSQL then says COMMIT, and warns that the standby may not have it
            for pid in self.waiting(place):
                asyncio.run(place.cluster.run("SELECT pg_cancel_backend($1)", pid))
        else:
            assert self.waiting(place)
            place.cluster.stop("immediate")
            place.cluster.start("synchronous_standby_names=")
        check_unavailable(api, posted.result())
        place.await_recovery()
        assert name in self.names(place)  # it has happened, as a whole; the client asks and finds it
        self.follow(place, "")
        place.check()


def test_a_server_does_not_start_while_postgresql_is_away_and_says_why(place: Place) -> None:
    place.cluster.stop("fast")
    command = [sys.executable, "-m", "rosterd", "serve", "--port", "0", "--database", place.cluster.url]
    environment = os.environ | {"ROSTERD_SECRET": SECRET}
    ended = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60, check=False)
    place.cluster.start()
    place.await_recovery()
    assert (ended.returncode, ended.stdout) == (1, "")
    [line] = ended.stderr.splitlines()
    assert line.startswith("Error: cannot reach PostgreSQL: ")
