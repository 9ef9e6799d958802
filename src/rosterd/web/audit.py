"""The Audit Logs API: ``/audit/v1/schemas`` and ``actions`` for anybody, ``logs`` for an owner's token.

An answer has no ``ok``; an error is ``{"ok": false, "error": …}`` under a status that says the same.

Source: Slack's page *Audit Logs API methods & actions*, headings *Endpoints*, *Filters*, *Errors*; that
errors come with statuses, heading *Audit Logs API methods & actions* (*standard HTTP status codes*).
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any

from rosterd.directory import access
from rosterd.directory import trail as vocabulary
from rosterd.directory.model import Org, Plan, Role
from rosterd.store.doors.tokens import Grant
from rosterd.store.engine import Store, StoreUnavailable
from rosterd.store.records import trail
from rosterd.web.auth import Authenticator, comes_from, ended
from rosterd.web.entries import SCHEMAS, entry
from rosterd.web.errors import RETRY_AFTER, HttpError
from rosterd.web.reply import Reply
from rosterd.web.request import Request
from rosterd.web.throttle.gate import Throttle

log = logging.getLogger("rosterd.web")

SCOPE = "auditlogs:read"
MOST = 9_999
"""Entries in one answer."""
DEFAULT = 100
MOST_ACTIONS = 30
_CHALLENGE = {"WWW-Authenticate": "Bearer"}

_PUBLIC: Mapping[str, Any] = {
    "schemas": {"schemas": list(SCHEMAS)},
    "actions": {"actions": {name: list(actions) for name, actions in vocabulary.CATEGORIES.items()}},
}

_STATUS: Mapping[str, int] = {
    "invalid_authentication": 401,
    "missing_authentication": 401,
    "feature_not_enabled": 403,
    "team_not_authorized": 403,
    "user_not_authorized": 403,
    "bad_endpoint": 404,
    "method_not_allowed": 405,
    "rate_limited": 429,
    "internal_error": 500,
    "service_unavailable": 503,
}
"""Every code that is not a 400."""

_WORDS: Mapping[str, str] = {"too_many_requests": "rate_limited", "invalid_query": "invalid_range"}
"""Codes of the edge that are others here."""


class AuditError(Exception):
    """A code of Slack's list, and headers that belong to the answer. ``reason`` is for the log alone."""

    def __init__(self, code: str, headers: Mapping[str, str] | None = None, *, reason: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.headers = headers or {}
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.code}: {self.reason}" if self.reason else self.code


class Audit:
    """The service over one store."""

    def __init__(self, store: Store, authenticator: Authenticator, throttle: Throttle | None = None) -> None:
        self._store = store
        self._authenticator = authenticator
        self._throttle = throttle

    def refused(self, error: Exception, request: Request) -> Reply:
        """See `rosterd.web.endpoint.Service`."""
        match error:
            case AuditError() | HttpError():
                return _refusal(_WORDS.get(error.code, error.code), error.headers)
            case StoreUnavailable():
                log.error("request %s: store unavailable: %s", request.id, error, extra=_extra(request))
                return _refusal("service_unavailable", {"Retry-After": RETRY_AFTER})
            case _:
                log.error("request %s failed", request.id, exc_info=error, extra=_extra(request))
                return _refusal("internal_error")

    async def answer(self, request: Request) -> Reply:
        """The answer to a request below ``/audit``. Raises `AuditError` and `HttpError`."""
        segments = request.segments or ()
        name = segments[2] if len(segments) == 3 and segments[1] == "v1" else ""
        if name != "logs" and name not in _PUBLIC:
            raise AuditError("bad_endpoint")
        request.route = segments
        if request.method != "GET":
            raise AuditError("method_not_allowed", {"Allow": "GET"})
        if name in _PUBLIC:
            return Reply(200, _PUBLIC[name])
        request.grant = grant = await self._grant(request)
        if self._throttle is None:
            return await self._logs(request, grant)
        async with self._throttle.admit_to(grant.org, {"audit": "audit"}):
            return await self._logs(request, grant)

    async def _grant(self, request: Request) -> Grant:
        """What the token stands for. Raises ``missing_authentication`` and ``invalid_authentication``."""
        hashed = self._authenticator.hash_of(request)
        grant = request.presented = await self._authenticator.look_up(self._store, hashed)
        if grant is None:
            raise _invalid("no such token")
        reason = ended(grant, int(time.time()))
        if reason is None and SCOPE not in grant.token.scopes:
            reason = f"lacks the scope {SCOPE}"
        if reason is None and not comes_from(grant.token.allow_ips, request.client_ip):
            reason = f"may not be used from {request.client_ip}"
        if reason is not None:
            raise _invalid(f"token {grant.token.id} {reason}")
        self._authenticator.note_use(hashed)
        return grant

    async def _logs(self, request: Request, grant: Grant) -> Reply:
        org = grant.org
        if org.plan is not Plan.ENTERPRISE:
            raise AuditError("feature_not_enabled")
        if grant.token.team_id is not None:
            raise AuditError("team_not_authorized")
        if access.RANK[grant.owner_role] < access.RANK[Role.OWNER]:
            raise AuditError("user_not_authorized")
        params = request.params
        wanted, limit, before = _wanted(params), _limit(params.get("limit")), _before(params.get("cursor"))
        async with self._store.scan() as tx:
            page = await trail.page(tx, org.id, wanted, before=before, limit=limit)
            names = await trail.names(tx, org.id, page.records)
        return await asyncio.to_thread(_reply, page, names, org)


