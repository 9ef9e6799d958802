"""``rosterd backup``, ``restore`` and ``move``: everything arrives, or nothing does."""

from __future__ import annotations

import gzip
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.cli.shell import Shell
from tests.cli.test_serve import environment, serving
from tests.cli.whole import populate, printed, refusal, rosterd, rows, within

if TYPE_CHECKING:
    pass

SECRET = "0123456789abcdef"


@pytest.fixture
def full(database_url: str) -> str:
    """A database with all kinds of rows."""
    populate(database_url)
    return database_url


def an_organisation(url: str) -> str:
    """A new organisation's token."""
    words = ("--name", "A", "--domain", "a", "--plan", "enterprise", "--owner-email", "o@a.example")
    printed(rosterd("org", "create", *words, url=url))
    words = ("token", "create", "--org", "a", "--user", "o@a.example", "--scopes", "admin")
    return rosterd(*words, url=url, ROSTERD_SECRET=SECRET).stdout.strip()


def damage(url: str) -> None:
    """One thing that fsck finds."""

    async def work(store: object) -> None:
        async with store.write() as tx:  # type: ignore[attr-defined]
            await tx.run("UPDATE users SET full_name = 'Mallory' WHERE username = 'ravi'")

    within(url, work)


def test_a_backup_restored_is_the_same_database(full: str, empty_url: str, tmp_path: Path) -> None:
    file = tmp_path / "backup"
    made = printed(rosterd("backup", str(file), "--verify", url=full))
    everything = rows(full)
    total = sum(map(len, everything.values()))
    assert made == {"file": str(file), "bytes": file.stat().st_size, "schema": "0003", "rows": total}
    done = printed(rosterd("restore", str(file), url=empty_url))
    assert done == {"rows": total, "orgs": 1, "users": len(everything["users"]), "groups": 5}
    assert rows(empty_url) == everything
    assert refusal(rosterd("restore", str(file), url=empty_url)).startswith("Error: ")
    assert rows(empty_url) == everything


@pytest.mark.parametrize("left", ["wal", "shm", "journal"])
def test_a_log_left_behind_is_not_played_into_what_is_restored(
    shell: Shell, tmp_path: Path, left: str
) -> None:
    file, new = tmp_path / "backup", tmp_path / "new.db"
    printed(rosterd("backup", str(file), url=shell.url))
    log = tmp_path / f"new.db-{left}"
    log.write_bytes(b"of a server that was killed")
    assert f"new.db-{left} is there already" in refusal(rosterd("restore", str(file), url=f"sqlite:///{new}"))
    assert not new.exists()
    log.unlink()
    printed(rosterd("restore", str(file), url=f"sqlite:///{new}"))


def test_a_move_takes_everything_and_leaves_the_source(full: str, empty_url: str) -> None:
    everything = rows(full)
    result = rosterd("move", "--from", full, "--to", empty_url)
    assert printed(result)["rows"] == sum(map(len, everything.values()))
    assert rows(empty_url) == rows(full) == everything
    assert printed(rosterd("audit", "verify", url=empty_url))["ok"]
    assert "password" not in result.output
    assert "not empty" in (line := refusal(rosterd("move", "--from", full, "--to", full))) or "there" in line


def test_the_key_is_named_and_not_copied(shell: Shell, tmp_path: Path) -> None:
    populate(shell.url)
    file = tmp_path / "backup"
    assert f"keep {shell.path}.secret, too" in shell.run("backup", str(file)).stderr
    assert "keep ROSTERD_SECRET, too" in shell.run("backup", str(file), ROSTERD_SECRET=SECRET).stderr
    new = tmp_path / "new.db"
    assert f"{new}.secret\n" in rosterd("restore", str(file), url=f"sqlite:///{new}").stderr
    assert "xoxp-" not in gzip.decompress(file.read_bytes()).decode()


def test_tokens_work_where_their_key_is(shell: Shell, tmp_path: Path) -> None:
    token = an_organisation(shell.url)
    new = tmp_path / "new" / "rosterd.db"
    new.parent.mkdir()
    rosterd("move", "--from", shell.url, "--to", f"sqlite:///{new}")
    for key, status in ((SECRET, 200), (SECRET[::-1], 401)):
        with serving(new.parent, ROSTERD_SECRET=key) as server:
            assert server.status("/scim/v2/Users", token) == status


