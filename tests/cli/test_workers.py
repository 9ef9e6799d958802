"""``rosterd serve --workers``: one line, one set of limits, and processes that come, go and end together."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from tests.cli.test_serve import environment, refusal, serving, token_in
from tests.valkeys import valkey

PER_PROCESS = "[limits.create_user]\nper_minute = 1\n"


@contextmanager
def started(folder: Path, *words: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A process of ours and its URL. The test ends it as it likes; else it is killed."""
    command = [sys.executable, "-m", "rosterd", "serve", "--port", "0", "--workers", "2", *words]
    with (
        (folder / "stderr.log").open("w") as stderr,
        subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=stderr, text=True, cwd=folder, env=environment(folder)
        ) as process,
    ):
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line.startswith("rosterd listening on "), (folder / "stderr.log").read_text()
            yield process, line.split()[-1]
        finally:
            process.kill()


def workers_of(pid: int) -> set[int]:
    """The processes that serve (Linux: as /proc tells)."""
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return {int(child) for child in found if "spawn_main" in command_of(int(child))}


def command_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except FileNotFoundError:
        return ""


def eventually(fact: Callable[[], bool]) -> None:
    """A generous deadline, which only catches hangs."""
    deadline = time.monotonic() + 20
    while not fact():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/healthz", timeout=10).status_code == 200
    except httpx.TransportError:
        return False


linux = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_workers_say_one_line_serve_one_database_and_end_cleanly(
    tmp_path: Path, stop: signal.Signals
) -> None:
    with serving(tmp_path, "--workers", "2", "--ephemeral", "--demo", stop=stop) as server:
        token = token_in(server.stderr)
        assert {server.status("/scim/v2/Users", token) for _ in range(20)} == {200}
    assert server.stdout == f"rosterd listening on {server.url}\n"
    assert server.code == 0
    assert server.stderr.count("rosterd demo") == 1
    assert "Traceback" not in server.stderr


def body_of(name: str) -> dict[str, object]:
    return {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": name,
        "emails": [{"value": f"{name}@example.com"}],
    }


def create_many(url: str, token: str, prefix: str, count: int) -> list[int]:
    """The statuses of so many POSTs, each over a connection of its own: any worker may have it."""

    each_its_own = httpx.Limits(max_keepalive_connections=0)
    headers = {"Authorization": f"Bearer {token}"}
    with (
        httpx.Client(limits=each_its_own, headers=headers, timeout=30, trust_env=False) as client,
        ThreadPoolExecutor(8) as pool,
    ):

        def create(n: int) -> int:
            return client.post(f"{url}/scim/v2/Users", json=body_of(f"{prefix}{n}")).status_code

        return list(pool.map(create, range(count)))


def test_two_workers_share_limits_also_after_the_store_was_away(tmp_path: Path) -> None:
    (tmp_path / "limits.toml").write_text(PER_PROCESS)
    with valkey() as store:
        words = ("--rate-limits", "slack", "--limits-url", store.url, "--limits-table", "limits.toml")
        with serving(tmp_path, "--workers", "2", "--demo", *words) as server:
            token = token_in(server.stderr)
            assert create_many(server.url, token, "a", 40).count(201) == 20
            store.down()
            while_away = create_many(server.url, token, "b", 60)
            assert set(while_away) <= {201, 429}
            store.up()  # it has forgotten everything
            time.sleep(1.2)
            assert {server.status("/scim/v2/Users", token) for _ in range(20)} == {200}
            assert create_many(server.url, token, "c", 40).count(201) == 20
        assert server.code == 0
    assert "does not answer" in server.stderr
    assert "Traceback" not in server.stderr


@linux
def test_a_worker_that_dies_is_started_again(tmp_path: Path) -> None:
    with started(tmp_path, "--ephemeral") as (process, url):
        before = workers_of(process.pid)
        assert len(before) == 2
        os.kill(victim := min(before), signal.SIGKILL)
        eventually(lambda: len(workers_of(process.pid) - {victim}) == 2)
        eventually(lambda: answers(url))
        process.terminate()
        assert process.wait(20) == 0
    assert re.search(
        r"worker [12] ended \(SIGKILL\); another starts in", (tmp_path / "stderr.log").read_text()
    )


@linux
def test_workers_end_with_their_parent(tmp_path: Path) -> None:
    with started(tmp_path, "--database", "sqlite:///rosterd.db") as (process, url):
        orphans = workers_of(process.pid)
        process.kill()
        process.wait(20)
        eventually(lambda: not any("spawn_main" in command_of(pid) for pid in orphans))
        assert not answers(url)


def answer_while(folder: Path, url: str, meanwhile: Callable[[], None]) -> int:
    """The status of a POST in the middle of which something happens."""
    first = b'{"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],'
    last = b'"displayName": "Late"}'

    def slowly() -> Iterator[bytes]:
        yield first
        time.sleep(0.2)  # it is being answered by now
        meanwhile()
        yield last

    token = token_in((folder / "stderr.log").read_text())
    headers = {"Authorization": f"Bearer {token}", "Content-Length": str(len(first + last))}
    return httpx.post(f"{url}/scim/v2/Groups", content=slowly(), headers=headers, timeout=30).status_code


def is_refused(url: str) -> bool:
    address = urlsplit(url)
    try:
        socket.create_connection((address.hostname or "", address.port or 0), timeout=10).close()
    except ConnectionRefusedError:
        return True
    return False


def test_a_request_in_flight_is_answered_before_the_end_and_nobody_new_is_let_in(tmp_path: Path) -> None:
    with started(tmp_path, "--demo", "--database", "sqlite:///rosterd.db") as (process, url):

        def stop() -> None:
            process.terminate()
            eventually(lambda: is_refused(url))

        assert answer_while(tmp_path, url, stop) == 201
        assert process.wait(20) == 0


@linux
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_all_processes_at_once_cuts_nothing_short(tmp_path: Path, number: signal.Signals) -> None:
    """So a terminal sends Ctrl-C, and systemd its SIGTERM."""
    with started(tmp_path, "--demo", "--database", "sqlite:///rosterd.db") as (process, url):

        def stop() -> None:
            for pid in (*workers_of(process.pid), process.pid):
                os.kill(pid, number)
            eventually(lambda: is_refused(url))

        assert answer_while(tmp_path, url, stop) == 201
        assert process.wait(20) == 0


def test_a_second_signal_cuts_short_what_still_runs(tmp_path: Path) -> None:
    with started(tmp_path, "--demo", "--database", "sqlite:///rosterd.db") as (process, url):

        def stop_twice() -> None:
            process.terminate()
            eventually(lambda: is_refused(url))
            process.terminate()
            assert process.wait(20) == 0

        assert answer_while(tmp_path, url, stop_twice) == 503


def test_what_would_multiply_the_limits_is_refused(tmp_path: Path) -> None:
    line = refusal(tmp_path, "--workers", "2", "--rate-limits", "slack")
    assert line.startswith(
        "Error: workers: 2 workers that count by themselves would allow 2 times the limits"
    )


def test_a_wrong_url_is_told_once(tmp_path: Path) -> None:
    words = ("--workers", "2", "--rate-limits", "slack", "--limits-url", "valkey://:secret@")
    assert refusal(tmp_path, *words).startswith("Error: limits_url: it must begin with one of valkey://")


def test_a_worker_that_cannot_start_ends_all(tmp_path: Path) -> None:
    (tmp_path / "rosterd.db").write_bytes(b"not a database, only some text " * 100)
    assert refusal(tmp_path, "--workers", "2").startswith("Error: ")
