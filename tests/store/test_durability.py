"""What was answered is on the disk: the settings say so, and the kernel saw it."""

from __future__ import annotations

import asyncio
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from rosterd.store.engine import open_store
from tests.clusters import TEMPORARY, Cluster, cluster
from tests.protocol.live import make_org, serving
from tests.servers import Databases
from tests.store.syscalls import Call, calls, strace

NAMES = [f"durable-{number:02}" for number in range(20)]


def read_back(url: str, *statements: str) -> list[str]:
    """What each statement answers on the connection that the store writes with."""

    async def session() -> list[str]:
        store = await open_store(url, create=True)
        try:
            async with store.write() as tx:
                return [str((await tx.all(sql))[0][0]) for sql in statements]
        finally:
            await store.close()

    return asyncio.run(session())


def test_sqlite_flushes_each_commit(tmp_path: Path) -> None:
    found = read_back(f"sqlite:///{tmp_path / 'rosterd.db'}", "PRAGMA synchronous", "PRAGMA journal_mode")
    assert found == ["2", "wal"]  # 2 is FULL: https://sqlite.org/pragma.html#pragma_synchronous


@pytest.mark.parametrize("default", ["off", "local", "remote_write", "on", "remote_apply"])
def test_postgresql_flushes_each_commit_whatever_its_default(databases: Databases, default: str) -> None:
    with databases.migrated() as url:
        name = url.partition("?")[0].rpartition("/")[2]
        databases.run(f"ALTER DATABASE {name} SET synchronous_commit = {default}")
        found = read_back(url, "SHOW synchronous_commit", "SHOW fsync")
    assert found == ["remote_apply" if default == "remote_apply" else "on", "on"]


def test_a_postgresql_that_does_not_flush_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    with cluster() as postgres:
        for settings in (("fsync=off", "full_page_writes=off"), ()):
            postgres.start(*settings)
            caplog.clear()
            assert read_back(postgres.url, "SHOW fsync") == ["off" if settings else "on"]
            assert [record.levelname for record in caplog.records] == ["WARNING"] * len(settings)
            postgres.stop("fast")


def check_order(found: list[Call], journal: str, answered: str, name: str) -> None:
    """What is about ``name`` was written to the journal, then synced, and then answered."""
    written = next(call for call in found if journal in call.file and name in call.data)
    sent = next(call for call in found if call.file.startswith(answered) and name in call.data)
    assert written.ended < sent.began
    assert any(
        call.is_sync and journal in call.file and written.ended < call.began and call.ended < sent.began
        for call in found
    ), f"{name} was answered before it was on the disk"


def test_on_sqlite_the_sync_has_returned_before_the_answer_is_sent(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    database = f"sqlite:///{tmp_path / 'rosterd.db'}"
    with serving("sqlite", database, tmp_path / "log", within=strace(trace)) as server:
        api = make_org(server).api("v2")
        api.create_user("durable-alone")
        with ThreadPoolExecutor(len(NAMES)) as clients:
            list(clients.map(api.create_user, NAMES))
    found = calls(trace)
    for name in ("durable-alone", *NAMES):
        check_order(found, "rosterd.db-wal", "socket:", name)


@contextmanager
def traced(postgres: Cluster, trace: Path) -> Iterator[None]:
    """The server running, with all its processes, under strace; ended at the end."""
    as_user = () if postgres.user is None else ("-u", postgres.user)
    with (
        (trace.parent / "postgres.log").open("w") as log,
        subprocess.Popen(
            [*strace(trace, *as_user), *postgres.command()], stdout=log, stderr=log, cwd=TEMPORARY
        ) as process,
    ):
        deadline = time.monotonic() + 30
        while not (postgres.directory / "postmaster.pid").exists() or "ready" not in (
            (postgres.directory / "postmaster.pid").read_text()
        ):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield
        postgres.stop("fast")


def test_on_postgresql_the_sync_has_returned_before_the_commit_is_confirmed(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    with (
        cluster() as postgres,
        traced(postgres, trace),
        serving("postgresql", postgres.url, tmp_path / "log") as server,
    ):
        api = make_org(server).api("v2")
        for name in NAMES[:3]:
            api.create_user(name)
    found = calls(trace)
    confirmed = list(commits(found))
    assert len(confirmed) >= 3
    for last, commit in confirmed:
        assert any(
            call.is_sync and "pg_wal" in call.file and last.ended < call.began and call.ended < commit.began
            for call in found
        )


def commits(found: list[Call]) -> Iterator[tuple[Call, Call]]:
    """Each confirmed commit of a transaction that inserted, behind the answer that was sent before it."""
    inserted: dict[int, bool] = {}
    last: dict[int, Call] = {}
    for call in found:
        if not call.file.startswith(("socket:", "UNIX")):
            continue
        if "COMMIT\\0" in call.data and inserted.pop(call.thread, False):
            yield last[call.thread], call
        inserted[call.thread] = inserted.get(call.thread, False) or "INSERT 0 1\\0" in call.data
        last[call.thread] = call
