"""Whether the refusal of a wrong token takes longer, the more of it is right.

Wrong tokens that share none, half, or all but one of their leading characters with a real one are refused
by turns, in an order drawn anew each time, so that whatever else the machine does meets all alike.
"""

from __future__ import annotations

import asyncio
import math
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from random import Random
from statistics import median
from typing import Any, NamedTuple

from rosterd.actions import orgs
from rosterd.actions.doors import apps
from rosterd.directory.model import Origin, Plan
from rosterd.store.engine import Store, open_store
from rosterd.web.auth import Authenticator
from rosterd.web.errors import HttpError
from rosterd.web.request import Request

KEY = b"a key for timings"
TOLERANCE = 0.10
"""Medians farther apart than this share of the smallest are a leak."""

KINDS = ("none", "half", "all but one")


class Timings(NamedTuple):
    """Nanoseconds of each refusal, by how much of the token was right."""

    samples: dict[str, list[int]]

    @property
    def medians(self) -> dict[str, float]:
        return {kind: median(taken) for kind, taken in self.samples.items()}

    @property
    def spread(self) -> float:
        """How far the medians lie apart, as a share of the smallest."""
        found = self.medians.values()
        return (max(found) - min(found)) / min(found)

    @property
    def z(self) -> float:
        """The rank test of Mann and Whitney between the first kind and the last: 0 means no difference."""
        return rank_z(self.samples[KINDS[0]], self.samples[KINDS[-1]])

    @property
    def leaks(self) -> bool:
        return self.spread >= TOLERANCE

    def sentence(self) -> str:
        shown = ", ".join(f"{kind} {value / 1000:.1f} µs" for kind, value in self.medians.items())
        verdict = "LEAK" if self.leaks else "no leak"
        count = len(self.samples[KINDS[0]])
        return (
            f"refusing a token of which the leading characters match: {shown} (medians of {count:,});"
            f" {self.spread:.1%} apart, rank test z = {self.z:+.1f}: {verdict}"
        )


def rank_z(first: Sequence[int], second: Sequence[int]) -> float:
    """Mann and Whitney's U as a standard score, ties by mean rank.

    >>> round(rank_z([1, 2, 3, 4], [5, 6, 7, 8]), 2), rank_z([1, 2], [1, 2])
    (-2.31, 0.0)
    """
    ranks: dict[int, float] = {}
    before = 0
    for value, count in sorted(Counter((*first, *second)).items()):
        ranks[value] = before + (count + 1) / 2
        before += count
    n, m = len(first), len(second)
    u = sum(ranks[value] for value in first) - n * (n + 1) / 2
    return (u - n * m / 2) / math.sqrt(n * m * (n + m + 1) / 12)


def wrong_tokens(token: str, random: Random) -> dict[str, str]:
    """For each kind a wrong token of the same length."""

    def sharing(count: int) -> str:
        rest = "".join(random.choices("abcdefghijklmnopqrstuvwxyz", k=len(token) - count - 1))
        return token[:count] + ("~" if token[count] != "~" else "!") + rest

    return dict(zip(KINDS, map(sharing, (0, len(token) // 2, len(token) - 1)), strict=True))


def measured(rounds: int = 5_000) -> Timings:
    """So many refusals of each kind, on a SQLite store with one real token."""
    with tempfile.TemporaryDirectory(prefix="rosterd-timing-") as folder:
        return asyncio.run(_measured(f"sqlite:///{Path(folder) / 'rosterd.db'}", rounds))


async def _measured(url: str, rounds: int) -> Timings:
    store = await open_store(url, create=True)
    try:
        async with store.write() as tx:
            org, owner = await orgs.create(
                tx, "Acme", "acme", Plan.ENTERPRISE, "o@acme.example", origin=Origin("0")
            )
            operator = orgs.operator(org.id, Origin("0"))
            _, token = await apps.create_token(tx, org, owner, ["admin"], key=KEY, actor=operator)
        random, samples = Random(1), {kind: list[int]() for kind in KINDS}
        authenticator = Authenticator(KEY)
        for _ in range(rounds):
            turns = list(wrong_tokens(token, random).items())
            random.shuffle(turns)
            for kind, wrong in turns:
                samples[kind].append(await _refusal(store, authenticator, wrong))
        return Timings(samples)
    finally:
        await store.close()


async def _no_body() -> Any:
    raise AssertionError("nobody reads the body")


async def _refusal(store: Store, authenticator: Authenticator, token: str) -> int:
    """Nanoseconds that it takes to refuse a token."""
    headers = [(b"authorization", f"Bearer {token}".encode())]
    request = Request({"method": "GET", "path": "/scim/v2/Users", "headers": headers}, _no_body, "r")
    started = time.perf_counter_ns()
    try:
        await authenticator.grant(store, request)
    except HttpError:
        return time.perf_counter_ns() - started
    raise AssertionError("a wrong token was taken")
