"""``rosterd serve``: settings, a store, and uvicorn around the application."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import logging
import os
import signal
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import uvicorn
import uvloop

from rosterd import settings
from rosterd.app import App
from rosterd.cli import demo
from rosterd.cli.connections import Connection
from rosterd.directory.errors import DirectoryError
from rosterd.provisioning.cards import card
from rosterd.settings import Settings
from rosterd.store.engine import StoreError, open_store


class _Server(uvicorn.Server):
    """uvicorn that says on stdout when it accepts connections, and leaves signals' end to us."""

    def __init__(self, config: uvicorn.Config, url: str) -> None:
        super().__init__(config)
        self._url = url

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        if self.started:
            print(f"rosterd listening on {self._url}", flush=True)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        # uvicorn would raise the signal again once it has shut down; then the store stayed open.
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        yield


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
        command = click.option(name, option.name, help=text, **kind)(command)
    return command


@click.command()
@click.option("--config", metavar="FILE", help="TOML file with any of these settings.  [env: ROSTERD_CONFIG]")
@_options
def serve(config: str | None, **flags: Any) -> None:
    """Serve SCIM 1.1 at /scim/v1 and SCIM 2.0 at /scim/v2.

    An empty database is created; an older one is refused with the command to run. A setting given
    here wins over the environment, and that over the file.
    """
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("alembic").setLevel(logging.WARNING)
    try:
        with contextlib.ExitStack() as stack:
            chosen = _ephemeral(settings.load(flags, config), stack)
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(_serve(chosen))
    except (settings.SettingsError, StoreError, DirectoryError) as error:
        raise click.ClickException(str(error)) from error


def _ephemeral(chosen: Settings, stack: contextlib.ExitStack) -> Settings:
    if not chosen.ephemeral:
        return chosen
    folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="rosterd-"))
    url = f"sqlite:///{Path(folder) / 'rosterd.db'}"
    click.echo(f"throw-away database: --database {url}", err=True)
    return dataclasses.replace(chosen, database=url)


async def _serve(chosen: Settings) -> None:
    key = settings.token_key(chosen.database)
    listener = _listen(chosen.host, chosen.port)
    with listener:
        host = f"[{chosen.host}]" if ":" in chosen.host else chosen.host
        url = f"http://{host}:{listener.getsockname()[1]}"
        base_url = chosen.base_url.rstrip("/") or url
        store = await open_store(chosen.database, create=True, card=card)
        try:
            if chosen.demo:
                click.echo(await demo.welcome(store, key, base_url), err=True)
            application = App(store, key, base_url)
            config = uvicorn.Config(
                application,
                loop="none",
                http=Connection,
                ws="none",
                lifespan="on",
                access_log=False,
                log_config=None,
                log_level="warning",
                server_header=False,
                proxy_headers=False,  # else anybody on this machine could choose the address they come from
                timeout_graceful_shutdown=30,
            )
            await _Server(config, url).serve(sockets=[listener])
        finally:
            await store.close()


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise settings.SettingsError(
            f"cannot listen on {host}:{port}: {reason}; see --host and --port"
        ) from error
