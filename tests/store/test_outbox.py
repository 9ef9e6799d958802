"""The outbox: who gets an errand, for how long, and what becomes of it. On both engines."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest

from rosterd.directory.errands import Errand, Kind
from rosterd.directory.model import OrgId
from rosterd.provisioning.cards import card
from rosterd.store import outbox
from rosterd.store.engine import Store, open_store
from rosterd.store.engines.statements import for_sqlite
from rosterd.store.outbox import Backlog, Entry
from tests.store.rows import E1, E2

pytestmark = pytest.mark.anyio

SECOND = 1_000_000
SOON = 60 * SECOND  # a lease
KINDS = tuple(Kind)


async def add(store: Store, *errands: Errand, org: OrgId = E1) -> None:
    async with store.write() as tx:
        await outbox.add(tx, org, errands)


async def claim(
    store: Store,
    limit: int = 10,
    *,
    lease: int = SOON,
    kinds: tuple[Kind, ...] = KINDS,
    busy: tuple[str, ...] = (),
) -> list[Entry]:
    async with store.write() as tx:
        found: list[Entry] = []
        for kind in kinds:
            found += await outbox.claim(tx, E1, kind, limit - len(found), tx.now + lease, busy=busy)
        return sorted(found, key=lambda each: each.id)


async def everything(store: Store) -> list[Entry]:
    async with store.read() as tx:
        return [*await outbox.page(tx, E1, dead=False), *await outbox.page(tx, E1, dead=True)]


def invitations(*subjects: str) -> list[Errand]:
    return [Errand(Kind.INVITATION, subject) for subject in subjects]


async def test_what_is_added_is_claimed_in_its_order_with_all_that_was_said(store: Store) -> None:
    said = Errand(Kind.MESSAGE, "W2", {"channel": None, "author": "W1", "text": "é \U0001f600"})
    await add(store, *invitations("W1"))
    await add(store, said, *invitations("W3", "W4"))
    found = await claim(store)
    assert [each.subject_id for each in found] == ["W1", "W2", "W3", "W4"]
    assert [each.id for each in found] == sorted(each.id for each in found)
    assert found[1].arguments == said.arguments
    assert {(each.kind, each.attempts, each.problem, each.dead) for each in found} == {
        ("invitation", 1, None, False),
        ("message", 1, None, False),
    }


async def test_a_step_adds_in_the_chain_of_others(store: Store) -> None:
    async with store.write() as tx:
        steps = [outbox.entry(tx.now, E1, each) for each in invitations("W1", "W2")]
        assert await tx.together(steps) == 2
    assert [each.subject_id for each in await claim(store)] == ["W1", "W2"]


async def test_an_errand_of_a_transaction_that_fails_is_none(store: Store) -> None:
    with pytest.raises(RuntimeError):
        async with store.write() as tx:
            await outbox.add(tx, E1, invitations("W1"))
            raise RuntimeError
    assert await claim(store) == []


async def test_nobody_else_gets_what_is_claimed_until_the_lease_is_over(store: Store) -> None:
    await add(store, *invitations("W1", "W2"))
    assert [each.subject_id for each in await claim(store, 1)] == ["W1"]
    assert [each.subject_id for each in await claim(store)] == ["W2"]
    assert await claim(store) == []


async def test_a_lease_that_is_over_leaves_the_errand_to_others(store: Store) -> None:
    await add(store, *invitations("W1"))
    (lost,) = await claim(store, lease=-1)
    (again,) = await claim(store)
    assert (again.id, again.attempts) == (lost.id, 2)
    async with store.write() as tx:  # whoever comes back too late has nothing to say
        assert not await outbox.is_held(tx, lost)
        await outbox.put_off(tx, lost, tx.now, "too late")
        await outbox.give_up(tx, lost, "too late")
        await outbox.release(tx, lost)
        await outbox.advance(tx, lost, {"n": 1}, tx.now)
    assert await everything(store) == [again]
    async with store.write() as tx:
        assert await outbox.is_held(tx, again)
        await outbox.done(tx, lost)  # but what is done is done
    assert await everything(store) == []


async def test_two_who_claim_at_once_share(database_url: str) -> None:
    one, other = await open_store(database_url, card=card), await open_store(database_url, card=card)
    try:
        await add(one, *invitations(*(f"W{number}" for number in range(100))))
        taken: list[Entry] = []
        for _ in range(10):
            for found in await asyncio.gather(*(claim(each, 5) for each in (one, other, one, other))):
                taken += found
        assert sorted(each.subject_id for each in taken) == sorted(f"W{number}" for number in range(100))
    finally:
        await one.close()
        await other.close()


async def test_a_claim_that_came_to_nothing_leaves_no_trace(store: Store) -> None:
    await add(store, *invitations("W1"))
    (entry,) = await claim(store)
    async with store.write() as tx:
        await outbox.release(tx, entry)
    (again,) = await claim(store)
    assert (again.id, again.attempts) == (entry.id, 1)


async def test_what_is_put_off_comes_later_and_says_why(store: Store) -> None:
    await add(store, *invitations("W1", "W2"))
    first, second = await claim(store)
    async with store.write() as tx:
        await outbox.put_off(tx, first, tx.now + SOON, "no answer")
        await outbox.put_off(tx, second, tx.now, "greylisted")
    (again,) = await claim(store)
    assert (again.subject_id, again.problem, again.attempts) == ("W2", "greylisted", 2)
    assert {(each.subject_id, each.problem) for each in await everything(store)} == {
        ("W1", "no answer"),
        ("W2", "greylisted"),
    }


async def test_others_of_the_same_subject_can_wait_with_it_untried(store: Store) -> None:
    events = [Errand(Kind.WEBHOOK, subject) for subject in ("A", "A", "B", "A", "A")]
    await add(store, *events, Errand(Kind.INVITATION, "A"))
    (first,) = await claim(store, 1, kinds=(Kind.WEBHOOK,))
    async with store.write() as tx:
        await outbox.put_off_others(tx, first, tx.now + SOON, 2)
    rest = await claim(store)
    assert [(each.kind, each.subject_id, each.attempts) for each in rest] == [
        ("webhook", "B", 1),
        ("webhook", "A", 1),
        ("invitation", "A", 1),
    ]


async def test_the_dead_are_not_claimed_and_wait_for_an_operator(store: Store) -> None:
    await add(store, *invitations("W1", "W2", "W3"))
    async with store.write() as tx:
        for entry in await outbox.claim(tx, E1, Kind.INVITATION, 10, tx.now - 1):
            await outbox.give_up(tx, entry, "no such mailbox")
    assert await claim(store) == []
    one, two, three = await everything(store)
    assert (one.subject_id, one.problem, one.dead) == ("W1", "no such mailbox", True)
    async with store.write() as tx:
        assert await outbox.retry(tx, E2, [one.id]) == 0
        assert await outbox.retry(tx, E1, [one.id, "x"]) == 1
        assert await outbox.drop(tx, E2, [two.id]) == 0
        assert await outbox.drop(tx, E1, [two.id, "x"]) == 1
    (again,) = await claim(store)
    assert (again.id, again.attempts, again.dead) == (one.id, 1, False)
    assert [each.id for each in await everything(store)] == [one.id, three.id]


async def test_kinds_that_nobody_asks_for_and_busy_subjects_are_passed_over(store: Store) -> None:
    await add(store, *invitations("W1"), Errand(Kind.WEBHOOK, "A"), Errand(Kind.WEBHOOK, "B"))
    assert await claim(store, kinds=(Kind.DIGEST,)) == []
    found = await claim(store, kinds=(Kind.WEBHOOK,), busy=("A",))
    assert [each.subject_id for each in found] == ["B"]


async def test_a_kind_of_a_later_version_is_left_alone_and_can_be_listed(store: Store) -> None:
    later = "a_kind_of_a_later_version"
    async with store.write() as tx:
        await tx.run(
            "INSERT INTO outbox (org_id, id, created, kind, subject_id, arguments, due, attempts, dead)"
            " VALUES ($1, 'x', 1, $2, 'W1', '{}', 1, 0, 0)",
            E1, later,
        )  # fmt: skip
        assert await outbox.pending(tx, KINDS) == {}
    assert await claim(store) == []
    assert [each.kind for each in await everything(store)] == [later]


async def test_who_has_something_to_do_is_found_organisation_by_organisation(store: Store) -> None:
    async def pending() -> list[OrgId]:
        async with store.read() as tx:
            found = await outbox.pending(tx, KINDS)
        assert all(kinds == {Kind.INVITATION} for kinds in found.values())
        return [*found]

    assert await pending() == []
    for name in ("E1", "E2", "E3", "E4"):
        await add(store, *invitations("W1"), org=OrgId(name))
    assert await pending() == ["E1", "E2", "E3", "E4"]
    async with store.write() as tx:
        await outbox.claim(tx, E2, Kind.INVITATION, 1, tx.now + SOON)
        (third,) = await outbox.claim(tx, OrgId("E3"), Kind.INVITATION, 1, tx.now)
        await outbox.give_up(tx, third, "no")
    assert await pending() == ["E1", "E4"]
    async with store.read() as tx:
        assert await outbox.backlog(tx) == [Backlog("invitation", due=2, later=1, dead=1)]


async def test_a_job_goes_on_where_it_was_and_counts_as_begun_anew(store: Store) -> None:
    await add(store, Errand(Kind.CONSEQUENCES, "S1", {"after": ""}))
    await claim(store, lease=-1)
    (job,) = await claim(store)
    assert job.attempts == 2
    async with store.write() as tx:
        assert await outbox.is_held(tx, job)
        further = await outbox.advance(tx, job, {"after": "W9"}, tx.now - 1)
    (again,) = await claim(store)
    assert (again.arguments, again.attempts) == ({"after": "W9"}, 2)
    async with store.write() as tx:
        assert not await outbox.is_held(tx, job)
        assert not await outbox.is_held(tx, further)


def test_what_waits_of_another_kind_is_not_looked_through(migrated_file: Path) -> None:
    """An index leads to the errands of a kind, in the order in which they are due."""
    with sqlite3.connect(migrated_file) as connection:
        text = for_sqlite(outbox._CLAIM.partition(" UPDATE outbox ")[0] + " SELECT id FROM chosen").text
        plan = connection.execute(f"EXPLAIN QUERY PLAN {text}", [None] * 6).fetchall()
    connection.close()
    steps = "\n".join(step for *_, step in plan)
    assert "USING INDEX outbox_by_due (org_id=? AND dead=? AND kind=? AND due<?)" in steps
    assert "ORDER BY" not in steps  # nothing is sorted
