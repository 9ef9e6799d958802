"""Pages for people, served at the edge: what the dashboard answers becomes a reply, and so do its errors.

The dashboard knows nothing of this package; see :mod:`rosterd.dashboard`. What it has to offer is said here.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Mapping
from typing import Protocol

from rosterd.store.engine import StoreUnavailable
from rosterd.web.errors import RETRY_AFTER, STATUS, HttpError
from rosterd.web.reply import Reply, Stream
from rosterd.web.request import Request

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


def _reply(page: Page, more: Mapping[str, str] | None = None) -> Reply:
    body = page.body if isinstance(page.body, bytes) else Stream(page.body)
    return Reply(page.status, body, {**page.headers, **(more or {})}, page.media, page.cookies)
