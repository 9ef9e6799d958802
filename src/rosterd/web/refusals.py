"""What was refused, for the provisioning log: kept in memory for a moment, then written together.

Rules of this module:

1. A request with a token that is known, whether it counts or not, and that ends in an error is one refusal. A
   token that nobody knows belongs to no organisation. Outside of what programs are served, where no token is
   asked for, only one that counts for SCIM is looked at.
2. The path of a request gains nothing but an append. Whatever succeeds never comes here.
3. What is repeated by the minute (a token that does not count, a limit that is reached, an address that is
   none) is one row that says how often.
4. Memory is bounded: of each organisation the oldest give way, and how many they were is a row, too.
5. The text is what the client was told, with the reason that the server's log has, without secrets. Of a path
   there is its pattern, and the id in it.
"""

from __future__ import annotations

import logging
import re
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec

from rosterd.directory.errors import DirectoryError
from rosterd.directory.model import OrgId
from rosterd.store.engine import Conflict, Store
from rosterd.store.records import requests
from rosterd.store.records.requests import More, Refusal
from rosterd.store.uuids import Growing, moment
from rosterd.web.metrics import template
from rosterd.web.redaction import redacted
from rosterd.web.reply import Reply
from rosterd.web.request import Request

MOST_WAITING = 2_000
"""Refusals of one organisation that wait to be written."""

LONGEST = 500
"""Characters of what a client was told."""

SAMPLE_SECONDS = 60

OVERFLOW = "more_refused"
"""The code of a row for refusals that gave way."""

REPEATED = frozenset(
    {
        # SCIM and audit
        "invalid_authentication", "missing_authentication", "rate_limited", "resource_locked",
        "too_many_requests",
        # a base URL that is wrong
        "bad_endpoint", "unsupported_version",
        # Web API
        "account_inactive", "invalid_auth", "ratelimited", "token_expired", "token_revoked",
    }
)  # fmt: skip
"""What is repeated by the minute."""

_ID = re.compile(r"[A-Za-z0-9]{1,32}")
_ABOUT = {("Users", "*"), ("Groups", "*")}
_NAMING = ("user", "user_id", "usergroup", "usergroup_id", "group_id")
"""Arguments of methods that name a person or a group: what comes first counts."""

log = logging.getLogger("rosterd.web")


@dataclass(slots=True)
class _Waiting:
    """What there is to write for one organisation."""

    rows: deque[Refusal] = field(default_factory=deque)
    more: dict[str, int] = field(default_factory=dict)  # id of a row → how often beside the first time
    dropped: Refusal | None = None  # the newest that gave way
    lost: int = 0  # how many did


_Sample = tuple[OrgId, str, str]
"""An organisation, a token, a code."""


