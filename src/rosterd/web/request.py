"""A request as handlers see it, read from ASGI under limits of size and time."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from functools import cached_property
from ipaddress import IPv6Address, ip_address
from typing import Any, TypeVar
from urllib.parse import parse_qsl, unquote

from rosterd.directory.model import Origin
from rosterd.scim import documents
from rosterd.store.doors.tokens import Grant
from rosterd.web.errors import HttpError

T = TypeVar("T")
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

MAX_BODY = 8 * 1024 * 1024
"""Bytes: 15,000 members with their names and a photo as data: URL fit, a flood does not."""

BODY_SECONDS = 30.0
OFF_THE_LOOP = 64 * 1024
"""Bytes from which a body is read in a thread."""


class Disconnected(Exception):
    """The client went away before its body was there."""


class Request:
    """One request. ``segments`` are the parts of its path, decoded; None: no path that could exist.

    ``version`` is what stands where SCIM paths name their version. ``route``, ``grant``, ``presented``,
    ``arguments`` and ``token_hash`` are filled in by those who find them out, for whoever comes after: the
    pattern of the path, who asks, what the token stands for that was sent (whether it counts or not), and
    what a method was called with.
    """

    presented: Grant | None = None
    arguments: Mapping[str, Any] | None = None

    def __init__(self, scope: Scope, receive: Receive, request_id: str) -> None:
        self.method: str = scope["method"]
        self.id = request_id
        raw_path = scope.get("raw_path") or scope["path"].encode()
        self.segments = segments_of(raw_path)
        self.route: tuple[str, ...] = ()
        self.grant: Grant | None = None
        self.token_hash: str | None = None
        self._raw_path = raw_path
        self._headers: dict[bytes, bytes] = dict(reversed(scope["headers"]))  # the first of a name counts
        self._scope = scope
        self._receive = receive

    @cached_property
    def params(self) -> Mapping[str, str]:
        """Query parameters, names lower-cased: Slack's own examples mix cases. The last of a name counts."""
        return {name.lower(): value for name, value in self.pairs}

    @cached_property
    def pairs(self) -> Sequence[tuple[str, str]]:
        """Query parameters as sent, in their order. Raises ``invalid_query``."""
        query = self._scope.get("query_string", b"").decode("latin-1")
        if not query:
            return ()
        try:
            return parse_qsl(query, keep_blank_values=True, errors="strict", max_num_fields=100)
        except (ValueError, UnicodeDecodeError) as error:
            raise HttpError("invalid_query") from error

    @property
    def version(self) -> str:
        return version_of(self._raw_path)

    @property
    def path(self) -> str:
        """The path for the log."""
        return ascii(self._raw_path[:200].decode("latin-1"))[1:-1]

    @property
    def first(self) -> str:
        """What the path begins with, also in a spelling that no path has."""
        segments = self.segments if self.segments is not None else self.path.lstrip("/").split("/", 1)
        return segments[0] if segments else ""

    def header(self, name: bytes) -> str | None:
        """The header of this name in lower case."""
        value = self._headers.get(name)
        return None if value is None else value.decode("latin-1")

    @property
    def scheme(self) -> str:
        return str(self._scope.get("scheme", "http"))

    @property
    def client_ip(self) -> str | None:
        client = self._scope.get("client")
        return client[0] if client else None

    @property
    def is_local(self) -> bool:
        """Whether a program on this machine asks, and for itself: a proxy says for whom (RFC 7239 §4)."""
        if any(name in self._headers for name in (b"forwarded", b"x-forwarded-for", b"x-real-ip", b"via")):
            return False
        try:
            address = ip_address(self.client_ip or "")
        except ValueError:
            return False
        mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
        return (mapped or address).is_loopback

    @property
    def origin(self) -> Origin:
        return Origin(self.id, (self.header(b"user-agent") or "")[:256], self.client_ip)

    async def gone(self) -> None:
        """Comes back when the client has gone away. What it still sends is thrown away."""
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def document(self, read: Callable[[dict[str, Any]], T]) -> T:
        """What ``read`` makes of the body, a JSON object; a large one is read in a thread.

        Raises `ScimError`, ``request_too_large``, ``request_timeout``, and what ``read`` raises.
        """
        return await self.content(lambda body: read(documents.parse(body)))

    async def content(self, read: Callable[[bytes], T], most: int = MAX_BODY) -> T:
        """The same of a body of any media type, and at most so many bytes."""
        body = await self._body(most)
        return await asyncio.to_thread(read, body) if len(body) > OFF_THE_LOOP else read(body)

    async def _body(self, most: int) -> bytes:
        if int(self._length() or 0) > most:
            raise HttpError("request_too_large")
        chunks: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(BODY_SECONDS):
                more = True
                while more:
                    message = await self._receive()
                    if message["type"] == "http.disconnect":
                        raise Disconnected
                    chunks.append(message.get("body", b""))
                    size += len(chunks[-1])
                    if size > most:
                        raise HttpError("request_too_large")
                    more = message.get("more_body", False)
        except TimeoutError as error:
            raise HttpError("request_timeout") from error
        return b"".join(chunks)

    def _length(self) -> str | None:
        text = self.header(b"content-length")
        return text[:20] if text and text.isascii() and text.isdigit() else None


_PLAIN = re.compile(r"(?:/[A-Za-z0-9_-]+)+/?")
"""Paths that say what they mean: nearly all."""


def version_of(raw_path: bytes) -> str:
    """The second part of a path as sent, whatever follows it; empty where there is none.

    >>> version_of(b"/scim/v2/Users/%00"), version_of(b"/healthz")
    ('v2', '')
    """
    parts = raw_path.partition(b"?")[0].split(b"/", 3)
    return parts[2].decode("latin-1") if len(parts) > 2 else ""


def segments_of(raw_path: bytes) -> tuple[str, ...] | None:
    """The parts of a path, decoded, one slash at the end allowed; None for one that nothing can match.

    An encoded slash or a doubled one never stands for another path.

    >>> segments_of(b"/scim/v2/Users/")
    ('scim', 'v2', 'Users')
    >>> segments_of(b"/scim//v2/Users") is None, segments_of(b"/scim/v2%2FUsers") is None
    (True, True)
    """
    path = raw_path.partition(b"?")[0].decode("latin-1")
    if _PLAIN.fullmatch(path):
        return tuple(path.strip("/").split("/"))
    parts = path.removeprefix("/").removesuffix("/").split("/")
    if "%" in path:
        try:
            parts = [unquote(part, errors="strict") for part in parts]
        except UnicodeDecodeError:
            return None
    if parts == [""]:
        return ()
    if any(not part or "/" in part or "\\" in part or not part.isprintable() for part in parts):
        return None
    return tuple(parts)
