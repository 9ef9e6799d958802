"""A database copied row by row, through a file or not, is the same database, from and to either engine."""

from __future__ import annotations

import gzip
import stat
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from rosterd.directory.model import Profile, Role
from rosterd.provisioning.cards import card
from rosterd.store import names
from rosterd.store.doors import tokens
from rosterd.store.engine import Store, StoreError, Tx, open_store
from rosterd.store.records import audit
from rosterd.store.upkeep import copy, dump, fill
from rosterd.store.upkeep.copy import SLICE, Slice
from tests.store.doors.test_tokens import a_token
from tests.store.rows import ACTOR, E1, E2, a_user, an_event, found, gather, settle

if TYPE_CHECKING:
    pass

pytestmark = pytest.mark.anyio

Rows = dict[str, list[tuple[object, ...]]]


async def people(tx: Tx) -> None:
    """Rows in every table, in some more than a slice."""
    await gather(tx, 1, await found(tx, SLICE + 7))
    await gather(tx, 2, await found(tx, 3, E2), E2)
    await names.add_reserved(tx, E1, {"everyone"})
    await names.add(tx, E1, "general", "channel", "C1")
    profile = Profile(secondary_email="é@example.com", title='Zeile "eins"\nzwei', employee_number="007")
    await settle(tx, a_user(9_001, role=Role.PRIMARY_OWNER, display_name="Straße É 𝔛", profile=profile))
    await tokens.insert(tx, a_token(1), "hash-1")
    await audit.append(tx, [an_event(number, {"after": {"n": number}}) for number in range(3)], ACTOR)


async def rows_of(tx: Tx) -> Rows:
    """Every row of the database."""
    everything: Rows = {shape.name: [] for shape in copy.shapes()}
    async for table, rows in copy.slices(tx):
        everything[table.name] += [tuple(row) for row in rows]
    return everything


async def rows_at(url: str) -> Rows:
    store = await open_store(url, card=card)
    try:
        async with store.scan() as tx:
            return await rows_of(tx)
    finally:
        await store.close()


@pytest.fixture
async def full(store: Store) -> Store:
    """A store with rows in all tables that have any."""
    async with store.write() as tx:
        await people(tx)
    async with store.write() as tx:
        await audit.seal(tx, E1)
        await audit.append(tx, [an_event(4)], ACTOR)
    return store


async def backup(store: Store, path: Path) -> None:
    async with store.scan() as tx:
        header = dump.header("1", "2026-01-01", await copy.count(tx))
        await dump.write(path, header, copy.slices(tx))


async def restore(path: Path, url: str) -> dict[str, int]:
    with dump.opened(path) as back:
        back.check_schema()
        return await fill.fill(url, back.slices())


async def test_a_copy_has_every_row_and_nothing_else(full: Store, empty_url: str) -> None:
    async with full.scan() as tx:
        given = await rows_of(tx)
        counts = await fill.fill(empty_url, copy.slices(tx))
        assert counts == await copy.count(tx) == {name: len(rows) for name, rows in given.items()}
    assert await rows_at(empty_url) == given
    other = await open_store(empty_url)
    async with other.scan() as tx:
        assert (await audit.verify(tx, E1)).ok
    async with other.write() as tx:
        await settle(tx, a_user(9_002))  # it is a database to go on with
    await other.close()


