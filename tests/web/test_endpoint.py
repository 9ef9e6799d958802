"""What is written down of requests that fail."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from rosterd.store.watch import Watch
from rosterd.web.endpoint import LONGEST_REASON, Endpoint
from rosterd.web.metrics import Metrics
from rosterd.web.reply import Reply
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
