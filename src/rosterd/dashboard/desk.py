"""What every page needs at hand, and what goes on after a page has been answered."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Protocol
from urllib.parse import quote, urlencode

from rosterd.dashboard import pages, session
from rosterd.dashboard.oidc import Providers
from rosterd.dashboard.pages import Page, Visit
from rosterd.dashboard.patience import Patience, Shares, Turns
from rosterd.dashboard.session import Cookies
from rosterd.dashboard.tails import Tails
from rosterd.directory import access
from rosterd.directory.errors import NotAllowed
from rosterd.directory.model import Org, Role
from rosterd.store import orgs
from rosterd.store.doors.sessions import Seat
from rosterd.store.engine import Store, StoreError

log = logging.getLogger("rosterd.dashboard")

ASIDE = 100
"""Pieces of work that may be under way after their pages have been answered."""

END_SECONDS = 5.0


class Room(Protocol):
    """What is left of a rate limit, in whole requests."""

    @property
    def limit(self) -> str:
        """Its name in the table of limits."""

    @property
    def method(self) -> str:
        """Of the Web API; empty: it counts for the organisation as a whole."""

    @property
    def token(self) -> str:
        """The app or token that it counts for, or empty."""

    @property
    def left(self) -> int: ...

    @property
    def capacity(self) -> int: ...

    @property
    def per_minute(self) -> int: ...


Rooms = Callable[[Org], Sequence[Room]]
"""What is left of the limits of an organisation."""


class Desk:
    """``base_url``: under which browsers reach us, without a slash at its end. ``rooms`` None: there are no
    limits."""

    def __init__(self, store: Store, key: bytes, base_url: str, rooms: Rooms | None = None) -> None:
        self.rooms = rooms
        self.store = store
        self.key = key
        self.base_url = base_url
        self.cookies = Cookies(key, base_url)
        self.providers = Providers()
        self.patience = Patience()
        self.guesses = Patience()  # of passwords: nobody who asks for mails makes it forget them
        self.turns = Turns()
        self.shares = Shares()
        self.tails = Tails()
        self.checking = asyncio.Lock()  # of the chain of an audit trail: one at a time
        self._aside: set[asyncio.Task[None]] = set()

    async def seat(self, visit: Visit) -> Seat | None:
        """Who is signed in with this browser."""
        async with self.store.read() as tx:
            seat = await self.cookies.seat(visit, tx)
        if seat is not None:
            await session.note_use(self.store, seat)
        return seat

    async def still(self, visit: Visit, role: Role) -> bool:
        """Whether whoever is signed in with this browser may still see what takes at least this role.

        They may have signed in anew since. While the store is away for a moment, they may.
        """
        try:
            async with self.store.read() as tx:
                seat = await self.cookies.seat_since(visit, tx)
        except StoreError:
            return True
        return seat is not None and access.RANK[seat.user.role] >= access.RANK[role]

    async def org(self, domain: str) -> Org | None:
        """The organisation of this domain."""
        async with self.store.read() as tx:
            org = await orgs.find(tx, domain.lower()) if "\0" not in domain else None
        return org if org is not None and org.domain == domain.lower() else None

    async def sign_in_first(self, visit: Visit, path: str = "") -> Page:
        """Go and sign in where this browser was signed in last, then come back here or to ``path``."""
        async with self.store.read() as tx:
            org = await self.cookies.org(visit, tx)
        return to_sign_in(org, path or address(visit))

    def aside(self, work: Coroutine[Any, Any, None]) -> None:
        """Do this after the page has been answered: how long it takes nobody can see. It may be lost.

        Raises ``try_again_later`` where too much is under way.
        """
        if len(self._aside) >= ASIDE:
            work.close()
            raise NotAllowed("try_again_later")
        task = asyncio.create_task(_logged(work))
        self._aside.add(task)
        task.add_done_callback(self._aside.discard)

    async def close(self) -> None:
        """Finish what is under way, and the connections to providers."""
        if self._aside:
            await asyncio.wait(self._aside, timeout=END_SECONDS)
            for task in self._aside:  # a long check of the trail, say: it holds the store
                task.cancel()
            await asyncio.gather(*self._aside, return_exceptions=True)
        await self.providers.close()


def to_sign_in(org: Org | None, path: str) -> Page:
    """Go and sign in, then come back to ``path``."""
    where = "/signin" if org is None else f"/signin/{org.domain}"
    return pages.redirect(f"{where}?{urlencode({'next': path})}")


def address(visit: Visit) -> str:
    """The path and query of a visit.

    >>> from types import SimpleNamespace
    >>> address(SimpleNamespace(segments=("admin", "members"), params={"q": "a b"}))
    '/admin/members?q=a+b'
    >>> address(SimpleNamespace(segments=("directory", "ü?a#b"), params={}))
    '/directory/%C3%BC%3Fa%23b'
    """
    path = "/" + "/".join(quote(each, safe="") for each in visit.segments or ())
    return f"{path}?{urlencode(visit.params)}" if visit.params else path


async def _logged(work: Coroutine[Any, Any, None]) -> None:
    try:
        await work
    except StoreError as error:
        log.warning("what a page has left to be done was not done: %s", error)