def test_what_is_wrong_is_said_and_not_lost(shell: Shell, tmp_path: Path) -> None:
    populate(shell.url)
    damage(shell.url)
    file = tmp_path / "backup"
    assert (
        refusal(shell.run("backup", str(file), "--verify")) == "Error: 1 problem(s) found; no backup was made"
    )
    assert not file.exists()
    assert shell.run("backup", str(file)).exit_code == 0
    for number, words in enumerate(
        (("restore", str(file), "--database"), ("move", "--from", shell.url, "--to"))
    ):
        url = f"sqlite:///{tmp_path / str(number)}.db"
        result = rosterd(*words, url)
        assert refusal(result).startswith("Error: 1 problem(s) found; everything was ")
        assert "'Mallory'" in result.stderr
        assert rows(url) == rows(shell.url)


def test_what_cannot_be_is_one_line_and_leaves_nothing(acme: Shell, tmp_path: Path) -> None:
    file, new = tmp_path / "backup", tmp_path / "new.db"
    acme.run("backup", str(file))
    (tmp_path / "cut").write_bytes(file.read_bytes()[:-100])
    (tmp_path / "old").write_bytes(
        gzip.compress(gzip.decompress(file.read_bytes()).replace(b'"0003"', b'"0000"'))
    )
    before = sorted(tmp_path.iterdir())
    for words, line in (
        (("restore", str(tmp_path / "cut")), "is damaged, or no backup that rosterd made"),
        (("restore", str(tmp_path / "old")), "restore it with rosterd 0.1.0, which made it"),
        (("restore", str(acme.path)), "is damaged, or no backup that rosterd made"),
        (("restore", str(tmp_path / "none")), "No such file or directory"),
        (("backup", str(tmp_path / "x")), "no database"),
    ):
        assert line in refusal(rosterd(*words, url=f"sqlite:///{new}"))
    assert "No such file or directory" in acme.failure("backup", str(tmp_path / "nowhere" / "backup"))
    assert "no database" in refusal(rosterd("move", "--from", f"sqlite:///{new}", "--to", acme.url))
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    "words", [("backup",), ("restore",), ("move", "--from", "sqlite:///a.db"), ("import",)]
)
def test_wrong_usage_is_exit_code_2(words: tuple[str, ...]) -> None:
    assert rosterd(*words).exit_code == 2


USER = "urn:ietf:params:scim:schemas:core:2.0:User"


class Writers:
    """Clients that create people until the block ends; who could not fails the test."""

    def __init__(self, url: str, token: str) -> None:
        self._url = f"{url}/scim/v2/Users"
        self._headers = {"Authorization": f"Bearer {token}"}
        self._done = threading.Event()
        self._pool = ThreadPoolExecutor(3)
        self._ends: list[Future[None]] = []
        self.answered: list[str] = []

    def __enter__(self) -> Writers:
        self._ends = [self._pool.submit(self._write, name) for name in "abc"]
        return self

    def __exit__(self, *error: object) -> None:
        self._done.set()
        self._pool.shutdown()
        for end in self._ends:
            end.result()

    def wait_for(self, count: int) -> list[str]:
        """The usernames that were answered, once there are so many."""
        while len(self.answered) < count and not any(end.done() for end in self._ends):
            time.sleep(0.01)
        return list(self.answered)

    def _write(self, prefix: str) -> None:
        with httpx.Client(headers=self._headers, timeout=60) as client:
            number = 0
            while not self._done.is_set():
                name = f"{prefix}{(number := number + 1)}"
                emails = [{"value": f"{name}@a.example", "primary": True}]
                body = {"schemas": [USER], "userName": name, "emails": emails}
                answer = client.post(self._url, json=body)
                assert answer.status_code == 201, answer.text
                self.answered.append(name)


