"""What a profile may say: how long its texts are, and which of them are links or times.

Rules of this module: a text is stored without white space around it, and a blank one not at all. Slack
states no lengths; `MAX_TEXT` and `MAX_PHOTO` are ours.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec

from rosterd.directory.errors import Invalid, InvalidProfile
from rosterd.directory.ids import SPAN, is_slack_id, slack_id
from rosterd.directory.model import Address, Profile

MAX_TEXT = 4_000
"""Characters of a text; more is refused."""

MAX_PHOTO = 256 * 1024
"""Characters of a photo's URL, ``data:`` URLs included."""

LINKS = ("https://", "http://")
PHOTOS = (*LINKS, "data:image/")
"""How a link and a photo begin, in lower case."""

_BLANK = msgspec.structs.asdict(Profile()) | {"start_date": ""}
"""What a field with a blank text says. A start date that was set once is cleared and never unset."""


def stored(profile: Profile) -> Profile:
    """The profile in the form in which it is stored.

    Raises ``invalid_attribute_format`` with the field's name, and ``unknown_user`` for a manager who is
    no user's id. Who has that id, and the addresses, are for others to check.

    >>> stored(Profile(title=" Dr ", department=" ", start_date="")) == Profile(title="Dr", start_date="")
    True
    >>> stored(Profile(photo="javascript:alert(1)"))
    Traceback (most recent call last):
    rosterd.directory.errors.Invalid: invalid_attribute_format (attribute=photo)
    """
    values: dict[str, Any] = {
        name: _text(name, value) or _BLANK[name]
        for name, value in msgspec.structs.asdict(profile).items()
        if isinstance(value, str)
    }
    if (manager := values.get("manager_id")) and not is_slack_id(manager, "UW"):
        raise InvalidProfile("unknown_user", user=manager[:80])
    return msgspec.structs.replace(profile, address=_address(profile.address), **values)


def seconds_of(text: str) -> int:
    """Seconds since the epoch of an ISO 8601 date time; without an offset it is UTC. Raises `ValueError`.

    >>> seconds_of("1970-01-02"), seconds_of("1970-01-01T01:00:00+01:00")
    (86400, 0)
    """
    try:
        when = datetime.fromisoformat(text)
        when = when if when.tzinfo else when.replace(tzinfo=UTC)
        return int(when.astimezone(UTC).timestamp())  # in UTC, where it must be a date, too
    except OverflowError as error:
        raise ValueError(text) from error


def shown_date(text: str) -> str:
    """The day of a start date.

    >>> shown_date("2026-11-02T09:00:00+01:00")
    '2026-11-02'
    """
    return datetime.fromisoformat(text).date().isoformat()


def field_id(org: str, name: str) -> str:
    """The id of an organisation's custom profile field in the Web API: it follows from the name.

    >>> field_id("E1", "department")
    'Xf0YEOGGCL99'
    """
    digest = hashlib.sha256(f"{org}:{name}".encode()).digest()
    return "Xf" + slack_id("", int.from_bytes(digest) % SPAN)


def field_type(name: str) -> str:
    """What a custom profile field holds, in Slack's words (*team.profile.get*).

    >>> field_type("manager_id"), field_type("department")
    ('user', 'text')
    """
    return {"manager_id": "user", "start_date": "date"}.get(name, "text")


def _address(given: Address | None) -> Address | None:
    parts = msgspec.structs.asdict(given) if given else {}
    kept = {name: _text(name, value) or None for name, value in parts.items() if value}
    return Address(**kept) if any(kept.values()) else None


def _text(name: str, value: str) -> str:
    text, longest = value.strip(), MAX_PHOTO if name == "photo" else MAX_TEXT
    if len(text) > longest or (text and not _FITS.get(name, bool)(text)):
        raise Invalid("invalid_attribute_format", attribute=name)
    return text


def _is_time(text: str) -> bool:
    try:
        seconds_of(text)
    except ValueError:
        return False
    return True


_FITS: dict[str, Callable[[str], bool]] = {
    "profile_url": lambda text: text.lower().startswith(LINKS),
    "photo": lambda text: text.lower().startswith(PHOTOS),
    "start_date": _is_time,
}
"""The fields that are not just any text."""
