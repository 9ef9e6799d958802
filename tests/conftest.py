"""Databases for tests. A test that takes ``database_url`` or ``store`` runs on both engines."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest

from rosterd.provisioning.cards import card
from rosterd.store import migrate
from rosterd.store.engine import Store, open_store

if TYPE_CHECKING:
    from tests.servers import Databases

# Compiled modules are kept also where that is switched off: else each server that a test starts takes a
# second of processor time to start, and not half of one.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# Whatever a shell without job control starts in the background ignores Ctrl-C, and so would its children.
signal.signal(signal.SIGINT, signal.default_int_handler)

ENGINES = ["sqlite", "postgresql"]

# How long an example takes says nothing on a machine that runs other tests beside it.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Async tests and fixtures run on asyncio."""
    return "asyncio"


@pytest.fixture(scope="session")
def databases() -> Iterator[Databases]:
    """One PostgreSQL server, started when a test first needs it."""
    from tests.servers import postgresql  # so that tests of pure code start without it

    with postgresql() as running:
        yield running


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file at the newest schema, to be copied."""
    path = tmp_path_factory.mktemp("template") / "rosterd.db"
    asyncio.run(migrate.upgrade(f"sqlite:///{path}"))
    return path


@pytest.fixture(params=ENGINES)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database of the test's own, at the newest schema, without rows."""
    if request.param == "sqlite":
        path = tmp_path / "rosterd.db"
        shutil.copyfile(request.getfixturevalue("migrated_file"), path)
        yield f"sqlite:///{path}"
    else:
        databases: Databases = request.getfixturevalue("databases")
        with databases.migrated() as url:
            yield url


@pytest.fixture(params=ENGINES)
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database of the test's own, without tables (on SQLite, without a file)."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
    else:
        databases: Databases = request.getfixturevalue("databases")
        with databases.empty() as url:
            yield url


@pytest.fixture
async def store(database_url: str, anyio_backend: str) -> AsyncIterator[Store]:
    """An open store over ``database_url``."""
    opened = await open_store(database_url, card=card)
    yield opened
    await opened.close()
