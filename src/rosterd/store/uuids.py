"""Ids that grow with time: of events, and of what is still to be done."""

from __future__ import annotations

import re
import secrets

_SHAPE = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Growing:
    """UUIDv7s (RFC 9562 §5.7) that grow: in the millisecond of the last, or before it, comes the last plus
    one (§6.2, method 2), so that what one transaction writes keeps its order."""

    def __init__(self) -> None:
        self._last = 0

    def following(self, now: int) -> str:
        """The next id at ``now`` (microseconds)."""
        first = now // 1000 << 74
        self._last = first | secrets.randbits(74) if first > self._last else self._last + 1
        high, low = self._last >> 62, self._last & (2**62 - 1)
        number = (high >> 12) << 80 | 7 << 76 | (high & 0xFFF) << 64 | 2 << 62 | low
        text = f"{number:032x}"
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def is_one(text: str) -> bool:
    """Whether a text may be an id of this kind.

    >>> is_one(Growing().following(0)), is_one("-"), is_one("")
    (True, False, False)
    """
    return _SHAPE.fullmatch(text) is not None


_LATEST = 2**48 - 1  # milliseconds that fit into an id


def least_at(ms: int) -> str:
    """The least id that something of this millisecond or later can have.

    >>> least_at(1_764_000_000_123), moment(least_at(1_764_000_000_123))
    ('019ab697-e87b-7000-8000-000000000000', 1764000000123)
    """
    text = f"{min(max(ms, 0), _LATEST):012x}"
    return f"{text[:8]}-{text[8:]}-7000-8000-000000000000"


def moment(id: str) -> int:
    """The millisecond in an id."""
    return int(id[:8] + id[9:13], 16)
