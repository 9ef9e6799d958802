"""The words between the gate and the places where buckets and locks live."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import NamedTuple, Protocol

import msgspec

from rosterd.directory.model import OrgId
from rosterd.ratelimit.limits import Limit

SCHEMES = {"valkey": "valkey", "valkeys": "valkeys", "redis": "valkey", "rediss": "valkeys"}
"""The schemes of the URL of a place that several processes share, and what the client library calls them."""


class Ask(msgspec.Struct, frozen=True):
    """One token from each of these limits and, unless it is None, the lock of ``resource``."""

    org: OrgId
    limits: tuple[Limit, ...]
    resource: str | None
    keys: tuple[tuple[OrgId, str], ...]  # of the limits' buckets


def asked(
    org: OrgId, limits: tuple[Limit, ...], resource: str | None = None, *, names: tuple[str, ...] = ()
) -> Ask:
    """What there is to ask. ``names``: the buckets, where a limit has several in an organisation."""
    keys = names or tuple(limit.name for limit in limits)
    return Ask(org, limits, resource, tuple((org, name) for name in keys))


class Verdict(msgspec.Struct, frozen=True):
    """``retry_after``: 0 if admitted, else whole seconds. ``release`` gives a lock back that was taken."""

    retry_after: int = 0
    locked: bool = False
    release: Callable[[], Awaitable[None]] | None = None


ADMITTED = Verdict()
LOCKED = Verdict(retry_after=1, locked=True)


class Headroom(NamedTuple):
    """What is left of one limit, in whole requests, as far as this process has seen.

    Of a limit that has several buckets the emptiest speaks.
    """

    org: OrgId
    limit: str
    remaining: int
    capacity: int


class Level(NamedTuple):
    """What is left in a bucket, in whole requests, as far as this process has seen."""

    bucket: str  # that of a limit that counts for the organisation as a whole is called as the limit
    limit: Limit
    left: int


class Place(Protocol):
    """Where buckets and locks live. Nothing here raises for reasons of transport."""

    async def ask(self, ask: Ask) -> Verdict:
        """Admit or refuse, at once and as a whole."""

    def headroom(self) -> Iterable[Headroom]:
        """The buckets that are not full."""

    def levels(self, org: OrgId) -> Iterable[Level]:
        """The buckets of an organisation that are not full."""

    async def close(self) -> None:
        """Give connections back."""