def _reply(page: trail.Page, names: trail.Names, org: Org) -> Reply:
    entries = [entry(record, names, org) for record in page.records]
    metadata = {"next_cursor": "" if page.end is None else cursor(page.end)}
    return Reply(200, Reply(200, {"entries": entries, "response_metadata": metadata}).content())


def _refusal(code: str, headers: Mapping[str, str] | None = None) -> Reply:
    return Reply(_STATUS.get(code, 400), {"ok": False, "error": code}, dict(headers or {}))


def _extra(request: Request) -> dict[str, str]:
    return {"request_id": request.id}


def _invalid(reason: str) -> AuditError:
    return AuditError("invalid_authentication", _CHALLENGE, reason=reason)


def _wanted(params: Mapping[str, str]) -> trail.Wanted:
    """What the filters ask for. An empty one asks for nothing."""
    oldest, latest = _seconds(params.get("oldest")), _seconds(params.get("latest"))
    if oldest is not None and latest is not None and oldest > latest:
        raise AuditError("invalid_range")
    actor, entity = params.get("actor") or None, params.get("entity") or None
    actions = _actions(params.get("action") or "")
    if "\0" in f"{actor}{entity}":  # no id holds one, and PostgreSQL refuses it
        actions, actor, entity = (), None, None
    return trail.Wanted(actions, actor, entity, oldest, latest)


def _actions(text: str) -> tuple[str, ...]:
    """The actions of the trail that a list of names asks for. Raises ``invalid_action``."""
    if not text:
        return vocabulary.EVERYTHING
    found = [vocabulary.stored(name.strip()) for name in text.split(",", MOST_ACTIONS)]
    if len(found) > MOST_ACTIONS or not all(found):
        raise AuditError("invalid_action")
    return tuple({action: None for actions in found for action in actions})


def _seconds(text: str | None) -> int | None:
    """A time in seconds, as in Slack's examples; also with a fraction, which does not count."""
    if not text:
        return None
    if not re.fullmatch(r"[0-9]{1,12}(\.[0-9]{1,9})?", text):
        raise AuditError("invalid_range")
    return int(text.partition(".")[0])


def _limit(text: str | None) -> int:
    if not text:
        return DEFAULT
    if not re.fullmatch(r"[0-9]{1,12}", text) or int(text) == 0:
        raise AuditError("invalid_range")
    return min(int(text), MOST)


def cursor(id: str) -> str:
    """The cursor of a page that begins behind the event of this id, in the form of Slack's.

    >>> _before(cursor("019ab697-e87b-7000-8000-000000000000"))
    '019ab697-e87b-7000-8000-000000000000'
    """
    return b64encode(f"event:{id}".encode()).decode()


_CURSOR = re.compile(r"event:([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")


def _before(text: str | None) -> str | None:
    """Behind which event the page begins. Raises ``invalid_cursor``."""
    if not text:
        return None
    try:
        found = _CURSOR.fullmatch(b64decode(text, validate=True).decode("ascii"))
    except ValueError:
        found = None
    if found is None:
        raise AuditError("invalid_cursor")
    return found[1]
