"""What can be done with tokens: make, revoke. A token's secret is shown once and kept as a keyed hash."""

from __future__ import annotations

import hmac
import ipaddress
import re
import secrets
from collections.abc import Sequence

from rosterd.directory import access
from rosterd.directory.errors import Invalid, NotAllowed, NotFound
from rosterd.directory.events import Event
from rosterd.directory.ids import SPAN, slack_id
from rosterd.directory.model import Actor, Org, TeamId, Token, TokenId, User
from rosterd.store import audit, tokens, workspaces
from rosterd.store.engine import Tx

MAX_ALLOWED_RANGES = 10
_SCOPE = re.compile(r"[a-z][a-z0-9_]*(?:[.:][a-z0-9_]+)*")
PREFIX = "xoxp-"


def hash_of(text: str, key: bytes) -> str:
    """What is stored of a token: HMAC-SHA256 of its text, in hexadecimal."""
    return hmac.digest(key, text.encode(), "sha256").hex()


async def create_token(
    tx: Tx,
    org: Org,
    owner: User,
    scopes: Sequence[str],
    *,
    key: bytes,
    team_id: TeamId | None = None,
    allow_ips: Sequence[str] = (),
    expires: int | None = None,
    actor: Actor,
) -> tuple[Token, str]:
    """A user token of ``owner`` and its text, which is not kept. ``expires``: seconds.

    Refused where the owner's role may not hold such a token: the ``admin`` scopes are for
    administrators and owners.
    """
    access.check_target(actor, owner.role)
    _check_holder(owner, scopes)
    if expires is not None and expires <= tx.now // 1_000_000:
        raise Invalid("invalid_expiration")
    if team_id is not None and await workspaces.find(tx, org.id, team_id) is None:
        raise NotFound("no_such_team", team=team_id)
    text = f"{PREFIX}{secrets.token_hex(6)}-{secrets.token_urlsafe(32)}"
    token = Token(
        id=TokenId(slack_id("A", secrets.randbelow(SPAN))),
        org_id=org.id,
        user_id=owner.id,
        scopes=tuple(scopes),
        team_id=team_id,
        allow_ips=allowed_ranges(allow_ips),
        created=tx.now,
        expires=expires,
        last_used=None,
        revoked=None,
    )
    await tokens.insert(tx, token, hash_of(text, key))
    details = {"token": token.id, "owner": owner.id, "scopes": list(scopes)}
    await audit.append(tx, [Event("app_installed", "app", token.id, details)], actor)
    return token, text


async def revoke_token(tx: Tx, org: Org, token_id: TokenId, *, actor: Actor) -> None:
    """The token ended, for good. One that has ended stays so."""
    access.check_administers(actor)
    if not await tokens.revoke(tx, org.id, token_id, tx.now // 1_000_000):
        if token_id not in {token.id for token in await tokens.of_org(tx, org.id)}:
            raise NotFound("no_such_token", token=token_id)
        return
    await audit.append(tx, [Event("app_uninstalled", "app", token_id, {"token": token_id})], actor)


async def revoke_own_token(tx: Tx, org: Org, *, actor: Actor) -> None:
    """The token that ``actor`` acts by, ended for good: whoever holds it may, administrator or not."""
    if actor.token_id is None:
        raise NotFound("no_such_token")
    if await tokens.revoke(tx, org.id, actor.token_id, tx.now // 1_000_000):
        details = {"token": actor.token_id}
        await audit.append(tx, [Event("app_uninstalled", "app", actor.token_id, details)], actor)


def _check_holder(owner: User, scopes: Sequence[str]) -> None:
    if not scopes or not all(_SCOPE.fullmatch(scope) for scope in scopes):
        raise Invalid("invalid_scope", scopes=",".join(scopes)[:80])
    if owner.deactivated:
        raise NotAllowed("account_inactive", user=owner.username)
    administers = any(scope.partition(".")[0] == access.SCIM_SCOPE for scope in scopes)
    if administers and not access.may_administer(owner.role):
        raise NotAllowed("permission_denied", user=owner.username, role=str(owner.role))


def allowed_ranges(texts: Sequence[str]) -> tuple[str, ...]:
    """IPv4 ranges in CIDR form, at most ten. Raises ``invalid_ip_range``.

    Slack refuses local ranges; a self-hosted server is used from local networks, so here they may be
    listed.

    >>> allowed_ranges(["192.0.2.1", "198.51.100.0/24"])
    ('192.0.2.1/32', '198.51.100.0/24')
    """
    if len(texts) > MAX_ALLOWED_RANGES:
        raise Invalid("too_many_ip_ranges", limit=str(MAX_ALLOWED_RANGES))
    ranges = []
    for text in texts:
        try:
            ranges.append(str(ipaddress.IPv4Network(text.strip())))
        except ValueError as error:
            raise Invalid("invalid_ip_range", range=text[:80]) from error
    return tuple(ranges)
