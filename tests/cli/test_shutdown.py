"""How a server ends: what it accepted gets its answer and is kept, nothing new begins, and it does end."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from tests.cli.shell import Shell

PATIENCE = 60.0
"""Seconds after which something counts as never happening."""


@dataclass(frozen=True, slots=True)
class Running:
    """A server process over the database of ``acme``, and a token for it."""

    process: subprocess.Popen[str]
    url: str
    token: str
    log: Path

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        self.process.send_signal(number)

    def wait(self) -> int:
        """The exit code."""
        return self.process.wait(PATIENCE)

    def dial(self) -> socket.socket:
        address = urlsplit(self.url)
        return socket.create_connection((address.hostname or "", address.port or 0), timeout=PATIENCE)

    def request(self, method: str, path: str, body: bytes = b"") -> bytes:
        """A whole request."""
        lines = [
            f"{method} {path} HTTP/1.1",
            "Host: x",
            f"Authorization: Bearer {self.token}",
            f"Content-Length: {len(body)}",
        ]
        return "\r\n".join([*lines, "", ""]).encode() + body

    def wait_until_closed(self) -> None:
        """Until the server accepts nobody any more."""
        until(lambda: not self._accepts())

    def _accepts(self) -> bool:
        try:
            self.dial().close()
        except ConnectionError:
            return False
        return True


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def a_user(name: str) -> bytes:
    body = {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": name,
        "emails": [{"value": f"{name}@acme.example"}],
    }
    return json.dumps(body).encode()


def all_of(connection: socket.socket) -> bytes:
    """What arrives until the server closes; nothing more after a reset."""
    received = b""
    try:
        while chunk := connection.recv(65_536):
            received += chunk
    except ConnectionError:
        pass
    return received


def status_of(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


def names(shell: Shell) -> set[str]:
    return {user["username"] for user in shell.lines("user", "list", "--org", "acme")}


@contextmanager
def serving(shell: Shell, *words: str) -> Iterator[Running]:
    token = shell.text(
        "token", "create", "--org", "acme", "--user", "olive@acme.example", "--scopes", "admin"
    )
    log = shell.path.with_name("stderr.log")
    command = [sys.executable, "-m", "rosterd", "serve", "--port", "0", "--database", shell.url, *words]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ROSTERD_")}
    with (
        log.open("w") as stderr,
        subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=stderr, text=True, env=kept, cwd=shell.path.parent
        ) as process,
    ):
        try:
            assert process.stdout is not None
            first = process.stdout.readline()
            assert first.startswith("rosterd listening on "), log.read_text()
            yield Running(process, first.split()[-1], token.strip(), log)
        finally:
            process.kill()
    assert "Traceback" not in log.read_text(), log.read_text()


@contextmanager
def uploading(server: Running, name: str) -> Iterator[tuple[socket.socket, bytes]]:
    """A connection on which half of a new user has been sent, and the other half."""
    whole = server.request("POST", "/scim/v2/Users", a_user(name))
    with server.dial() as connection:
        connection.sendall(whole[:-20])
        in_flight = "rosterd_http_requests_in_flight 2.0"  # this one, and the one that asks
        until(lambda: in_flight in httpx.get(f"{server.url}/metrics").text)
        yield connection, whole[-20:]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_body_under_way_may_end_and_what_it_says_is_kept(acme: Shell, number: signal.Signals) -> None:
    with serving(acme) as server:
        with uploading(server, "late") as (connection, rest):
            server.stop(number)
            server.wait_until_closed()
            connection.sendall(rest)
            answer = all_of(connection)
        assert status_of(answer) == 201
        assert b"\r\nconnection: close\r\n" in answer
        assert server.wait() == 0
    assert "late" in names(acme)


def test_connections_without_a_request_are_closed(acme: Shell) -> None:
    with serving(acme) as server:
        with server.dial() as silent, server.dial() as idle:
            idle.sendall(server.request("GET", "/healthz"))
            answer = b""
            while not answer.endswith(b"}"):
                answer += idle.recv(65_536)
            server.stop()
            assert (all_of(silent), all_of(idle)) == (b"", b"")
        assert server.wait() == 0


def test_an_answer_that_is_read_slowly_arrives_whole(acme: Shell) -> None:
    with serving(acme) as server:
        with httpx.Client(headers={"Authorization": f"Bearer {server.token}"}) as http:
            for number in range(200):
                http.post(f"{server.url}/scim/v2/Users", content=a_user(f"reader{number}"))
        with server.dial() as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            connection.sendall(server.request("GET", "/scim/v2/Users?count=1000"))
            answer = connection.recv(16)
            server.stop()
            server.wait_until_closed()
            answer += all_of(connection)
        body = json.loads(answer.partition(b"\r\n\r\n")[2])
        assert body["totalResults"] == len(body["Resources"]) == 201
        assert server.wait() == 0


def test_every_write_that_was_answered_is_kept_and_none_is_answered_in_part(acme: Shell) -> None:
    """Clients write without a pause, each on a connection of its own, until they are refused."""

    def write(client: int) -> list[str]:
        done: list[str] = []
        while True:
            name = f"c{client}x{len(done)}"
            request = server.request("POST", "/scim/v2/Users", a_user(name)).replace(
                b"Host: x", b"Host: x\r\nConnection: close"
            )
            try:
                with server.dial() as connection:
                    connection.sendall(request)
                    answer = all_of(connection)
            except ConnectionError:
                return done
            if not answer:  # it came too late to be accepted
                return done
            head, _, body = answer.partition(b"\r\n\r\n")
            assert status_of(head) == 201
            assert json.loads(body)["userName"] == name
            done.append(name)

    with serving(acme) as server:
        with ThreadPoolExecutor(8) as threads:
            clients = [threads.submit(write, client) for client in range(8)]
            time.sleep(1.0)  # something is in flight then
            server.stop()
            answered = {name for client in clients for name in client.result()}
        assert server.wait() == 0
    assert len(answered) > 8
    assert answered <= names(acme)


@pytest.mark.parametrize("again", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_cuts_short_what_is_in_progress(acme: Shell, again: signal.Signals) -> None:
    with serving(acme, "--shutdown-seconds", "3600") as server:
        with uploading(server, "never") as (connection, _rest):
            server.stop()
            server.wait_until_closed()
            assert server.process.poll() is None
            server.stop(again)
            assert status_of(all_of(connection)) == 503
        assert server.wait() == 0
        assert "requests in progress that are cut short: 1" in server.log.read_text()
    assert "never" not in names(acme)


def test_the_end_of_the_time_cuts_short_what_is_in_progress(acme: Shell) -> None:
    with serving(acme, "--shutdown-seconds", "1") as server:
        with uploading(server, "never") as (connection, _rest):
            server.stop()
            assert status_of(all_of(connection)) == 503
        assert server.wait() == 0
    assert "never" not in names(acme)
