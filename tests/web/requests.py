"""Requests as an ASGI server hands them over."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

from rosterd.web.request import Request


def a_request(
    path: bytes = b"/scim/v2/Users",
    *chunks: bytes,
    method: str = "GET",
    query: bytes = b"",
    headers: dict[bytes, bytes] | None = None,
    client: tuple[str, int] | None = ("192.0.2.7", 50_000),
) -> Request:
    """A request whose body arrives in these chunks; without any, the client goes away."""
    scope: dict[str, Any] = {
        "type": "http",
        "method": method,
        "path": path.decode("latin-1"),
        "raw_path": path,
        "query_string": query,
        "headers": list((headers or {}).items()),
        "client": client,
    }
    waiting = list(chunks)

    async def receive() -> MutableMapping[str, Any]:
        if not waiting:
            return {"type": "http.disconnect"}
        chunk = waiting.pop(0)
        return {"type": "http.request", "body": chunk, "more_body": bool(waiting)}

    return Request(scope, receive, "request-1")
