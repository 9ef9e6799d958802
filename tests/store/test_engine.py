"""What every engine promises, on both engines; then what only one of them can break."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import stat
from pathlib import Path

import asyncpg
import pytest

from rosterd.store import migrate
from rosterd.store.engine import (
    Conflict,
    SchemaMismatch,
    Store,
    StoreError,
    StoreUnavailable,
    open_store,
)
from rosterd.store.engines.sqlite import SqliteStore, open_sqlite
from rosterd.store.engines.statements import LARGE_SET
from tests.servers import Databases

pytestmark = pytest.mark.anyio

INSERT = "INSERT INTO scratch (id, word) VALUES ($1, $2)"
COUNT = "SELECT COUNT(*) FROM scratch"


@pytest.fixture
async def scratch(store: Store) -> Store:
    """A store with a table to write to: ``scratch(id, word)``, and ``leaf(id)`` that refers to it."""
    async with store.write() as tx:
        await tx.run("CREATE TABLE scratch (id BIGINT PRIMARY KEY, word TEXT UNIQUE)")
        await tx.run("CREATE TABLE leaf (id BIGINT REFERENCES scratch (id))")
    return store


async def insert(store: Store, number: int) -> None:
    async with store.write() as tx:
        await tx.run(INSERT, number, f"word {number}")


async def words(store: Store) -> list[str]:
    async with store.read() as tx:
        return [word for (word,) in await tx.all("SELECT word FROM scratch ORDER BY id")]


async def count(store: Store) -> int:
    async with store.read() as tx:
        row = await tx.one(COUNT)
    assert row is not None
    return int(row[0])


def file_of(store: Store) -> Path:
    return Path(store.url.removeprefix("sqlite:///"))


class TestStatements:
    async def test_a_row_unpacks_and_indexes(self, scratch: Store) -> None:
        await insert(scratch, 7)
        async with scratch.read() as tx:
            row = await tx.one("SELECT id, word FROM scratch WHERE id = $1", 7)
        assert row is not None
        number, word = row
        assert (number, word, row[0]) == (7, "word 7", 7)

    async def test_no_row_is_none(self, scratch: Store) -> None:
        async with scratch.read() as tx:
            assert await tx.one("SELECT id FROM scratch") is None
            assert list(await tx.all("SELECT id FROM scratch")) == []

    async def test_an_argument_may_be_used_twice_and_out_of_order(self, scratch: Store) -> None:
        await insert(scratch, 1)
        async with scratch.read() as tx:
            row = await tx.one("SELECT id FROM scratch WHERE word = $2 AND id = $1 OR id = $1", 1, "x")
        assert row is not None
        assert row[0] == 1

    async def test_run_counts_affected_rows_also_behind_a_with(self, scratch: Store) -> None:
        async with scratch.write() as tx:
            copied = await tx.run(
                "WITH n AS (SELECT value FROM each($1) AS e) "
                "INSERT INTO scratch (id, word) SELECT CAST(value AS BIGINT), value FROM n WHERE TRUE",
                ["1", "2", "3"],
            )
            changed = await tx.run("UPDATE scratch SET word = word || $1 WHERE id > $2", "!", 1)
            removed = await tx.run("DELETE FROM scratch WHERE id = $1", 9)
        assert (copied, changed, removed) == (3, 2, 0)

    async def test_each_is_a_set_and_a_table(self, scratch: Store) -> None:
        for number in (1, 2, 3):
            await insert(scratch, number)
        async with scratch.read() as tx:
            chosen = await tx.all(
                "SELECT id FROM scratch WHERE word IN each($1)", ["word 1", "word 3", "zzz"]
            )
            listed = await tx.all("SELECT value FROM each($1) AS e ORDER BY value", ["é", 'q"', "a"])
            nothing = await tx.all("SELECT id FROM scratch WHERE word IN each($1)", [])
        assert sorted(row[0] for row in chosen) == [1, 3]
        assert [row[0] for row in listed] == ["a", 'q"', "é"]
        assert list(nothing) == []

    async def test_a_large_set_works_in_read_scan_and_write(self, scratch: Store) -> None:
        many = [f"word {number}" for number in range(LARGE_SET * 3)]
        async with scratch.write() as tx:
            await tx.many(INSERT, list(enumerate(many)))
            assert len(await tx.all("SELECT id FROM scratch WHERE word IN each($1)", many)) == len(many)
        async with scratch.read() as tx:
            assert len(await tx.all("SELECT id FROM scratch WHERE word IN each($1)", many)) == len(many)
        async with scratch.scan() as tx:
            assert len(await tx.all("SELECT id FROM scratch WHERE word IN each($1)", many)) == len(many)

    async def test_many_of_nothing_does_nothing(self, scratch: Store) -> None:
        async with scratch.write() as tx:
            await tx.many(INSERT, [])
        assert await count(scratch) == 0

    async def test_row_locks_are_accepted(self, scratch: Store) -> None:
        await insert(scratch, 1)
        async with scratch.write() as tx:
            assert await tx.one("SELECT id FROM scratch WHERE id = $1 FOR UPDATE", 1)
            assert await tx.one("SELECT s.id FROM scratch s WHERE s.id = $1 FOR SHARE OF s", 1)

    async def test_returning_gives_only_what_was_inserted(self, scratch: Store) -> None:
        sql = f"{INSERT} ON CONFLICT DO NOTHING RETURNING id"
        async with scratch.write() as tx:
            first = await tx.one(sql, 1, "a")
            again = await tx.one(sql, 1, "b")
        assert first is not None
        assert (first[0], again) == (1, None)

    async def test_now_is_in_microseconds_and_stands_still(self, scratch: Store) -> None:
        async with scratch.write() as tx:
            before = tx.now
            await tx.run(INSERT, tx.now, "a")
            assert tx.now == before
        assert 1_600_000_000_000_000 < before < 5_000_000_000_000_000


class TestWriting:
    async def test_a_write_is_read_back_at_once(self, scratch: Store) -> None:
        for number in range(20):
            await insert(scratch, number)
            assert await count(scratch) == number + 1

    async def test_a_body_that_raises_leaves_nothing(self, scratch: Store) -> None:
        with pytest.raises(LookupError):
            async with scratch.write() as tx:
                await tx.run(INSERT, 1, "a")
                raise LookupError
        assert await count(scratch) == 0
        await insert(scratch, 1)  # and the store goes on
        assert await count(scratch) == 1

    async def test_concurrent_writes_are_kept_and_failures_stay_alone(self, scratch: Store) -> None:
        async def body(number: int) -> None:
            async with scratch.write() as tx:
                await tx.run(INSERT, number, f"word {number}")
                if number % 5 == 0:
                    raise LookupError(number)

        outcomes = await asyncio.gather(*(body(number) for number in range(32)), return_exceptions=True)
        failed = [number for number, outcome in enumerate(outcomes) if outcome is not None]
        assert failed == [0, 5, 10, 15, 20, 25, 30]
        assert all(isinstance(outcomes[number], LookupError) for number in failed)
        assert await words(scratch) == [f"word {n}" for n in range(32) if n % 5]

    @pytest.mark.parametrize("sql", [INSERT, "INSERT INTO leaf (id) SELECT $1 + 99 WHERE $2 <> ''"])
    async def test_a_broken_constraint_is_a_conflict(self, scratch: Store, sql: str) -> None:
        await insert(scratch, 1)
        with pytest.raises(Conflict):
            async with scratch.write() as tx:
                await tx.run(INSERT, 2, "b")
                await tx.run(sql, 1, "a")
        assert await words(scratch) == ["word 1"]

    async def test_a_null_where_none_belongs_is_a_fault_of_the_program(self, scratch: Store) -> None:
        with pytest.raises((sqlite3.Error, asyncpg.PostgresError)):
            async with scratch.write() as tx:
                await tx.run("CREATE TABLE strict (id BIGINT NOT NULL)")
                await tx.run("INSERT INTO strict (id) VALUES (NULL)")

    async def test_what_others_have_not_committed_is_not_seen(self, scratch: Store) -> None:
        async with scratch.write() as tx:
            await tx.run(INSERT, 1, "a")
            assert await count(scratch) == 0
        assert await count(scratch) == 1

    async def test_cancelled_requests_neither_break_the_batch_nor_keep_the_turn(self, scratch: Store) -> None:
        tasks = [asyncio.create_task(insert(scratch, number)) for number in range(32)]
        for rounds in range(6):  # at several points: before the turn, in the body, waiting for the disk
            await asyncio.sleep(0)
            tasks[rounds * 5].cancel()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        kept = await words(scratch)
        for number, outcome in enumerate(outcomes):
            if outcome is None:
                assert f"word {number}" in kept
            else:
                assert isinstance(outcome, asyncio.CancelledError)
        await insert(scratch, 100)
        assert "word 100" in await words(scratch)

    async def test_a_body_cancelled_in_a_slow_statement_is_undone(self, scratch: Store) -> None:
        started = asyncio.Event()

        async def slow() -> None:
            async with scratch.write() as tx:
                await tx.run(INSERT, 1, "a")
                started.set()
                await tx.many(INSERT, [(number, f"{number}") for number in range(2, 20_000)])

        task = asyncio.create_task(slow())
        await started.wait()
        await asyncio.sleep(0.002)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await count(scratch) == 0
        await insert(scratch, 1)

    async def test_a_store_may_be_closed_twice(self, scratch: Store) -> None:
        await scratch.close()
        await scratch.close()

    async def test_what_was_answered_is_seen_by_another_store(self, scratch: Store) -> None:
        await asyncio.gather(*(insert(scratch, number) for number in range(8)))
        other = await open_store(scratch.url)
        assert await count(other) == 8
        await other.close()


class TestParts:
    async def test_a_part_that_raises_leaves_nothing_and_the_rest_is_kept(self, scratch: Store) -> None:
        async with scratch.write() as tx:
            await tx.run(INSERT, 1, "before")
            with contextlib.suppress(LookupError):
                async with tx.part():
                    await tx.run(INSERT, 2, "inside")
                    raise LookupError
            async with tx.part():
                await tx.run(INSERT, 3, "kept")
            await tx.run(INSERT, 4, "after")
        assert await words(scratch) == ["before", "kept", "after"]

    async def test_a_part_that_comes_first_or_is_all_there_is(self, scratch: Store) -> None:
        async with scratch.write() as tx, tx.part():
            await tx.run(INSERT, 1, "kept")
        assert await words(scratch) == ["kept"]

    async def test_a_refused_row_costs_its_part_alone(self, scratch: Store) -> None:
        async with scratch.write() as tx:
            await tx.run(INSERT, 1, "one")
            with pytest.raises(Conflict):
                async with tx.part():
                    await tx.run(INSERT, 2, "two")
                    await tx.run(INSERT, 3, "one")
            await tx.run(INSERT, 4, "four")
        assert await words(scratch) == ["one", "four"]

    async def test_what_a_part_undid_is_known_no_more(self, scratch: Store) -> None:
        word = "SELECT word FROM scratch WHERE id = 1"
        async with scratch.write() as tx:
            with contextlib.suppress(LookupError):
                async with tx.part():
                    await tx.run(INSERT, 1, "inside")
                    assert [*await tx.known(word)]
                    raise LookupError
            assert [*await tx.known(word)] == []

    async def test_a_body_that_raises_takes_its_parts_along(self, scratch: Store) -> None:
        with contextlib.suppress(LookupError):
            async with scratch.write() as tx:
                async with tx.part():
                    await tx.run(INSERT, 1, "inside")
                raise LookupError
        assert await words(scratch) == []


class TestScanning:
    async def test_a_scan_sees_one_moment(self, scratch: Store) -> None:
        await insert(scratch, 1)
        async with scratch.scan() as tx:
            assert len(await tx.all("SELECT id FROM scratch")) == 1
            await insert(scratch, 2)
            assert len(await tx.all("SELECT id FROM scratch")) == 1
        async with scratch.scan() as tx:
            assert len(await tx.all("SELECT id FROM scratch")) == 2

    async def test_more_scans_than_connections_take_turns(self, scratch: Store) -> None:
        async def scan() -> int:
            async with scratch.scan() as tx:
                row = await tx.one(COUNT)
                assert row is not None
                return int(row[0])

        await insert(scratch, 1)
        assert await asyncio.gather(*(scan() for _ in range(40))) == [1] * 40

    async def test_a_cancelled_scan_gives_its_connection_back(self, scratch: Store) -> None:
        endless = (
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000000) "
            "SELECT COUNT(*) FROM n"
        )

        async def scan() -> None:
            async with scratch.scan() as tx:
                await tx.one(endless)

        tasks = [asyncio.create_task(scan()) for _ in range(20)]
        await asyncio.sleep(0.05)
        for task in tasks:
            task.cancel()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(outcome, asyncio.CancelledError) for outcome in outcomes)
        async with scratch.scan() as tx:
            assert await tx.one(COUNT)

    async def test_a_scan_cannot_write(self, scratch: Store) -> None:
        with pytest.raises(StoreError):
            async with scratch.scan() as tx:
                await tx.run(INSERT, 1, "a")
        assert await count(scratch) == 0


class TestOpening:
    async def test_an_empty_database_is_refused_with_the_command_to_run(self, empty_url: str) -> None:
        with pytest.raises(SchemaMismatch, match="rosterd db upgrade"):
            await open_store(empty_url)

    async def test_an_empty_database_is_created_when_asked_for(self, empty_url: str) -> None:
        store = await open_store(empty_url, create=True)
        await store.close()
        assert await migrate.current(empty_url) == migrate.head()
        again = await open_store(empty_url)
        await again.close()

    async def test_an_upgrade_says_from_where_to_where(self, empty_url: str) -> None:
        assert await migrate.current(empty_url) is None
        assert await migrate.upgrade(empty_url) == (None, migrate.head())
        assert await migrate.upgrade(empty_url) == (migrate.head(), migrate.head())

    async def test_two_upgrades_at_once_are_one(self, empty_url: str) -> None:
        outcomes = await asyncio.gather(migrate.upgrade(empty_url), migrate.upgrade(empty_url))
        assert sorted(outcomes, key=str) == sorted(
            [(None, migrate.head()), (migrate.head(), migrate.head())], key=str
        )

    async def test_a_newer_schema_is_left_alone(self, database_url: str) -> None:
        store = await open_store(database_url)
        async with store.write() as tx:
            await tx.run("UPDATE alembic_version SET version_num = '9999'")
        await store.close()
        with pytest.raises(SchemaMismatch, match="upgrade the program"):
            await open_store(database_url, create=True)
        with pytest.raises(SchemaMismatch, match="upgrade the program"):
            await migrate.upgrade(database_url)

    async def test_an_older_schema_is_refused_with_the_command_to_run(
        self, database_url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        known = [*migrate.revisions(), "9999"]
        monkeypatch.setattr(migrate, "revisions", lambda: known)
        with pytest.raises(SchemaMismatch, match="rosterd db upgrade"):
            await open_store(database_url, create=True)

    async def test_somebody_elses_database_is_refused(self, tmp_path: Path) -> None:
        path = tmp_path / "other.db"
        connection = sqlite3.connect(path)
        connection.execute("CREATE TABLE invoices (id)")
        connection.close()
        with pytest.raises(SchemaMismatch, match="invoices"):
            await open_store(f"sqlite:///{path}", create=True)

    @pytest.mark.parametrize(
        "url",
        [
            "mysql://localhost/rosterd",
            "rosterd.db",
            "",
            "sqlite:///",
            "sqlite://",
            "sqlite:///:memory:",
            "sqlite:///no/such/folder/rosterd.db",
        ],
    )
    async def test_a_url_of_no_use_is_refused(self, url: str) -> None:
        with pytest.raises(StoreError):
            await open_store(url, create=True)

    async def test_a_server_that_does_not_answer_is_unavailable(self, tmp_path: Path) -> None:
        with pytest.raises(StoreUnavailable):
            await open_store(f"postgresql://rosterd@/rosterd?host={tmp_path}")

    async def test_a_database_that_is_not_there_is_refused(self, databases: Databases) -> None:
        with pytest.raises(StoreError, match="nowhere"):
            await open_store(databases.url("nowhere"))


def test_the_newest_revision_is_alembics_head() -> None:
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(Path(migrate.__file__).with_name("migrations")))
    config.set_main_option("path_separator", "os")
    script = ScriptDirectory.from_config(config)
    assert script.get_heads() == [migrate.head()]
    assert [revision.revision for revision in script.walk_revisions()][::-1] == migrate.revisions()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
class TestSqlite:
    async def test_what_is_asked_is_as_new_as_whatever_came_before(self, store: Store) -> None:
        """All of it in one turn of the loop, in which another request has looked before."""
        with contextlib.closing(sqlite3.connect(file_of(store), isolation_level=None)) as other:
            for n in range(1, 4):
                store.version()
                other.execute(
                    "INSERT INTO orgs (id, team_id, name, domain, plan, created, display_name_change)"
                    " VALUES (?, 'T', 'X', ?, 'enterprise', 0, 0)",
                    (f"E{n}", f"x{n}"),
                )
                assert store.ask("SELECT COUNT(*) FROM orgs WHERE plan = $1", "enterprise") == [(n,)]
                async with store.read() as tx:
                    assert await tx.one("SELECT COUNT(*) FROM orgs") == (n,)
                await asyncio.sleep(0)

    async def test_what_is_asked_in_one_turn_is_of_one_moment(self, store: Store) -> None:
        def asked() -> object:
            return store.ask("SELECT COUNT(*) FROM names WHERE org_id = $1", "E1"), store.version()

        with contextlib.closing(sqlite3.connect(file_of(store), isolation_level=None)) as other:
            first = asked()
            other.execute("INSERT INTO names (org_id, name, kind) VALUES ('E1', 'ann', 'user')")
            assert asked() == first
            await asyncio.sleep(0)
            assert asked() != first

    async def test_commits_reach_the_disk(self, store: Store) -> None:
        async with store.write() as tx:
            settings = [
                await tx.one(f"PRAGMA {name}") for name in ("synchronous", "journal_mode", "foreign_keys")
            ]
        assert settings == [(2,), ("wal",), (1,)]  # 2 is FULL

    async def test_what_is_deleted_is_overwritten(self, database_url: str) -> None:
        for end in (False, True):
            store = await open_store(database_url)
            async with store.write() as tx:
                await tx.run("CREATE TABLE IF NOT EXISTS secrets (word TEXT)")
                await tx.run("DELETE FROM secrets" if end else "INSERT INTO secrets VALUES ('unforgettable')")
            await store.close()
            assert (b"unforgettable" in file_of(store).read_bytes()) is not end

    async def test_only_the_owner_may_read_the_file(self, tmp_path: Path, database_url: str) -> None:
        store = await open_store(f"sqlite:///{tmp_path / 'new.db'}", create=True)
        for path in tmp_path.glob("new.db*"):
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
        await store.close()

    async def test_a_file_locked_by_another_process_is_waited_for(self, scratch: Store) -> None:
        other = sqlite3.connect(file_of(scratch), isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        writes = [asyncio.create_task(insert(scratch, number)) for number in range(4)]
        for _ in range(20):
            assert await count(scratch) == 0  # the loop and its reads go on meanwhile
            await asyncio.sleep(0.001)
        assert not any(write.done() for write in writes)
        other.execute("COMMIT")
        await asyncio.gather(*writes)
        assert await count(scratch) == 4
        other.close()

    async def test_a_file_locked_for_too_long_is_unavailable(self, database_url: str) -> None:
        store = await open_sqlite(database_url, patience=0.01)
        other = sqlite3.connect(file_of(store), isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailable, match="locked"):
            async with store.write():
                pytest.fail("the body must not run")
        other.execute("COMMIT")
        async with store.write() as tx:
            assert await tx.one("SELECT 1")
        other.close()
        await store.close()

    async def test_cancelling_the_wait_for_a_locked_file_passes_the_turn_on(self, scratch: Store) -> None:
        other = sqlite3.connect(file_of(scratch), isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        waiting = asyncio.create_task(insert(scratch, 1))
        await asyncio.sleep(0.005)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        other.execute("COMMIT")
        await insert(scratch, 2)
        assert await words(scratch) == ["word 2"]
        other.close()

    async def test_a_failed_commit_is_told_to_its_batch_and_leaves_nothing(self, scratch: Store) -> None:
        assert isinstance(scratch, SqliteStore)
        async with scratch.write() as tx:
            # A deferred constraint is the one way to make COMMIT itself fail on demand.
            await tx.run(
                "CREATE TABLE late (id BIGINT REFERENCES scratch (id) DEFERRABLE INITIALLY DEFERRED)"
            )

        async def broken() -> None:
            async with scratch.write() as tx:
                await tx.run("INSERT INTO late (id) VALUES ($1)", 404)

        async def refused() -> None:
            async with scratch.write() as tx:
                await tx.run(INSERT, 2, "b")
                raise LookupError

        outcomes = await asyncio.gather(insert(scratch, 1), broken(), refused(), return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [StoreUnavailable, StoreUnavailable, LookupError]
        assert await count(scratch) == 0
        await insert(scratch, 1)
        assert await count(scratch) == 1

    async def test_a_full_disk_is_unavailable_and_loses_only_what_was_not_answered(
        self, scratch: Store
    ) -> None:
        await insert(scratch, 1)
        async with scratch.write() as tx:
            (pages,) = await tx.one("PRAGMA page_count") or (0,)
            await tx.one(f"PRAGMA max_page_count = {pages + 2}")

        async def large() -> None:
            async with scratch.write() as tx:
                await tx.run(INSERT, 99, "x" * 100_000)

        outcomes = await asyncio.gather(
            insert(scratch, 2), large(), insert(scratch, 3), return_exceptions=True
        )
        assert isinstance(outcomes[1], StoreUnavailable)
        kept = await words(scratch)
        for number, outcome in ((2, outcomes[0]), (3, outcomes[2])):
            assert (f"word {number}" in kept) == (outcome is None)
            assert outcome is None or isinstance(outcome, StoreUnavailable)
        await insert(scratch, 4)
        assert "word 4" in await words(scratch)

    async def test_a_batch_of_failures_leaves_the_file_unlocked(self, scratch: Store) -> None:
        with pytest.raises(LookupError):
            async with scratch.write() as tx:
                await tx.run(INSERT, 1, "a")
                raise LookupError
        other = sqlite3.connect(file_of(scratch), isolation_level=None, timeout=0)
        other.execute("BEGIN IMMEDIATE")
        other.execute("COMMIT")
        other.close()

    async def test_closing_keeps_what_has_joined(self, scratch: Store) -> None:
        writes = [asyncio.create_task(insert(scratch, number)) for number in range(8)]
        await asyncio.sleep(0)
        await scratch.close()
        outcomes = await asyncio.gather(*writes, return_exceptions=True)
        store = await open_store(scratch.url)
        assert await count(store) == sum(outcome is None for outcome in outcomes)
        await store.close()


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
class TestPostgresql:
    async def test_commits_reach_the_disk(self, store: Store) -> None:
        async with store.write() as tx:
            row = await tx.one("SELECT current_setting('fsync'), current_setting('synchronous_commit')")
        assert row is not None
        assert tuple(row) == ("on", "on")

    async def test_a_lost_connection_is_unavailable_and_replaced(self, scratch: Store) -> None:
        with pytest.raises(StoreUnavailable):
            async with scratch.write() as tx:
                await tx.run(INSERT, 1, "a")
                await tx.run("SELECT pg_terminate_backend(pg_backend_pid())")
        assert await count(scratch) == 0
        await insert(scratch, 1)
        assert await count(scratch) == 1

    async def test_more_bodies_than_connections_take_turns(self, scratch: Store) -> None:
        await asyncio.gather(*(insert(scratch, number) for number in range(60)))
        assert await count(scratch) == 60

    async def test_a_body_that_goes_on_after_a_conflict_is_not_kept(self, scratch: Store) -> None:
        await insert(scratch, 1)
        with pytest.raises(StoreError):
            async with scratch.write() as tx:
                await tx.run(INSERT, 2, "b")
                with pytest.raises(Conflict):
                    await tx.run(INSERT, 1, "a")
        assert await count(scratch) == 1

    async def test_a_deadlock_is_unavailable_for_one_and_nothing_for_the_other(self, scratch: Store) -> None:
        await insert(scratch, 1)
        await insert(scratch, 2)
        both = asyncio.Barrier(2)

        async def body(first: int, second: int) -> None:
            async with scratch.write() as tx:
                await tx.one("SELECT id FROM scratch WHERE id = $1 FOR UPDATE", first)
                await both.wait()
                await tx.one("SELECT id FROM scratch WHERE id = $1 FOR UPDATE", second)

        outcomes = await asyncio.gather(body(1, 2), body(2, 1), return_exceptions=True)
        assert sorted(str(type(outcome).__name__) for outcome in outcomes) == ["NoneType", "StoreUnavailable"]
