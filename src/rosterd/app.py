"""The composition root: a store and settings become an ASGI application."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Literal

from rosterd.actions import bulk, consequences, guests
from rosterd.actions import orgs as org_actions
from rosterd.actions.doors import signin, submissions
from rosterd.actions.upkeep import indexing
from rosterd.actions.upkeep.sealing import seal_some
from rosterd.delivery.config import Delivery
from rosterd.delivery.jobs import Work
from rosterd.directory import analytics
from rosterd.directory.errands import Kind
from rosterd.directory.model import Org, OrgId, Origin, User, UserId
from rosterd.store import orgs, users
from rosterd.store.engine import Store, StoreError, Tx, check_reachable
from rosterd.store.records import activity, audit, requests
from rosterd.store.upkeep import whole_org
from rosterd.web import metrics, pool
from rosterd.web.audit import Audit
from rosterd.web.auth import Authenticator
from rosterd.web.endpoint import Endpoint, Public, Service, request_ids
from rosterd.web.errors import RETRY_AFTER, HttpError
from rosterd.web.express import Express
from rosterd.web.methods.api import WebApi
from rosterd.web.metrics import Metrics
from rosterd.web.openapi import document
from rosterd.web.pages import Elsewhere, Pages
from rosterd.web.pool import Pool
from rosterd.web.refusals import Refusals
from rosterd.web.reply import Reply
from rosterd.web.request import Receive, Request, Scope, Send
from rosterd.web.scim import Scim
from rosterd.web.throttle.gate import Throttle
from rosterd.web.tracing import Tracing
from rosterd.web.watching import Watcher

log = logging.getLogger("rosterd.app")

SEAL_SECONDS = 1.0
INDEX_SECONDS = 1.0
FLUSH_SECONDS = 60.0
REFUSAL_SECONDS = 1.0
REFUSALS_BETWEEN = 10_000
"""How many an organisation may get before it is looked whether they are too many."""
PRUNE_SECONDS = 3_600.0
EXPIRY_SECONDS = 3_600.0
"""Slack: *processed on an hourly schedule* (*admin.users.setExpiration*)."""
EXPIRED_AT_ONCE = 100
END_SECONDS = 2.0
"""How long both may take at the end, where the database may be locked: what is left the next start does."""

JOBS: Mapping[Kind, Work] = {Kind.CONSEQUENCES: consequences.work, Kind.BULK: bulk.work}
"""What is done slice by slice, beside requests."""


class App:
    """An ASGI application (HTTP and lifespan) over an open store, which stays its caller's.

    ``delivery``: how the errands of the outbox are done here; None: they are not.
    ``stopping``: it still answers, and is not to be sent anything more. ``express``: what may answer in
    its place, if nothing but numbers is to be noted of requests and their limits are counted here.
    """

    def __init__(
        self,
        store: Store,
        key: bytes,
        base_url: str,
        *,
        audience: Literal["local", "all", "off"] = "local",
        access_log: bool = False,
        tracing: Tracing | None = None,
        throttle: Throttle | None = None,
        pool: Pool | None = None,
        delivery: Delivery | None = None,
    ) -> None:
        self._stopping = False
        self._delivery = delivery
        self._store = store
        self._pace = indexing.Pace(store)
        self._base_url = base_url
        self._audience = audience
        self._tracing = tracing
        self._metrics = Metrics(store.watch, throttle.headroom if throttle is not None else tuple)
        self._pool = pool
        self._sharing = asyncio.Lock()  # one at a time: the older numbers must not be written last
        self._authenticator = Authenticator(key)
        self._throttle = throttle
        scim = Scim(store, self._authenticator, base_url, throttle)
        web_api = WebApi(store, self._authenticator, base_url, throttle)
        trail = Audit(store, self._authenticator, throttle)
        # Loaded here: commands, which show no pages, start faster without clients of providers.
        from rosterd.dashboard.site import FIRST, Site

        self._site = Site(store, key, base_url, None if throttle is None else throttle.rooms)
        people = Pages(self._site)
        self._description = document(base_url)
        public: dict[tuple[str, ...], Public] = {
            ("openapi.json",): self._describe,
            ("healthz",): self._live,
            ("readyz",): self._ready,
            ("metrics",): self._measure,
        }
        watcher = Watcher(self._metrics, access_log=access_log, tracing=tracing)
        ids = request_ids()
        services: dict[str, Service] = {"scim": scim, "api": web_api, "audit": trail}
        services |= dict.fromkeys(FIRST, people)
        self._refusals = Refusals()
        self._endpoint = Endpoint(services, Elsewhere(self._site, scim), public, watcher, ids, self._refusals)
        decides = throttle is None or throttle.is_local
        self.express = Express(scim, self._metrics, ids) if decides and watcher.only_counts else None

    @property
    def stopping(self) -> bool:
        return self._stopping

    @stopping.setter
    def stopping(self, value: bool) -> None:
        self._stopping = value
        if value:
            self._site.stop()

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

    async def _describe(self, request: Request) -> Reply:
        return Reply(200, self._description)

    async def _live(self, request: Request) -> Reply:
        return Reply(200, {"status": "ok"})

    async def _ready(self, request: Request) -> Reply:
        if self.stopping:
            raise HttpError("service_unavailable", {"Retry-After": RETRY_AFTER}, reason="stopping")
        await check_reachable(self._store)
        return Reply(200, {"status": "ok"})

    async def _measure(self, request: Request) -> Reply:
        if self._audience == "off" or (self._audience == "local" and not request.is_local):
            raise HttpError("bad_endpoint")
        await self._share()
        # In a thread: a busy server's text takes tens of milliseconds.
        return Reply(200, await asyncio.to_thread(self._numbers), media=metrics.CONTENT_TYPE)

    def _numbers(self) -> bytes:
        return metrics.text(self._pool.together() if self._pool else self._metrics)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """What goes on beside requests: sealing the audit trail, noting when tokens were used, deliveries."""
        async with self._keeping(), self._delivering():
            yield

    @contextlib.asynccontextmanager
    async def _delivering(self) -> AsyncIterator[None]:
        if self._delivery is None:
            yield
            return
        # Loaded here: commands, which deliver nothing, start faster without clients of HTTP and SMTP.
        from rosterd.delivery.lanes import working

        async with working(self._store, self._delivery, self._metrics, JOBS, self._link):
            yield

    async def _link(self, tx: Tx, org: Org, user: User) -> str:
        """The address of a link to sign in by, made when it is sent."""
        secret = await signin.mint_link(tx, org, user, key=self._authenticator.key)
        return f"{self._base_url}{signin.link_path(org, secret)}"

    @contextlib.asynccontextmanager
    async def _keeping(self) -> AsyncIterator[None]:
        tasks = [
            asyncio.create_task(self._regularly(SEAL_SECONDS, "sealing", self._seal)),
            asyncio.create_task(self._regularly(INDEX_SECONDS, "indexing of people", self._index)),
            asyncio.create_task(self._regularly(FLUSH_SECONDS, "last use of tokens", self._flush)),
            asyncio.create_task(self._regularly(REFUSAL_SECONDS, "noting refusals", self._note_refusals)),
            asyncio.create_task(self._regularly(PRUNE_SECONDS, "forgetting old activity", self._prune)),
            asyncio.create_task(self._regularly(EXPIRY_SECONDS, "expiry of guests", self._expire)),
        ]
        if self._pool is not None:
            tasks.append(asyncio.create_task(self._regularly(pool.SECONDS, "sharing numbers", self._share)))
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            with contextlib.suppress(StoreError, TimeoutError):
                async with asyncio.timeout(END_SECONDS):
                    await self._refusals.flush(self._store)
                    await self._flush()
                    await self._seal()
            await self._site.close()
            with contextlib.suppress(OSError):  # the folder is the parent's, who may be gone
                await self._share()
            if self._throttle is not None:
                await self._throttle.close()
            if self._tracing is not None:
                await asyncio.to_thread(self._tracing.close)

    async def _regularly(self, seconds: float, name: str, work: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await work()
            except StoreError as error:
                log.warning("%s put off: %s", name, error)
            except Exception:
                log.exception("%s failed", name)
            await asyncio.sleep(seconds)

    async def _index(self) -> None:
        await index(self._store, self._pace)

    async def _flush(self) -> None:
        await self._authenticator.flush(self._store)

    async def _note_refusals(self) -> None:
        await self._refusals.flush(self._store)
        for org_id, count in list(self._refusals.written.items()):
            if count >= REFUSALS_BETWEEN:
                del self._refusals.written[org_id]
                await prune_requests_of(self._store, org_id)

    async def _share(self) -> None:
        if self._pool is not None:
            async with self._sharing:
                await asyncio.to_thread(self._pool.write, self._metrics.collect())

    async def _prune(self) -> None:
        await prune(self._store, int(time.time()) // activity.DAY)
        await prune_submissions(self._store)
        await prune_drafts(self._store)
        await prune_requests(self._store)

    async def _expire(self) -> None:
        if count := await expire_guests(self._store):
            log.info("%d guests have expired", count)

    async def _seal(self) -> None:
        began = time.time()
        self._metrics.sealed(await seal(self._store), began)


async def seal(store: Store) -> int:
    """Seal what the audit trail has unsealed, organisation by organisation, and leave webhooks word of it.

    Returns how many events.
    """
    async with store.read() as tx:
        pending = await audit.pending(tx)
    sealed = 0
    for org_id in pending:
        while count := await seal_some(store, org_id):
            sealed += count
    return sealed


async def index(store: Store, pace: indexing.Pace | None = None) -> None:
    """Let the index of people have all that is sealed, organisation by organisation."""
    async with store.read() as tx:
        found = await orgs.every(tx)
    behind = [org.id for org in found if not whole_org.is_unfinished(org)]
    while behind:  # in turn: a large one does not let the others wait
        behind = [org_id for org_id in behind if await indexing.advance(store, org_id, pace)]


async def prune(store: Store, today: int) -> int:
    """Forget who was here on days that no file is made of any more. Returns how many rows."""
    async with store.read() as tx:
        found = await orgs.every(tx)
    first, pruned = analytics.first_kept(today), 0
    for org in found:
        while (day := await _oldest_activity(store, org.id)) is not None and day < first:
            async with store.write() as tx:
                pruned += await activity.prune(tx, org.id, day)
    return pruned


async def prune_submissions(store: Store) -> int:
    """Forget forms that were taken more than a day ago. Returns how many."""
    async with store.read() as tx:
        found = await orgs.every(tx)
    pruned = 0
    for org in found:
        while count := await _prune_submissions_of(store, org):
            pruned += count
    return pruned


async def prune_drafts(store: Store) -> int:
    """Forget bulk changes that nobody confirmed, and whom they were about. Returns how many rows."""
    async with store.read() as tx:
        found = await orgs.every(tx)
    pruned = 0
    for org in found:
        while count := await _prune_drafts_of(store, org.id):
            pruned += count
    return pruned


async def prune_requests(store: Store) -> int:
    """Forget refused requests that are old, or more than are kept. Returns how many rows."""
    async with store.read() as tx:
        found = await orgs.every(tx)
    return sum([await prune_requests_of(store, org.id) for org in found])


async def prune_requests_of(store: Store, org_id: OrgId) -> int:
    """The same of one organisation, slice by slice: requests that write go on between them."""
    async with store.scan() as tx:
        end = await requests.stale(tx, org_id, time.time_ns() // 1000)
    if end is None:
        return 0
    pruned, count = 0, 1
    while count:
        async with store.write() as tx:
            count = await requests.prune(tx, org_id, end)
        pruned += count
    return pruned


async def expire_guests(store: Store) -> int:
    """Deactivate every guest whose time is up, each in a transaction of their own. Returns how many.

    Several processes may do so at once: each guest expires once.
    """
    async with store.read() as tx:
        found = await orgs.every(tx)
    expired = 0
    for org in found:
        while due := await _due(store, org):
            done = sum([await _expire_guest(store, org, user_id) for user_id in due])
            expired += done
            if not done:  # somebody else is at it
                break
    return expired


async def _due(store: Store, org: Org) -> list[UserId]:
    async with store.read() as tx:
        return await users.expired_guests(tx, org.id, int(time.time()), EXPIRED_AT_ONCE)


async def _expire_guest(store: Store, org: Org, user_id: UserId) -> bool:
    actor = org_actions.operator(org.id, Origin("expiry-of-guests", "rosterd"))
    async with store.write() as tx:
        return await guests.expire(tx, org, user_id, actor=actor)


async def _oldest_activity(store: Store, org_id: OrgId) -> int | None:
    async with store.read() as tx:
        return await activity.oldest(tx, org_id)


async def _prune_drafts_of(store: Store, org_id: OrgId) -> int:
    async with store.read() as tx:
        if not await bulk.has_stale(tx, org_id):
            return 0
    async with store.write() as tx:
        return await bulk.prune(tx, org_id)


async def _prune_submissions_of(store: Store, org: Org) -> int:
    async with store.read() as tx:
        if not await submissions.waiting(tx, org):
            return 0
    async with store.write() as tx:
        return await submissions.prune(tx, org)
