"""A command line over a database of the test's own, in this process."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.cli.shell import Shell


@pytest.fixture
def shell(migrated_file: Path, tmp_path: Path) -> Shell:
    """Commands on an empty SQLite database at the newest schema."""
    path = tmp_path / "rosterd.db"
    shutil.copyfile(migrated_file, path)
    return Shell(path)


@pytest.fixture
def acme(shell: Shell) -> Shell:
    """Commands on a database with the Enterprise organisation ``acme``, owned by olive@acme.example."""
    shell.line(
        "org", "create", "--name", "Acme", "--domain", "acme", "--plan", "enterprise",
        "--owner-email", "olive@acme.example",
    )  # fmt: skip
    return shell
