"""What the application does beside requests: sealing, and noting when tokens were used."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import shutil
import sqlite3
from pathlib import Path
from typing import Literal

import httpx
import pytest

from rosterd import app
from rosterd.app import App
from rosterd.directory.model import Actor, OrgId
from rosterd.directory.names import RESERVED_DOMAINS
from rosterd.store.engine import Store, open_store
from rosterd.store.engines import sqlite_file
from rosterd.store.records import audit
from tests.store.rows import ACTOR, E1, E2, ORIGIN, an_event

pytestmark = pytest.mark.anyio

OTHER = Actor(E2, ACTOR.user_id, ACTOR.role, ORIGIN)


async def write(store: Store, count: int, actor: Actor = ACTOR) -> None:
    async with store.write() as tx:
        await audit.append(tx, [an_event(number) for number in range(count)], actor)


async def verdict(store: Store, org: OrgId = E1) -> audit.Verdict:
    async with store.scan() as tx:
        return await audit.verify(tx, org)


async def rename(store: Store, table: str, name: str) -> None:
    async with store.write() as tx:
        await tx.run(f"ALTER TABLE {table} RENAME TO {name}")


async def test_sealing_goes_on_until_nothing_waits_in_any_organisation(store: Store) -> None:
    await write(store, 2 * audit.BATCH + 1)
    await write(store, 1, OTHER)
    assert await app.seal(store) == 2 * audit.BATCH + 2
    assert await app.seal(store) == 0
    for org, seals, events in ((E1, 3, 2 * audit.BATCH + 1), (E2, 1, 1)):
        found = await verdict(store, org)
        assert (found.problem, found.seals, found.events, found.unsealed) == (None, seals, events, 0)


async def test_what_goes_on_regularly_is_not_ended_by_a_fault_that_nobody_foresaw(
    store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(app, "SEAL_SECONDS", 0.01)
    await write(store, 1)
    await rename(store, "audit_unsealed", "elsewhere")
    async with asyncio.timeout(30), App(store, b"a key for tests of the app", "https://x.example").running():
        while not caplog.records:
            await asyncio.sleep(0.01)
        await rename(store, "elsewhere", "audit_unsealed")
        while (await verdict(store)).unsealed:
            await asyncio.sleep(0.01)
    [first, *_] = caplog.records
    assert (first.levelno, first.getMessage()) == (logging.ERROR, "sealing failed")
    assert first.exc_info is not None
    assert (await verdict(store)).ok


async def test_the_end_seals_what_is_left(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "SEAL_SECONDS", 3_600.0)
    async with App(store, b"a key for tests of the app", "https://x.example").running():
        await write(store, 3)
    found = await verdict(store)
    assert (found.problem, found.events, found.unsealed) == (None, 3, 0)


async def test_the_end_does_not_wait_for_a_lock_and_the_next_start_seals(
    migrated_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "SEAL_SECONDS", 3_600.0)
    monkeypatch.setattr(app, "END_SECONDS", 0.1)
    path = Path(shutil.copy(migrated_file, tmp_path))
    store = await open_store(f"sqlite:///{path}")
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        async with asyncio.timeout(sqlite_file.PATIENCE - 1):
            async with App(store, b"a key for tests of the app", "https://x.example").running():
                await write(store, 3)
                other.execute("BEGIN IMMEDIATE")
            await store.close()
    store = await open_store(f"sqlite:///{path}")
    assert (await verdict(store)).unsealed == 3
    async with App(store, b"a key for tests of the app", "https://x.example").running():
        pass
    assert ((found := await verdict(store)).ok, found.events, found.unsealed) == (True, 3, 0)
    await store.close()


async def status_of(application: App, path: str, client: str = "127.0.0.1") -> int:
    """The status with which the application answers a GET."""
    transport = httpx.ASGITransport(application, client=(client, 50_000))
    async with httpx.AsyncClient(transport=transport, base_url="http://x.example") as http:
        return (await http.get(path)).status_code


async def test_no_new_organisation_has_a_domain_that_begins_addresses_of_our_own(store: Store) -> None:
    endpoint = App(store, b"a key for tests of the app", "https://x.example")._endpoint
    ours = {first for first in endpoint._services if not first.startswith("*/")}
    ours |= {first for first, *_ in endpoint._public}
    assert ours - {"", "openapi.json"} == RESERVED_DOMAINS  # neither of which could be one


async def test_who_is_about_to_stop_is_alive_and_not_ready(store: Store) -> None:
    application = App(store, b"a key for tests of the app", "https://x.example")
    assert [await status_of(application, path) for path in ("/healthz", "/readyz")] == [200, 200]
    application.stopping = True
    assert [await status_of(application, path) for path in ("/healthz", "/readyz")] == [200, 503]


@pytest.mark.parametrize(
    ("audience", "here", "elsewhere"), [("local", 200, 404), ("all", 200, 200), ("off", 404, 404)]
)
async def test_metrics_are_for_their_audience(
    store: Store, audience: Literal["local", "all", "off"], here: int, elsewhere: int
) -> None:
    application = App(store, b"a key for tests of the app", "https://x.example", audience=audience)
    for client in ("127.0.0.1", "::1", "::ffff:127.0.0.1"):
        assert await status_of(application, "/metrics", client) == here
    for client in ("192.0.2.7", "::ffff:192.0.2.7", "2001:db8::1"):
        assert await status_of(application, "/metrics", client) == elsewhere
