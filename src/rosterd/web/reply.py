"""An answer before it is bytes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import msgspec

CONTENT_TYPE = b"application/json;charset=utf-8"

_encode = msgspec.json.Encoder().encode


class Stream:
    """A body that is made while it is sent: nobody knows its length. Whoever has it closes it.

    What holds something (a transaction, a place among few) must not hold it between two parts: a client takes
    them when it likes.
    """

    __slots__ = ("parts",)

    def __init__(self, parts: AsyncIterator[bytes]) -> None:
        self.parts = parts

    async def close(self) -> None:
        """Nobody wants the rest. May be called twice."""
        close = getattr(self.parts, "aclose", None)
        if close is not None:
            await close()


@dataclass(slots=True)
class Reply:
    """``body`` is JSON-shaped, or bytes, a `Spool` or a `Stream` of another ``media``; None: no body, as of
    DELETE.

    ``cookies`` are values of Set-Cookie, the one header that may come more than once.
    """

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    media: bytes = CONTENT_TYPE
    cookies: tuple[str, ...] = ()

    def content(self) -> bytes:
        """The body, unless it is a spool or a stream."""
        if isinstance(self.body, bytes):
            return self.body
        return b"" if self.body is None else _encode(self.body)

    def raw_headers(self, length: int | None, request_id: str) -> list[tuple[bytes, bytes]]:
        """The headers as ASGI wants them. ``length`` None: nobody knows it."""
        raw = [(b"content-type", self.media)] if self.body is not None else []
        if self.status != 204 and length is not None:  # RFC 9110 §8.6
            raw.append((b"content-length", str(length).encode()))
        raw.append((b"x-request-id", request_id.encode()))
        raw += [
            (name.lower().encode(), value.encode("latin-1", "replace"))
            for name, value in self.headers.items()
        ]
        raw += [(b"set-cookie", cookie.encode("latin-1")) for cookie in self.cookies]
        return raw
