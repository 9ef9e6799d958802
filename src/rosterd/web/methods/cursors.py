"""Pages behind cursors. A cursor says behind what a page begins; its form is Slack's, and nobody's business.

Source: Slack's page *Pagination*, heading *Cursor-based pagination*.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from typing import Any, NamedTuple

from rosterd.web.methods.arguments import Arguments
from rosterd.web.methods.errors import MethodError

LONGEST = 1000
"""Slack: *an integer no larger than 1000*. More counts as this."""


class Page(NamedTuple):
    """``limit``: how many are wanted, None: all. ``after``: behind what, as :func:`cursor` was told."""

    limit: int | None
    after: str | None


def cursor(kind: str, position: str) -> str:
    """The cursor behind ``position`` in a list of things of this kind.

    >>> cursor("user", "W0123"), position(cursor("user", "W0123"), "user")
    ('dXNlcjpXMDEyMw==', 'W0123')
    """
    return b64encode(f"{kind}:{position}".encode()).decode()


def position(text: str, kind: str) -> str:
    """What a cursor was made of. Raises ``invalid_cursor``."""
    try:
        found, _, behind = b64decode(text, validate=True).decode("ascii").partition(":")
    except ValueError:
        raise MethodError("invalid_cursor") from None
    if found != kind or not behind or not behind.isprintable():
        raise MethodError("invalid_cursor")
    return behind


def page(arguments: Arguments, kind: str, *, default: int | None, most: int = LONGEST) -> Page:
    """The page that ``limit`` and ``cursor`` ask for. Raises ``invalid_limit`` and ``invalid_cursor``.

    ``limit`` 0 is none, and stands for ``default``.
    """
    try:
        limit = arguments.number("limit")
    except MethodError:
        raise MethodError("invalid_limit") from None
    if limit is not None and limit < 0:
        raise MethodError("invalid_limit")
    text = arguments.text("cursor")
    return Page(min(limit, most) if limit else default, position(text, kind) if text else None)


def metadata(kind: str, behind: str | None) -> dict[str, Any]:
    """``response_metadata``: how to go on behind ``behind``; None: that was all.

    >>> metadata("user", None)
    {'response_metadata': {'next_cursor': ''}}
    """
    return {"response_metadata": {"next_cursor": "" if behind is None else cursor(kind, behind)}}
