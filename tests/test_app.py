"""What the application does beside requests: sealing, and noting when tokens were used."""

from __future__ import annotations

import asyncio
import logging

import pytest

from rosterd import app
from rosterd.app import App
from rosterd.directory.model import Actor, OrgId
from rosterd.store import audit
from rosterd.store.engine import Store
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
