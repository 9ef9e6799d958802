"""What can be done with tokens and apps: make, install, rotate, revoke. Secrets are kept as keyed hashes."""

from __future__ import annotations

import hmac
import ipaddress
import secrets
from collections.abc import Sequence

import msgspec

from rosterd.directory import access
from rosterd.directory import apps as rules
from rosterd.directory.apps import App, Code
from rosterd.directory.errors import Invalid, NotAllowed, NotFound
from rosterd.directory.events import Event
from rosterd.directory.ids import SPAN, slack_id
from rosterd.directory.model import Actor, Org, Origin, TeamId, Token, TokenId, User, UserId
from rosterd.store import users, workspaces
from rosterd.store.doors import apps as store
from rosterd.store.doors import tokens
from rosterd.store.engine import Tx
from rosterd.store.records import audit

MAX_ALLOWED_RANGES = 10
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
    app_id: str | None = None,
    name: str = "",
    replaces: TokenId | None = None,
    actor: Actor,
) -> tuple[Token, str]:
    """A user token of ``owner`` and its text, which is not kept. ``expires``: seconds; ``app_id``: whose.

    Refused where the owner's role may not hold such a token (the ``admin`` scopes are for administrators and
    owners), and where the actor's may not make it: see :func:`rosterd.directory.apps.check_installer`.
    ``replaces``: for the trail.
    """
    owner = await _locked(tx, org, owner.id)
    _check_gives(actor, org, owner, team_id)
    _check_holder(owner, scopes)
    if expires is not None and expires <= tx.now // 1_000_000:
        raise Invalid("invalid_expiration")
    await check_team(tx, org, team_id)
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
        app_id=app_id,
        name=rules.check_token_name(name),
    )
    await tokens.insert(tx, token, hash_of(text, key))
    details = {"token": token.id, "owner": owner.id, "scopes": list(scopes)}
    if replaces is not None:
        details |= {"replaces": replaces}
    await audit.append(tx, [Event("app_installed", "app", token.id, details)], actor)
    return token, text


async def _locked(tx: Tx, org: Org, id: UserId) -> User:
    """Somebody locked: what they are given beside their deactivation would outlive it."""
    user = await users.find(tx, org.id, id, lock=True)
    if user is None:
        raise NotFound("no_such_user")
    return user


async def rotate_token(
    tx: Tx, org: Org, token_id: TokenId, *, overlap_seconds: int, key: bytes, actor: Actor
) -> tuple[Token, str]:
    """Another token in place of this one, alike in everything, and its text, which is not kept.

    The former works for ``overlap_seconds`` more (0: no more; at most 30 days), never longer than it would
    have. If it had a time to end, the new one lasts as long as it was made to last. Who may: as for
    :func:`create_token`. Raises ``invalid_overlap``, ``no_such_token``, ``token_ended`` for one that
    counts no more, and ``token_rotated`` for one that was rotated before: its successor can be. Where that
    has ended and has none itself, the former can be once more.
    """
    if not 0 <= overlap_seconds <= rules.MAX_OVERLAP:
        raise Invalid("invalid_overlap")
    owner, former = await _counting(tx, org, token_id, actor)
    now = tx.now // 1_000_000
    if former.replaced_by is not None:
        successor = await tokens.find(tx, org.id, former.replaced_by)
        if rules.holds_place(successor, now):
            raise NotAllowed("token_rotated", token=token_id, replaced_by=former.replaced_by)
    lasts = None if former.expires is None else former.expires - former.created // 1_000_000
    made = await create_token(
        tx,
        org,
        owner,
        former.scopes,
        key=key,
        team_id=former.team_id,
        allow_ips=former.allow_ips,
        expires=None if lasts is None else now + lasts,
        app_id=former.app_id,
        name=former.name,
        replaces=former.id,
        actor=actor,
    )
    former = msgspec.structs.replace(former, replaced_by=made[0].id)
    if overlap_seconds == 0:
        await tokens.update(tx, former)
        await revoke_token(tx, org, former.id, actor=actor)
        return made
    until = now + overlap_seconds if former.expires is None else min(former.expires, now + overlap_seconds)
    await tokens.update(tx, msgspec.structs.replace(former, expires=until))
    details = {"token": former.id, "expires": until, "replaced_by": made[0].id}
    await audit.append(tx, [Event("token_expiration_set", "app", former.id, details)], actor)
    return made


async def update_token(
    tx: Tx, org: Org, token_id: TokenId, *, name: str, allow_ips: Sequence[str], actor: Actor
) -> Token:
    """The token with another name, and usable from other addresses (none: from anywhere).

    Who may: as for :func:`create_token`. Raises ``no_such_token``, ``token_ended``, ``invalid_token_name``,
    ``invalid_ip_range`` and ``too_many_ip_ranges``.
    """
    _, former = await _counting(tx, org, token_id, actor)
    desired = msgspec.structs.replace(
        former, name=rules.check_token_name(name), allow_ips=allowed_ranges(allow_ips)
    )
    if desired == former:
        return former
    await tokens.update(tx, desired)
    details = {
        "token": former.id,
        "before": {"name": former.name, "allow_ips": list(former.allow_ips)},
        "after": {"name": desired.name, "allow_ips": list(desired.allow_ips)},
    }
    await audit.append(tx, [Event("token_updated", "app", former.id, details)], actor)
    return desired