async def test_a_backup_restores_to_the_same_rows(full: Store, empty_url: str, tmp_path: Path) -> None:
    path = tmp_path / "backup"
    await backup(full, path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    async with full.scan() as tx:
        given = await rows_of(tx)
    await restore(path, empty_url)
    assert await rows_at(empty_url) == given


async def test_slices_are_bounded_and_of_one_organisation_where_asked(full: Store) -> None:
    async with full.scan() as tx:
        sizes = [len(rows) async for table, rows in copy.slices(tx) if table.name == "users"]
        assert sizes == [SLICE, 11]
        assert (await copy.count(tx, E2))["users"] == 3
        slices = copy.by_key(tx, "users", ("id", "created"), ("created", "id"), {"org_id": E1})
        found = [row[0] async for rows in slices for row in rows]
        assert found == [f"W{number}" for number in (*range(1, SLICE + 8), 9_001)]


async def test_only_an_empty_database_is_filled(full: Store, database_url: str) -> None:
    async with full.scan() as tx:
        given = await rows_of(tx)
        with pytest.raises(StoreError, match=r"there already|not empty"):
            await fill.fill(database_url, copy.slices(tx))
    async with full.scan() as tx:
        assert await rows_of(tx) == given


async def cut_off(slices: AsyncIterator[Slice], after: int) -> AsyncIterator[Slice]:
    async for some in slices:
        if (after := after - 1) < 0:
            raise StoreError("cut off")
        yield some


async def cut_short(slices: AsyncIterator[Slice]) -> AsyncIterator[Slice]:
    """Members whose people are missing."""
    async for some in slices:
        if some.table.name not in ("users", "emails"):
            yield some


async def test_nothing_is_there_after_a_failure(full: Store, empty_url: str, tmp_path: Path) -> None:
    before = sorted(tmp_path.iterdir())
    async with full.scan() as tx:
        for slices, problem in (
            (cut_off(copy.slices(tx), 9), "cut off"),
            (cut_short(copy.slices(tx)), "(?i)foreign key"),
        ):
            with pytest.raises(StoreError, match=problem):
                await fill.fill(empty_url, slices)
            assert sorted(tmp_path.iterdir()) == before
        await fill.fill(empty_url, copy.slices(tx))  # which an empty one lets happen


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory, migrated_file: Path) -> bytes:
    """A backup as bytes, with a few rows."""
    import asyncio
    import shutil

    folder = tmp_path_factory.mktemp("packed")
    shutil.copyfile(migrated_file, folder / "small.db")

    async def made() -> None:
        store = await open_store(f"sqlite:///{folder / 'small.db'}", card=card)
        async with store.write() as tx:
            await gather(tx, 1, await found(tx, 20))
        await backup(store, folder / "backup")
        await store.close()

    asyncio.run(made())
    return (folder / "backup").read_bytes()


def changed(packed: bytes, old: bytes, new: bytes) -> bytes:
    """The backup with other words in it, packed soundly."""
    text = gzip.decompress(packed)
    assert old in text
    return gzip.compress(text.replace(old, new, 1))


DAMAGE = [
    (lambda packed: b"", "damaged"),
    (lambda packed: b"SQLite format 3", "damaged"),
    (lambda packed: gzip.compress(b"a text"), "damaged"),
    (lambda packed: packed[: len(packed) // 2], "damaged"),
    (lambda packed: packed[:-9], "damaged"),
    (lambda packed: packed[: len(packed) // 2] + b"\0" + packed[len(packed) // 2 + 1 :], "damaged"),
    (lambda packed: packed + gzip.compress(b"{}\n"), "checksum"),
    (lambda packed: changed(packed, b"Person 7", b"Person 8"), "checksum"),
    (lambda packed: changed(packed, b'["E1","W7",', b'["E1",'), "rows are missing"),
    (lambda packed: changed(packed, b'"sha256"', b'"sha512"'), "first or last line"),
    (lambda packed: changed(packed, b'"version":1', b'"version":2'), "version 2, not 1"),
    (lambda packed: changed(packed, b'"schema":"', b'"schema":"9'), "rosterd 1, which made it"),
    (lambda packed: changed(packed, b'"name":"users"', b'"name":"losers"'), "rosterd 1, which made it"),
]


@pytest.mark.parametrize(("damage", "problem"), DAMAGE, ids=range(len(DAMAGE)))
async def test_a_damaged_backup_is_refused_and_leaves_nothing(
    packed: bytes, damage: object, problem: str, tmp_path: Path
) -> None:
    path = tmp_path / "backup"
    path.write_bytes(damage(packed))  # type: ignore[operator]
    with pytest.raises(StoreError, match=problem):
        await restore(path, f"sqlite:///{tmp_path / 'new.db'}")
    assert list(tmp_path.iterdir()) == [path]


async def test_every_cut_is_noticed(packed: bytes, tmp_path: Path) -> None:
    path = tmp_path / "backup"
    for length in range(0, len(packed), 97):
        path.write_bytes(packed[:length])
        with pytest.raises(StoreError), dump.opened(path) as back:
            async for _ in back.slices():
                pass


async def test_a_backup_that_fails_leaves_the_one_before(full: Store, tmp_path: Path) -> None:
    path = tmp_path / "backup"
    path.write_bytes(b"the one before")
    before = sorted(tmp_path.iterdir())
    async with full.scan() as tx:
        header = dump.header("1", "2026-01-01", await copy.count(tx))
        with pytest.raises(StoreError, match="cut off"):
            await dump.write(path, header, cut_off(copy.slices(tx), 3))
        with pytest.raises(StoreError, match=r"rows are missing|cannot be read"):  # more are announced
            await dump.write(path, header, cut_short(copy.slices(tx)))
    assert path.read_bytes() == b"the one before"
    assert sorted(tmp_path.iterdir()) == before
    with pytest.raises(StoreError, match="No such file or directory"):
        await backup(full, tmp_path / "nowhere" / "backup")
