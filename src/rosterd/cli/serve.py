"""``rosterd serve``: settings, a store, and uvicorn around the application."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import gc
import logging
import os
import signal
import socket
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any, cast

import click
import uvicorn
import uvloop

from rosterd import settings
from rosterd.app import App
from rosterd.cli import demo, logs
from rosterd.cli.connections import Connection
from rosterd.cli.repeats import RepeatingConnection
from rosterd.cli.workers import Line, Supervisor, WorkerFailed
from rosterd.directory.errors import DirectoryError
from rosterd.provisioning.cards import card
from rosterd.settings import Settings
from rosterd.store.engine import Store, StoreError, open_store
from rosterd.web.pool import Pool
from rosterd.web.redaction import redacted
from rosterd.web.throttle.gate import Throttle, open_throttle
from rosterd.web.tracing import Tracing, open_tracing

log = logging.getLogger("rosterd.serve")

_EXPLAINED = (settings.SettingsError, StoreError, DirectoryError, WorkerFailed)
"""Errors that say in one line what an operator has to know."""

_CUT_SECONDS = 5.0
"""How long a request that is cut short may take to say so."""


class _Server(uvicorn.Server):
    """uvicorn that says when it accepts connections, and leaves signals' end to us.

    A signal ends it gracefully: no new connections, idle ones closed, and what has been accepted gets
    its answer. A second one, or the end of the time for that, cuts short what still runs: it is
    answered 503, and undone if it had not come to its commit. With a ``line`` that second word is the
    parent's.
    """

    def __init__(
        self, config: uvicorn.Config, on_ready: Callable[[], None], application: App, line: Line | None
    ) -> None:
        super().__init__(config)
        self._on_ready = on_ready
        self._application = application
        self._line = line

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        if self.started:
            self._on_ready()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        # uvicorn would raise the signal again once it has shut down; then the store stayed open.
        loop = asyncio.get_running_loop()
        if self._line is None:
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.add_signal_handler(number, self.handle_exit, number, None)
        else:
            loop.add_signal_handler(signal.SIGTERM, self._end, False)
            self._line.obey(self._end)
        yield

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._end(self.should_exit)

    def _end(self, at_once: bool) -> None:
        self.force_exit = self.force_exit or at_once
        self.should_exit = self._application.stopping = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for listener in (*self.servers, *(sockets or ())):
            listener.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        await self._answered()
        running = list(self.server_state.tasks)
        if running:
            log.warning("requests in progress that are cut short: %d", len(running))
            for task in running:
                task.cancel()
            await asyncio.wait(running, timeout=_CUT_SECONDS)
        await self.lifespan.shutdown()

    async def _answered(self) -> None:
        """Wait until every connection has its answer and is closed, or nobody wants to wait any more."""
        deadline = time.monotonic() + (self.config.timeout_graceful_shutdown or 0)
        state = self.server_state
        # uvicorn keeps sets, and tells nobody when they are empty.
        while (state.connections or state.tasks) and self._patient(deadline):  # noqa: ASYNC110
            await asyncio.sleep(0.02)

    def _patient(self, deadline: float) -> bool:
        return not self.force_exit and time.monotonic() < deadline


def _options(command: Callable[..., None]) -> Callable[..., None]:
    """An option for every setting; which one was given is left to :func:`rosterd.settings.load`."""
    for option in reversed(dataclasses.fields(Settings)):
        name = "--" + option.name.replace("_", "-")
        default = option.default
        shown = f"  [default: {default}]" if default not in ("", False) else ""
        text = f"{option.metadata['help']}  [env: {settings.PREFIX}{option.name.upper()}]{shown}"
        kind: dict[str, Any] = (
            {"is_flag": True, "default": None} if isinstance(default, bool) else {"type": type(default)}
        )
        if choices := settings.CHOICES.get(option.name):
            kind["metavar"] = f"[{'|'.join(choices)}]"
        command = click.option(name, option.name, help=text, **kind)(command)
    return command


@click.command()
@click.option("--config", metavar="FILE", help="TOML file with any of these settings.  [env: ROSTERD_CONFIG]")
@_options
def serve(config: str | None, **flags: Any) -> None:
    """Serve SCIM at /scim/v1 and /scim/v2, the Web API at /api, audit logs at /audit/v1, pages at /signin.

    An empty database is created; an older one is refused with the command to run. A setting given
    here wins over the environment, and that over the file.
    """
    try:
        with contextlib.ExitStack() as stack:
            chosen = _ephemeral(settings.load(flags, config), stack)
            logs.set_up(chosen.log_format, chosen.log_level)
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(_serve(chosen))
    except _EXPLAINED as error:
        raise click.ClickException(redacted(str(error))) from error


def _ephemeral(chosen: Settings, stack: contextlib.ExitStack) -> Settings:
    if not chosen.ephemeral:
        return chosen
    folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="rosterd-"))
    url = f"sqlite:///{Path(folder) / 'rosterd.db'}"
    click.echo(f"throw-away database: --database {url}", err=True)
    given = chosen.mail_dir != Settings.__dataclass_fields__["mail_dir"].default
    mail_dir = chosen.mail_dir if given else str(Path(folder) / "mail")
    return dataclasses.replace(chosen, database=url, mail_dir=mail_dir)


async def _serve(chosen: Settings) -> None:
    key = settings.token_key(chosen.database)
    _throttle(chosen)  # what is wrong with it is said here, and not by every worker
    with _listen(chosen.host, chosen.port) as listener:
        host = f"[{chosen.host}]" if ":" in chosen.host else chosen.host
        url = f"http://{host}:{listener.getsockname()[1]}"
        chosen = dataclasses.replace(chosen, base_url=chosen.base_url.rstrip("/") or url)

        def ready() -> None:
            print(f"rosterd listening on {url}", flush=True)

        async with _store(chosen, key) as store:
            if chosen.workers == 1:
                await _server(chosen, store, key, ready).serve(sockets=[listener])
                return
        # The database is there now, and nothing of it stays open in this process.
        with tempfile.TemporaryDirectory(prefix="rosterd-metrics-") as folder:
            arguments = (dataclasses.replace(chosen, demo=False), listener, Pool(Path(folder)))
            supervisor = Supervisor(chosen.workers, _worker, arguments, chosen.shutdown_seconds)
            await supervisor.run(ready, listener.close)


@contextlib.asynccontextmanager
async def _store(chosen: Settings, key: bytes) -> AsyncIterator[Store]:
    """The store, created and filled if that is asked for."""
    store = await open_store(chosen.database, create=True, card=card)
    try:
        if chosen.demo:
            click.echo(await demo.welcome(store, key, chosen.base_url, chosen.mail_dir), err=True)
        yield store
    finally:
        await store.close()


def _worker(chosen: Settings, listener: socket.socket, pool: Pool, line: Line) -> None:
    """One of several processes that serve. It ends by SIGTERM, or with its parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to all; the parent alone ends them
    logs.set_up(chosen.log_format, chosen.log_level)
    try:
        with listener, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_work(chosen, listener, pool, line))
    except _EXPLAINED as error:
        sys.exit(f"Error: {redacted(str(error))}")


