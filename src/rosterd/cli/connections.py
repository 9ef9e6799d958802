"""Connections that end: limits on the head of a request, and on bodies that nobody reads any more.

uvicorn reads a head of any length for any time, and goes on reading a body after its answer. Here a
head has to be complete within some seconds of the connection or of its first byte, and within some
kilobytes; whoever still sends a body after the answer is cut off after some seconds. Between two
requests uvicorn's own keep-alive timeout counts, and the body of a request that is being answered
has its limits in :mod:`rosterd.web.request`.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_HEAD = 64 * 1024
"""Bytes of a request line with its headers."""

HEAD_SECONDS = 10.0
LINGER_SECONDS = 5.0
"""How long a body is read, and thrown away, after its answer: clients write first and read then."""


class Connection(HttpToolsProtocol):
    """One client's connection, as uvicorn makes it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._in_head = False
        self._head_bytes = 0
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._end_in(HEAD_SECONDS)

    def connection_lost(self, exc: Exception | None) -> None:
        self._go_on()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if not self._in_head:
            return
        self._head_bytes += len(data)
        if self._head_bytes > MAX_HEAD:
            self.transport.abort()
        elif self._deadline is None:
            self._end_in(HEAD_SECONDS)

    def on_message_begin(self) -> None:
        self._in_head, self._head_bytes = True, 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._go_on()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._go_on()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        if self.cycle.more_body:
            self._end_in(LINGER_SECONDS)
        super().on_response_complete()

    def _end_in(self, seconds: float) -> None:
        self._go_on()
        self._deadline = self.loop.call_later(seconds, self.transport.abort)

    def _go_on(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
