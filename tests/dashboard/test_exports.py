"""Lists that are taken home."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rosterd.dashboard import exports

pytestmark = pytest.mark.anyio

CELLS = st.text(st.characters(exclude_categories=["Cs"]))


async def slices(*parts: Sequence[Any]) -> AsyncIterator[Iterable[Any]]:
    for part in parts:
        yield part


async def whole(parts: AsyncIterator[bytes]) -> bytes:
    return b"".join([part async for part in parts])


@given(st.lists(CELLS, min_size=2))
def test_every_reader_of_csv_gets_the_cells_and_no_formula(cells: list[str]) -> None:
    [read] = csv.reader(io.StringIO(exports.csv_line(cells).decode(), newline=""))
    assert [cell.removeprefix("'") for cell in read] == [cell.removeprefix("'") for cell in cells]
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in read)


async def test_a_table_has_heads_and_all_slices() -> None:
    text = await whole(exports.csv(["a", "b"], slices([[1, None], ["=1", "x"]], [], [["y", -1]])))
    assert text == b"a,b\r\n1,\r\n'=1,x\r\ny,-1\r\n"


@pytest.mark.parametrize("parts", [[], [[]], [[1]], [[1, 2], [], [{"a": "b"}]], [[], [1], []]])
async def test_a_list_is_json_whatever_its_slices_are(parts: list[list[Any]]) -> None:
    text = await whole(exports.json(slices(*parts)))
    assert json.loads(text) == [value for part in parts for value in part]


async def test_a_download_says_its_name_and_is_no_page() -> None:
    page = exports.download("log.csv", exports.CSV, exports.csv(["a"], slices()))
    assert (page.status, page.media) == (200, b"text/csv; charset=utf-8; header=present")
    assert page.headers["Content-Disposition"] == 'attachment; filename="log.csv"'
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    assert not isinstance(page.body, bytes)
    assert await whole(page.body) == b"a\r\n"
