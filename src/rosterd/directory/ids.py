"""Ids in Slack's form: a letter for the kind, then capital letters and digits.

Randomness comes in as an integer, so this stays pure.
"""

from __future__ import annotations

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
ID_LENGTH = 11
SPAN = 36 ** (ID_LENGTH - 2)
"""How many ids one prefix has: give :func:`slack_id` a number below this."""


def slack_id(prefix: str, number: int) -> str:
    """The id that ``number`` (0 ≤ number < `SPAN`) stands for: eleven characters, the second a 0.

    >>> slack_id("W", 35), slack_id("S", 36**8)
    ('W000000000Z', 'S0100000000')
    """
    digits = []
    for _ in range(ID_LENGTH - 2):
        number, digit = divmod(number, 36)
        digits.append(_ALPHABET[digit])
    return prefix + "0" + "".join(reversed(digits))


def is_slack_id(text: str, prefixes: str) -> bool:
    """Whether ``text`` has the form of an id with one of these prefixes.

    >>> is_slack_id("W000000000Z", "UW"), is_slack_id("ann", "UW")
    (True, False)
    """
    return len(text) == ID_LENGTH and text[0] in prefixes and all(c in _ALPHABET for c in text[1:])
