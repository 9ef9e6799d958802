"""Connections on which the same head comes again: what is new in it is its first line.

A request whose head is, byte for byte, the one before on its connection, but for the first line, is given to
:mod:`rosterd.web.express` first. There is nothing in it to parse again.

Rules of this module:

1. A head is known only if it was a whole GET, came in one piece, began where a request begins, and nothing
   came with it. So the bytes mean what they meant, and the headers that were read are its own.
2. What is answered here is whole, and leaves at once or when its turn has come. The order of answers is that
   of requests: what arrives meanwhile waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from functools import lru_cache
from typing import Any, cast

from rosterd.cli.connections import Connection
from rosterd.web.express import Asker, Express
from rosterd.web.request import Receive, Request, Scope


class RepeatingConnection(Connection):
    """A connection, as uvicorn makes it, that knows its last head."""

    def __init__(self, *args: Any, express: Express, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._express = express
        self._head = b""  # of the request before, without its first line
        self._asker: Asker | None = None
        self._was_repeated = False
        self._answering: asyncio.Task[None] | None = None
        self._early: list[bytes] = []  # what came meanwhile
        self._is_ending = False

    def data_received(self, data: bytes) -> None:
        if self._answering is not None:
            self._early.append(data)
            self.flow.pause_reading()
        elif not (self._head and data.endswith(self._head) and self._may_answer and self._repeat(data)):
            self._receive(data)

    @property
    def _may_answer(self) -> bool:
        return self._is_between and not self.flow.write_paused and not self.transport.is_closing()

    def _receive(self, data: bytes) -> None:
        """The ordinary way."""
        begins = not self._in_message
        super().data_received(data)
        head = self._repeatable(data) if begins else b""
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
            and not self._in_message
            and not self.pipeline
            and self.cycle is not None
            and self.cycle.keep_alive
        )
        return data[len(line) :] if whole else b""

    def _repeat(self, data: bytes) -> bool:
        """Answer a request with the known head, if that needs no more than `Express`."""
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


@lru_cache(maxsize=8)
def _start(*headers: tuple[bytes, bytes]) -> bytes:
    """The start of an answer; its date is another one each second."""
    return b"".join((b"HTTP/1.1 200 OK\r\n", *(b"%b: %b\r\n" % header for header in headers)))