def test_a_backup_of_a_database_that_is_written_to_is_one_moment_of_it(
    database_url: str, tmp_path: Path
) -> None:
    """Whatever was answered before the backup is in it; it agrees with itself and with its trail."""
    token = an_organisation(database_url)
    folder = tmp_path / "server"
    folder.mkdir()
    with serving(folder, "--database", database_url, ROSTERD_SECRET=SECRET) as server:
        with Writers(server.url, token) as writers:
            for number in range(1, 3):
                before = writers.wait_for(40 * number)
                file, copied = tmp_path / f"backup-{number}", f"sqlite:///{tmp_path / str(number)}.db"
                printed(rosterd("backup", str(file), "--verify", url=database_url))
                printed(rosterd("restore", str(file), url=copied))
                assert {row[3] for row in rows(copied)["users"]} >= set(before)
            moved = rosterd("move", "--from", database_url, "--to", f"sqlite:///{tmp_path / 'meanwhile.db'}")
            assert "warning: the source was written to meanwhile" in moved.stderr
        moved = rosterd("move", "--from", database_url, "--to", f"sqlite:///{tmp_path / 'moved.db'}")
        assert printed(moved)["users"] == len(writers.answered) + 1
        assert "warning" not in moved.stderr


def test_a_restore_that_is_killed_leaves_an_empty_place(shell: Shell, empty_url: str, tmp_path: Path) -> None:
    populate(shell.url)
    file = tmp_path / "backup"
    printed(shell.run("backup", str(file)))
    stall = tmp_path / "stall"
    os.mkfifo(stall)
    command = [sys.executable, "-m", "rosterd", "restore", str(stall), "--database", empty_url]
    with subprocess.Popen(command, env=environment(tmp_path)) as process, stall.open("wb") as most:
        most.write(file.read_bytes()[:-100])  # and then nothing more comes
        most.flush()
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(1.5)
        process.kill()
    printed(rosterd("restore", str(file), url=empty_url))
    assert rows(empty_url) == rows(shell.url)


def bulk(path: Path, people: int) -> None:
    """An organisation with so many people, written past the program."""
    numbers = f"WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {people})"
    org, id, email = "'E0000000001'", "printf('W%010d', i)", "'user' || i || '@x.example'"
    team, channel = "'T0000000001'", "'C0000000001'"
    role = "CASE i WHEN 1 THEN 'primary_owner' ELSE 'member' END"
    profile = '{"title":"' + "x" * 300 + '"}'
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f"INSERT INTO orgs VALUES ({org}, {team}, 'B', 'big', 'enterprise', 1, 0)")
        connection.execute(f"INSERT INTO workspaces VALUES ({org}, {team}, 'B', 'big', 1, '', 'closed')")
        connection.execute(f"INSERT INTO names VALUES ({org}, 'general', 'channel', {channel})")
        general = f"{org}, {channel}, 1, 'general', 'USLACKUSER', 0, 0, 0, '', ''"
        connection.execute(f"INSERT INTO channels VALUES ({general})")
        connection.execute(
            f"INSERT INTO channel_workspaces VALUES ({org}, {channel}, {team}, 'general', 1, 1)"
        )
        connection.execute(f"{numbers} INSERT INTO names SELECT {org}, 'user' || i, 'user', {id} FROM n")
        connection.execute(
            f"{numbers} INSERT INTO users (org_id, id, created, username, email, email_folded, display_name,"
            " display_folded, role, deactivated, erased, full_name, profile, card)"
            f" SELECT {org}, {id}, i, 'user' || i, {email}, {email}, 'A', 'a', {role}, 0, 0, 'A',"
            f" '{profile}', '' FROM n"
        )
        connection.execute(f"{numbers} INSERT INTO emails SELECT {org}, {email}, {id} FROM n")


_MEASURED = (
    "import resource, sys; from rosterd.cli import rosterd\n"
    "rosterd(sys.argv[1:], standalone_mode=False)\n"
    "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)"
)


@pytest.mark.parametrize(
    "words", [("backup", "copy"), ("export", "--org", "big", "copy")], ids=lambda w: w[0]
)
def test_memory_does_not_grow_with_the_directory(
    migrated_file: Path, tmp_path: Path, words: tuple[str, ...]
) -> None:
    """Five thousand people are far more than a slice; fifty thousand take hardly more than they do."""
    peaks = []
    for people in (5_000, 50_000):
        path = tmp_path / f"{people}.db"
        shutil.copyfile(migrated_file, path)
        bulk(path, people)
        command = [sys.executable, "-c", _MEASURED, *words, "--database", f"sqlite:///{path}"]
        ended = subprocess.run(
            command, cwd=tmp_path, env=environment(tmp_path), capture_output=True, check=True
        )
        peaks.append(int(ended.stderr.split()[-1]))
    assert peaks[1] - peaks[0] < 10_000  # KiB; the rows alone are 50 MB more
