"""Whether a token counts for the Web API, and in which words it does not.

Source: the table *Errors* on every method's page: ``not_authed``, ``invalid_auth``, ``token_revoked`` and
``account_inactive`` (that of a user token and of a bot's, when its owner is gone), ``token_expired``.
"""

from __future__ import annotations

import time

from rosterd.directory.model import Actor, Role
from rosterd.store.doors import tokens
from rosterd.store.engine import Store, Tx
from rosterd.web.auth import Authenticator, Caller, comes_from
from rosterd.web.methods.errors import MethodError
from rosterd.web.request import Request

_LONGEST = 1_000


class Callers:
    """Finds out whom a call is from."""

    def __init__(self, store: Store, authenticator: Authenticator) -> None:
        self._store = store
        self._authenticator = authenticator

    @property
    def key(self) -> bytes:
        """That of the hashes: for who makes a token, or knows an app by its secret."""
        return self._authenticator.key

    async def grant(self, request: Request, in_form: str | None) -> tokens.Grant:
        """What the token of a call stands for; the header's, else the form's."""
        text = _sent(request, in_form)
        request.token_hash = hashed = self._authenticator.keyed(text)
        request.presented = await self._authenticator.look_up(self._store, hashed)
        grant = _counting(request.presented, request)
        self._authenticator.note_use(hashed)
        return grant

    async def caller(self, tx: Tx, request: Request) -> Caller:
        """The same in a transaction that writes, and who it is: nothing of it changes before its end."""
        assert request.token_hash is not None
        grant = _counting(await tokens.authenticate(tx, request.token_hash), request)
        return Caller(actor(grant, request), grant.org)


def actor(grant: tokens.Grant, request: Request) -> Actor:
    """Who acts by this token."""
    return Actor(grant.org.id, grant.token.user_id, grant.owner_role, request.origin, grant.token.id)


def _sent(request: Request, in_form: str | None) -> str:
    header = (request.header(b"authorization") or "").strip()
    if not header:
        if not in_form:
            raise MethodError("not_authed")
        return _bounded(in_form)
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer":
        raise MethodError("invalid_auth", reason="the header is not Bearer and a token")
    return _bounded(token.strip())


def _bounded(token: str) -> str:
    if not token or len(token) > _LONGEST:
        raise MethodError("invalid_auth", reason="no token has this length")
    return token


def _counting(grant: tokens.Grant | None, request: Request) -> tokens.Grant:
    """The grant, if it counts now and for this address."""
    if grant is None:
        raise MethodError("invalid_auth", reason="no such token")
    if (code := refusal(grant, int(time.time()), request.client_ip)) is not None:
        raise MethodError(code, reason=f"token {grant.token.id}")
    return grant


def refusal(grant: tokens.Grant, now: int, ip: str | None) -> str | None:
    """Why a token does not count; None: it does. ``now``: seconds.

    From elsewhere a token is as good as unknown, whatever else is true of it.
    """
    token = grant.token
    if not comes_from(token.allow_ips, ip):
        return "invalid_auth"
    if grant.owner_deactivated:
        return "account_inactive" if grant.owner_role is Role.BOT else "token_revoked"
    if token.revoked is not None:
        return "token_revoked"
    if token.expires is not None and token.expires <= now:
        return "token_expired"
    return None
