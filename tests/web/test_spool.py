"""Bodies that are written to the end and then sent, part by part."""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from typing import Any

import pytest

from rosterd.store.watch import Watch
from rosterd.web.endpoint import Endpoint
from rosterd.web.metrics import Metrics
from rosterd.web.reply import Reply
from rosterd.web.request import Request
from rosterd.web.spool import Spool
from rosterd.web.watching import Watcher

pytestmark = pytest.mark.anyio

LARGE = 600_000


def a_spool(size: int) -> Spool:
    spool = Spool()
    spool.file.write(b"x" * size)
    spool.end()
    return spool


class Files:
    """A service that answers with a spool."""

    def __init__(self, size: int) -> None:
        self.spool = a_spool(size)

    async def answer(self, request: Request) -> Reply:
        return Reply(200, self.spool, media=b"application/gzip")

    def refused(self, error: Exception, request: Request) -> Reply:
        raise error


async def sent(files: Files, method: str = "GET", failing_at: int | None = None) -> list[Any]:
    """The messages of an answer. ``failing_at``: the number of the one that the server is ended at."""
    messages: list[Any] = []

    async def send(message: MutableMapping[str, Any]) -> None:
        if len(messages) == failing_at:
            raise asyncio.CancelledError
        messages.append(message)

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.disconnect"}

    watcher = Watcher(Metrics(Watch()))
    endpoint = Endpoint({}, files, {}, watcher, iter(["request-1"]))
    scope: Any = {"type": "http", "method": method, "path": "/file", "headers": [], "client": None}
    await endpoint(scope, receive, send)
    return messages


@pytest.mark.parametrize("size", [0, 1, LARGE])
async def test_a_spool_is_sent_whole_in_parts_and_given_back(size: int) -> None:
    files = Files(size)
    start, *parts = await sent(files)
    assert start["status"] == 200
    assert (b"content-length", str(size).encode()) in start["headers"]
    assert (b"content-type", b"application/gzip") in start["headers"]
    assert b"".join(part["body"] for part in parts) == b"x" * size
    assert [part.get("more_body", False) for part in parts] == [True] * (len(parts) - 1) + [False]
    assert max(len(part["body"]) for part in parts) <= 256 * 1024
    assert files.spool.file.closed


async def test_a_head_has_the_length_alone() -> None:
    files = Files(LARGE)
    start, end = await sent(files, "HEAD")
    assert (b"content-length", str(LARGE).encode()) in start["headers"]
    assert end == {"type": "http.response.body", "body": b""}
    assert files.spool.file.closed


@pytest.mark.parametrize("failing_at", [0, 1, 2])
async def test_a_spool_is_given_back_when_its_answer_is_cut_short(failing_at: int) -> None:
    files = Files(LARGE)
    assert len(await sent(files, failing_at=failing_at)) == failing_at
    assert files.spool.file.closed
    files.spool.close()
