"""What an attempt at an errand is given, and how it can end."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from rosterd.store.outbox import Entry


@dataclass(slots=True)
class Claim:
    """An errand that is this worker's for now. A job puts here how far it has come."""

    entry: Entry


class End(StrEnum):
    """How an attempt ended well."""

    DONE = "done"
    DROPPED = "dropped"  # nobody needs it any more
    NOTED = "noted"  # done, and struck off already
    LOST = "lost"  # somebody else has it now


class GaveUp(Exception):
    """It will never succeed as it is. The text says why, for the operator."""


class Failed(Exception):
    """It may succeed later. The text says why, for the operator."""

    def __init__(self, problem: str, wait: int = 0) -> None:
        super().__init__(problem)
        self.wait = wait  # seconds that the other side has asked for


class Unreachable(Failed):
    """As `Failed`, and what else there is for the same server need not be tried right now either."""
