"""Ids in Slack's form: a letter for the kind, then capital letters and digits.

Randomness and the time come in as integers, so this stays pure.
"""

from __future__ import annotations

from itertools import product

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
ID_LENGTH = 11
_THREE = tuple(map("".join, product(_ALPHABET, repeat=3)))  # three digits at once
_BLOCK = len(_THREE)
SPAN: int = 36 ** (ID_LENGTH - 2)
"""How many ids one prefix has: give :func:`slack_id` a number below this."""


_TURN = 1_000  # seconds
NEARBY = SPAN // _TURN
"""How many numbers belong to every second: give :func:`number_at` one below this."""


def number_at(microseconds: int, drawn: int) -> int:
    """A number for :func:`slack_id`, near those of the same second: an index on ids then grows at one place.

    The place comes round every 1,000 s. What keeps two ids apart is ``drawn``, at random below `NEARBY`.
    Among thousands a second two can be the same: whoever stores them has to look.

    >>> number_at(1_764_000_001_000_000, 7) - number_at(1_764_000_000_999_000, 0) - NEARBY
    7
    """
    return microseconds // 1_000_000 % _TURN * NEARBY + drawn


def slack_id(prefix: str, number: int) -> str:
    """The id that ``number`` (0 ≤ number < `SPAN`) stands for: eleven characters, the second a 0.

    >>> slack_id("W", 35), slack_id("S", 36**8)
    ('W000000000Z', 'S0100000000')
    """
    upper, lower = divmod(number, _BLOCK)
    highest, upper = divmod(upper, _BLOCK)
    return f"{prefix}0{_THREE[highest]}{_THREE[upper]}{_THREE[lower]}"


def is_slack_id(text: str, prefixes: str) -> bool:
    """Whether ``text`` has the form of an id with one of these prefixes.

    >>> is_slack_id("W000000000Z", "UW"), is_slack_id("ann", "UW")
    (True, False)
    """
    return len(text) == ID_LENGTH and text[0] in prefixes and all(c in _ALPHABET for c in text[1:])
