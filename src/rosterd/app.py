"""The composition root: a store and settings become an ASGI application."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from rosterd.directory.model import OrgId
from rosterd.store import audit
from rosterd.store.engine import Store, StoreError, check_reachable
from rosterd.web.auth import Authenticator
from rosterd.web.endpoint import Endpoint
from rosterd.web.openapi import document
from rosterd.web.request import Receive, Scope, Send
from rosterd.web.scim import Scim

log = logging.getLogger("rosterd.app")

SEAL_SECONDS = 1.0
FLUSH_SECONDS = 60.0


class App:
    """An ASGI application (HTTP and lifespan) over an open store, which stays its caller's."""

    def __init__(self, store: Store, key: bytes, base_url: str) -> None:
        self._store = store
        self._authenticator = Authenticator(key)
        scim = Scim(store, self._authenticator, base_url)
        self._description = document(base_url)
        public: dict[tuple[str, ...], Callable[[], Awaitable[Any]]] = {
            ("openapi.json",): self._describe,
            ("healthz",): self._live,
            ("readyz",): self._ready,
        }
        self._endpoint = Endpoint(scim, public)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._endpoint(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        else:  # a WebSocket: there is none here
            await send({"type": "websocket.close", "code": 1000})

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        async with self.running():
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})

    async def _describe(self) -> dict[str, Any]:
        return self._description

    async def _live(self) -> dict[str, Any]:
        return {"status": "ok"}

    async def _ready(self) -> dict[str, Any]:
        await check_reachable(self._store)
        return {"status": "ok"}

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """What goes on beside requests: sealing the audit trail, noting when tokens were used."""
        tasks = [
            asyncio.create_task(self._regularly(SEAL_SECONDS, "sealing", self._seal)),
            asyncio.create_task(self._regularly(FLUSH_SECONDS, "last use of tokens", self._flush)),
        ]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            with contextlib.suppress(StoreError):
                await self._flush()
                await self._seal()

    async def _regularly(self, seconds: float, name: str, work: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await work()
            except StoreError as error:
                log.warning("%s put off: %s", name, error)
            except Exception:
                log.exception("%s failed", name)
            await asyncio.sleep(seconds)

    async def _flush(self) -> None:
        await self._authenticator.flush(self._store)

    async def _seal(self) -> None:
        await seal(self._store)


async def seal(store: Store) -> int:
    """Seal what the audit trail has unsealed, organisation by organisation. Returns how many events."""
    async with store.read() as tx:
        pending = await audit.pending(tx)
    sealed = 0
    for org_id in pending:
        while count := await _seal_batch(store, org_id):
            sealed += count
    return sealed


async def _seal_batch(store: Store, org_id: OrgId) -> int:
    async with store.write() as tx:
        return await audit.seal(tx, org_id)
