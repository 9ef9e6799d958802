"""The orders in which people are listed, and positions in them as a client carries them about.

Rules of this module:

1. A position is the key of somebody in an order, whether or not they are still there. No two people have the
   same, so that a page that goes on behind one neither skips nor repeats anybody.
2. What a client sends is no position before it has been looked at: for the order asked for, and nothing that
   an engine would refuse.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from rosterd.directory.errors import Invalid
from rosterd.directory.facets import Sort

Position = tuple[str | int, ...]


class Order(NamedTuple):
    """Columns of ``users`` that together are unique, and the direction."""

    columns: tuple[str, ...]
    is_down: bool
    id: str = "id"

    @property
    def is_near(self) -> bool:
        """Whether it is that of the index: the order of creation."""
        return self.columns[0] == "created"

    def of(self, id: str) -> Order:
        """The same of a table where a person's id has another name."""
        return Order(tuple(id if column == "id" else column for column in self.columns), self.is_down, id)

    @property
    def start(self) -> Position:
        """Before everybody."""
        low = tuple(-1 if column == "created" else "" for column in self.columns)
        high = tuple(2**62 if column == "created" else _LAST for column in self.columns)
        return high if self.is_down else low

    def behind(self, alias: str, first: int) -> str:
        """SQL for being behind the position in the arguments from ``$first`` on.

        >>> ORDERS[Sort.NEWEST].behind("t", 2)
        '(t.created, t.id) < ($2, $3)'
        """
        places = ", ".join(f"${first + n}" for n in range(len(self.columns)))
        return f"({self.listed(alias)}) {'<' if self.is_down else '>'} ({places})"

    def sorting(self, alias: str) -> str:
        """SQL to order by.

        >>> ORDERS[Sort.NEWEST].sorting("t")
        't.created DESC, t.id DESC'
        """
        end = " DESC" if self.is_down else ""
        return ", ".join(f"{alias}.{column}{end}" for column in self.columns)

    def listed(self, alias: str) -> str:
        return ", ".join(f"{alias}.{column}" for column in self.columns)


_CREATION = ("created", "id")
_NAME = ("display_folded", "created", "id")
_USERNAME = ("username",)
_LAST = "\U0010ffff" * 4  # behind every text that somebody has

ORDERS = {
    Sort.NEWEST: Order(_CREATION, is_down=True),
    Sort.OLDEST: Order(_CREATION, is_down=False),
    Sort.NAME: Order(_NAME, is_down=False),
    Sort.NAME_DOWN: Order(_NAME, is_down=True),
    Sort.USERNAME: Order(_USERNAME, is_down=False),
    Sort.USERNAME_DOWN: Order(_USERNAME, is_down=True),
}

_LONGEST = 2_000
_HIGHEST = 2**62


def encoded(sort: Sort, position: Position) -> str:
    """A position as a text that a URL may hold as it is.

    >>> encoded(Sort.NEWEST, (7, "W1"))
    'WyJuZXdlc3QiLDcsIlcxIl0'
    """
    text = msgspec.json.encode([sort, *position])
    return base64.urlsafe_b64encode(text).decode().rstrip("=")


def decoded(sort: Sort, text: str) -> Position:
    """The position that a text stands for. Raises ``invalid_cursor``, also for one of another order.

    >>> decoded(Sort.NEWEST, "WyJuZXdlc3QiLDcsIlcxIl0")
    (7, 'W1')
    """
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        name, *position = msgspec.json.decode(raw, type=list[str | int])
    except (binascii.Error, msgspec.MsgspecError, ValueError):
        raise Invalid("invalid_cursor") from None
    if len(text) > _LONGEST or name != sort or not _fits(ORDERS[sort], position):
        raise Invalid("invalid_cursor")
    return tuple(position)


def _fits(order: Order, position: Sequence[str | int]) -> bool:
    if len(position) != len(order.columns):
        return False
    return all(map(_is_part, order.columns, position))


def _is_part(column: str, value: str | int) -> bool:
    if isinstance(value, int):
        return column == "created" and -1 <= value <= _HIGHEST
    return column != "created" and "\0" not in value
