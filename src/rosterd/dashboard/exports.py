"""Files for spreadsheets: comma separated, made while they are sent, and nothing in them is executed.

Source: RFC 4180; OWASP, *CSV Injection*.
"""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Sequence

from rosterd.dashboard import pages
from rosterd.dashboard.pages import Page

CSV = b"text/csv; charset=utf-8"
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
    headers = pages.headers() | {"Content-Disposition": f'attachment; filename="{name}"'}
    return Page(200, _parts(heading, slices), CSV, headers)


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
