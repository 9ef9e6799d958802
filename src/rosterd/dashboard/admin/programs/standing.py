"""How a token stands, in a few words."""

from __future__ import annotations

from typing import NamedTuple

from rosterd.directory import access
from rosterd.directory.apps import has_ended, is_administrative
from rosterd.directory.model import Token, User

MINUTE, HOUR, DAY = 60, 3600, 24 * 3600
SOON = 14 * DAY
IDLE = 90 * DAY


class Standing(NamedTuple):
    """``kind``: of the badge, good, warn or deactivated."""

    kind: str
    text: str


def standings(token: Token, owner: User | None, now: int) -> list[Standing]:
    """What there is to say of a token at ``now`` (seconds), what matters most first."""
    if token.revoked is not None:
        return [Standing("deactivated", "Revoked")]
    if has_ended(token, now):
        return [Standing("deactivated", "Expired")]
    found = []
    if owner is not None and is_administrative(token.scopes) and not access.may_administer(owner.role):
        found.append(Standing("warn", "Suspended: its owner is no administrator"))
    if token.expires is not None and token.expires - now <= SOON:
        found.append(Standing("warn", f"Expires in {span(token.expires - now)}"))
    if token.last_used is None:
        found.append(Standing("warn", "Never used"))
    elif now - token.last_used >= IDLE:
        found.append(Standing("warn", f"Not used for {span(now - token.last_used)}"))
    return found or [Standing("good", "In use")]


def span(seconds: int) -> str:
    """A length of time in its largest unit.

    >>> span(90), span(3 * 24 * 3600 + 5), span(3600), span(7 * 60), span(0)
    ('2 minutes', '3 days', '1 hour', '7 minutes', '1 minute')
    """
    for unit, name in ((DAY, "day"), (HOUR, "hour")):
        if seconds >= unit:
            return _counted(seconds // unit, name)
    return _counted(max(-(-seconds // MINUTE), 1), "minute")


def _counted(number: int, name: str) -> str:
    return f"{number} {name}{'' if number == 1 else 's'}"
