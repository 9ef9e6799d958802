"""What docs/fidelity.md and docs/divergences.md say of tests and codes is so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.protocol.test_errors import NOTHING_RAISES

TESTS = Path(__file__).parents[1]
DOCS = TESTS.parent / "docs"
NAMED = re.compile(r"`([\w/]+\.py)(?:::(test_\w+))?`")


@pytest.mark.parametrize("name", ["fidelity.md", "divergences.md"])
def test_every_test_that_a_page_names_exists(name: str) -> None:
    text = (DOCS / name).read_text()
    assert NAMED.search(text)
    missing = [f"{file}::{test}" for file, test in set(NAMED.findall(text)) if not _exists(file, test)]
    assert not missing


def _exists(file: str, test: str) -> bool:
    found = [path for path in (TESTS / "protocol" / file, TESTS / file) if path.is_file()]
    return any(not test or f"def {test}(" in path.read_text() for path in found)


def test_every_code_that_nothing_raises_is_explained() -> None:
    section = (DOCS / "divergences.md").read_text().partition("\n## Codes")[2].partition("\n## ")[0]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    assert set(re.findall(r"`(\w+)`", "".join(rows))) == NOTHING_RAISES
