"""Files to take home, made while they are sent: for spreadsheets, which execute nothing in them, and as JSON.

Source: RFC 4180; OWASP, *CSV Injection*.
"""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any

import msgspec

from rosterd.dashboard import pages
from rosterd.dashboard.pages import Page

CSV = b"text/csv; charset=utf-8"
JSON = b"application/json"
MARK = "\ufeff"
"""Without it Excel takes UTF-8 for the code page of its country, and spoils every name that is not ASCII."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def harmless(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula.

    >>> harmless("=1+1"), harmless("Ann"), harmless("")
    ("'=1+1", 'Ann', '')
    """
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def csv_page(name: str, heading: Sequence[str], slices: AsyncIterator[Sequence[Sequence[str]]]) -> Page:
    """The answer that is a file of this name (ASCII): a heading, and line by line what comes."""
    return _download(name, CSV, _parts(heading, slices))


def json_page(name: str, slices: AsyncIterator[Iterable[Any]]) -> Page:
    """The answer that is a file of this name (ASCII): a list, value by value what comes."""
    return _download(name, JSON, _list(slices))


def _download(name: str, media: bytes, parts: AsyncIterator[bytes]) -> Page:
    headers = pages.headers() | {"Content-Disposition": f'attachment; filename="{name}"'}
    return Page(200, parts, media, headers)


async def _list(slices: AsyncIterator[Iterable[Any]]) -> AsyncIterator[bytes]:
    glue = b"[\n"
    async for values in slices:
        if text := b",\n".join(map(msgspec.json.encode, values)):
            yield glue + text
            glue = b",\n"
    yield b"[]\n" if glue == b"[\n" else b"\n]\n"


async def _parts(
    heading: Sequence[str], slices: AsyncIterator[Sequence[Sequence[str]]]
) -> AsyncIterator[bytes]:
    yield (MARK + _written([heading])).encode()
    async for lines in slices:
        yield _written(lines).encode()


def _written(lines: Sequence[Sequence[str]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows([harmless(cell) for cell in line] for line in lines)
    return text.getvalue()
