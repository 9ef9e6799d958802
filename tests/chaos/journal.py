"""What was asked and what must therefore be: the directory as a map, and the requests that changed it.

The directory is a map from key to value. A key is the id of a person or of a group, or the pair of a shared
group and a member; a value is all that is asked about it. Each key has one writer, so that at any time only
the one request under way can be in doubt: it has happened as a whole, with its audit events, or not at all.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

Key = str | tuple[str, str]
"""An id, ``(shared group, member)``, or ``new:<number>`` for what has no id yet."""


class Person(NamedTuple):
    """All that the load ever sets of a user."""

    username: str
    display_name: str
    title: str
    department: str | None
    email: str
    second: str
    active: bool


class Circle(NamedTuple):
    """A group of one writer's."""

    name: str
    members: frozenset[str]


Value = Person | Circle | bool | None
"""None or False: there is none."""

Events = tuple[tuple[str, str], ...]
"""(action, entity id), sorted. ``new:<number>`` stands for an id that is not known yet."""


@dataclass(frozen=True, slots=True)
class Request:
    """One write: by its number, which travels as its User-Agent, its audit events are found."""

    number: int
    what: str
    before: Mapping[Key, Value]
    after: Mapping[Key, Value]
    events: Events

    @property
    def new(self) -> str:
        """The key of what it creates, until its id is known."""
        return f"new:{self.number}"


@dataclass(slots=True)
class Story:
    """What somebody was called, and when they were known to be deactivated (monotonic seconds)."""

    emails: set[str] = field(default_factory=set)
    gone_since: float | None = None
    was_gone: bool = False

    def add(self, person: Person, now: float) -> None:
        """They are this since ``now`` at the latest."""
        self.emails.add(person.email)
        if person.active:
            self.gone_since = None
        elif self.gone_since is None:
            self.gone_since, self.was_gone = now, True


@dataclass(slots=True)
class Journal:
    """Everything since the machine was new."""

    directory: dict[Key, Value] = field(default_factory=dict)
    events: dict[int, Events] = field(default_factory=dict)  # of requests that were answered
    doubtful: list[Request] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)  # answers that nobody should get
    acknowledged: int = 0
    people: dict[str, Story] = field(default_factory=dict)

    def acknowledge(self, request: Request, id: str | None = None) -> None:
        """The request has happened. ``id``: of what it created."""
        self.settle(request, id)
        self.acknowledged += 1

    def settle(self, request: Request, id: str | None = None) -> None:
        """Put down that the request has happened, answered or not."""
        for key, value in request.after.items():
            key = _named(key, request.new, id)
            self.directory[key] = value
            if isinstance(key, str) and isinstance(value, Person):
                self.people.setdefault(key, Story()).add(value, time.monotonic())
        named = ((action, str(_named(entity, request.new, id))) for action, entity in request.events)
        self.events[request.number] = tuple(sorted(named))

    def expected(self) -> dict[Key, Value]:
        """What there is, without what there is not."""
        return {
            key: value for key, value in self.directory.items() if value is not None and value is not False
        }


def _named(key: Key, new: str, id: str | None) -> Key:
    return id if key == new and id is not None else key
