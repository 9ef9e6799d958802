"""The control: uvicorn as rosterd runs it, answering every request with the same bytes.

``python -m bench.fixed SAMPLE`` takes status, headers and body from a file that holds a real answer, and
prints its URL when it listens.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

import msgspec
import uvicorn

Message = MutableMapping[str, Any]


class Sample(msgspec.Struct, frozen=True):
    """An answer. Without ``date``, which uvicorn adds by itself."""

    status: int
    headers: list[tuple[str, str]]
    body: str


def answering(
    sample: Sample,
) -> Callable[
    [Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]
]:
    """An ASGI application that gives this answer to everything."""
    headers = [(name.encode(), value.encode()) for name, value in sample.headers]
    start = {"type": "http.response.start", "status": sample.status, "headers": headers}
    body = {"type": "http.response.body", "body": sample.body.encode()}

    async def application(
        scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
    ) -> None:
        await send(start)
        await send(body)

    return application


def main(path: str) -> None:
    sample = msgspec.json.decode(Path(path).read_bytes(), type=Sample)
    listener = socket.create_server(("127.0.0.1", 0), backlog=2048)
    config = uvicorn.Config(
        answering(sample),
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="off",
        access_log=False,
        log_level="warning",
        server_header=False,
        proxy_headers=False,
    )
    print(f"listening on http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main(sys.argv[1])
