"""The worker: claims what is due, has it done, and notes what came of it.

Each process has one. Every second it asks which organisations have something to do, and claims some of it, as
much as has room. A claim is a lease of twice the time that one attempt may take, so that an attempt is over
before anybody else may begin, and clocks of several nodes may differ by the time of one.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from rosterd.delivery.attempts import Claim, End, Failed, GaveUp, Unreachable
from rosterd.directory.errands import back_off
from rosterd.directory.errors import DirectoryError
from rosterd.directory.model import OrgId
from rosterd.store import outbox
from rosterd.store.engine import Store, StoreError
from rosterd.store.outbox import Backlog, Entry

log = logging.getLogger("rosterd.delivery")

T = TypeVar("T")

POLL_SECONDS = 1.0
COUNT_SECONDS = 15.0
"""How often the backlog is counted for /metrics."""
STOP_SECONDS = 5.0
"""How long what is under way may take to its end when the worker stops."""
_OTHERS = 1_000
"""How many errands for an unreachable server are put off together with the one that was tried."""
_SECOND = 1_000_000

Handler = Callable[[Claim], Awaitable[End]]
"""Does an errand. Raises `GaveUp` and `Failed`."""

Outcome = End | GaveUp | Failed


class Counts(Protocol):
    """Where numbers go."""

    def errand(self, kind: str, outcome: str) -> None:
        """An attempt is over: ``done``, ``dropped``, ``failed`` or ``dead``."""

    def backlog(self, found: Sequence[Backlog]) -> None:
        """What there is to do, over all organisations."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How long one attempt may take, and how long to wait after the first failure. Seconds."""

    attempt: int
    first_wait: int


@dataclass(slots=True, eq=False)
class Lane:
    """Kinds of errands that share what may be under way at once."""

    name: str
    handlers: Mapping[str, Handler]  # by kind; those that are claimed first come first
    most: int  # in this process
    most_of_org: int
    most_of_subject: int
    is_one_server: bool = False  # everything goes to the same one: unreachable for one is so for all
    is_repeatable: bool = True  # an attempt that is broken off does no harm
    is_timed: bool = True
    paused_until: float = 0.0  # monotonic
    running: set[asyncio.Task[None]] = field(default_factory=set)
    of_org: Counter[OrgId] = field(default_factory=Counter)
    of_subject: Counter[tuple[OrgId, str]] = field(default_factory=Counter)

    def room(self, org: OrgId) -> int:
        """How many more of this organisation's may begin."""
        if time.monotonic() < self.paused_until:
            return 0
        return min(self.most - len(self.running), self.most_of_org - self.of_org[org])

    def busy(self, org: OrgId) -> list[str]:
        """The organisation's subjects that have as many under way as they may."""
        return [
            subject
            for (whose, subject), n in self.of_subject.items()
            if whose == org and n >= self.most_of_subject
        ]

    def shared_out(self, org: OrgId, found: Iterable[Entry]) -> tuple[list[Entry], list[Entry]]:
        """What may begin of these, and what is more of one subject than may be under way."""
        kept: list[Entry] = []
        surplus: list[Entry] = []
        more: Counter[str] = Counter()
        for entry in found:
            subject = entry.subject_id
            if self.of_subject[org, subject] + more[subject] < self.most_of_subject:
                more[subject] += 1
                kept.append(entry)
            else:
                surplus.append(entry)
        return kept, surplus


