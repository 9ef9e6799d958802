"""Files to take home, made while they are sent: for spreadsheets, which execute nothing in them, and as JSON.

A slice becomes text in a thread, and so does whatever a slice makes while it is gone through.

Source: RFC 4180; OWASP, *CSV Injection*.
"""

from __future__ import annotations

import asyncio
import csv
import io
import re
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any

import msgspec

from rosterd.dashboard import pages
from rosterd.dashboard.pages import Page

CSV = b"text/csv; charset=utf-8"
JSON = b"application/json"
MARK = "\ufeff"
"""Without it Excel takes UTF-8 for the code page of its country, and spoils every name that is not ASCII."""

_SIGN = "[=+@\\-\uff1d\uff0b\uff20\uff0d]"
_FORMULA = re.compile(rf"\A(?=[\t\r\n])|(?:\A|(?<=[;\t\r\n]))(?=[ \"]*{_SIGN})")
"""Where a formula would begin, its sign in ASCII or as wide as a Chinese character. Half of the world
separates columns by semicolons: what stands behind one, or in another line, is a cell of its own there."""


def harmless(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula, nor any part of it.

    >>> harmless("=1+1"), harmless("Ann"), harmless("")
    ("'=1+1", 'Ann', '')
    >>> harmless("Ann;=1+1;"), harmless("a-b; c")
    ("Ann;'=1+1;", 'a-b; c')
    """
    return _FORMULA.sub("'", cell)


def csv_page(name: str, heading: Sequence[str], slices: AsyncIterator[Iterable[Sequence[str]]]) -> Page:
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
        if text := await asyncio.to_thread(_encoded, values):
            yield glue + text
            glue = b",\n"
    yield b"[]\n" if glue == b"[\n" else b"\n]\n"


def _encoded(values: Iterable[Any]) -> bytes:
    return b",\n".join(map(msgspec.json.encode, values))


async def _parts(
    heading: Sequence[str], slices: AsyncIterator[Iterable[Sequence[str]]]
) -> AsyncIterator[bytes]:
    yield MARK.encode() + _written([heading])
    async for lines in slices:
        yield await asyncio.to_thread(_written, lines)


def _written(lines: Iterable[Sequence[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows([harmless(cell) for cell in line] for line in lines)
    return text.getvalue().encode()
