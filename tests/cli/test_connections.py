"""Clients that are slow, silent or endless are cut off; the others are served meanwhile."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import uvicorn

from rosterd.cli import connections
from rosterd.cli.connections import HEAD_SECONDS, LINGER_SECONDS
from tests.protocol.live import Server, serving

PATIENCE = HEAD_SECONDS + LINGER_SECONDS + 15
"""Seconds after which a connection counts as never cut: well above what it should take."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("connections")
    with serving("sqlite", f"sqlite:///{folder / 'rosterd.db'}", folder / "log") as running:
        yield running


def dial(server: Server) -> socket.socket:
    address = urlsplit(server.url)
    return socket.create_connection((address.hostname or "", address.port or 0), timeout=PATIENCE)


def cut(server: Server, start: bytes, drip: bytes) -> bytes:
    """Send ``start``, then ``drip`` again and again; what was answered until the server ended it."""
    answer = b""
    deadline = time.monotonic() + PATIENCE
    with dial(server) as connection:
        connection.sendall(start)
        connection.settimeout(0.2)
        while time.monotonic() < deadline:
            try:
                received = connection.recv(65_536)
                if not received:
                    return answer
                answer += received
            except TimeoutError:
                pass
            except ConnectionError:
                return answer
            try:
                connection.sendall(drip)
            except ConnectionError:
                return answer
    raise AssertionError("never cut off")


HEAD = b"POST /scim/v2/Users HTTP/1.1\r\nHost: x\r\n"
KINDS: list[Callable[[Server], bytes]] = [
    lambda server: cut(server, b"", b""),
    lambda server: cut(server, HEAD, b"X"),
    lambda server: cut(server, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n" + HEAD, b"X"),
    lambda server: cut(server, HEAD + b"Content-Length: 100000\r\n\r\n", b"x"),
    lambda server: cut(server, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n\r\n", b"\r\n"),
]


def test_silent_and_slow_clients_are_cut_off_and_the_others_served(server: Server) -> None:
    with ThreadPoolExecutor(len(KINDS)) as threads:
        running = [threads.submit(kind, server) for kind in KINDS]
        assert httpx.get(f"{server.url}/healthz").json() == {"status": "ok"}
        silent, slow, second, unread, empty = [future.result() for future in running]
    assert (silent, slow) == (b"", b"")
    assert second.startswith(b"HTTP/1.1 200 ")
    assert unread.startswith(b"HTTP/1.1 401 ")
    assert empty.startswith(b"HTTP/1.1 200 ")


def test_an_endless_head_is_cut_off(server: Server) -> None:
    assert cut(server, HEAD + b"X-A: ", b"a" * 32_768) == b""


def test_a_thousand_idle_connections_keep_nobody_from_being_served(server: Server) -> None:
    idle = [dial(server) for _ in range(1_000)]
    try:
        for _ in range(20):
            assert httpx.get(f"{server.url}/readyz").status_code == 200
    finally:
        for connection in idle:
            connection.close()


BODY = b"x" * 8_000_000


async def long_answers(scope: Any, receive: Any, send: Any) -> None:
    headers = [(b"content-length", str(len(BODY)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": BODY})


@contextmanager
def within(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """The port of a server in this process that gives up on its readers soon."""
    monkeypatch.setattr(connections, "STUCK_SECONDS", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(
            long_answers, http=connections.Connection, lifespan="off", ws="none", log_config=None
        )
        server = uvicorn.Server(config)
        thread = Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join()


@pytest.mark.parametrize("reads", [False, True])
def test_who_takes_nothing_of_an_answer_is_cut_off_and_who_is_slow_is_not(
    monkeypatch: pytest.MonkeyPatch, reads: bool
) -> None:
    with within(monkeypatch) as port, socket.create_connection(("127.0.0.1", port), timeout=30) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        got = 0
        for _ in range(15):
            time.sleep(0.15)
            got += len(client.recv(1_000_000)) if reads else 0
        with contextlib.suppress(ConnectionError):
            while got < len(BODY) and (chunk := client.recv(1_000_000)):
                got += len(chunk)
        assert (got >= len(BODY)) is reads
