"""List responses: which page is asked for, and the envelope that it travels in.

Rules of this module:

1. Pages are 1-based offsets; there is no cursor (Slack SCIM reference, heading Pagination).
2. Sizes out of range are clamped, as Slack does; what is not a whole number is refused.
3. ``sortBy`` is ignored: lists come in the order of creation.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rosterd.scim.dialect import Dialect
from rosterd.scim.errors import InvalidPage, InvalidSortOrder

DEFAULT_COUNT = 10
MAX_COUNT = 1_000
MAX_START_INDEX = 2**53  # the largest integer that every JSON reader keeps; no directory reaches it

_ORDERS = frozenset({"ascending", "descending"})
_WHOLE = re.compile(r"-?[0-9]+")
_ENOUGH_DIGITS = 17  # any number of so many is above 2**53


@dataclass(frozen=True, slots=True)
class Page:
    """``start_index`` counts from 1; ``count`` is the most resources that fit, 0 to 1,000."""

    start_index: int = 1
    count: int = DEFAULT_COUNT


def parse_page(params: Mapping[str, str]) -> Page:
    """The page that query parameters ask for. Their names are lower-cased: Slack's own examples mix cases.

    Raises InvalidPage and InvalidSortOrder.

    >>> parse_page({"startindex": "0", "count": "5000"})
    Page(start_index=1, count=1000)
    >>> parse_page({})
    Page(start_index=1, count=10)
    """
    if params.get("sortorder", "ascending").lower() not in _ORDERS:
        raise InvalidSortOrder("sortOrder is neither ascending nor descending")
    start_index, count = params.get("startindex"), params.get("count")
    return Page(
        1 if start_index is None else _clamped("startIndex", start_index, 1, MAX_START_INDEX),
        DEFAULT_COUNT if count is None else _clamped("count", count, 0, MAX_COUNT),
    )


def _clamped(name: str, text: str, least: int, most: int) -> int:
    if not _WHOLE.fullmatch(text):
        raise InvalidPage(name)
    if text.startswith("-"):
        return least
    digits = text.lstrip("0")[:_ENOUGH_DIGITS]  # a number may be longer than Python converts
    return max(least, min(most, int(digits or "0")))


def envelope(dialect: Dialect, resources: Sequence[Any], total: int, page: Page) -> dict[str, Any]:
    """A list response: ``resources`` as rendered, ``total`` the number that fit the filter on all pages.

    ``itemsPerPage`` is the number of resources in the page (Slack's recorded responses; RFC 7644 §3.4.2).

    >>> from rosterd.scim.dialect import V1
    >>> envelope(V1, [], 3, Page(start_index=9))  # doctest: +ELLIPSIS
    {'totalResults': 3, 'itemsPerPage': 0, 'startIndex': 9, 'schemas': [...], 'Resources': []}
    """
    fields = {
        "schemas": [dialect.list_urn],
        "Resources": resources,
        "totalResults": total,
        "itemsPerPage": len(resources),
        "startIndex": page.start_index,
    }
    return {key: fields[key] for key in dialect.list_keys}
