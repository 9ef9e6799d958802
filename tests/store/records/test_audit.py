"""The audit log: what it keeps, and that its chain notices every change."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from rosterd.directory.events import Event
from rosterd.directory.model import Actor, Role, TokenId, UserId
from rosterd.store.engine import Store, Tx
from rosterd.store.records import audit
from tests.store.rows import ACTOR, E1, E2, ORIGIN, an_event

pytestmark = pytest.mark.anyio

PERSONAL = {"before": None, "after": {"email": "ann@example.com"}}


async def write(store: Store, *numbers: int, personal: dict[str, Any] | None = None) -> None:
    """One transaction with an event for each number."""
    async with store.write() as tx:
        await audit.append(tx, [an_event(number, personal) for number in numbers], ACTOR)


async def seal(store: Store) -> int:
    async with store.write() as tx:
        return len(await audit.seal(tx, E1))


async def verdict(store: Store) -> audit.Verdict:
    async with store.scan() as tx:
        return await audit.verify(tx, E1)


async def newest(store: Store, **asked: Any) -> list[audit.Record]:
    async with store.read() as tx:
        return await audit.page(tx, E1, **asked)


async def test_an_event_says_who_did_what_to_whom_and_from_where(store: Store) -> None:
    actor = Actor(E1, UserId("W9"), Role.OWNER, ORIGIN, TokenId("K1"))
    async with store.write() as tx:
        await audit.append(tx, [an_event(1, PERSONAL)], actor)
        now = tx.now
    (record,) = await newest(store)
    assert (record.org_id, record.created, record.action) == (E1, now, "user_created")
    assert (record.actor_id, record.token_id) == ("W9", "K1")
    assert (record.entity_type, record.entity_id, record.subject_id) == ("user", "W1", "W1")
    assert (record.request_id, record.client, record.ip_address) == ("request-1", "pytest", "127.0.0.1")
    assert json.loads(record.details) == {"n": 1}
    assert json.loads(record.personal or "") == PERSONAL


async def test_nothing_personal_needs_no_salt(store: Store) -> None:
    await write(store, 1)
    (record,) = await newest(store)
    assert (record.personal, record.salt, record.personal_digest) == (None, None, None)


async def test_order_of_id_is_order_of_writing(store: Store) -> None:
    async with store.write() as tx:
        await audit.append(tx, [], ACTOR)
        for number in range(20):
            await audit.append(tx, [an_event(number)], ACTOR)
        await audit.append(tx, [an_event(number) for number in range(20, 40)], ACTOR)
    await write(store, 40)
    records = await newest(store)
    assert [record.entity_id for record in records] == [f"W{number}" for number in range(40, -1, -1)]
    assert {record.id[14] for record in records} == {"7"}
    assert {record.id[19] for record in records} <= set("89ab")


async def test_pages_go_back_in_time(store: Store) -> None:
    await write(store, 1, 2, 3, 2)
    first = await newest(store, limit=2)
    assert [record.entity_id for record in first] == ["W2", "W3"]
    assert [r.entity_id for r in await newest(store, before=first[-1].id)] == ["W2", "W1"]
    assert [r.entity_id for r in await newest(store, entity="W2", limit=10)] == ["W2", "W2"]
    assert await newest(store, entity="W2", before=first[-1].id, limit=1) != []


async def test_the_last_event_of_each_entity_is_known(store: Store) -> None:
    await write(store, 1, 2)
    await write(store, 2)
    async with store.read() as tx:
        last = await audit.last_events(tx, E1, ["W1", "W2", "W9"])
        assert await audit.last_events(tx, E2, ["W1"]) == {}
    known = {each.entity_id: each.created for each in reversed(await newest(store))}
    assert last == known
    assert last.keys() == {"W1", "W2"}


async def test_events_wait_until_a_seal_takes_them_up(store: Store) -> None:
    await write(store, 1, 2)
    async with store.write() as tx:
        await audit.append(tx, [an_event(1)], Actor(E2, UserId("W1"), Role.OWNER, ORIGIN))
        assert await audit.pending(tx) == [E1, E2]
    before = await verdict(store)
    assert (before.ok, before.seals, before.events, before.unsealed) == (True, 0, 0, 2)
    assert before.oldest_unsealed is not None
    assert await seal(store) == 2
    assert await seal(store) == 0
    after = await verdict(store)
    assert (after.ok, after.seals, after.events, after.unsealed) == (True, 1, 2, 0)
    assert after.oldest_unsealed is None
    assert after.head != before.head == audit.GENESIS
    async with store.read() as tx:
        assert await audit.pending(tx) == [E2]


async def test_a_seal_takes_a_bounded_batch(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "BATCH", 3)
    await write(store, *range(7))
    assert [await seal(store) for _ in range(4)] == [3, 3, 1, 0]
    found = await verdict(store)
    assert (found.ok, found.seals, found.events) == (True, 3, 7)


async def test_sealers_at_once_do_not_fork_the_chain(store: Store) -> None:
    await write(store, *range(5))

    async def write_and_seal(number: int) -> int:
        await write(store, number)
        return await seal(store)

    sealed = sum(await asyncio.gather(*map(write_and_seal, range(10, 30))))
    sealed += await seal(store)
    found = await verdict(store)
    assert (found.problem, found.events, sealed) == (None, 25, 25)


async def test_a_person_can_be_forgotten_and_the_chain_still_fits(store: Store) -> None:
    await write(store, 1, 2, 1, personal=PERSONAL)
    await seal(store)
    async with store.write() as tx:
        assert await audit.erase(tx, E1, UserId("W1")) == 2
        assert await audit.erase(tx, E1, UserId("W1")) == 0
    texts = [record.personal for record in await newest(store)]
    assert [text is None for text in texts] == [True, False, True]
    assert "nobody was forgotten" in str((await verdict(store)).problem)
    async with store.write() as tx:
        forgotten = Event("user_profile_deleted", "user", "W1", {}, {}, "W1")
        await audit.append(tx, [forgotten], ACTOR)
    assert (await verdict(store)).ok


FIRST = "(SELECT MIN(id) FROM audit_events)"
COPY = (
    "INSERT INTO audit_events SELECT org_id, 'zzz', created, action, actor_id, token_id, entity_type,"
    f" entity_id, request_id, client, ip_address, details, subject_id, personal_digest, salt, personal"
    f" FROM audit_events WHERE id = {FIRST}"
)


async def reorder(tx: Tx) -> None:
    row = await tx.one("SELECT events FROM audit_seals WHERE n = 1")
    assert row is not None
    await tx.run("UPDATE audit_seals SET events = $1 WHERE n = 1", json.dumps(json.loads(row[0])[::-1]))


async def test_a_change_before_the_seal_is_noticed_too(store: Store) -> None:
    await write(store, 1, 2)
    async with store.write() as tx:
        await tx.run(f"UPDATE audit_events SET action = 'other' WHERE id = {FIRST}")
    await seal(store)
    assert "seal 1 does not fit its events" in ((await verdict(store)).problem or "")


@pytest.mark.parametrize(
    ("tampering", "problem"),
    [
        (f"UPDATE audit_events SET action = 'other' WHERE id = {FIRST}", "seal 1 does not fit its events"),
        (f"UPDATE audit_events SET created = 1 WHERE id = {FIRST}", "seal 1 does not fit its events"),
        (f"UPDATE audit_events SET token_id = 'K1' WHERE id = {FIRST}", "seal 1 does not fit its events"),
        (f"UPDATE audit_events SET personal = '{{}}' WHERE id = {FIRST}", "the personal data of event"),
        (f"UPDATE audit_events SET salt = NULL WHERE id = {FIRST}", "the personal data of event"),
        (f"DELETE FROM audit_events WHERE id = {FIRST}", "of seal 1 was removed"),
        (COPY, "1 events are under no seal"),
        ("DELETE FROM audit_seals WHERE n = 1", "seal 1 is missing"),
        ("DELETE FROM audit_seals WHERE n = 2", "seal 2 is missing"),
        ("DELETE FROM audit_seals WHERE n = 3", "1 events are under no seal"),
        ("UPDATE audit_seals SET hash = previous WHERE n = 1", "seal 1 does not fit its events"),
        ("UPDATE audit_seals SET previous = hash WHERE n = 2", "seal 2 does not follow seal 1"),
        (
            f"INSERT INTO audit_unsealed SELECT org_id, id, '' FROM audit_events WHERE id = {FIRST}",
            "1 events are sealed twice, or sealed and still waiting",
        ),
        ("INSERT INTO audit_unsealed VALUES ('E1', 'zzz', '')", "event zzz, not yet sealed, was removed"),
        (reorder, "seal 1 does not fit its events"),
    ],
)
async def test_tampering_is_noticed(store: Store, tampering: Any, problem: str) -> None:
    await write(store, 1, 2, 3, personal=PERSONAL)
    await seal(store)
    for number in (4, 5):
        await write(store, number)
        await seal(store)
    async with store.write() as tx:
        if callable(tampering):
            await tampering(tx)
        else:
            await tx.run(tampering)
    found = await verdict(store)
    assert not found.ok
    assert problem in (found.problem or "")