class Refusals:
    """The refusals of one process. ``clock``: microseconds since the epoch."""

    def __init__(self, clock: Callable[[], int] = lambda: time.time_ns() // 1000) -> None:
        self._clock = clock
        self._ids = Growing()
        self._waiting: dict[OrgId, _Waiting] = {}
        self._samples: dict[_Sample, str] = {}  # → id of the row of this minute
        self.written: dict[OrgId, int] = {}
        """How many rows each organisation got since somebody last took it out of here."""

    def note(self, request: Request, reply: Reply, error: Exception) -> None:
        """A request was refused with this reply."""
        told = said(reply, getattr(error, "reason", ""))
        if request.presented is None or told is None:
            return
        (code, detail), token, now = told, request.presented.token, self._clock()
        waiting = self._waiting.setdefault(token.org_id, _Waiting())
        sample = token.org_id, token.id, code
        if code in REPEATED and self._again(waiting, sample, now):
            return
        origin = request.origin
        row = Refusal(
            token.org_id, self._ids.following(now), request.id, request.method[:16], template(request.route),
            target_of(request, error), reply.status, code, detail, token.id, token.user_id,
            redacted(origin.client), origin.ip_address,
        )  # fmt: skip
        waiting.rows.append(row)
        if code in REPEATED:
            self._samples[sample] = row.id
        self._bound(waiting)

    def _again(self, waiting: _Waiting, sample: _Sample, now: int) -> bool:
        """Whether a row of this minute stands for it."""
        id = self._samples.get(sample)
        if id is None or now // 1000 - moment(id) >= SAMPLE_SECONDS * 1000:
            return False
        waiting.more[id] = waiting.more.get(id, 0) + 1
        return True

    def _bound(self, waiting: _Waiting) -> None:
        while len(waiting.rows) > MOST_WAITING:
            row = waiting.dropped = waiting.rows.popleft()
            waiting.lost += row.times + waiting.more.pop(row.id, 0)
            self._samples.pop((row.org_id, row.token_id, row.code), None)

    async def flush(self, store: Store) -> None:
        """Write down what waits. Raises `StoreError`: then what was not written goes on waiting."""
        for org in list(self._waiting):
            waiting = self._waiting.pop(org)
            rows = [*waiting.rows, *self._lost(waiting)]
            more = [More(org, id, times) for id, times in sorted(waiting.more.items())]
            try:
                async with store.write() as tx:
                    await requests.note(tx, rows, more)
            except Conflict as error:
                log.error("%d refusals of %s are lost: %s", len(rows), org, error)
            except BaseException:
                self._put_back(org, waiting)
                raise
            self.written[org] = self.written.get(org, 0) + len(rows)
        now = self._clock() // 1000
        self._samples = {
            key: id for key, id in self._samples.items() if now - moment(id) < SAMPLE_SECONDS * 1000
        }

    def _lost(self, waiting: _Waiting) -> Iterator[Refusal]:
        """The row that stands for those that gave way."""
        if waiting.dropped is not None:
            yield msgspec.structs.replace(
                waiting.dropped, id=self._ids.following(self._clock()), target_id="", code=OVERFLOW,
                detail=OVERFLOW, times=waiting.lost,
            )  # fmt: skip

    def _put_back(self, org: OrgId, waiting: _Waiting) -> None:
        since = self._waiting.pop(org, None)
        if since is not None:
            waiting.rows.extend(since.rows)
            waiting.dropped, waiting.lost = since.dropped or waiting.dropped, waiting.lost + since.lost
            for id, times in since.more.items():
                waiting.more[id] = waiting.more.get(id, 0) + times
        self._waiting[org] = waiting
        self._bound(waiting)


def said(reply: Reply, reason: str = "") -> tuple[str, str] | None:
    """The code of an error and all that the client was told, and why; None: it was no error.

    >>> said(Reply(409, {"Errors": {"description": "email_taken (user=ann)", "code": 409}}))
    ('email_taken', 'email_taken (user=ann)')
    >>> said(Reply(400, {"detail": "invalid_query", "status": "400"}, {"X-Rosterd-Reason": "no operator"}))
    ('invalid_query', 'invalid_query: no operator')
    >>> said(Reply(200, {"ok": False, "error": "missing_scope", "needed": "admin", "provided": "users:read"}))
    ('missing_scope', 'missing_scope (needed=admin, provided=users:read)')
    >>> said(Reply(200, {"ok": True})) is None
    True
    """
    body: Any = reply.body
    if not isinstance(body, dict):
        return None
    if body.get("ok") is False:
        text = str(body.get("error", ""))
        code, beside = text, _beside(body)
        text += f" ({beside})" if beside else ""
    elif reply.status >= 400:
        errors = body.get("Errors")
        text = str(errors.get("description", "") if isinstance(errors, dict) else body.get("detail", ""))
        code = text.partition(" ")[0]
    else:
        return None
    if reason := reply.headers.get("X-Rosterd-Reason") or reason:
        text += f": {reason}"
    return code[:100], redacted(text.replace("\0", "\ufffd"))[:LONGEST]


def _beside(body: dict[str, Any]) -> str:
    messages = body.get("response_metadata", {}).get("messages", ())
    shown = [str(message).removeprefix("[ERROR] ") for message in messages]
    shown += [f"{name}={body[name]}" for name in ("needed", "provided") if body.get(name)]
    return ", ".join(shown)


def target_of(request: Request, error: Exception) -> str:
    """Whom or what a request was about, by id; empty: nobody in particular.

    It is in the path or, of a method, in an argument; else whoever stands in the way of it.
    """
    named = ""
    if request.route[2:] in _ABOUT and request.segments:
        named = request.segments[-1]
    elif request.arguments:
        given = (request.arguments.get(name) for name in _NAMING)
        named = next((value for value in given if isinstance(value, str)), "")
    if not named and isinstance(error, DirectoryError):
        named = error.data.get("existing_user", "")
    return named if _ID.fullmatch(named) else ""
