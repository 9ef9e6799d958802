"""Whether what many saw of one set at once is what they could have seen one after the other.

A history is linearizable if its calls can be put in one order in which each call lies between its start and
its end, and sees the set as the calls before it left it (Herlihy and Wing, 1990). The search is the one of
Wing and Gong, with Lowe's memory of what was tried: a state is how far each client has come, and the set.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

Kind = Literal["add", "remove", "replace", "read"]
Members = frozenset[str]


@dataclass(frozen=True, slots=True)
class Call:
    """One call. ``start`` and ``end`` are times of one clock.

    A read saw ``members`` of those in ``among`` (None: of all); for the others ``members`` is what is asked.
    """

    kind: Kind
    members: Members
    start: float
    end: float
    among: Members | None = None

    def applied(self, before: Members) -> Members | None:
        """The set after this call; None: it cannot have seen ``before``."""
        match self.kind:
            case "add":
                return before | self.members
            case "remove":
                return before - self.members
            case "replace":
                return self.members
            case "read":
                seen = before if self.among is None else before & self.among
                return before if seen == self.members else None


History = Sequence[Sequence[Call]]
"""For each client its calls, one after the other."""


def is_linearizable(history: History, initial: Members) -> bool:
    """Whether some order explains what every client saw.

    >>> ann = frozenset({"ann"})
    >>> added = Call("add", ann, 0, 2)
    >>> is_linearizable([[added], [Call("read", frozenset(), 1, 3)]], frozenset())
    True
    >>> is_linearizable([[added], [Call("read", frozenset(), 3, 4)]], frozenset())
    False
    """
    first = (tuple(0 for _ in history), initial)
    tried, waiting = {first}, [first]
    while waiting:
        places, members = waiting.pop()
        if all(place == len(calls) for place, calls in zip(places, history, strict=True)):
            return True
        for client, call in _next(history, places):
            after = call.applied(members)
            if after is not None:
                state = ((*places[:client], places[client] + 1, *places[client + 1 :]), after)
                if state not in tried:
                    tried.add(state)
                    waiting.append(state)
    return False


def _next(history: History, places: tuple[int, ...]) -> Iterator[tuple[int, Call]]:
    """The calls that may come next: those that had started before any other that is left had ended."""
    left = [
        (client, calls[place])
        for client, (calls, place) in enumerate(zip(history, places, strict=True))
        if place < len(calls)
    ]
    first_end = min(call.end for _, call in left)
    return ((client, call) for client, call in left if call.start <= first_end)
