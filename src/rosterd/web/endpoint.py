"""The ASGI edge: a request in, bytes out, every failure answered.

What goes wrong below is caught here, becomes bytes in :mod:`rosterd.web.errors`, and is logged with
the request's id, which the answer carries too.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from rosterd.web.errors import HttpError, reply_to
from rosterd.web.reply import Reply
from rosterd.web.request import Disconnected, Receive, Request, Scope, Send
from rosterd.web.scim import Scim

log = logging.getLogger("rosterd.web")


class Endpoint:
    """Sends requests to the service that their path names, and answers back."""

    def __init__(self, scim: Scim, public: Mapping[tuple[str, ...], Callable[[], Awaitable[Any]]]) -> None:
        self._scim = scim
        self._public = public  # path → what gives its JSON document to anyone

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One HTTP request."""
        request = Request(scope, receive, secrets.token_hex(8))
        try:
            reply = await self._answer(request)
        except Disconnected:
            return
        except Exception as error:  # noqa: BLE001 - every failure becomes an answer
            reply = reply_to(error, self._scim.dialect_of(request), request.id)
            if reply.status < 500:  # those are logged with what caused them
                asked = f"{request.method} {request.path}"
                log.info("request %s: %s: %d %s", request.id, asked, reply.status, error)
        content = reply.content()
        headers = reply.raw_headers(len(content), request.id)
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if request.method == "HEAD" else content})

    async def _answer(self, request: Request) -> Reply:
        segments = request.segments
        if segments is not None and segments in self._public and request.method == "GET":
            return Reply(200, await self._public[segments]())
        if segments is None or segments[:1] == ("scim",):
            return await self._scim.answer(request)
        raise HttpError("bad_endpoint")
