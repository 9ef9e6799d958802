"""Buckets and locks in a Valkey or Redis: one script decides over all that a request needs.

The time is that server's, so the clocks of the nodes do not matter. Every key ends by itself: a bucket when
it is full again, a lock `LOCK_SECONDS` after its holder was last heard of.

While the server does not answer, this process counts by itself, starting from what it saw last, and locks by
itself. Every `PROBE_SECONDS` one request tries the server again; the others are not held up. The outage is
logged at its beginning and at its end.

Requests that wait for one of this process's connections wait in a line of their own: that is no outage.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from valkey.asyncio import ConnectionPool, Valkey
from valkey.exceptions import ValkeyError

from rosterd.directory.model import OrgId
from rosterd.ratelimit.buckets import Decision, capacity
from rosterd.ratelimit.limits import Limit
from rosterd.web.throttle.asking import ADMITTED, LOCKED, SCHEMES, Ask, Headroom, Level, Verdict
from rosterd.web.throttle.memory import Memory

log = logging.getLogger("rosterd.throttle")

ANSWER_SECONDS = 0.5
"""How long the server may take to answer."""
PROBE_SECONDS = 1.0
LOCK_SECONDS = 10.0
_CONNECTIONS = 8
"""Enough to keep this process busy, and so few that no answer waits long for us to read it."""

_FAILURES = (ValkeyError, OSError, TimeoutError)

# KEYS: a bucket for each limit, then the lock if one is wanted. ARGV: the lock's token ('' for none), its
# milliseconds, then tokens a minute and units of a full bucket for each limit. Gives -1 if it is locked, else
# the microseconds to wait and the level of each bucket. The arithmetic is that of rosterd.ratelimit.buckets:
# whole numbers below 2^53, which Lua's numbers hold exactly.
_ADMIT = """
local TOKEN = 60000000
local token, limits = ARGV[1], #ARGV / 2 - 1
if token ~= '' and redis.call('EXISTS', KEYS[limits + 1]) == 1 then
  return {-1}
end
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local answer = {0}
for i = 1, limits do
  local rate, full = tonumber(ARGV[2 * i + 1]), tonumber(ARGV[2 * i + 2])
  local kept = redis.call('HMGET', KEYS[i], 'level', 'at')
  local level = full
  if kept[1] then
    level = math.min(full, tonumber(kept[1]) + math.max(0, now - tonumber(kept[2])) * rate)
  end
  answer[1] = math.max(answer[1], math.ceil((TOKEN - level) / rate))
  answer[i + 1] = level
end
if answer[1] > 0 then
  return answer
end
for i = 1, limits do
  local rate, full = tonumber(ARGV[2 * i + 1]), tonumber(ARGV[2 * i + 2])
  local level = answer[i + 1] - TOKEN
  answer[i + 1] = level
  redis.call('HSET', KEYS[i], 'level', string.format('%.0f', level), 'at', string.format('%.0f', now))
  redis.call('PEXPIRE', KEYS[i], math.ceil((full - level) / rate / 1000) + 1)
end
if token ~= '' then
  redis.call('SET', KEYS[limits + 1], token, 'PX', ARGV[2])
