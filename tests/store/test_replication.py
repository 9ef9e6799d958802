"""Two servers of ours on PostgreSQL with a synchronous standby, which takes over when its primary is gone."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from threading import Event

import pytest

from rosterd.store.engine import StoreUnavailable
from rosterd.store.engines import postgres_server
from tests.clusters import Cluster, cluster
from tests.protocol.live import Api, Org, make_org, ok, serving


@dataclass(frozen=True, slots=True)
class Pair:
    """A primary that confirms what its standby has on disk."""

    primary: Cluster
    standby: Cluster

    @property
    def url(self) -> str:
        return f"{self.primary.url},{self.standby.directory}"

    @property
    def reversed(self) -> str:
        return f"{self.standby.url},{self.primary.directory}"


@pytest.fixture
def pair() -> Iterator[Pair]:
    with cluster() as primary:
        primary.start()
        with primary.standby() as standby:
            standby.start()
            asyncio.run(primary.run("ALTER SYSTEM SET synchronous_standby_names = '*'"))
            asyncio.run(primary.run("SELECT pg_reload_conf()"))
            await_row(primary, "SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync'")
            yield Pair(primary, standby)


def await_row(server: Cluster, sql: str) -> None:
    deadline = time.monotonic() + 30
    while not asyncio.run(server.run(sql)):
        assert time.monotonic() < deadline
        time.sleep(0.02)


async def address_of(url: str) -> str:
    """The directory of the server that a connection leads to."""
    connection = await postgres_server.connect(url)
    try:
        return str(await connection.fetchval("SHOW data_directory"))
    finally:
        await connection.close()


def test_a_connection_leads_to_the_host_that_takes_writes(pair: Pair) -> None:
    for url in (pair.url, pair.reversed):
        assert asyncio.run(address_of(url)) == str(pair.primary.directory)
    with pytest.raises(StoreUnavailable, match="read-write"):
        asyncio.run(address_of(pair.standby.url))
    with pair.primary.frozen():
        pair.standby.promote()
        assert asyncio.run(address_of(pair.url)) == str(pair.standby.directory)


@dataclass(slots=True)
class Client:
    """Creates people and gives them titles, and remembers what was acknowledged."""

    api: Api
    name: str
    random: Random
    acknowledged: dict[str, str | None] = field(default_factory=dict)  # id → title; None: in doubt
    count: int = 0

    def run(self, stop: Event) -> None:
        for number in itertools.count():
            if stop.is_set():
                return
            if self.acknowledged and self.random.random() < 0.5:
                self._change(self.random.choice(list(self.acknowledged)), f"title {number}")
            else:
                self._create(f"{self.name}-{number}")

    def _create(self, name: str) -> None:
        response = self.api.post("Users", self.api.user_body(name, title=name))
        if response.status_code == 201:
            self.acknowledged[response.json()["id"]] = name
            self.count += 1
        else:
            assert response.status_code == 503, response.text

    def _change(self, user_id: str, title: str) -> None:
        body = {"schemas": [self.api.urns.user], "title": title}
        response = self.api.patch(f"Users/{user_id}", body)
        if response.is_success:
            self.acknowledged[user_id] = title
            self.count += 1
        else:
            assert response.status_code == 503, response.text
            self.acknowledged[user_id] = None


@contextmanager
def at_work(orgs: list[Org]) -> Iterator[list[Client]]:
    """Four clients of each server while the block runs."""
    clients = [
        Client(org.api("v1"), f"c{place}{number}", Random(f"{place}{number}"))
        for place, org in enumerate(orgs)
        for number in range(4)
    ]
    stop = Event()
    with ThreadPoolExecutor(len(clients)) as threads:
        running = [threads.submit(client.run, stop) for client in clients]
        try:
            yield clients
        finally:
            stop.set()
        for each in running:
            each.result()


def wait(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_what_was_acknowledged_survives_the_promotion_of_the_standby(pair: Pair, tmp_path: Path) -> None:
    with (
        serving("postgresql", pair.url, tmp_path / "one.log") as one,
        serving("postgresql", pair.reversed, tmp_path / "two.log") as two,
    ):
        first = make_org(one)
        orgs = [first, Org(two, first.org_id, first.team_id, first.owner_id, first.domain, first.token)]
        with at_work(orgs) as clients:
            wait(lambda: min(client.count for client in clients) > 20)
            pair.primary.stop("immediate")
            pair.standby.promote()
            before = [client.count for client in clients]
            wait(
                lambda: all(client.count > count + 10 for client, count in zip(clients, before, strict=True))
            )
        for client in clients:
            for user_id, title in client.acknowledged.items():
                user = ok(client.api.get(f"Users/{user_id}"))
                assert title is None or user["title"] == title
        assert two.run("fsck")
        assert two.run("audit", "verify")
