"""The gate that every request passes once its organisation is known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from rosterd.directory.model import Org, OrgId
from rosterd.ratelimit.limits import SLACK, is_read, spends
from rosterd.ratelimit.table import Table
from rosterd.web.errors import HttpError
from rosterd.web.throttle.asking import ADMITTED, Ask, Headroom, Level, Place, asked
from rosterd.web.throttle.memory import Memory
from rosterd.web.throttle.shared import Shared

MOST_ROOMS = 20
_OF_ALL = frozenset({*SLACK, "audit"})
"""The limits that have one bucket in an organisation."""

_LOCKED_KINDS = ("Users", "Groups")


class Throttle:
    """The limits of a table over the buckets of a place."""

    def __init__(self, table: Table, place: Place) -> None:
        self._table = table
        self._place = place
        self._reading = lru_cache(maxsize=4096)(self._ask)  # what there is to ask of reads repeats itself

    @property
    def is_local(self) -> bool:
        """Whether nobody else has to be asked."""
        return isinstance(self._place, Memory)

    def admit(self, org: Org, method: str, path: tuple[str, ...]) -> Admission:
        """A request on ``path`` (below the version) may go on inside this block, which holds its lock."""
        return Admission(self._place, self._ask(org.id, org.domain, method, path))

    def admit_to(self, org: Org, buckets: Mapping[str, str]) -> Admission:
        """The same for whoever says by themselves what they spend from: bucket → the limit that it obeys.

        A bucket is the organisation's, and its name says who else shares it.
        """
        limits = self._table.of(org.id, org.domain)
        return Admission(
            self._place,
            asked(org.id, tuple(limits[name] for name in buckets.values()), names=tuple(buckets)),
        )

    def admits(self, org: Org, shape: tuple[str, ...]) -> bool:
        """Whether a GET may go on, decided at once, if the throttle is local.

        ``shape``: the path with ``*`` for an id.
        """
        assert isinstance(self._place, Memory)
        return self._place.decide(self._reading(org.id, org.domain, "GET", shape)) is ADMITTED

    def _ask(self, org: OrgId, domain: str, method: str, path: tuple[str, ...]) -> Ask:
        limits = self._table.of(org, domain)
        resource = _resource(method, path) if self._table.locks else None
        return asked(org, tuple(limits[name] for name in spends(method, path)), resource)

    def headroom(self) -> Iterable[Headroom]:
        """The limits that are not at their full, of all organisations."""
        return self._place.headroom()

    def rooms(self, org: Org) -> Sequence[Room]:
        """What is left of each limit of an organisation: those of the whole organisation, then, of those that
        count for each app by itself, the emptiest `MOST_ROOMS`."""
        used = {level.bucket: level for level in self._place.levels(org.id)}
        limits = self._table.of(org.id, org.domain)
        whole = [
            Room(name, "", "", used[name].left if name in used else each.burst, each.burst, each.per_minute)
            for name, each in limits.items()
            if name in _OF_ALL
        ]
        rest = sorted(
            (level for level in used.values() if level.limit.name not in _OF_ALL),
            key=lambda level: (level.left / level.limit.burst, level.bucket),
        )
        return [*whole, *map(_room_of_app, rest[:MOST_ROOMS])]

    async def close(self) -> None:
        """Give back what the place holds open."""
        await self._place.close()


class Room(NamedTuple):
    """What is left of a limit, in whole requests, as far as this process has seen."""

    limit: str
    method: str  # of the Web API; "": what has it is the organisation as a whole
    token: str  # the app or token that it counts for, or ""
    left: int
    capacity: int
    per_minute: int


def _room_of_app(level: Level) -> Room:
    """Of a bucket of the Web API, which is called by its method and the app or token."""
    method, _, rest = level.bucket.partition(":")
    limit = level.limit
    return Room(limit.name, method, rest.partition(":")[0], level.left, limit.burst, limit.per_minute)


class Admission:
    """What `Throttle.admit` enters.

    Raises ``too_many_requests`` and ``resource_locked`` (429) with ``Retry-After`` in whole seconds.
    """

    __slots__ = ("_ask", "_place", "_verdict")

    def __init__(self, place: Place, ask: Ask) -> None:
        self._place = place
        self._ask = ask
        self._verdict = ADMITTED

    async def __aenter__(self) -> None:
        verdict = self._verdict = await self._place.ask(self._ask)
        if verdict.locked:
            raise HttpError("resource_locked", {"Retry-After": str(verdict.retry_after)})
        if verdict.retry_after:
            raise HttpError("too_many_requests", {"Retry-After": str(verdict.retry_after)})

    async def __aexit__(self, *error: object) -> None:
        if self._verdict.release is not None:
            await self._verdict.release()


def open_throttle(table: Table, url: str) -> Throttle:
    """A throttle over this process's own buckets or, with a URL, over those of a Valkey or Redis.

    Nothing is connected yet. Raises `ValueError` for a URL of another kind.
    """
    return Throttle(table, Shared(url) if url else Memory())


def _resource(method: str, path: tuple[str, ...]) -> str | None:
    """What a request locks.

    >>> _resource("PATCH", ("Groups", "S1")), _resource("GET", ("Groups", "S1"))
    ('Groups/S1', None)
    """
    if is_read(method) or len(path) != 2 or path[0] not in _LOCKED_KINDS:
        return None
    return "/".join(path)
