"""Connections that end: limits on what a client may leave unfinished, unread or unanswered.

uvicorn reads a head of any length for any time, goes on reading a body after its answer, takes any number of
requests ahead of their answers, and waits for ever for a client that does not read. Here

- a head has to be complete within some seconds of the connection or of its first byte, and within some
  kilobytes; an empty line before it counts as its first byte;
- whoever still sends a body after the answer is cut off after some seconds;
- requests that are sent ahead wait in the system's buffers, but for those that came along with others;
- whoever takes nothing of an answer for some seconds is cut off.

Between two requests uvicorn's own keep-alive timeout counts, and the body of a request that is being answered
has its limits in :mod:`rosterd.web.request`.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

MAX_HEAD = 64 * 1024
"""Bytes of a request line with its headers."""

MAX_AHEAD = 100
"""Requests that wait for the answers of those before."""

HEAD_SECONDS = 10.0
LINGER_SECONDS = 5.0
"""How long a body is read, and thrown away, after its answer: clients write first and read then."""
STUCK_SECONDS = 60.0
"""How long a client may take nothing of what is there for it, as far as that shows: the system takes more
only when a good part of what it has was sent."""


class Connection(HttpToolsProtocol):
    """One client's connection, as uvicorn makes it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._in_head = False
        self._in_message = False
        self._head_bytes = 0
        self._current: RequestResponseCycle | None = None  # which is being answered
        self._deadline: asyncio.TimerHandle | None = None
        self._stuck: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._end_in(HEAD_SECONDS)

    def connection_lost(self, exc: Exception | None) -> None:
        self._go_on()
        self._flows()
        self._forget()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._in_head:
            self._head_bytes += len(data) - (data.rfind(b"\r\n\r\n") + 4 if self._head_bytes == 0 else 0)
            if self._head_bytes > MAX_HEAD:
                self._abort()
            elif self._deadline is None:
                self._end_in(HEAD_SECONDS)
        elif self._is_between and self._deadline is None and self.timeout_keep_alive_task is None:
            self._end_in(HEAD_SECONDS)

    @property
    def _is_between(self) -> bool:
        """Whether the next byte begins a request, and nothing before it lacks its answer."""
        return not self._in_message and self.cycle is not None and self.cycle.response_complete

    def on_message_begin(self) -> None:
        self._in_head = self._in_message = True
        self._head_bytes = 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._go_on()
        if self.transport.is_closing():  # the parser goes on with what came along
            return
        super().on_headers_complete()
        if len(self.pipeline) > MAX_AHEAD:
            self._abort()

    def on_message_complete(self) -> None:
        self._in_message = False
        self._go_on()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        if self.cycle.more_body:
            self._end_in(LINGER_SECONDS)
        super().on_response_complete()
        if self.pipeline:  # uvicorn would read on with each answer
            self.flow.pause_reading()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._current = cycle
        super()._start_asgi_task(cycle, app)

    def _abort(self) -> None:
        self._forget()
        self.transport.abort()

    def _forget(self) -> None:
        """Nobody waits for these answers any more; uvicorn itself tells the newest request only."""
        waiting = [cycle for cycle, _ in self.pipeline]
        self.pipeline.clear()
        for cycle in (self._current, *waiting):
            if cycle is not None and not cycle.response_complete:
                cycle.disconnected = True
                cycle.message_event.set()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._watch(self.transport.get_write_buffer_size())

    def resume_writing(self) -> None:
        self._flows()
        super().resume_writing()

    def _watch(self, waiting: int) -> None:
        """Look again in a while whether less than so many bytes wait then."""
        self._flows()
        self._stuck = self.loop.call_later(STUCK_SECONDS, self._look, waiting)

    def _look(self, waited: int) -> None:
        waiting = self.transport.get_write_buffer_size()
        if waiting < waited:
            self._watch(waiting)
        else:
            self._abort()

    def _flows(self) -> None:
        if self._stuck is not None:
            self._stuck.cancel()
            self._stuck = None

    def _end_in(self, seconds: float) -> None:
        self._go_on()
        self._deadline = self.loop.call_later(seconds, self._abort)

    def _go_on(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
