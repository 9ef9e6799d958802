"""What only a file can do to a store: its log grows while somebody reads, and shrinks again."""

from __future__ import annotations

from pathlib import Path

import pytest

from rosterd.store.engine import Store, open_store

pytestmark = pytest.mark.anyio

PAGES = 200  # of the log, until SQLite copies it into the file: https://sqlite.org/wal.html#ckpt
LIMIT = 200_000  # bytes that the log keeps when it starts anew


async def write(store: Store, times: int) -> None:
    for _ in range(times):
        async with store.write() as tx:
            await tx.run("UPDATE scratch SET word = word || 'x'")


async def test_the_log_grows_while_a_scan_lasts_and_shrinks_afterwards(tmp_path: Path) -> None:
    log = tmp_path / "rosterd.db-wal"
    store = await open_store(f"sqlite:///{tmp_path / 'rosterd.db'}", create=True)
    async with store.write() as tx:
        (limit,), (pages,) = (
            *await tx.all("PRAGMA journal_size_limit"),
            *await tx.all("PRAGMA wal_autocheckpoint"),
        )
        assert limit > pages * 4096  # else the file would be cut, and grow, again and again
        await tx.all(f"PRAGMA journal_size_limit = {LIMIT}")
        await tx.all(f"PRAGMA wal_autocheckpoint = {PAGES}")
        await tx.run("CREATE TABLE scratch (word TEXT)")
        await tx.run("INSERT INTO scratch VALUES ($1)", "x" * 400_000)  # a hundred pages
    async with store.scan() as tx:
        before = await tx.all("SELECT COUNT(*) FROM users")
        await write(store, 10)
        assert log.stat().st_size > 4 * PAGES * 4096
        assert await tx.all("SELECT COUNT(*) FROM users") == before
    await write(store, 2)
    assert log.stat().st_size < 2 * PAGES * 4096
    await store.close()
    assert not log.exists()
