"""Cookies: who is signed in, and what a sign-in in progress has to remember.

The session's cookie holds a random secret, and the server its keyed hash. What is remembered of a sign-in in
progress is not stored: it travels in a cookie, signed and soon out of date.

Source: RFC 6265bis, §4.1.3 (``__Host-``); OpenID Connect Core 1.0 §3.1.2.1 (state, nonce); RFC 7636.
"""

from __future__ import annotations

import hmac
import logging
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode

import msgspec

from rosterd.actions.doors.apps import hash_of
from rosterd.dashboard.pages import Visit
from rosterd.directory import signin as rules
from rosterd.directory.model import Actor, Org, OrgId
from rosterd.store.doors import sessions
from rosterd.store.doors.sessions import Seat
from rosterd.store.engine import Store, StoreError, Tx

log = logging.getLogger("rosterd.dashboard")

FLOW_SECONDS = 15 * 60
"""How long somebody may take at their identity provider, or to find our mail."""

NOTICE_SECONDS = 60
KEPT_SECONDS = 2 * rules.LIFETIME_SECONDS
"""A browser keeps the secret of a session beyond its end, to be known by when its person signs in again."""

MOST_NOTICE = 500
"""Characters of what the next page says."""

TOUCH_SECONDS = 10 * 60
"""How exactly it is noted when a session was last used."""


class Flow(msgspec.Struct, frozen=True):
    """A sign-in in progress. Without a ``state`` nobody has been sent to a provider."""

    org_id: OrgId
    next: str  # a path of ours
    expires: int  # seconds
    state: str = ""
    nonce: str = ""
    verifier: str = ""
    again: bool = False  # the provider was told to ask again who it is


class Cookies:
    """The cookies of one server, reached under ``base_url``."""

    def __init__(self, key: bytes, base_url: str) -> None:
        self._key = key
        self._signing = hmac.digest(key, b"rosterd: cookies of a sign-in in progress", "sha256")
        secure = base_url.startswith("https://")
        prefix = "__Host-" if secure else ""
        self._session = f"{prefix}rosterd"
        self._flow = f"{prefix}rosterd-flow"
        self._notice = f"{prefix}rosterd-notice"
        self._attributes = f"Path=/; HttpOnly; SameSite=Lax{'; Secure' if secure else ''}"

    def session(self, secret: str) -> str:
        """Set-Cookie of somebody who has signed in."""
        return self._set(self._session, secret, KEPT_SECONDS)

    def no_session(self) -> str:
        return self._set(self._session, "", 0)

    def flow(self, flow: Flow) -> str:
        """Set-Cookie of a sign-in in progress."""
        return self._set(self._flow, self._signed(self._flow, msgspec.json.encode(flow)), FLOW_SECONDS)

    def no_flow(self) -> str:
        return self._set(self._flow, "", 0)

    def flow_of(self, visit: Visit) -> Flow | None:
        """The sign-in in progress in this browser, if we began it and it is not too old."""
        body = self._opened(visit, self._flow)
        if body is None:
            return None
        flow = msgspec.json.decode(body, type=Flow)
        return flow if time.time() < flow.expires else None

    def notice(self, text: str) -> str:
        """Set-Cookie of what the next page is to say."""
        return self._set(
            self._notice, self._signed(self._notice, text[:MOST_NOTICE].encode()), NOTICE_SECONDS
        )

    def no_notice(self) -> str:
        return self._set(self._notice, "", 0)

    def notice_of(self, visit: Visit) -> str:
        """What this page is to say; empty: nothing."""
        body = self._opened(visit, self._notice)
        return "" if body is None else body.decode()

    def has(self, visit: Visit) -> bool:
        """Whether this browser has a session of ours; it may have ended since."""
        return bool(self._value(visit, self._session))

    async def seat(self, visit: Visit, tx: Tx) -> Seat | None:
        """Who is signed in with this browser now."""
        return _counting(await self._last(visit, tx))

    async def seat_since(self, visit: Visit, tx: Tx) -> Seat | None:
        """The same of a visit that goes on, also if its person has signed in anew: that ended the former."""
        last = await self._last(visit, tx)
        if last is None or last.session.ended is None:
            return _counting(last)
        for session in await sessions.of_user(tx, last.org.id, last.user.id):
            if session.created // 1_000_000 >= last.session.ended:
                return _counting(msgspec.structs.replace(last, session=session))
        return None

    async def org(self, visit: Visit, tx: Tx) -> Org | None:
        """Where whoever has this browser is, or was last, signed in."""
        seat = await self._last(visit, tx)
        return None if seat is None else seat.org

    async def _last(self, visit: Visit, tx: Tx) -> Seat | None:
        secret = self._value(visit, self._session)
        return await sessions.find(tx, hash_of(secret, self._key)) if 0 < len(secret) <= 100 else None

    def _set(self, name: str, value: str, seconds: int) -> str:
        return f"{name}={value}; Max-Age={seconds}; {self._attributes}"

    def _value(self, visit: Visit, name: str) -> str:
        for part in (visit.header(b"cookie") or "").split(";"):
            given, _, value = part.strip().partition("=")
            if given == name:
                return value
        return ""

    def _signed(self, name: str, content: bytes) -> str:
        body = urlsafe_b64encode(content).decode()
        return f"{body}.{self._signature(name, body)}"

    def _opened(self, visit: Visit, name: str) -> bytes | None:
        """What we signed for the cookie of this name; None: there is nothing of ours."""
        body, _, signature = self._value(visit, name).partition(".")
        if not hmac.compare_digest(signature.encode(), self._signature(name, body).encode()):
            return None
        return urlsafe_b64decode(body)

    def _signature(self, name: str, body: str) -> str:
        return hmac.digest(self._signing, f"{name}={body}".encode(), "sha256").hex()


def _counting(seat: Seat | None) -> Seat | None:
    """A seat as found, if it counts now."""
    if seat is None or seat.user.deactivated:
        return None
    return seat if rules.is_open(seat.session, seat.user.role, int(time.time())) else None


async def note_use(store: Store, seat: Seat) -> None:
    """Note that a session is used: now and then, not with every page. A page is shown without that, too."""
    now = int(time.time())
    if now - seat.session.last_used >= TOUCH_SECONDS:
        try:
            async with store.write() as tx:
                await sessions.touch(tx, seat.org.id, seat.session.id, now)
        except StoreError as error:
            log.warning("the use of a session was not noted: %s", error)


def actor_of(seat: Seat, visit: Visit) -> Actor:
    """Whoever is signed in, as the one who acts."""
    return Actor(seat.org.id, seat.user.id, seat.user.role, visit.origin)
