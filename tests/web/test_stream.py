"""Bodies that are made while they are sent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, MutableMapping
from typing import Any

import pytest

from rosterd.store.watch import Watch
from rosterd.web.endpoint import Endpoint
from rosterd.web.metrics import Metrics
from rosterd.web.reply import Reply, Stream
from rosterd.web.request import Request
from rosterd.web.watching import Watcher

pytestmark = pytest.mark.anyio

HEADERS = [(b"content-type", b"text/csv"), (b"x-request-id", b"request-1")]
START = {"type": "http.response.start", "status": 200, "headers": HEADERS}
END = {"type": "http.response.body", "body": b""}


def part(body: bytes) -> dict[str, Any]:
    return {"type": "http.response.body", "body": body, "more_body": True}


class Streaming:
    """A service that answers with what ``parts`` gives, and the client that asks it."""

    def __init__(self) -> None:
        self.sent: list[MutableMapping[str, Any]] = []
        self.leaves = asyncio.Event()
        self.made: list[bytes] = []
        self.is_closed = False

    async def answer(self, request: Request) -> Reply:
        return Reply(200, Stream(self.parts()), media=b"text/csv")

    def refused(self, error: Exception, request: Request) -> Reply:
        return Reply(500)

    async def parts(self) -> AsyncIterator[bytes]:
        try:
            for body in (b"a\n", b"b\n"):
                self.made.append(body)
                yield body
            await self.after()
        finally:
            self.is_closed = True

    async def after(self) -> None:
        """What comes after the parts."""

    async def ask(self, method: str = "GET") -> None:
        asked = [{"type": "http.request", "body": b"", "more_body": False}]

        async def receive() -> MutableMapping[str, Any]:
            if asked:
                return asked.pop()
            await self.leaves.wait()
            return {"type": "http.disconnect"}

        async def send(message: MutableMapping[str, Any]) -> None:
            self.sent.append(message)

        endpoint = Endpoint({}, self, {}, Watcher(Metrics(Watch())), iter(["request-1"]))
        scope: dict[str, Any] = {
            "type": "http",
            "method": method,
            "path": "/x",
            "headers": [],
            "client": None,
        }
        await endpoint(scope, receive, send)


async def test_a_stream_is_sent_part_by_part_without_a_length() -> None:
    service = Streaming()
    await service.ask()
    assert service.sent == [START, part(b"a\n"), part(b"b\n"), END]
    assert service.is_closed


async def test_nothing_of_a_stream_is_made_for_head() -> None:
    service = Streaming()
    await service.ask("HEAD")
    assert service.sent == [START, END]
    assert service.made == []


async def test_a_client_that_goes_away_is_noticed_while_nothing_is_sent() -> None:
    class Waiting(Streaming):
        async def after(self) -> None:
            self.leaves.set()
            await asyncio.Event().wait()

    service = Waiting()
    await service.ask()
    assert service.sent == [START, part(b"a\n"), part(b"b\n")]
    assert service.is_closed


async def test_a_stream_that_fails_has_no_end() -> None:
    class Failing(Streaming):
        async def after(self) -> None:
            raise ValueError("gone")

    service = Failing()
    await service.ask()
    assert service.sent == [START, part(b"a\n"), part(b"b\n")]
    assert service.is_closed


async def test_a_stream_is_closed_when_the_server_ends() -> None:
    class Waiting(Streaming):
        async def after(self) -> None:
            await asyncio.Event().wait()

    service = Waiting()
    asking = asyncio.create_task(service.ask())
    while len(service.sent) < 3:
        await asyncio.sleep(0)
    asking.cancel()
    await asking
    assert service.is_closed
