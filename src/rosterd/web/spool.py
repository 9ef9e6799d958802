"""A body too large for the memory: written to the end first, then sent.

It is in a file without a name, which is gone with the process; while it is small, in memory.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator

_IN_MEMORY = 256 * 1024
_PART = 256 * 1024


class Spool:
    """Bytes, written by one and then read by one. Whoever has it closes it."""

    def __init__(self) -> None:
        self.file = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - outlives its maker
        self.length = 0

    def end(self) -> None:
        """All is written."""
        self.length = self.file.tell()
        self.file.seek(0)

    async def parts(self) -> AsyncIterator[bytes]:
        """The bytes, from a thread: a disk may be slow."""
        while part := await asyncio.to_thread(self.file.read, _PART):
            yield part

    def close(self) -> None:
        """Give the file back. May be called twice."""
        self.file.close()
