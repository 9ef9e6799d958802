"""The worker: what it takes, how long it tries, and that nobody waits for somebody else's server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from rosterd.delivery.attempts import Claim, End, Failed, GaveUp, Unreachable
from rosterd.delivery.jobs import Job
from rosterd.delivery.worker import Lane, Pace, Worker
from rosterd.directory.errands import MOST_ATTEMPTS, Errand, Kind
from rosterd.directory.errors import NotFound
from rosterd.directory.model import OrgId
from rosterd.provisioning.cards import card
from rosterd.store import outbox
from rosterd.store.engine import Store, StoreUnavailable, Tx, open_store
from rosterd.store.outbox import Backlog, Entry
from tests.store.rows import E1, E2

pytestmark = pytest.mark.anyio

INVITATION, WEBHOOK = Kind.INVITATION, Kind.WEBHOOK
PATIENCE = 30.0


@pytest.fixture(autouse=True)
def _swift(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that asks often."""
    monkeypatch.setattr("rosterd.delivery.worker.POLL_SECONDS", 0.05)


@dataclass(slots=True)
class Numbers:
    """What a worker counts."""

    outcomes: list[tuple[str, str]] = field(default_factory=list)
    found: Sequence[Backlog] = ()

    def errand(self, kind: str, outcome: str) -> None:
        self.outcomes.append((kind, outcome))

    def backlog(self, found: Sequence[Backlog]) -> None:
        self.found = found


@dataclass(slots=True)
class Doer:
    """A handler that notes what it is asked, and answers each subject as it is told to."""

    done: list[str] = field(default_factory=list)
    answers: dict[str, list[Exception | End | asyncio.Event]] = field(default_factory=dict)

    async def __call__(self, claim: Claim) -> End:
        subject = claim.entry.subject_id
        self.done.append(subject)
        answer = (self.answers.get(subject) or [End.DONE]).pop(0)
        if isinstance(answer, asyncio.Event):
            await answer.wait()
            return End.DONE
        if isinstance(answer, Exception):
            raise answer
        return answer


def mail(doer: Any, **more: Any) -> Lane:
    return Lane("mail", {INVITATION: doer}, **({"most": 16, "most_of_org": 8, "most_of_subject": 8} | more))


@asynccontextmanager
async def working(
    store: Store, *lanes: Lane, attempt: int = 30, first_wait: int = 1
) -> AsyncIterator[Numbers]:
    numbers = Numbers()
    worker = Worker(store, lanes, Pace(attempt, first_wait), numbers)
    task = asyncio.create_task(worker.run())
    try:
        yield numbers
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await worker.stop()


async def until(true: Callable[[], bool | Awaitable[bool]]) -> None:
    async with asyncio.timeout(PATIENCE):
        while True:
            answer = true()
            if answer if isinstance(answer, bool) else await answer:
                return
            await asyncio.sleep(0.02)


async def add(store: Store, *subjects: str, kind: Kind = INVITATION, org: OrgId = E1) -> None:
    async with store.write() as tx:
        await outbox.add(tx, org, [Errand(kind, subject) for subject in subjects])


async def left(store: Store, org: OrgId = E1) -> list[Entry]:
    async with store.read() as tx:
        return [*await outbox.page(tx, org, dead=False), *await outbox.page(tx, org, dead=True)]


def nothing_left(store: Store) -> Callable[[], Awaitable[bool]]:
    async def empty() -> bool:
        return not await left(store) and not await left(store, E2)

    return empty


async def test_errands_of_all_organisations_are_done_once_and_struck_off(store: Store) -> None:
    doer = Doer(answers={"W3": [End.DROPPED]})
    await add(store, *(f"W{n}" for n in range(30)))
    async with working(store, mail(doer)) as numbers:
        await add(store, "W30", org=E2)
        await until(nothing_left(store))
    assert sorted(doer.done) == sorted(f"W{n}" for n in range(31))
    assert sorted(numbers.outcomes) == [("invitation", "done")] * 30 + [("invitation", "dropped")]


async def test_what_fails_is_tried_again_and_says_why_meanwhile(store: Store) -> None:
    doer = Doer(answers={"W1": [Failed("greylisted")]})
    await add(store, "W1", "W2")
    async with working(store, mail(doer)) as numbers:
        await until(lambda: ("invitation", "failed") in numbers.outcomes)
        (waiting,) = [each for each in await left(store) if each.subject_id == "W1"]
        assert (waiting.problem, waiting.attempts) == ("greylisted", 1)
        await until(nothing_left(store))
    assert doer.done.count("W1") == 2
    assert doer.done.count("W2") == 1


async def test_what_cannot_succeed_is_dead_at_once_and_what_never_does_in_the_end(store: Store) -> None:
    doer = Doer(answers={"W1": [GaveUp("550 no such mailbox")], "W2": [Failed("451 later")]})
    await add(store, "W1", "W2")
    async with store.write() as tx:
        second = (await left(store))[1]
        sql = "UPDATE outbox SET attempts = $2 WHERE org_id = $1 AND id = $3"
        await tx.run(sql, E1, MOST_ATTEMPTS - 1, second.id)
    async with working(store, mail(doer)) as numbers:
        await until(lambda: len(numbers.outcomes) == 2)
    one, two = await left(store)
    assert (one.problem, one.dead, one.attempts) == ("550 no such mailbox", True, 1)
    assert (two.problem, two.dead, two.attempts) == ("451 later", True, MOST_ATTEMPTS)
    assert numbers.outcomes == [("invitation", "dead")] * 2


