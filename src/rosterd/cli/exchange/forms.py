"""The forms that ids, texts and times have in a line. What has another is refused by `BadLine`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

from rosterd.cli.exchange.lines import BadLine
from rosterd.directory.ids import is_slack_id
from rosterd.provisioning.attributes import created

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def checked_id(text: str, prefixes: str) -> str:
    """The id, which must begin with one of these letters."""
    if not is_slack_id(text, prefixes):
        raise BadLine(f"{short(text)} is no id that begins with {' or '.join(prefixes)}")
    return text


def check_unchanged(text: str, rule: Callable[[str], str]) -> None:
    """Refuse a text that rosterd would have stored in another form."""
    if (stored := rule(text)) != text:
        raise BadLine(f"{short(text)} would be stored as {short(stored)}")


def short(value: object) -> str:
    """A value as a refusal shows it, which is no place for a photo."""
    return f"{value!r:.80}"


def time_of(microseconds: int) -> datetime:
    """A moment as lines say it."""
    return _EPOCH + timedelta(microseconds=microseconds)


def microseconds_of(time: datetime, *shown: Callable[[int], object]) -> int:
    """The time since the epoch, refused unless it can be written again, as a line and as ``shown``."""
    moment = (time - _EPOCH) // _MICROSECOND
    try:
        for show in (time_of, *shown):
            show(moment)
    except (OverflowError, ValueError) as error:
        raise BadLine(f"{time.isoformat()} is too early or too late to be shown") from error
    return moment


def created_of(time: datetime) -> int:
    """The time since the epoch at which something was made."""
    return microseconds_of(time, created)  # a response shows it, in another time zone


def seconds_of(time: datetime) -> int:
    """The time since the epoch, which must be a whole second."""
    if time.microsecond:
        raise BadLine(f"{time.isoformat()} is no whole second")
    return microseconds_of(time) // 1_000_000


def day_of(number: int) -> date:
    """A day as lines say it; ``number``: of days since the epoch."""
    return _EPOCH.date() + timedelta(days=number)


def number_of(day: date) -> int:
    """How many days after the epoch this is."""
    return (day - _EPOCH.date()).days
