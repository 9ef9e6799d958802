"""The gate that every SCIM request passes once its organisation is known."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from rosterd.directory.model import Org
from rosterd.ratelimit.limits import is_read, spends
from rosterd.ratelimit.table import Table
from rosterd.web.errors import HttpError
from rosterd.web.throttle.asking import Ask, Headroom, Place
from rosterd.web.throttle.memory import Memory
from rosterd.web.throttle.shared import Shared

_LOCKED_KINDS = ("Users", "Groups")


class Throttle:
    """The limits of a table over the buckets of a place."""

    def __init__(self, table: Table, place: Place) -> None:
        self._table = table
        self._place = place

    @asynccontextmanager
    async def admit(self, org: Org, method: str, path: tuple[str, ...]) -> AsyncIterator[None]:
        """A request on ``path`` (below the version) may go on inside this block, which holds its lock.

        Raises ``too_many_requests`` and ``resource_locked`` (429) with ``Retry-After`` in whole seconds.
        """
        limits = self._table.of(org.id, org.domain)
        resource = _resource(method, path) if self._table.locks else None
        asked = Ask(org.id, tuple(limits[name] for name in spends(method, path)), resource)
        verdict = await self._place.ask(asked)
        if verdict.locked:
            raise HttpError("resource_locked", {"Retry-After": str(verdict.retry_after)})
        if verdict.retry_after:
            raise HttpError("too_many_requests", {"Retry-After": str(verdict.retry_after)})
        try:
            yield
        finally:
            if verdict.release is not None:
                await verdict.release()

    def headroom(self) -> Iterable[Headroom]:
        """The limits that are not at their full, of all organisations."""
        return self._place.headroom()

    async def close(self) -> None:
        """Give back what the place holds open."""
        await self._place.close()


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
