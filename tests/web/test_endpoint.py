"""What is written down of requests that fail."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest

from rosterd.directory.errors import NotAllowed
from rosterd.store.watch import Watch
from rosterd.web.endpoint import LONGEST_REASON, Endpoint
from rosterd.web.metrics import Metrics
from rosterd.web.reply import Reply, Stream
from rosterd.web.request import Request
from rosterd.web.watching import Watcher

pytestmark = pytest.mark.anyio


class Refusing:
    """A service that refuses everything, at length."""

    async def answer(self, request: Request) -> Reply:
        raise ValueError("a" * 100_000)

    def refused(self, error: Exception, request: Request) -> Reply:
        return Reply(200, {"ok": False})


async def test_what_a_client_had_its_say_in_fills_no_log(caplog: pytest.LogCaptureFixture) -> None:
    async def send(message: Any) -> None:
        pass

    async def receive() -> Any:
        return {"type": "http.disconnect"}

    endpoint = Endpoint({}, Refusing(), {}, Watcher(Metrics(Watch())), iter(["request-1"]))
    scope: Any = {"type": "http", "method": "GET", "path": "/api/x", "headers": [], "client": None}
    with caplog.at_level(logging.INFO, "rosterd.web"):
        await endpoint(scope, receive, send)
    assert caplog.messages == [f"request request-1: GET /api/x: 200 {'a' * LONGEST_REASON}"]


class Breaking(Refusing):
    """A service whose answer ends before its end."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    async def answer(self, request: Request) -> Reply:
        return Reply(200, Stream(self._parts()), media=b"text/csv")

    async def _parts(self) -> AsyncIterator[bytes]:
        yield b"a"
        raise self._error


@pytest.mark.parametrize(
    ("error", "level", "said"),
    [
        (NotAllowed("permission_denied"), "INFO", "its answer was broken off: permission_denied"),
        (ValueError("b"), "ERROR", "its answer broke off"),
    ],
)
async def test_an_answer_that_is_broken_off_has_no_end(
    caplog: pytest.LogCaptureFixture, error: Exception, level: str, said: str
) -> None:
    sent: list[Any] = []
    gone = asyncio.Event()

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        await gone.wait()

    endpoint = Endpoint({}, Breaking(error), {}, Watcher(Metrics(Watch())), iter(["request-1"]))
    scope: Any = {"type": "http", "method": "GET", "path": "/api/x", "headers": [], "client": None}
    with caplog.at_level(logging.INFO, "rosterd.web"):
        await endpoint(scope, receive, send)
    assert [message.get("more_body") for message in sent] == [None, True]
    [record] = caplog.records
    assert (record.levelname, record.message) == (level, f"request request-1: {said}")
    assert bool(record.exc_info) is (level == "ERROR")
