"""From an ``Authorization`` header to an `Actor`: which organisation, who, with what role.

Source: Slack SCIM guide, headings *Acquire an OAuth token*, *Restrict API token usage by IP
address*, *Using SCIM in an Enterprise organization*.
"""

from __future__ import annotations

import time
from ipaddress import IPv4Network, IPv6Address, ip_address
from typing import NamedTuple

from rosterd.actions.doors.apps import hash_of
from rosterd.directory import access, plans
from rosterd.directory.errors import DirectoryError
from rosterd.directory.model import Actor, Org, Plan
from rosterd.store.doors import tokens
from rosterd.store.engine import Store, StoreError, Tx
from rosterd.store.records import activity
from rosterd.web.errors import HttpError
from rosterd.web.request import Request

_CHALLENGE = {"WWW-Authenticate": "Bearer"}


class Caller(NamedTuple):
    actor: Actor
    org: Org


class Authenticator:
    """Knows the key of the token hashes, and when tokens were last used since it was last asked."""

    def __init__(self, key: bytes) -> None:
        self.key = key
        self._used: dict[str, int] = {}
        self._grants: dict[str, tokens.Grant] = {}  # as the store had them at this version of it
        self._version: int | None = None
        self._admitted: dict[str, tuple[tokens.Grant, int, str | None]] = {}  # the last time

    async def grant(self, store: Store, request: Request) -> tokens.Grant:
        """What the token of a SCIM request stands for.

        Raises ``missing_authentication``, ``invalid_authentication`` (401), ``plus_teams_only`` (403)
        and ``non_org_teams_only`` (400).
        """
        hashed = self.hash_of(request)
        request.presented = await self.look_up(store, hashed)
        return self.admitted(request.presented, hashed, request.client_ip)

    async def name(self, store: Store, request: Request) -> None:
        """Find out whose token it is that asks for an address that is none, if it counts: for the log."""
        try:
            await self.grant(store, request)
        except (HttpError, DirectoryError, StoreError):
            request.presented = None

    async def look_up(self, store: Store, hashed: str) -> tokens.Grant | None:
        """The grant of a token as it is now, whether it counts or not."""
        grant = self.remembered(store, hashed)
        if grant is None:
            async with store.read() as tx:
                grant = self.remember(hashed, await tokens.authenticate(tx, hashed))
        return grant

    def note_use(self, hashed: str) -> None:
        """A token that counts was used just now."""
        self._used[hashed] = int(time.time())

    def remembered(self, store: Store, hashed: str) -> tokens.Grant | None:
        """The grant of a token, if it has been read and the store is as it was then."""
        version = store.version()
        if version is None or version != self._version:
            self._grants.clear()
            self._version = version
        return self._grants.get(hashed)

    def remember(self, hashed: str, grant: tokens.Grant | None) -> tokens.Grant | None:
        """The grant that has been read just now, back again."""
        if grant is not None and self._version is not None:
            self._grants[hashed] = grant
        return grant

    async def caller(self, tx: Tx, request: Request) -> Caller:
        """The same in a transaction that writes, and who it is: nothing of it changes before its end."""
        hashed = self.hash_of(request)
        grant = self.admitted(await tokens.authenticate(tx, hashed), hashed, request.client_ip)
        actor = Actor(grant.org.id, grant.token.user_id, grant.owner_role, request.origin, grant.token.id)
        return Caller(actor, grant.org)

    def hash_of(self, request: Request) -> str:
        """The keyed hash of a request's token. Raises as `grant`."""
        if request.token_hash is None:
            request.token_hash = self.keyed(bearer(request.header(b"authorization")))
        return request.token_hash

    def keyed(self, token: str) -> str:
        """The keyed hash of a token's text."""
        return hash_of(token, self.key)

    def admitted(self, grant: tokens.Grant | None, hashed: str, ip: str | None) -> tokens.Grant:
        """The grant, if it counts now and for this address. Raises as `grant`."""
        now = int(time.time())
        if grant is None:
            raise invalid_authentication("no such token")
        asked = grant, now, ip
        if self._admitted.get(hashed) == asked:  # by identity nearly always: nothing else decides
            return grant
        token = grant.token
        if reason := refusal(grant, now, ip):
            raise invalid_authentication(f"token {token.id} {reason}")
        self.note_use(hashed)
        plans.check_scim(grant.org.plan)
        if grant.org.plan is Plan.ENTERPRISE and token.team_id is not None:
            raise HttpError("non_org_teams_only")
        self._admitted[hashed] = asked
        return grant

    async def flush(self, store: Store) -> None:
        """Write down when tokens were last used, and whose: about once a minute, never for each request."""
        if not self._used:
            return
        used, self._used = self._used, {}
        try:
            async with store.write() as tx:
                await tokens.touch(tx, sorted(used.items()))
                await activity.note_tokens(tx, sorted(used.items()))
        except StoreError:
            self._used = used | self._used
            raise


def bearer(header: str | None) -> str:
    """The token of an ``Authorization: Bearer …`` header (RFC 6750 §2.1)."""
    if header is None or not header.strip():
        raise HttpError("missing_authentication", _CHALLENGE)
    scheme, _, token = header.strip().partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token or len(token) > 1_000:
        raise invalid_authentication("the header is not Bearer and a token")
    return token


def invalid_authentication(reason: str) -> HttpError:
    """The same answer whatever the reason, which is for the log."""
    return HttpError("invalid_authentication", _CHALLENGE, reason=reason)


def refusal(grant: tokens.Grant, now: int, ip: str | None) -> str | None:
    """Why a token does not count for SCIM; None: it does. ``now``: seconds."""
    token = grant.token
    if reason := ended(grant, now):
        return reason
    if not access.may_administer(grant.owner_role):
        return "is of somebody who is no administrator"
    if access.SCIM_SCOPE not in token.scopes:
        return f"lacks the scope {access.SCIM_SCOPE}"
    if not comes_from(token.allow_ips, ip):
        return f"may not be used from {ip}"
    return None


def ended(grant: tokens.Grant, now: int) -> str | None:
    """Why a token counts nowhere any more; None: it does. ``now``: seconds."""
    token = grant.token
    if token.revoked is not None:
        return "was revoked"
    if token.expires is not None and token.expires <= now:
        return "has expired"
    return "is of somebody deactivated" if grant.owner_deactivated else None


def comes_from(ranges: tuple[str, ...], ip: str | None) -> bool:
    """Whether an address lies in one of the ranges; no ranges: from anywhere.

    >>> comes_from(("192.0.2.0/24",), "192.0.2.7"), comes_from(("192.0.2.0/24",), "::1"), comes_from((), None)
    (True, False, True)
    >>> comes_from(("192.0.2.0/24",), "::ffff:192.0.2.7")
    True
    """
    if not ranges:
        return True
    try:
        address = ip_address(ip or "")
    except ValueError:
        return False
    if isinstance(address, IPv6Address):
        mapped = address.ipv4_mapped
        return mapped is not None and comes_from(ranges, str(mapped))
    return any(address in IPv4Network(text) for text in ranges)
