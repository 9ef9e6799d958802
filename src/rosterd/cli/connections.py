"""Connections that end: limits on the head of a request, and on bodies that nobody reads any more.

uvicorn reads a head of any length for any time, and goes on reading a body after its answer. Here a
head has to be complete within some seconds of the connection or of its first byte, and within some
kilobytes; whoever still sends a body after the answer is cut off after some seconds. Between two
requests uvicorn's own keep-alive timeout counts, and the body of a request that is being answered
has its limits in :mod:`rosterd.web.request`.

A request whose head is, byte for byte, the one before on its connection, but for the first line, is given
to :mod:`rosterd.web.express` first. There is nothing in it to parse again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from functools import lru_cache
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from rosterd.web.express import Asker, Express
from rosterd.web.request import Receive, Request, Scope

MAX_HEAD = 64 * 1024
"""Bytes of a request line with its headers."""

HEAD_SECONDS = 10.0
LINGER_SECONDS = 5.0
"""How long a body is read, and thrown away, after its answer: clients write first and read then."""


class Connection(HttpToolsProtocol):
    """One client's connection, as uvicorn makes it."""

    def __init__(self, *args: Any, express: Express | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._express = express
        self._head = b""  # of the request before, without its first line
        self._asker: Asker | None = None
        self._was_repeated = False
        self._answering: asyncio.Task[None] | None = None
        self._early: list[bytes] = []  # what came meanwhile
        self._is_ending = False
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
        if self._answering is not None:
            self._early.append(data)
            self.flow.pause_reading()
        elif not (self._head and data.endswith(self._head) and self._is_between and self._repeat(data)):
            self._receive(data)

    @property
    def _is_between(self) -> bool:
        """Whether the next byte begins a request, and its answer can leave at once."""
        cycle = self.cycle
        return (
            cycle.response_complete
            and not cycle.more_body
            and not self._in_head
            and not self.flow.write_paused
            and not self.transport.is_closing()
        )

    def _receive(self, data: bytes) -> None:
        """The ordinary way."""
        super().data_received(data)
        if self._in_head:
            self._head_bytes += len(data) - (data.rfind(b"\r\n\r\n") + 4 if self._head_bytes == 0 else 0)
            if self._head_bytes > MAX_HEAD:
                self.transport.abort()
            elif self._deadline is None:
                self._end_in(HEAD_SECONDS)
        head = b"" if self._express is None else self._repeatable(data)
        if head != self._head:
            self._head, self._asker = head, None

    def _repeatable(self, data: bytes) -> bytes:
        """The head after its first line, if ``data`` was a GET as a whole and nothing more; else nothing."""
        line, _, _ = data.partition(b"\r\n")
        whole = (
            line.startswith(b"GET /scim/")
            and line.endswith(b" HTTP/1.1")
            and b"\n" not in line
            and data.find(b"\r\n\r\n") == len(data) - 4
            and self.cycle is not None
            and self.cycle.keep_alive
            and not self._in_head
            and not self.cycle.more_body
            and not self.pipeline
        )
        return data[len(line) :] if whole else b""

    def _repeat(self, data: bytes) -> bool:
        """Answer a request with the known head, if that needs no more than `Express`."""
        assert self._express is not None
        if self._asker is None:
            self._asker = self._express.asker(Request(cast(Scope, self.scope), cast(Receive, None), ""))
        answer = self._express.answer(data[: -len(self._head)], self._asker)
        if isinstance(answer, bytes):
            self._send(answer)
        elif answer is not None:
            self._answering = self.loop.create_task(self._answer_later(answer, data))
            self.tasks.add(self._answering)
            self._answering.add_done_callback(self.tasks.discard)
        return answer is not None

    def _send(self, answer: bytes) -> None:
        self.transport.write(_start(*self.server_state.default_headers) + answer)
        self._was_repeated = True

    async def _answer_later(self, answer: Awaitable[bytes | None], data: bytes) -> None:
        try:
            found = await answer
        except asyncio.CancelledError:  # the server ends before the answer is there
            await self._cut_short(data)
            raise
        self._answering = None
        if self.transport.is_closing():
            return
        if found is None:
            self._receive(data)
        else:
            self._send(found)
        if self._is_ending:
            self.shutdown()
        self.flow.resume_reading()
        early, self._early = self._early, []
        for each in early:
            if not self.transport.is_closing():
                self.data_received(each)

    async def _cut_short(self, data: bytes) -> None:
        """What a request in the ordinary way gets that begins now and is cancelled at once."""
        if self.transport.is_closing():
            return
        others = set(self.tasks)
        super().data_received(data)
        begun = self.tasks - others
        await asyncio.sleep(0)
        for task in begun:
            task.cancel()
        await asyncio.wait(begun)

    def shutdown(self) -> None:
        self._is_ending = True
        if self._answering is None:
            super().shutdown()

    def timeout_keep_alive_handler(self) -> None:
        if not self._was_repeated and self._answering is None:
            super().timeout_keep_alive_handler()
            return
        self._was_repeated = False
        self.timeout_keep_alive_task = self.loop.call_later(
            self.timeout_keep_alive, self.timeout_keep_alive_handler
        )

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


@lru_cache(maxsize=8)
def _start(*headers: tuple[bytes, bytes]) -> bytes:
    """The start of an answer; its date is another one each second."""
    return b"".join((b"HTTP/1.1 200 OK\r\n", *(b"%b: %b\r\n" % header for header in headers)))
