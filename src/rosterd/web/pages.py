"""Pages for people, served at the edge: what the dashboard answers becomes a reply, and so do its errors.

The dashboard knows nothing of this package; see :mod:`rosterd.dashboard`. What it has to offer is said here.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Mapping
from typing import Protocol

from rosterd.store.engine import StoreUnavailable
from rosterd.web.endpoint import Service
from rosterd.web.errors import RETRY_AFTER, STATUS, HttpError
from rosterd.web.reply import Reply, Stream
from rosterd.web.request import Request

PROGRAMS = frozenset({"scim", "api", "audit"})
"""First segments below which nobody gets pages."""

log = logging.getLogger("rosterd.web")


class Page(Protocol):
    """An answer. ``cookies`` are values of Set-Cookie. A ``body`` of parts is made while it is sent."""

    status: int
    body: bytes | AsyncIterator[bytes]
    media: bytes
    headers: dict[str, str]
    cookies: tuple[str, ...]


class Site(Protocol):
    """What answers with pages."""

    async def answer(self, visit: Request, /) -> Page:
        """The page."""

    def refused(self, error: Exception, visit: Request, /) -> Page | None:
        """The page about an error that it knows."""

    def failed(self, code: str, status: int, visit: Request, /) -> Page:
        """The page about any other."""

    async def home(self, visit: Request, /) -> Page | None:
        """Where the address of an organisation leads; None: this is no such address."""


class Pages:
    """The service over a site. See `rosterd.web.endpoint.Service`."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def answer(self, request: Request) -> Reply:
        return _reply(await self._site.answer(request))

    def refused(self, error: Exception, request: Request) -> Reply:
        """A page in any case; what nobody explains is logged."""
        page = self._site.refused(error, request)
        if page is not None:
            log.info("request %s: %s", request.id, error, extra={"request_id": request.id})
            return _reply(page)
        match error:
            case HttpError():
                status = STATUS.get(error.code, 400)
                return _reply(self._site.failed(error.code, status, request), error.headers)
            case StoreUnavailable():
                log.error("request %s: store unavailable: %s", request.id, error)
                return _reply(
                    self._site.failed("service_unavailable", 503, request), {"Retry-After": RETRY_AFTER}
                )
            case _:
                log.error("request %s failed", request.id, exc_info=error, extra={"request_id": request.id})
                return _reply(self._site.failed("internal_error", 500, request))


class Elsewhere:
    """The service where nothing else is: a page to browsers, and to programs what ``programs`` says.

    The addresses of organisations, of which programs are told (``team.info``), lead to their pages.
    """

    def __init__(self, site: Site, programs: Service) -> None:
        self._site = site
        self._pages = Pages(site)
        self._programs = programs

    async def answer(self, request: Request) -> Reply:
        home = await self._site.home(request)
        return await self._for(request).answer(request) if home is None else _reply(home)

    def refused(self, error: Exception, request: Request) -> Reply:
        """See `rosterd.web.endpoint.Service`."""
        return self._for(request).refused(error, request)

    def _for(self, request: Request) -> Service:
        is_program = request.first in PROGRAMS or not _wants_page(request)
        return self._programs if is_program else self._pages


def _wants_page(request: Request) -> bool:
    """Whether a browser asks: for HTML before anything else, and without a token."""
    if (request.header(b"authorization") or "").lower().startswith("bearer "):
        return False  # Java's programs ask for HTML unless they are told otherwise
    first = (request.header(b"accept") or "").partition(",")[0]
    return first.partition(";")[0].strip().lower() == "text/html"


def _reply(page: Page, more: Mapping[str, str] | None = None) -> Reply:
    body = page.body if isinstance(page.body, bytes) else Stream(page.body)
    return Reply(page.status, body, {**page.headers, **(more or {})}, page.media, page.cookies)