async def _counting(tx: Tx, org: Org, token_id: TokenId, actor: Actor) -> tuple[User, Token]:
    """A token that the actor may change and that counts, with its owner: as they are until the end.

    Locked in the order in which a deactivation does; the end of its app waits, too.
    """
    found = await tokens.find(tx, org.id, token_id)
    if found is None:
        raise NotFound("no_such_token", token=token_id)
    owner = await _locked(tx, org, found.user_id)
    _check_gives(actor, org, owner, found.team_id)
    if found.app_id is not None:
        [app] = [each for each in await store.of_org(tx, org.id) if each.id == found.app_id]
        await store.find(tx, app.client_id, lock=True)
    token = await tokens.find(tx, org.id, token_id, lock=True)
    if token is None or rules.has_ended(token, tx.now // 1_000_000):
        raise NotAllowed("token_ended", token=token_id)
    return owner, token


async def revoke_token(tx: Tx, org: Org, token_id: TokenId, *, actor: Actor) -> None:
    """The token ended, for good. One that has ended stays so. Not of somebody with more permissions."""
    access.check_administers(actor)
    token = await tokens.find(tx, org.id, token_id)
    if token is None:
        raise NotFound("no_such_token", token=token_id)
    await _check_owners(tx, org, [token], actor)
    if not await tokens.revoke(tx, org.id, token_id, tx.now // 1_000_000):
        return
    await audit.append(tx, [Event("app_uninstalled", "app", token_id, {"token": token_id})], actor)


async def revoke_own_token(tx: Tx, org: Org, *, actor: Actor) -> None:
    """The token that ``actor`` acts by, ended for good: whoever holds it may, administrator or not."""
    if actor.token_id is None:
        raise NotFound("no_such_token")
    if await tokens.revoke(tx, org.id, actor.token_id, tx.now // 1_000_000):
        details = {"token": actor.token_id}
        await audit.append(tx, [Event("app_uninstalled", "app", actor.token_id, details)], actor)


async def check_team(tx: Tx, org: Org, team_id: TeamId | None) -> None:
    """Refuse what is no workspace of the organisation: ``no_such_team``."""
    if team_id is not None and await workspaces.find(tx, org.id, team_id) is None:
        raise NotFound("no_such_team", team=team_id)


def _check_gives(actor: Actor, org: Org, owner: User, team_id: TeamId | None) -> None:
    """Refuse whoever may not make such a token of this owner: ``cannot_modify_owner``, ``access_denied``."""
    access.check_target(actor, owner.role)
    if not actor.is_operator:
        rules.check_installer(org.plan, actor.role, on_team=team_id is not None)


async def _check_owners(tx: Tx, org: Org, ending: Sequence[Token], actor: Actor) -> None:
    """Refuse to end what works for somebody with more permissions: ``cannot_modify_owner``."""
    for owner in await users.find_many(tx, org.id, sorted({token.user_id for token in ending})):
        access.check_target(actor, owner.role)


def _check_holder(owner: User, scopes: Sequence[str]) -> None:
    rules.check_scopes(scopes)
    if owner.deactivated:
        raise NotAllowed("account_inactive", user=owner.username)
    if rules.is_administrative(scopes) and not access.may_administer(owner.role):
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


async def create_app(
    tx: Tx,
    org: Org,
    name: str,
    redirect_uris: Sequence[str],
    scopes: Sequence[str],
    *,
    key: bytes,
    actor: Actor,
) -> tuple[App, str]:
    """A new app that members of the organisation may install, and its secret, which is not kept.

    Raises ``invalid_app_name``, ``bad_redirect_uri`` and ``invalid_scope``.
    """
    access.check_administers(actor)
    name = name.strip()
    if not name or len(name) > rules.MAX_NAME or not name.isprintable():
        raise Invalid("invalid_app_name", name=name[:80])
    if not 0 < len(redirect_uris) <= rules.MAX_REDIRECTS:
        raise Invalid("bad_redirect_uri")
    app = App(
        client_id=f"{10**9 + secrets.randbelow(9 * 10**9)}.{10**11 + secrets.randbelow(9 * 10**11)}",
        org_id=org.id,
        id=slack_id("A", secrets.randbelow(SPAN)),
        name=name,
        redirect_uris=tuple(dict.fromkeys(map(rules.redirect_uri, redirect_uris))),
        scopes=rules.check_scopes(scopes),
        created=tx.now,
        revoked=None,
    )
    secret = secrets.token_hex(16)
    await store.insert(tx, app, hash_of(secret, key))
    details = {"app": app.id, "name": app.name, "scopes": list(app.scopes)}
    await audit.append(tx, [Event("app_manifest_created", "app", app.id, details)], actor)
    return app, secret


async def revoke_app(tx: Tx, org: Org, app_id: str, *, actor: Actor) -> None:
    """The app ended for good, with every token that it was given. Raises ``no_such_app``.

    Not while one of them works for somebody with more permissions: ``cannot_modify_owner``.
    """
    access.check_administers(actor)
    now = tx.now // 1_000_000
    for role in sorted(await tokens.roles_behind(tx, org.id, app_id)):
        access.check_target(actor, role)
    if not await store.revoke(tx, org.id, app_id, now):
        if app_id not in {app.id for app in await store.of_org(tx, org.id)}:
            raise NotFound("no_such_app", app=app_id)
        return
    ended = await tokens.revoke_of_app(tx, org.id, app_id, now)
    uninstalled = [Event("app_uninstalled", "app", token, {"token": token}) for token in ended]
    await audit.append(tx, [Event("app_deleted", "app", app_id, {"app": app_id}), *uninstalled], actor)


async def authorize(
    tx: Tx,
    org: Org,
    app: App,
    scopes: Sequence[str],
    *,
    redirect_uri: str,
    challenge: str | None,
    team_id: TeamId | None,
    key: bytes,
    actor: Actor,
) -> str:
    """The actor consents; the code, which is not kept, can be exchanged once within ten minutes.

    ``scopes`` come from :func:`rosterd.directory.apps.asked_scopes`, ``challenge`` from ``check_challenge``;
    ``redirect_uri``: as the client named it, or empty. Raises ``access_denied`` and ``no_such_team``.
    """
    if actor.org_id != app.org_id or app.revoked is not None:
        raise NotAllowed("access_denied")
    user = await _locked(tx, org, actor.user_id)
    if user.deactivated:
        raise NotAllowed("access_denied")
    rules.check_installer(org.plan, user.role, on_team=team_id is not None)
    await check_team(tx, org, team_id)
    now = tx.now // 1_000_000
    await store.remove_expired(tx, org.id, now)
    text = f"{secrets.randbelow(10**10)}.{secrets.randbelow(10**13)}.{secrets.token_hex(32)}"
    code = Code(
        org_id=org.id,
        client_id=app.client_id,
        user_id=actor.user_id,
        team_id=team_id,
        scopes=rules.check_scopes(scopes),
        redirect_uri=redirect_uri,
        challenge=challenge,
        expires=now + rules.CODE_SECONDS,
        token_id=None,
    )
    await store.add_code(tx, code, hash_of(text, key))
    return text


async def exchange(
    tx: Tx,
    org: Org,
    app: App,
    text: str,
    *,
    redirect_uri: str | None,
    verifier: str | None,
    key: bytes,
    origin: Origin,
) -> tuple[Token, str] | None:
    """The token that a code stands for, and its text. None: it was exchanged before, and its token ended.

    Whoever has a code twice, one of the two is a thief (RFC 6749 §4.1.2). The caller must not undo that.
    Raises ``invalid_code``, ``bad_redirect_uri``, ``invalid_code_verifier``, and what the installer has
    lost since: ``access_denied``, ``account_inactive``.
    """
    hashed = hash_of(text, key)
    code = await store.find_code(tx, org.id, hashed)
    if code is None or code.client_id != app.client_id:
        raise Invalid("invalid_code")
    # Locked in the order in which a deactivation does, which then finds the code or its token; and so does
    # the end of the app.
    owner = await _locked(tx, org, code.user_id)
    code = await store.find_code(tx, org.id, hashed, lock=True)
    known = await store.find(tx, app.client_id, lock=True)
    if code is None or known is None or known[0].revoked is not None:
        raise Invalid("invalid_code")
    actor = Actor(org.id, owner.id, owner.role, origin)
    if code.token_id is not None:
        if await tokens.revoke(tx, org.id, code.token_id, tx.now // 1_000_000):
            event = Event("app_uninstalled", "app", code.token_id, {"token": code.token_id})
            await audit.append(tx, [event], actor)
        return None
    if code.expires <= tx.now // 1_000_000:
        raise Invalid("invalid_code")
    if (redirect_uri or "") != code.redirect_uri:
        raise Invalid("bad_redirect_uri")
    if not rules.answers(verifier, code.challenge):
        raise Invalid("invalid_code_verifier")
    rules.check_installer(org.plan, owner.role, on_team=code.team_id is not None)
    token, secret = await create_token(
        tx, org, owner, code.scopes, key=key, team_id=code.team_id, app_id=app.id, actor=actor
    )
    await store.update_code(tx, org.id, hashed, token.id)
    return token, secret
