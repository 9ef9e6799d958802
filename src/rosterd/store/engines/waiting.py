"""How the engines wait: again and again for a lock, and to the end for what cannot be stopped."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

T = TypeVar("T")

_FIRST_NAP, _LONGEST_NAP = 0.001, 0.05


def naps(patience: float) -> Iterator[float]:
    """Seconds to sleep after each failed try: from 1 to 50 ms, until ``patience`` seconds are over."""
    deadline = time.monotonic() + patience
    nap = _FIRST_NAP
    while time.monotonic() < deadline:
        yield nap
        nap = min(nap * 2, _LONGEST_NAP)


async def to_the_end(future: asyncio.Future[T], stop: Callable[[], object] | None = None) -> T:
    """The future's result. Returns only after it is done, even if the caller is cancelled meanwhile.

    ``stop`` is called on cancellation, to make that end come sooner.
    """
    cancelled: asyncio.CancelledError | None = None
    while not future.done():
        try:
            await asyncio.wait([future])
        except asyncio.CancelledError as error:
            cancelled = error
            if stop is not None:
                stop()
    if cancelled is None:
        return future.result()
    future.exception()  # looked at, so that asyncio does not report it as forgotten
    raise cancelled
