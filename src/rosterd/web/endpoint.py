"""The ASGI edge: a request in, bytes out, every failure answered.

What goes wrong below is caught here, becomes bytes in :mod:`rosterd.web.errors`, and is logged with
the request's id, which the answer carries too.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import aclosing
from typing import Protocol

from rosterd.directory.errors import DirectoryError
from rosterd.web.errors import RETRY_AFTER, HttpError
from rosterd.web.refusals import Refusals
from rosterd.web.reply import Reply, Stream
from rosterd.web.request import Disconnected, Receive, Request, Scope, Send
from rosterd.web.spool import Spool
from rosterd.web.watching import UNANSWERED, Watcher, fields

log = logging.getLogger("rosterd.web")

LONGEST_REASON = 500
"""Characters of the log for why a request failed: a client may have had its say in that."""

Public = Callable[[Request], Awaitable[Reply]]
"""What a path answers to a GET by anyone. May raise what :mod:`rosterd.web.errors` explains."""


class _Broken(Exception):
    """An answer ends before its end: something failed when a part of it had been sent."""


class Service(Protocol):
    """What answers below one first segment of a path."""

    async def answer(self, request: Request) -> Reply:
        """The answer. Whatever it raises goes to `refused`."""

    def refused(self, error: Exception, request: Request) -> Reply:
        """What went wrong, in this service's own words. What it cannot explain it logs."""


def request_ids() -> Iterator[str]:
    """Ids for ever, each 64 random bits in hexadecimal."""
    while True:
        block = secrets.token_hex(4096)
        yield from (block[n : n + 16] for n in range(0, len(block), 16))


class Endpoint:
    """Sends requests to the service that their path names, and answers back.

    ``services``: by the first segment of the path, which is empty at the root; or, as ``*/segment``, by the
    second. Whatever has none is answered by ``fallback``.
    ``refusals``: where it is noted for an organisation what its programs were refused.
    """

    def __init__(
        self,
        services: Mapping[str, Service],
        fallback: Service,
        public: Mapping[tuple[str, ...], Public],
        watcher: Watcher,
        ids: Iterator[str],
        refusals: Refusals | None = None,
    ) -> None:
        self._services = services
        self._fallback = fallback
        self._ids = ids
        self._public = public
        self._watcher = watcher
        self._refusals = refusals

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One HTTP request."""
        request = Request(scope, receive, next(self._ids))
        began, status = self._watcher.begin(), UNANSWERED
        try:
            reply = await self._reply(request)
            if isinstance(reply.body, Spool):
                await _send_spool(reply, reply.body, request, send)
            elif isinstance(reply.body, Stream):
                await _send_stream(reply, reply.body, request, send)
            else:
                content = reply.content()
                headers = reply.raw_headers(len(content), request.id)
                await send({"type": "http.response.start", "status": reply.status, "headers": headers})
                body = b"" if request.method == "HEAD" else content
                await send({"type": "http.response.body", "body": body})
            status = reply.status
        except (Disconnected, asyncio.CancelledError):  # the latter while its answer was leaving
            return
        except (
            _Broken
        ) as error:  # the server closes the connection, so that the client sees that more was to come
            status = _broken_off(error.__cause__, request)
        finally:
            self._watcher.done(request, status, began)

    async def _reply(self, request: Request) -> Reply:
        try:
            return await self._answer(request)
        except Disconnected:
            raise
        except Exception as error:  # noqa: BLE001 - every failure becomes an answer
            return self._refused(request, error)
        except asyncio.CancelledError:  # the server ends before the request does
            return self._refused(request, HttpError("service_unavailable", {"Retry-After": RETRY_AFTER}))

    def _refused(self, request: Request, error: Exception) -> Reply:
        reply = self._service(request).refused(error, request)
        if self._refusals is not None:
            self._refusals.note(request, reply, error)
        if reply.status < 500 or isinstance(error, HttpError):  # others are logged with what caused them
            asked = f"{request.method} {request.path}"
            details = fields(request, reply.status)
            said = str(error)[:LONGEST_REASON]
            log.info("request %s: %s: %d %s", request.id, asked, reply.status, said, extra=details)
        return reply

    async def _answer(self, request: Request) -> Reply:
        segments = request.segments
        if segments is not None and segments in self._public and request.method == "GET":
            request.route = segments
            return await self._public[segments](request)
        return await self._service(request).answer(request)

    def _service(self, request: Request) -> Service:
        if request.segments is None:
            return self._fallback
        first, second, *_ = (*request.segments, "", "")
        return self._services.get(first) or self._services.get(f"*/{second}", self._fallback)


def _broken_off(cause: BaseException | None, request: Request) -> int:
    """Note why an answer ended before its end. The status that it counts as."""
    if isinstance(cause, DirectoryError):  # whoever takes it may not have the rest
        log.info("request %s: its answer was broken off: %s", request.id, cause)
        return 403
    log.error("request %s: its answer broke off", request.id, exc_info=cause)
    return 500


async def _send_spool(reply: Reply, spool: Spool, request: Request, send: Send) -> None:
    """As fast as the client takes it, and no more of it in memory than a part."""
    try:
        headers = reply.raw_headers(spool.length, request.id)
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        if request.method != "HEAD":
            async for part in spool.parts():
                await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
    finally:
        spool.close()


async def _send_stream(reply: Reply, stream: Stream, request: Request, send: Send) -> None:
    """Part by part, as it is made. A client that goes away is noticed while nothing is sent, too."""
    gone = asyncio.create_task(request.gone())
    try:
        headers = reply.raw_headers(None, request.id)
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        if request.method != "HEAD":
            async with aclosing(_until(gone, stream.parts)) as parts:
                async for part in parts:
                    await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
    finally:
        gone.cancel()
        await stream.close()


async def _until(gone: asyncio.Future[None], parts: AsyncIterator[bytes]) -> AsyncGenerator[bytes]:
    """The parts, as long as there is somebody to send them to. Raises `Disconnected` and `_Broken`."""
    while True:
        coming = asyncio.ensure_future(anext(parts, None))
        try:
            await asyncio.wait((coming, gone), return_when=asyncio.FIRST_COMPLETED)
        finally:
            if not coming.done():
                coming.cancel()
                await asyncio.wait((coming,))
        if gone.done():
            raise Disconnected
        try:
            part = coming.result()
        except Exception as error:
            raise _Broken from error
        if part is None:
            return
        yield part