class Worker:
    """Takes errands out of the outbox of every organisation until it is stopped."""

    def __init__(self, store: Store, lanes: Iterable[Lane], pace: Pace, counts: Counts) -> None:
        self._store = store
        self._lanes = tuple(lanes)
        self._pace = pace
        self._counts = counts
        self._kinds = [kind for lane in self._lanes for kind in lane.handlers]
        self._turn = 0
        self._stopping = False

    async def run(self) -> None:
        """Work until cancelled; then :meth:`stop`."""
        counted = -COUNT_SECONDS
        while True:
            took = 0
            try:
                if time.monotonic() - counted >= COUNT_SECONDS:
                    counted = time.monotonic()
                    await self._count()
                took = await self._round()
            except StoreError as error:
                log.warning("errands put off: %s", error)
            except Exception:
                log.exception("a round of errands failed")
            running = self._running()
            if took and running:
                await asyncio.wait(running, timeout=POLL_SECONDS / 5)
            else:
                await asyncio.sleep(POLL_SECONDS)

    async def stop(self) -> None:
        """Let what is under way come to its end, for a while; give back what can be repeated."""
        self._stopping = True
        for lane in self._lanes:
            if not lane.is_timed:
                _cancel(lane.running)
        if running := self._running():
            await asyncio.wait(running, timeout=STOP_SECONDS)
        _cancel(running := self._running())
        await asyncio.gather(*running, return_exceptions=True)

    def _running(self) -> set[asyncio.Task[None]]:
        return {task for lane in self._lanes for task in lane.running}

    async def _count(self) -> None:
        async with self._store.scan() as tx:
            found = await outbox.backlog(tx)
        self._counts.backlog(found)

    async def _round(self) -> int:
        """Claim once for each organisation that waits. Returns how many errands were begun."""
        async with self._store.read() as tx:
            pending = await outbox.pending(tx, self._kinds)
        self._turn += 1  # so that not always the same organisation gets the last room
        orgs = [*pending]
        start = self._turn % len(orgs) if orgs else 0
        return sum([await self._take(org, pending[org]) for org in orgs[start:] + orgs[:start]])

    async def _take(self, org: OrgId, kinds: Collection[str]) -> int:
        wanted = [
            (lane, kind)
            for lane in self._lanes
            if lane.room(org) > 0
            for kind in lane.handlers
            if kind in kinds
        ]
        if not wanted:
            return 0
        taken: list[tuple[Lane, Entry]] = []
        async with self._store.write() as tx:
            until = tx.now + 2 * self._pace.attempt * _SECOND
            for lane, kind in wanted:
                room = lane.room(org) - sum(each is lane for each, _ in taken)
                if room <= 0:
                    continue
                found = await outbox.claim(tx, org, kind, room, until, busy=lane.busy(org))
                kept, surplus = lane.shared_out(org, found)
                for entry in surplus:
                    await outbox.release(tx, entry)
                taken += [(lane, entry) for entry in kept]
        for lane, entry in taken:
            self._begin(lane, entry)
        return len(taken)

    def _begin(self, lane: Lane, entry: Entry) -> None:
        subject = entry.org_id, entry.subject_id
        lane.of_org[entry.org_id] += 1
        lane.of_subject[subject] += 1
        task = asyncio.create_task(self._do(lane, entry))
        lane.running.add(task)

        def over(task: asyncio.Task[None]) -> None:
            lane.running.discard(task)
            _less(lane.of_org, entry.org_id)
            _less(lane.of_subject, subject)

        task.add_done_callback(over)

    async def _do(self, lane: Lane, entry: Entry) -> None:
        claim = Claim(entry)
        try:
            outcome = await self._attempt(lane, claim)
        except asyncio.CancelledError:
            if lane.is_repeatable:
                await self._note(claim, None)
            else:
                log.warning("%s %s was broken off: it is tried again later", entry.kind, entry.id)
            raise
        if isinstance(outcome, Unreachable) and lane.is_one_server:
            lane.paused_until = time.monotonic() + self._pace.first_wait
        await self._note(claim, outcome)

    async def _attempt(self, lane: Lane, claim: Claim) -> Outcome:
        kind, id = claim.entry.kind, claim.entry.id
        try:
            async with asyncio.timeout(self._pace.attempt if lane.is_timed else None):
                return await lane.handlers[kind](claim)
        except (GaveUp, Failed) as outcome:
            return outcome
        except TimeoutError:
            return Failed(f"nothing came of it within {self._pace.attempt} s")
        except (StoreError, DirectoryError) as error:
            return Failed(str(error))
        except Exception as error:
            log.exception("%s %s failed", kind, id)
            return Failed(f"{type(error).__name__}: see the log")

    async def _note(self, claim: Claim, outcome: Outcome | None) -> None:
        """Write down what came of it (None: nothing), again and again while the store does not answer."""
        entry = claim.entry
        deadline = time.monotonic() + self._pace.attempt / 2
        while True:
            try:
                said = await self._settle(entry, outcome)
                break
            except StoreError as error:
                if time.monotonic() > deadline or self._stopping:
                    log.warning("%s %s could not be noted: %s", entry.kind, entry.id, error)
                    return
            await asyncio.sleep(POLL_SECONDS / 5)
        if said:
            self._counts.errand(entry.kind, said)
        if said in ("failed", "dead"):
            level = logging.WARNING if said == "dead" else logging.INFO
            log.log(level, "%s %s, attempt %d: %s: %s", entry.kind, entry.id, entry.attempts, said, outcome)

    async def _settle(self, entry: Entry, outcome: Outcome | None) -> str:
        """Gives what to count it as, if anything."""
        if outcome is End.NOTED or outcome is End.LOST:
            return "done" if outcome is End.NOTED else ""
        async with self._store.write() as tx:
            if outcome is None:
                await outbox.release(tx, entry)
                return ""
            if isinstance(outcome, End):
                await outbox.done(tx, entry)
                return str(outcome)
            wait = back_off(entry.attempts, self._pace.first_wait) if isinstance(outcome, Failed) else None
            if wait is None or isinstance(outcome, GaveUp):
                await outbox.give_up(tx, entry, str(outcome))
                return "dead"
            due = tx.now + max(wait, outcome.wait) * _SECOND
            await outbox.put_off(tx, entry, due, str(outcome))
            if isinstance(outcome, Unreachable):
                await outbox.put_off_others(tx, entry, due, _OTHERS)
            return "failed"


def _less(counter: Counter[T], key: T) -> None:
    """One less; what there is none of is not counted."""
    counter[key] -= 1
    if counter[key] <= 0:
        del counter[key]


def _cancel(tasks: Iterable[asyncio.Task[None]]) -> None:
    for task in tuple(tasks):
        task.cancel()
