"""``rosterd serve`` as a process: what it prints where, and how it ends."""

from __future__ import annotations

import os
import re
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.cli.shell import Shell


@dataclass(slots=True)
class Running:
    """A server process; after the block, all it printed and its exit code."""

    url: str
    log: Path
    stdout: str = ""
    code: int | None = None

    @property
    def stderr(self) -> str:
        return self.log.read_text()

    def status(self, path: str, token: str = "") -> int:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return httpx.get(f"{self.url}{path}", headers=headers).status_code


def environment(folder: Path, **more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ROSTERD_")}
    return kept | {"TMPDIR": str(folder)} | more


@contextmanager
def serving(
    folder: Path, *words: str, stop: signal.Signals = signal.SIGTERM, **env: str
) -> Iterator[Running]:
    """``rosterd serve`` on a free port in ``folder``, ended by a signal."""
    log = folder / f"stderr-{len(list(folder.iterdir()))}.log"
    command = [sys.executable, "-m", "rosterd", "serve", "--port", "0", *words]
    with (
        log.open("w") as stderr,
        subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            cwd=folder,
            env=environment(folder, **env),
        ) as process,
    ):
        try:
            assert process.stdout is not None
            first = process.stdout.readline()
            assert first.startswith("rosterd listening on http://127.0.0.1:"), log.read_text()
            running = Running(first.split()[-1], log)
            yield running
            process.send_signal(stop)
            running.stdout = first + process.stdout.read()
            running.code = process.wait(20)
        finally:
            process.kill()


def refusal(folder: Path, *words: str, **env: str) -> str:
    """The one line on stderr of a server that does not start."""
    command = [sys.executable, "-m", "rosterd", "serve", "--port", "0", *words]
    ended = subprocess.run(
        command,
        capture_output=True,
        text=True,
        cwd=folder,
        env=environment(folder, **env),
        timeout=20,
        check=False,
    )
    assert (ended.returncode, ended.stdout) == (1, "")
    [line] = ended.stderr.splitlines()
    return line


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_one_line_on_stdout_a_database_in_the_working_directory_and_a_clean_end(
    tmp_path: Path, stop: signal.Signals
) -> None:
    with serving(tmp_path, stop=stop) as server:
        assert server.status("/openapi.json") == 200
        assert server.status("/scim/v2/Users") == 401
    assert server.stdout == f"rosterd listening on {server.url}\n"
    assert server.code == 0
    assert (tmp_path / "rosterd.db").exists()


def test_the_secret_beside_the_database_is_its_owners(tmp_path: Path) -> None:
    with serving(tmp_path):
        pass
    assert stat.S_IMODE((tmp_path / "rosterd.db.secret").stat().st_mode) == 0o600


def test_commands_reach_an_ephemeral_database_and_it_is_gone_at_exit(tmp_path: Path) -> None:
    with serving(tmp_path, "--ephemeral") as server:
        found = re.search(r"--database sqlite:///(\S+)", server.stderr)
        assert found is not None
        shell = Shell(Path(found[1]))
        shell.line(
            "org",
            "create",
            "--name",
            "A",
            "--domain",
            "a",
            "--plan",
            "enterprise",
            "--owner-email",
            "o@a.example",
        )
        token = shell.text(
            "token", "create", "--org", "a", "--user", "o@a.example", "--scopes", "admin"
        ).strip()
        assert server.status("/scim/v2/Users", token) == 200
    assert server.code == 0
    assert not shell.path.parent.exists()
    assert not (tmp_path / "rosterd.db").exists()


def token_in(text: str) -> str:
    found = re.search(r"^  token +(\S+)$", text, re.MULTILINE)
    assert found is not None
    return found[1]


def test_a_second_demo_finds_its_data_and_ends_the_first_token(tmp_path: Path) -> None:
    seen, tokens = [], []
    for _ in range(2):
        with serving(tmp_path, "--demo") as server:
            tokens.append(token_in(server.stderr))
            headers = {"Authorization": f"Bearer {tokens[-1]}"}
            users = httpx.get(f"{server.url}/scim/v2/Users?count=100", headers=headers).json()
            seen.append([user["id"] for user in users["Resources"]])
            assert server.status("/scim/v2/Users", tokens[0]) == (200 if len(tokens) == 1 else 401)
        assert server.stdout.count("\n") == 1
    assert seen[0] == seen[1]
    assert len(seen[0]) == 12


def test_a_demo_goes_into_no_database_of_others(tmp_path: Path) -> None:
    shell = Shell(tmp_path / "rosterd.db")
    shell.line(
        "org",
        "create",
        "--name",
        "A",
        "--domain",
        "a",
        "--plan",
        "enterprise",
        "--owner-email",
        "o@a.example",
    )
    assert refusal(tmp_path, "--demo").startswith("Error: --demo: the database holds other organisations")
    assert [org["domain"] for org in shell.lines("org", "list")] == ["a"]


def test_settings_come_from_a_file_and_the_environment(tmp_path: Path) -> None:
    (tmp_path / "rosterd.toml").write_text(
        'database = "sqlite:///from-file.db"\nbase-url = "https://x.example/"'
    )
    with serving(tmp_path, "--config", "rosterd.toml", ROSTERD_DEMO="yes") as server:
        assert "https://x.example/scim/v2/" in server.stderr
    assert (tmp_path / "from-file.db").exists()


def test_what_cannot_start_says_why_in_one_line(tmp_path: Path) -> None:
    assert "limits_table: nothing is limited" in refusal(tmp_path, "--limits-table", "limits.toml")
    assert "ROSTERD_SECRET: must be set" in refusal(tmp_path, "--database", "postgresql://x@127.0.0.1/y")
    assert "no such setting" in refusal(tmp_path, "--config", _file(tmp_path, "colour = 'red'"))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert f"cannot listen on 127.0.0.1:{port}" in refusal(tmp_path, "--port", str(port))
    (tmp_path / "rosterd.db").write_bytes(b"not a database, only some text " * 100)
    assert refusal(tmp_path).startswith("Error: ")


def _file(folder: Path, text: str) -> str:
    path = folder / "wrong.toml"
    path.write_text(text)
    return str(path)