async def test_a_fault_of_ours_is_logged_and_tried_again(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    doer = Doer(answers={"W1": [ZeroDivisionError("oops")], "W2": [NotFound("no_such_user")]})
    await add(store, "W1", "W2")
    async with working(store, mail(doer)) as numbers:
        await until(lambda: len(numbers.outcomes) == 2)
        assert [each.problem for each in await left(store)] == [
            "ZeroDivisionError: see the log",
            "no_such_user",
        ]
        assert "oops" in caplog.text
        await until(nothing_left(store))
    assert numbers.outcomes == [("invitation", "failed")] * 2 + [("invitation", "done")] * 2


async def test_an_attempt_has_an_end(store: Store) -> None:
    doer = Doer(answers={"W1": [asyncio.Event()]})
    await add(store, "W1")
    async with working(store, mail(doer), attempt=1) as numbers:
        await until(nothing_left(store))
    assert numbers.outcomes == [("invitation", "failed"), ("invitation", "done")]


async def test_several_workers_share_and_do_nothing_twice(database_url: str) -> None:
    one, other = await open_store(database_url, card=card), await open_store(database_url, card=card)
    # The first is held up by whatever it begins with, until the second has had its share.
    held_up = asyncio.Event()
    everybody = [f"W{n}" for n in range(60)]
    first, second = Doer(answers={subject: [held_up] for subject in everybody}), Doer()
    try:
        await add(one, *everybody)
        async with working(one, mail(first)):
            await until(lambda: bool(first.done))
            async with working(other, mail(second)):
                await until(lambda: bool(second.done))
                held_up.set()
                await until(nothing_left(one))
    finally:
        await one.close()
        await other.close()
    assert sorted(first.done + second.done) == sorted(everybody)


async def test_what_a_crash_left_is_done_when_its_lease_is_over(store: Store) -> None:
    await add(store, "W1", "W2")
    async with store.write() as tx:  # a process that claimed both, and died
        await outbox.claim(tx, E1, INVITATION, 1, tx.now + 500_000)
        await outbox.claim(tx, E1, INVITATION, 1, tx.now + 3_600_000_000)
    doer = Doer()
    async with working(store, mail(doer)):
        await until(lambda: doer.done == ["W1"])
        await asyncio.sleep(0)
    assert [each.subject_id for each in await left(store)] == ["W2"]


async def test_one_organisation_and_one_lane_do_not_hold_up_others(store: Store) -> None:
    stuck = asyncio.Event()
    doer, poster = Doer(), Doer()
    await add(store, *(f"A{n}" for n in range(40)))
    for n in range(40):
        doer.answers[f"A{n}"] = [stuck]
    async with working(store, mail(doer), Lane("webhooks", {WEBHOOK: poster}, 4, 4, 4)):
        await until(lambda: len(doer.done) == 8)
        await add(store, "B1", "B2", org=E2)
        await add(store, "H1", kind=WEBHOOK)
        await until(lambda: {"B1", "B2"} <= {*doer.done} and poster.done == ["H1"])
        assert len(doer.done) == 10  # of the one that is stuck no more than its share
        stuck.set()
        await until(nothing_left(store))


async def test_one_slow_receiver_does_not_hold_up_others_of_its_organisation(store: Store) -> None:
    stuck = asyncio.Event()
    poster = Doer(answers={"slow": [stuck] * 20})
    await add(store, *["slow"] * 20, kind=WEBHOOK)
    async with working(store, Lane("webhooks", {WEBHOOK: poster}, 8, 8, 2)):
        await until(lambda: poster.done == ["slow"] * 2)
        await add(store, *["quick"] * 10, kind=WEBHOOK)
        await until(lambda: poster.done.count("quick") == 10)
        assert poster.done.count("slow") == 2
        stuck.set()
        await until(nothing_left(store))


async def test_what_waits_for_an_unreachable_receiver_waits_untried(store: Store) -> None:
    poster = Doer(answers={"gone": [Unreachable("no answer")] * 30})
    await add(store, *["gone"] * 30, kind=WEBHOOK)
    async with working(store, Lane("webhooks", {WEBHOOK: poster}, 2, 2, 2), first_wait=60) as numbers:
        await until(lambda: len(numbers.outcomes) >= 2)
        await until(lambda: len(numbers.outcomes) == len(poster.done))
    found = await left(store)
    assert len(found) == 30
    assert len([each for each in found if each.attempts == 0]) >= 24
    assert min(each.due for each in found) > found[0].created + 50_000_000


async def test_an_unreachable_server_for_all_is_left_in_peace(store: Store) -> None:
    doer = Doer(answers={f"W{n}": [Unreachable("refused")] for n in range(20)})
    await add(store, *(f"W{n}" for n in range(20)))
    lane = mail(doer, most=2, most_of_org=2, is_one_server=True)
    async with working(store, lane, first_wait=60) as numbers:
        await until(lambda: len(numbers.outcomes) == 2)
        await add(store, "X", org=E2)
        await asyncio.sleep(0.5)
    assert len(doer.done) == 2


async def test_the_end_waits_for_what_is_under_way_and_keeps_the_rest(store: Store) -> None:
    going = asyncio.Event()
    doer = Doer(answers={"W1": [going]})
    await add(store, "W1", "W2")
    async with working(store, mail(doer, most_of_org=1)):
        await until(lambda: doer.done == ["W1"])
        asyncio.get_running_loop().call_later(0.2, going.set)
    assert [(each.subject_id, each.attempts) for each in await left(store)] == [("W2", 0)]


@pytest.mark.parametrize("repeatable", [True, False])
async def test_what_does_not_end_is_given_back_if_it_may_be_repeated(
    store: Store, repeatable: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rosterd.delivery.worker.STOP_SECONDS", 0.1)
    doer = Doer(answers={"W1": [asyncio.Event()]})
    await add(store, "W1")
    async with working(store, mail(doer, is_repeatable=repeatable)):
        await until(lambda: doer.done == ["W1"])
    (entry,) = await left(store)
    async with store.read() as tx:
        assert [*await outbox.pending(tx, [INVITATION])] == ([E1] if repeatable else [])
    assert entry.attempts == (0 if repeatable else 1)


async def test_the_backlog_is_counted(store: Store) -> None:
    await add(store, "H1", kind=WEBHOOK)
    async with working(store, mail(Doer())) as numbers:
        await until(lambda: len(numbers.found) > 0)
    assert numbers.found == [Backlog("webhook", due=1, later=0, dead=0)]


class TestJobs:
    """Slice by slice, each a transaction."""

    async def work(self, tx: Tx, org: OrgId, arguments: dict[str, Any]) -> dict[str, Any] | None:
        """Five slices; each leaves a trace."""
        n = arguments.get("n", 0)
        await outbox.add(tx, E2, [Errand(Kind.DIGEST, f"slice {n}")])
        return {"n": n + 1} if n < 4 else None

    def lane(self, store: Store, work: Any) -> Lane:
        return Lane("jobs", {Kind.CONSEQUENCES: Job(store, work)}, 2, 1, 1, is_timed=False)

    async def slices(self, store: Store) -> list[str]:
        return [each.subject_id for each in await left(store, E2)]

    async def test_a_job_is_done_to_its_end(self, store: Store) -> None:
        await add(store, "S1", kind=Kind.CONSEQUENCES)
        async with working(store, self.lane(store, self.work)) as numbers:
            await until(lambda: numbers.outcomes == [("consequences", "done")])
        assert await left(store) == []
        assert await self.slices(store) == [f"slice {n}" for n in range(5)]

    async def test_a_slice_that_fails_leaves_nothing_and_is_the_one_to_go_on_with(self, store: Store) -> None:
        failures = [3]

        async def work(tx: Tx, org: OrgId, arguments: dict[str, Any]) -> dict[str, Any] | None:
            further = await self.work(tx, org, arguments)
            if failures and arguments.get("n") == failures[0]:
                failures.pop()
                raise StoreUnavailable("disk full")
            return further

        await add(store, "S1", kind=Kind.CONSEQUENCES)
        async with working(store, self.lane(store, work)) as numbers:
            await until(lambda: ("consequences", "done") in numbers.outcomes)
        assert numbers.outcomes == [("consequences", "failed"), ("consequences", "done")]
        assert await self.slices(store) == [f"slice {n}" for n in range(5)]

    async def test_a_job_that_is_stopped_is_given_back_and_goes_on(self, store: Store) -> None:
        third = asyncio.Event()

        async def work(tx: Tx, org: OrgId, arguments: dict[str, Any]) -> dict[str, Any] | None:
            if arguments.get("n") == 3 and not third.is_set():
                third.set()
                await asyncio.sleep(PATIENCE)
            return await self.work(tx, org, arguments)

        await add(store, "S1", kind=Kind.CONSEQUENCES)
        async with working(store, self.lane(store, work)):
            await third.wait()
        (entry,) = await left(store)
        assert entry.arguments == {"n": 3}
        async with working(store, self.lane(store, work)):
            await until(lambda: self.is_over(store))
        assert await self.slices(store) == [f"slice {n}" for n in range(5)]

    async def is_over(self, store: Store) -> bool:
        return not await left(store)

    async def test_a_job_that_somebody_else_has_taken_over_is_left_to_them(self, store: Store) -> None:
        await add(store, "S1", kind=Kind.CONSEQUENCES)
        async with store.write() as tx:
            (late,) = await outbox.claim(tx, E1, Kind.CONSEQUENCES, 1, tx.now - 1)
            (mine,) = await outbox.claim(tx, E1, Kind.CONSEQUENCES, 1, tx.now + 60_000_000)
        assert await Job(store, self.work)(Claim(late)) is End.LOST
        assert await left(store) == [mine]
        assert await self.slices(store) == []
