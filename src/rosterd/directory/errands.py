"""Errands: what is still to be done because of a change, once its transaction has been committed.

A change that somebody is to hear of, or that leads to more than fits into one transaction, leaves an
errand in the same transaction. Whoever runs it looks at the directory as it is then: an errand says
whom it is for and no more than cannot be looked up later.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import msgspec


class Kind(StrEnum):
    """What is to be done, and (in brackets) for whom or what."""

    INVITATION = "invitation"  # (user) a mail to somebody who has never signed in, perhaps with {"text": …}
    DIGEST = "digest"  # (user) a mail about {"places": [T… and C… they were added to]}
    MESSAGE = "message"  # (user) a mail about {"channel": C… or null, "author": U…, "text": …}
    SIGNIN_LINK = "signin_link"  # (user) a mail with a link, which is made when it is sent
    WEBHOOK = "webhook"  # (webhook) a POST of the event that the arguments are
    CONSEQUENCES = "consequences"  # (group) what a group leads to, slice by slice
    BULK = "bulk"  # (batch) what was chosen for many people, slice by slice


class Errand(msgspec.Struct, frozen=True):
    """One thing to be done."""

    kind: Kind
    subject_id: str  # U…, W…, S…, or a webhook's id
    arguments: dict[str, Any] = {}  # as JSON has it


def back_off(attempts: int, first: int) -> int | None:
    """Seconds to wait after this many failures, the first of them ``first`` seconds; None: give up.

    Each time is twice the one before, up to six hours: what begins with ten seconds is given up after two
    days. RFC 5321 §4.5.4.1 asks mailers to be patient for days.

    >>> [back_off(n, 10) for n in (1, 2, 3, 12, 13, 19, 20)]
    [10, 20, 40, 20480, 21600, 21600, None]
    """
    if attempts >= MOST_ATTEMPTS:
        return None
    return min(first << min(attempts - 1, 30), LONGEST_WAIT)


MOST_ATTEMPTS = 20
LONGEST_WAIT = 6 * 3600
