"""Several processes that serve on one socket, and one that keeps them at it.

Rules of this module:

1. The parent listens and serves nothing. It starts the workers, each in a fresh interpreter, on the socket
   that it has opened; a worker says when it is ready.
2. A worker that dies is started again, later each time it dies soon. One that dies before all have been
   ready for the first time is a fault that starting again would not mend: then everything ends.
3. SIGTERM or SIGINT to the parent ends the workers gracefully, and the parent waits for them; after a
   further signal they cut requests short. It kills only what outlives the time that a worker gives itself.
4. What a signal means the parent alone says. A terminal or systemd signals all processes of a service at
   once: to a worker SIGTERM is a graceful end, however often it comes, and SIGINT is nothing.
5. A worker holds one end of a pipe. When the parent dies, however it dies, the pipe ends and so do they.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import multiprocessing
import signal
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from typing import Any

log = logging.getLogger("rosterd.workers")

_KILL_SECONDS = 15.0
"""What a worker may take beyond its time for requests in progress before it is killed."""
_LONG_LIFE = 30.0  # seconds after which a death counts as the first
_FIRST_DELAY, _LAST_DELAY = 0.1, 10.0

Serve = Callable[..., None]
"""Takes a `Line` after its other arguments, and serves until it is told to end."""


class WorkerFailed(Exception):
    """A worker ended before it served; what went wrong it has said itself."""


class Line:
    """A worker's end of the pipe to its parent."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def ready(self) -> None:
        """Tell the parent that connections are accepted. A parent that is gone is found out otherwise."""
        with contextlib.suppress(OSError):
            self._connection.send_bytes(b"ready")

    def obey(self, end: Callable[[bool], None]) -> None:
        """Call ``end`` on the running loop: with False when the parent is gone, with True to end at once."""
        loop = asyncio.get_running_loop()

        def hear() -> None:
            said = _heard(self._connection)
            if not said:
                loop.remove_reader(self._connection.fileno())
            end(said)

        loop.add_reader(self._connection.fileno(), hear)


class Supervisor:
    """Keeps ``count`` workers alive, each running ``serve(*arguments, line)``.

    ``patience``: the seconds that a worker gives to requests in progress once it is to end.
    """

    def __init__(self, count: int, serve: Serve, arguments: tuple[Any, ...], patience: float) -> None:
        self._count = count
        self._serve = serve
        self._arguments = arguments
        self._patience = patience + _KILL_SECONDS
        self._alive: dict[SpawnProcess, Connection] = {}
        self._stopping = asyncio.Event()
        self._unready = count
        self._all_ready = asyncio.Event()

    async def run(self, on_ready: Callable[[], None], on_stop: Callable[[], None]) -> None:
        """Until a signal. Calls ``on_ready`` once, when all serve, and ``on_stop`` when they are to end.

        Raises `WorkerFailed`.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._stop, on_stop)
        workers = [loop.create_task(self._keep(number)) for number in range(1, self._count + 1)]
        ready = loop.create_task(self._say(on_ready))
        try:
            await asyncio.gather(*workers)
        finally:
            ready.cancel()
            self._stop(on_stop)
            await asyncio.gather(*workers, ready, return_exceptions=True)

    def _stop(self, on_stop: Callable[[], None]) -> None:
        if not self._stopping.is_set():
            self._stopping.set()
            on_stop()
            for process in self._alive:
                process.terminate()
            return
        for line in self._alive.values():
            with contextlib.suppress(OSError):
                line.send_bytes(b"at once")

    async def _say(self, on_ready: Callable[[], None]) -> None:
        await self._all_ready.wait()
        on_ready()

    async def _keep(self, number: int) -> None:
        """One worker after the other, until all are to end."""
        failures = 0
        while not self._stopping.is_set():
            began = time.monotonic()
            code = await self._one_life()
            if self._stopping.is_set():
                return
            if not self._all_ready.is_set():
                raise WorkerFailed(f"worker {number} ended before all were ready ({_cause(code)})")
            failures = 0 if time.monotonic() - began > _LONG_LIFE else failures + 1
            delay = min(_LAST_DELAY, _FIRST_DELAY * 2**failures)
            log.error("worker %d ended (%s); another starts in %.1f s", number, _cause(code), delay)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), delay)
                return

    async def _one_life(self) -> int | None:
        """Start a worker and wait for its end. Returns its exit code."""
        ours, theirs = multiprocessing.Pipe()
        with ours, theirs:
            process = _SPAWN.Process(target=self._serve, args=(*self._arguments, Line(theirs)))
            process.start()
            self._alive[process] = ours
            theirs.close()  # else the pipe would outlive the worker
            with _readable(process.sentinel) as ended, _readable(ours.fileno()) as told:
                stopping = asyncio.ensure_future(self._stopping.wait())
                await asyncio.wait((ended, told, stopping), return_when=asyncio.FIRST_COMPLETED)
                if told.done() and _heard(ours):
                    self._count_ready()
                await asyncio.wait((ended, stopping), return_when=asyncio.FIRST_COMPLETED)
                stopping.cancel()
                if not ended.done():
                    await self._end(process, ended)
            del self._alive[process]
        process.join()
        return process.exitcode

    async def _end(self, process: SpawnProcess, ended: asyncio.Future[None]) -> None:
        """Wait for a worker that has been told to end."""
        await asyncio.wait((ended,), timeout=self._patience)
        if not ended.done():
            log.error("process %s does not end: killed", process.pid)
            process.kill()
            await ended

    def _count_ready(self) -> None:
        self._unready -= 1
        if self._unready == 0:
            self._all_ready.set()


def _heard(connection: Connection) -> bool:
    """Whether the other side, at last, says something; else it is gone."""
    try:
        return bool(connection.recv_bytes())
    except (EOFError, OSError):
        return False


# A fresh interpreter: what the parent has open or running is none of a worker's business.
_SPAWN = multiprocessing.get_context("spawn")


@contextlib.contextmanager
def _readable(descriptor: int) -> Iterator[asyncio.Future[None]]:
    """Done once the descriptor can be read, or has come to its end."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[None] = loop.create_future()

    def found() -> None:
        loop.remove_reader(descriptor)
        future.set_result(None)

    loop.add_reader(descriptor, found)
    try:
        yield future
    finally:
        loop.remove_reader(descriptor)


def _cause(code: int | None) -> str:
    """What an exit code says.

    >>> _cause(1), _cause(-9)
    ('exit code 1', 'SIGKILL')
    """
    return signal.Signals(-code).name if code is not None and code < 0 else f"exit code {code}"
