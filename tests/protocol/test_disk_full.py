"""A SQLite server whose disk is full: writes are refused whole, reads go on, and room is all that is missing.

The disk is a real one of a few megabytes, mounted where nobody else sees it; and besides, so that something
real runs wherever mounting is not allowed, a limit on the size of the server's files.
"""

from __future__ import annotations

import itertools
import os
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil  # type: ignore[import-untyped]  # of the PostgreSQL wheel's own needs; ships no types
import pytest

from tests.protocol.live import SECRET, Api, ok, serving

MEGABYTES = 4


@dataclass(frozen=True, slots=True)
class Disk:
    """Where a database is. ``within`` runs a program where it can be seen."""

    folder: Path
    within: tuple[str, ...]
    fill: Callable[[], None]
    free: Callable[[], None]

    @property
    def database(self) -> str:
        return f"sqlite:///{self.folder / 'rosterd.db'}"

    def run(self, *arguments: str) -> str:
        """The stdout of a ``rosterd`` command."""
        command = [*self.within, sys.executable, "-m", "rosterd", *arguments]
        environment = os.environ | {"ROSTERD_SECRET": SECRET, "ROSTERD_DATABASE": self.database}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout


@contextmanager
def small(folder: Path) -> Iterator[Disk]:
    """A file system of a few megabytes in a mount namespace of its own, which ends with the block."""
    flags = ("-m",) if os.geteuid() == 0 else ("-r", "-m")  # -r: as root of a user namespace
    mounting = (
        f"mount -t tmpfs -o size={MEGABYTES}m,mode=700 tmpfs '{folder}' && echo mounted && exec sleep 600"
    )
    with subprocess.Popen(
        ["unshare", *flags, "sh", "-c", mounting], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as holder:
        try:
            assert holder.stdout is not None
            if (said := holder.stdout.readline()) != "mounted\n":
                pytest.skip(f"mounting is not allowed here: {said.strip()}")
            enter = ("-m",) if os.geteuid() == 0 else ("-U", "-m", "--preserve-credentials")
            within = ("nsenter", "-t", str(holder.pid), *enter, "--")

            def shell(script: str) -> None:
                subprocess.run(
                    [*within, "sh", "-c", script, "sh", str(folder)], capture_output=True, check=True
                )

            yield Disk(
                folder,
                within,
                lambda: shell('cat /dev/zero > "$1/filler" || true'),
                lambda: shell('rm "$1/filler"'),
            )
        finally:
            holder.kill()


@contextmanager
def limited(folder: Path) -> Iterator[Disk]:
    """A limit on the size of files, set for the running server (RLIMIT_FSIZE in setrlimit(2))."""

    def limit(size: int) -> None:
        for process in psutil.Process().children():
            if any(folder.name in word for word in process.cmdline()):
                resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    log = folder / "rosterd.db-wal"
    yield Disk(folder, (), lambda: limit(log.stat().st_size), lambda: limit(resource.RLIM_INFINITY))


@pytest.fixture(params=["disk", "limit"])
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Disk]:
    if not sys.platform.startswith("linux"):
        pytest.skip("namespaces and prlimit are Linux's")
    folder = tmp_path / "small"
    folder.mkdir()
    with small(folder) if request.param == "disk" else limited(folder) as made:
        yield made


@pytest.fixture
def apis(disk: Disk, tmp_path: Path) -> Iterator[dict[str, Api]]:
    """Both versions of a server on the disk."""
    with serving("sqlite", disk.database, tmp_path / "stderr.log", within=disk.within) as server:
        owner = ("--owner-email", "o@a.example")
        disk.run("org", "create", "--name", "A", "--domain", "a", "--plan", "enterprise", *owner)
        token = disk.run(
            "token", "create", "--org", "a", "--user", "o@a.example", "--scopes", "admin"
        ).strip()
        yield {version: Api(server.url, token, version, server.http) for version in ("v1", "v2")}


def check_refused(api: Api, response: httpx.Response) -> None:
    api.check_refused(response, "service_unavailable", 503)
    assert response.headers["Retry-After"] == "1"


def check(disk: Disk) -> None:
    """The directory is whole, and so is its audit trail."""
    disk.run("fsck")
    disk.run("audit", "verify", "--org", "a")


def is_there(api: Api, name: str) -> bool:
    return bool(ok(api.get("Users", filter=f'userName eq "{name}"'))["totalResults"])


def outcomes(api: Api, names: Sequence[str]) -> dict[str, httpx.Response]:
    """POSTs of these people, all at once."""
    with ThreadPoolExecutor(len(names)) as clients:
        return dict(
            zip(names, clients.map(lambda name: api.post("Users", api.user_body(name)), names), strict=True)
        )


def test_a_full_disk_refuses_whole_writes_until_there_is_room(disk: Disk, apis: dict[str, Api]) -> None:
    api = apis["v2"]
    early = api.create_user("early")
    disk.fill()
    names = (f"late{number}" for number in itertools.count())
    while (response := api.post("Users", api.user_body(refused := next(names)))).status_code == 201:
        pass  # what room the log still has
    check_refused(api, response)
    check_refused(apis["v1"], apis["v1"].post("Users", apis["v1"].user_body(refused)))
    patched = api.patch_user(early["id"], {"op": "replace", "path": "title", "value": "changed"})
    crowd = outcomes(api, [next(names) for _ in range(12)])
    for response in (patched, *crowd.values()):
        if response.status_code not in (200, 201):  # a small one may still find room
            check_refused(api, response)
    assert api.user(early["id"])["title"] == ("changed" if patched.status_code == 200 else "")
    assert not is_there(api, refused)
    check(disk)
    disk.free()
    api.create_user(refused)
    for name, response in crowd.items():
        assert is_there(api, name) == (response.status_code == 201)
    assert {each.status_code for each in outcomes(api, [next(names) for _ in range(12)]).values()} == {201}
    check(disk)
