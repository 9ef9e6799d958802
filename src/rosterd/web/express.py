"""What connectors ask most, without ceremony: one user by id, or by a filter for equality.

Such a request comes again and again on one connection, with the same head but for its first line. So the
head is read once, by the ordinary way; whoever repeats it is answered from the bytes of that line, without
a task, a scope and a request of their own.

Rules of this module:

1. Only what the ordinary way would answer 200 is answered here. Whatever else comes out (a refusal, a
   limit, no such user, a guest, whose channels are another statement, a failure) is left to the ordinary
   way, and nothing was spent or noted for it.
2. What decides is what decides there: the same token check, limits, statements, cards and numbers.
3. Nothing of a request is remembered but who asked, as the hash of their token.

Source: RFC 7644 §3.4.1, §3.4.2.2; the filters are those of Okta, Entra and the SDKs.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Iterator, Sequence
from functools import lru_cache
from time import perf_counter_ns
from typing import NamedTuple

import msgspec

from rosterd.directory.errors import DirectoryError
from rosterd.directory.model import OrgId
from rosterd.provisioning import cards, filters
from rosterd.scim.dialect import Dialect
from rosterd.scim.listing import Page, envelope
from rosterd.store import users
from rosterd.store.doors import tokens
from rosterd.store.doors.tokens import Grant
from rosterd.store.engine import Row, StoreError
from rosterd.web.errors import HttpError
from rosterd.web.metrics import Metrics
from rosterd.web.reply import CONTENT_TYPE
from rosterd.web.request import Request
from rosterd.web.scim import VERSIONS, Scim

log = logging.getLogger("rosterd.web")

_ASKED = re.compile(
    rb"GET /scim/(v[12])/Users"
    rb"(?:/([A-Za-z0-9]+)"
    rb"|\?filter=([A-Za-z.]+)(?:%20|\+)eq(?:%20|\+)(?:%22|\")((?:[A-Za-z0-9._@-]|%40|%2B)+)(?:%22|\")"
    rb"(?:&startIndex=1)?(?:&count=[1-9][0-9]{0,2})?)"
    rb" HTTP/1\.1"
)
_FIELDS = {name: field for name, field in filters.USER_FIELDS.items() if field.field in users.CARD_BY}
_SHAPES = {False: ("Users", "*"), True: ("Users",)}  # by whether it is a list
_ROUTES = {(v, is_list): ("scim", v, *shape) for v in VERSIONS for is_list, shape in _SHAPES.items()}

_HEAD = b"content-type: %b\r\ncontent-length: %%d\r\nx-request-id: %%b\r\n\r\n" % CONTENT_TYPE
_REFUSALS = (HttpError, DirectoryError, StoreError)


class Asker:
    """Who repeats a head: the hash of their token and their address. Without a known organisation nobody."""

    __slots__ = ("hashed", "ip", "org")

    def __init__(self, hashed: str, ip: str | None) -> None:
        self.hashed = hashed
        self.ip = ip
        self.org: OrgId | None = None

    def belongs(self, rows: Sequence[Row]) -> None:
        """To the organisation of the token, by rows of `tokens.AUTHENTICATE`: a token never has another."""
        grant = tokens.grant(rows)
        self.org = None if grant is None else grant.org.id

    def belongs_soon(self, rows: asyncio.Future[Sequence[Row]]) -> None:
        """The same when they have come; if they have not, the ordinary way tells why."""
        if not rows.cancelled() and rows.exception() is None:
            self.belongs(rows.result())


class _Wanted(NamedTuple):
    """Which user, how found, and whether as a list."""

    version: str
    field: str
    value: str
    is_list: bool


class Express:
    """Answers as :class:`~rosterd.web.endpoint.Endpoint` does; ``ids`` are for requests."""

    def __init__(self, scim: Scim, metrics: Metrics, ids: Iterator[str]) -> None:
        self._scim = scim
        self._store = scim.store
        self._authenticator = scim.authenticator
        self._metrics = metrics
        self._ids = ids

    def asker(self, request: Request) -> Asker:
        """Whoever sends the head of this request, now or soon with their organisation."""
        try:
            asker = Asker(self._authenticator.hash_of(request), request.client_ip)
            rows = self._store.ask(tokens.AUTHENTICATE, asker.hashed)
        except (HttpError, StoreError):
            return Asker("", None)
        if isinstance(rows, asyncio.Future):
            rows.add_done_callback(asker.belongs_soon)
        else:
            asker.belongs(rows)
        return asker

    def answer(self, line: bytes, asker: Asker) -> bytes | Awaitable[bytes | None] | None:
        """A 200 for this request line, from its first own header on; None: the ordinary way has to answer.

        At once where the store answers at once, else when it does.
        """
        wanted = _wanted(line)
        if wanted is None or asker.org is None:
            return None
        began = perf_counter_ns()
        try:
            rows = self._store.ask(users.CARD_BY[wanted.field], asker.org, wanted.value)
            if isinstance(rows, asyncio.Future):
                return self._later(wanted, asker, rows, began)
            return self._answer(wanted, asker, self._grant(asker), rows, began)
        except _REFUSALS:
            return None
        except Exception:
            log.exception("left to the ordinary way")
            return None

    def _grant(self, asker: Asker) -> Grant | None:
        """What the token stands for, where the store answers at once."""
        grant = self._authenticator.remembered(self._store, asker.hashed)
        if grant is not None:
            return grant
        rows = self._store.ask(tokens.AUTHENTICATE, asker.hashed)
        assert not isinstance(rows, asyncio.Future)
        return self._authenticator.remember(asker.hashed, tokens.grant(rows))

    async def _later(
        self, wanted: _Wanted, asker: Asker, found: Awaitable[Sequence[Row]], began: int
    ) -> bytes | None:
        """The same where the store takes its time: who asks is looked up beside what is asked."""
        self._metrics.in_flight += 1
        try:
            token = self._store.ask(tokens.AUTHENTICATE, asker.hashed)
            assert isinstance(token, asyncio.Future)
            rows, of_token = await asyncio.gather(found, token)
            return self._answer(wanted, asker, tokens.grant(of_token), rows, began)
        except _REFUSALS:
            return None
        except Exception:
            log.exception("left to the ordinary way")
            return None
        finally:
            self._metrics.in_flight -= 1

    def _answer(
        self, wanted: _Wanted, asker: Asker, grant: Grant | None, rows: Sequence[Row], began: int
    ) -> bytes | None:
        """The answer with what was found, counted. Raises what the token check does."""
        org = self._authenticator.admitted(grant, asker.hashed, asker.ip).org
        card = users.card_of(rows)
        if card is None and not wanted.is_list:
            return None
        if card is not None and (not cards.is_current(card.text) or cards.shows_channels(card.text)):
            return None
        if not self._scim.admits(org, _SHAPES[wanted.is_list]):
            return None
        dialect = VERSIONS[wanted.version]
        body = b"" if card is None else cards.fill(card.text, card.groups, dialect, self._scim.site(org))
        if wanted.is_list:
            before, after = _around(dialect, int(card is not None))
            body = before + body + after
        head = _HEAD % (len(body), next(self._ids).encode())
        route = _ROUTES[wanted.version, wanted.is_list]
        self._metrics.observe(route, "GET", 200, perf_counter_ns() - began)
        return head + body


def _wanted(line: bytes) -> _Wanted | None:
    """What a request line asks for, if it is one of ours.

    >>> _wanted(b"GET /scim/v1/Users/W1 HTTP/1.1")
    _Wanted(version='v1', field='id', value='W1', is_list=False)
    >>> _wanted(b"GET /scim/v2/Users?filter=userName+eq+%22Ann%22&startIndex=1&count=100 HTTP/1.1")
    _Wanted(version='v2', field='username', value='ann', is_list=True)
    >>> _wanted(b"GET /scim/v2/Users?filter=title+eq+%22Ann%22 HTTP/1.1") is None
    True
    """
    found = _ASKED.fullmatch(line)
    if found is None:
        return None
    version, id, name, value = found.groups()
    if id is not None:
        return _Wanted(version.decode(), "id", id.decode(), False)
    field = _FIELDS.get(name.decode().lower())
    if field is None:
        return None
    text = value.decode().replace("%40", "@").replace("%2B", "+")
    return _Wanted(version.decode(), field.field, str(field.value(text)), True)


@lru_cache
def _around(dialect: Dialect, total: int) -> tuple[bytes, bytes]:
    """What stands before and after the one user of a list; of nobody, all of it before.

    >>> from rosterd.scim.dialect import V2
    >>> before, after = _around(V2, 1)
    >>> before[-13:], after[:1], _around(V2, 0)[1]
    (b'"Resources":[', b']', b'')
    """
    whole = msgspec.json.encode(envelope(dialect, [None] * total, total, Page()))
    before, _, after = whole.partition(b"null")
    return before, after