end
return answer
"""

# KEYS: the lock. ARGV: the token of whoever holds it; to renew it, its milliseconds.
_IF_MINE = "if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end "
_RELEASE = _IF_MINE + "return redis.call('DEL', KEYS[1])"
_RENEW = _IF_MINE + "return redis.call('PEXPIRE', KEYS[1], ARGV[2])"


class Shared:
    """``url``: ``valkey://[[USER]:PASSWORD@]HOST[:PORT][/NUMBER]``, ``valkeys://`` with TLS; or ``redis``."""

    def __init__(self, url: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._server = _named(url)
        scheme, _, rest = url.partition("://")
        pool = ConnectionPool.from_url(
            f"{SCHEMES[scheme]}://{rest}",
            max_connections=_CONNECTIONS,
            socket_timeout=ANSWER_SECONDS,
            socket_connect_timeout=ANSWER_SECONDS,
        )
        _check_options(pool)
        self._client = Valkey.from_pool(pool)
        self._admit = self._client.register_script(_ADMIT)
        self._let_go = self._client.register_script(_RELEASE)
        self._renew = self._client.register_script(_RENEW)
        self._turns = asyncio.Semaphore(_CONNECTIONS)
        self._local = Memory()
        self._clock = clock
        self._probe_at: float | None = None  # set while the server is away

    async def ask(self, ask: Ask) -> Verdict:
        """See `Place.ask`."""
        async with self._turns:  # whose turn comes during an outage is not held up by it
            if self._is_worth_trying():
                try:
                    verdict = await self._ask_server(ask)
                except _FAILURES as error:
                    self._failed(error)
                else:
                    self._answered()
                    return verdict
        return await self._local.ask(ask)

    def levels(self, org: OrgId) -> Iterable[Level]:
        """See `Place.levels`."""
        return self._local.levels(org)

    def headroom(self) -> Iterable[Headroom]:
        """See `Place.headroom`."""
        return self._local.headroom()

    async def close(self) -> None:
        """Close the connections."""
        with contextlib.suppress(*_FAILURES):
            await self._client.aclose(close_connection_pool=True)

    async def _ask_server(self, ask: Ask) -> Verdict:
        keys = [_key(ask, name) for _, name in ask.keys]
        token = ""
        if ask.resource is not None:
            token = secrets.token_hex(8)
            keys.append(_key(ask, f"lock:{ask.resource}"))
        numbers = [number for limit in ask.limits for number in _numbers(limit)]
        wait, *levels = await self._admit(keys, [token, _milliseconds(LOCK_SECONDS), *numbers])
        if wait < 0:
            return LOCKED
        self._local.note(ask, levels)
        if wait > 0:
            return Verdict(Decision(wait, ()).retry_after)
        return self._holding(keys[-1], token) if token else ADMITTED

    def _holding(self, lock: str, token: str) -> Verdict:
        renewing = asyncio.get_running_loop().create_task(self._renewing(lock, token))
        return Verdict(release=partial(self._release, lock, token, renewing))

    async def _renewing(self, lock: str, token: str) -> None:
        """A slow request keeps its lock; one whose process has died loses it soon."""
        while True:
            await asyncio.sleep(LOCK_SECONDS / 3)
            await self._try(self._renew, lock, token, _milliseconds(LOCK_SECONDS))

    async def _release(self, lock: str, token: str, renewing: asyncio.Task[None]) -> None:
        renewing.cancel()
        await self._try(self._let_go, lock, token)

    async def _try(self, script: Any, lock: str, *arguments: str | int) -> None:
        async with self._turns:
            if self._probe_at is not None:  # the key ends by itself, and whoever waits here is not held up
                return
            try:
                await script([lock], arguments)
            except _FAILURES as error:
                self._failed(error)

    def _is_worth_trying(self) -> bool:
        """While the server is away, one request in a while is; the next is that much later."""
        if self._probe_at is None:
            return True
        if self._clock() < self._probe_at:
            return False
        self._probe_at = self._clock() + PROBE_SECONDS
        return True

    def _failed(self, error: BaseException) -> None:
        if self._probe_at is None:
            reason = str(error) or type(error).__name__
            log.warning("%s does not answer, this process counts limits by itself: %s", self._server, reason)
        self._probe_at = self._clock() + PROBE_SECONDS

    def _answered(self) -> None:
        if self._probe_at is not None:
            self._probe_at = None
            log.warning("%s answers again, limits are shared again", self._server)


def _check_options(pool: ConnectionPool) -> None:
    """Raises `ValueError` for options behind the ? of the URL that no connection knows."""
    try:
        pool.connection_class(**pool.connection_kwargs)
    except TypeError as error:
        raise ValueError(f"one of its options is unknown: {error}") from error


def _named(url: str) -> str:
    """The server of a URL without its password. Raises `ValueError` for a URL of another kind.

    >>> _named("valkey://:secret@db:6379/0")
    'valkey://db:6379'
    """
    parts = urlsplit(url)
    if parts.scheme not in SCHEMES or not parts.hostname:
        known = ", ".join(f"{scheme}://" for scheme in SCHEMES)
        raise ValueError(f"it must begin with one of {known} and name a host")
    return f"{parts.scheme}://{parts.hostname}:{parts.port or 6379}"


def _key(ask: Ask, name: str) -> str:
    # In braces: a cluster keeps the keys of one organisation together, as a script wants them.
    return f"rosterd:{{{ask.org}}}:{name}"


def _numbers(limit: Limit) -> tuple[int, int]:
    return limit.per_minute, capacity(limit)


def _milliseconds(seconds: float) -> int:
    return int(seconds * 1_000)
