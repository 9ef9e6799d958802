"""Lists that are taken home."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import threading
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rosterd.dashboard import exports
from rosterd.dashboard.pages import Page

pytestmark = pytest.mark.anyio

CELLS = st.text(st.characters(exclude_categories=["Cs"]))


async def slices(*parts: Iterable[Any]) -> AsyncIterator[Iterable[Any]]:
    for part in parts:
        yield part


async def whole(page: Page) -> str:
    assert not isinstance(page.body, bytes)
    return b"".join([part async for part in page.body]).decode()


SIGNS = st.sampled_from(
    ["=", "+", "-", "@", "\uff1d", "\uff0d", ";", "\t", "\r", "\n", ",", '"', "'", " ", "a"]
)


@given(st.lists(CELLS | st.text(SIGNS), min_size=2), st.sampled_from(",;\t"))
def test_no_reader_of_csv_gets_a_formula_whatever_its_country_separates_by(
    cells: list[str], separator: str
) -> None:
    text = asyncio.run(whole(exports.csv_page("x.csv", ["a"], slices([cells]))))
    [_, read] = csv.reader(io.StringIO(text, newline=""))
    assert read == [exports.harmless(cell) for cell in cells]
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    parts = [part.lstrip(' "') for line in lines for part in line]
    assert not any(part.startswith(("=", "+", "-", "@", "\uff1d", "\uff0d")) for part in parts)


@given(CELLS)
def test_a_cell_is_as_it_was_but_for_apostrophes(cell: str) -> None:
    assert exports.harmless(cell).replace("'", "") == cell.replace("'", "")


async def test_a_table_has_heads_and_all_slices() -> None:
    page = exports.csv_page("x.csv", ["a", "b"], slices([["1", ""], ["=1", "x"]], [], [["y", "Zoë"]]))
    assert await whole(page) == "\ufeffa,b\r\n1,\r\n'=1,x\r\ny,Zoë\r\n"


async def test_a_slice_becomes_text_beside_the_event_loop() -> None:
    at_work: list[bool] = []

    def lines() -> Iterator[list[str]]:
        at_work.append(threading.current_thread() is threading.main_thread())
        yield ["1"]

    assert await whole(exports.csv_page("x.csv", ["a"], slices(lines()))) == "\ufeffa\r\n1\r\n"
    assert await whole(exports.json_page("x.json", slices(lines()))) == '[\n["1"]\n]\n'
    assert at_work == [False, False]


@pytest.mark.parametrize("parts", [[], [[]], [[1]], [[1, 2], [], [{"a": "b"}]], [[], [1], []]])
async def test_a_list_is_json_whatever_its_slices_are(parts: list[list[Any]]) -> None:
    text = await whole(exports.json_page("x.json", slices(*parts)))
    assert json.loads(text) == [value for part in parts for value in part]


async def test_a_file_says_its_name_and_is_no_page() -> None:
    page = exports.json_page("log.json", slices())
    assert (page.status, page.media) == (200, b"application/json")
    assert page.headers["Content-Disposition"] == 'attachment; filename="log.json"'
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    assert await whole(page) == "[]\n"
