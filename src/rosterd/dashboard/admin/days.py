"""Days as forms and filters have them, ``2026-11-30``: each from midnight to midnight in UTC."""

from __future__ import annotations

from datetime import UTC, datetime

SECONDS = 24 * 3600


def first_second(day: str) -> int | None:
    """When a day begins; None: that is no day.

    >>> first_second("1970-01-02"), first_second("1970-02-31"), first_second("x")
    (86400, None, None)
    """
    try:
        return int(datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=UTC).timestamp())
    except ValueError:
        return None


def last_second(day: str) -> int | None:
    """The last second of a day; None: that is no day.

    >>> last_second("1970-01-01"), last_second("9999-12-31"), last_second("")
    (86399, 253402300799, None)
    """
    begin = first_second(day)
    return None if begin is None else begin + SECONDS - 1


def of(second: int) -> str:
    """The day of a second.

    >>> of(86399)
    '1970-01-01'
    """
    return f"{datetime.fromtimestamp(second, UTC):%Y-%m-%d}"