async def _work(chosen: Settings, listener: socket.socket, pool: Pool, line: Line) -> None:
    key = settings.token_key(chosen.database)
    async with _store(chosen, key) as store:
        await _server(chosen, store, key, line.ready, pool, line).serve(sockets=[listener])


def _server(
    chosen: Settings,
    store: Store,
    key: bytes,
    on_ready: Callable[[], None],
    pool: Pool | None = None,
    line: Line | None = None,
) -> _Server:
    application = App(
        store,
        key,
        chosen.base_url,
        audience=chosen.metrics,
        access_log=chosen.access_log,
        tracing=_tracing(),
        throttle=_throttle(chosen),
        pool=pool,
        delivery=settings.delivery(chosen),
    )
    express = application.express
    # What is there at the start stays: the collector need not look through it again and again.
    gc.collect()
    gc.freeze()
    config = uvicorn.Config(
        application,
        loop="none",
        http=Connection if express is None else cast(Any, partial(RepeatingConnection, express=express)),
        ws="none",
        lifespan="on",
        access_log=False,
        log_config=None,
        log_level="warning",
        server_header=False,
        proxy_headers=False,  # else anybody on this machine could choose the address they come from
        timeout_graceful_shutdown=chosen.shutdown_seconds,
    )
    return _Server(config, on_ready, application, line)


def _throttle(chosen: Settings) -> Throttle | None:
    table = settings.limits(chosen)
    try:
        return None if table is None else open_throttle(table, chosen.limits_url)
    except ValueError as error:
        raise settings.SettingsError(f"limits_url: {error}") from error


def _tracing() -> Tracing | None:
    """Traces, if OpenTelemetry's variables ask for them and its packages are there."""
    if not settings.wants_traces():
        return None
    try:
        return open_tracing()
    except ImportError as error:
        log.warning("no traces: %s; install rosterd with its extra, rosterd[telemetry]", error)
        return None


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise settings.SettingsError(
            f"cannot listen on {host}:{port}: {reason}; see --host and --port"
        ) from error
