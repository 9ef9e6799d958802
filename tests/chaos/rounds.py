"""Rounds: load, strike, put up again, check. Ten of them in a row share one machine and what it remembers."""

from __future__ import annotations

import tempfile
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from random import Random

import httpx
import msgspec

from tests.chaos import check
from tests.chaos.journal import Journal
from tests.chaos.load import Load
from tests.chaos.machines import PATIENCE, STRIKES, Machine, machine
from tests.protocol.live import Api, Org, Server, make_org

SEASON = 10
"""Rounds on one machine."""

_SHARED = 2  # groups in which all writers write


class Outcome(msgspec.Struct, frozen=True):
    """What one strike did."""

    number: int
    engine: str
    struck: str
    acknowledged: int
    doubtful: int  # requests under way when it came
    applied: int  # of those, how many had happened nevertheless
    lost: list[str]
    torn: list[str]
    wrong: list[str]  # answers and verdicts that should not be
    seconds: float

    @property
    def is_clean(self) -> bool:
        return not (self.lost or self.torn or self.wrong)


class Round(msgspec.Struct, frozen=True):
    """One planned strike. ``after`` is in seconds from the start of the load."""

    number: int
    season: int
    engine: str
    struck: str
    after: float


def planned(seed: int, count: int, engines: Sequence[str] = tuple(STRIKES)) -> Iterator[Round]:
    """So many rounds, the engines by turns, season by season.

    >>> [each.engine for each in planned(1, 30)][::10]
    ['sqlite', 'postgresql', 'sqlite']
    """
    for number in range(count):
        random = Random(seed * 1_000_003 + number)
        season = number // SEASON
        engine = engines[season % len(engines)]
        struck = STRIKES[engine][number % len(STRIKES[engine])]
        yield Round(number, season, engine, struck, random.uniform(0.05, 0.6))


def play(rounds: Sequence[Round], seed: int) -> Iterator[Outcome]:
    """The outcomes of rounds, one after the other."""
    for _, season in groupby(rounds, key=lambda each: each.season):
        rest = deque(season)
        with (
            tempfile.TemporaryDirectory(prefix="rosterd-chaos-") as folder,
            machine(rest[0].engine, Path(folder)) as struck,
            httpx.Client(timeout=PATIENCE, trust_env=False) as http,
        ):
            stage = Stage.new(struck, http)
            while rest:
                each = rest.popleft()
                yield stage.play(each, Random(seed * 7_919 + each.number), is_last=not rest)


@dataclass(frozen=True, slots=True)
class Stage:
    """A machine with one organisation, and all that was ever asked of it."""

    machine: Machine
    http: httpx.Client
    org: Org
    shared: frozenset[str]
    journal: Journal
    load: Load

    @classmethod
    def new(cls, machine: Machine, http: httpx.Client) -> Stage:
        org = make_org(Server(machine.engine, machine.url, machine.database, http))
        shared = [org.api("v2").create_group(f"shared-{number}")["id"] for number in range(_SHARED)]
        journal = Journal()
        return cls(machine, http, org, frozenset(shared), journal, Load(shared, journal))

    def play(self, planned: Round, random: Random, *, is_last: bool) -> Outcome:
        """One round. After the last of a machine no event may be without its seal, nobody without mail."""
        started, before = time.monotonic(), self.journal.acknowledged

        def strike() -> None:
            time.sleep(planned.after)
            self.machine.strike(planned.struck)

        self.load.during(random, [self._api("v1"), self._api("v2")], strike)
        self.machine.put_up(planned.struck, random)
        found = check.directory(self._api(random.choice(("v1", "v2"))), self.shared)
        del found[self.org.owner_id]
        trail = check.trail(self.machine.database, self.org.org_id)
        findings = check.compare(self.journal, found, trail.events)
        doubtful, wrong = len(self.journal.doubtful), [*self.journal.wrong, *trail.problems]
        for request, id in findings.applied:
            self.journal.settle(request, id)
        self.journal.doubtful.clear()
        self.journal.wrong.clear()
        if is_last:
            wrong += self._unfinished()
        return Outcome(
            planned.number,
            planned.engine,
            planned.struck,
            self.journal.acknowledged - before,
            doubtful,
            len(findings.applied),
            findings.lost,
            findings.torn,
            wrong,
            round(time.monotonic() - started, 2),
        )

    def _api(self, version: str) -> Api:
        return Api(self.machine.url, self.org.token, version, self.http)

    def _unfinished(self) -> list[str]:
        """What a server does not come to do, though it is left in peace; and what is wrong with the mails."""
        deadline = time.monotonic() + PATIENCE
        while (trail := check.trail(self.machine.database, self.org.org_id)).unsealed or trail.waiting:
            if time.monotonic() > deadline:
                return [f"{trail.unsealed} events wait for a seal, {trail.waiting} errands for being done"]
            time.sleep(0.2)
        box = self.machine.box
        came = [
            (each["To"].addresses[0].addr_spec, str(each["Message-ID"]), at)
            for each, at in zip(box.messages, box.times, strict=True)
        ]
        return [*trail.dead, *check.mails(self.journal.people, came)]
