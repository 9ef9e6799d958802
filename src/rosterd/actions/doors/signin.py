"""What people do to get in and out: sign in, by whatever means, and sign out; links by which one signs in.

Who signs in acts for themself: they are the actor of the event. A secret is random, given out once, and
kept as a keyed hash, as a token's is.

Source: Slack's help centre, *Manage invited members*; Audit Logs API, actions ``user_login``,
``user_login_failed``, ``user_logout``.
"""

from __future__ import annotations

import secrets
from typing import NamedTuple

import msgspec

from rosterd.actions import users
from rosterd.actions.doors.apps import hash_of
from rosterd.directory import access
from rosterd.directory import signin as rules
from rosterd.directory.errands import Errand, Kind
from rosterd.directory.errors import DirectoryError, Invalid, NotAllowed, NotFound
from rosterd.directory.events import Event
from rosterd.directory.ids import SPAN, slack_id
from rosterd.directory.model import Actor, Org, Origin, Role, User, UserId
from rosterd.directory.signin import IdentityProvider, Link, Means, Session, SessionId
from rosterd.store import outbox
from rosterd.store import users as user_rows
from rosterd.store.doors import idps, sessions
from rosterd.store.engine import Tx
from rosterd.store.records import activity, audit


class Entry(NamedTuple):
    """Somebody has signed in: who, with which session, and its secret, which is not kept."""

    user: User
    session: Session
    secret: str


async def sign_in(
    tx: Tx, org: Org, user_id: UserId, means: Means, *, ago: int | None = 0, key: bytes, origin: Origin
) -> Entry:
    """A new session of this person. The first makes an invited one active, and billed.

    ``ago``: so many seconds before they have shown who they are; None: nobody knows.

    Raises ``no_such_user``, ``account_inactive`` and ``permission_denied``: see :func:`note_failure`.
    """
    user = await users.existing(tx, org.id, user_id)
    rules.check_may_sign_in(user)
    now = tx.now // 1_000_000
    is_first = user.date_claimed is None
    if is_first:
        user = msgspec.structs.replace(user, date_claimed=now)
        await user_rows.update(tx, user)
    await sessions.remove_expired(tx, org.id, user.id, now)
    session = Session(
        org_id=org.id,
        id=SessionId(slack_id("X", secrets.randbelow(SPAN))),
        user_id=user.id,
        means=means,
        client=origin.client,
        ip_address=origin.ip_address,
        created=tx.now,
        last_used=now,
        expires=now + rules.lifetime(user.role),
        ended=None,
        proved=None if ago is None else now - ago,
    )
    secret = secrets.token_urlsafe(32)
    await sessions.insert(tx, session, hash_of(secret, key))
    await activity.note(tx, [activity.Note(org.id, now // activity.DAY, user.id, signed_in=True)])
    details = {"session": session.id, "means": str(means), "first": is_first}
    await audit.append(tx, [Event("user_login", "user", user.id, details)], _themself(user, origin))
    return Entry(user, session, secret)


async def note_failure(
    tx: Tx, org: Org, user_id: UserId | None, means: Means, error: DirectoryError, *, origin: Origin
) -> None:
    """That somebody was not let in, and why. ``user_id`` None: nobody here has their address."""
    user = None if user_id is None else await user_rows.find(tx, org.id, user_id)
    details = {"means": str(means), "error": error.code}
    if user is None:
        nobody = Actor(org.id, UserId("USLACKUSER"), Role.MEMBER, origin)
        await audit.append(tx, [Event("user_login_failed", "enterprise", org.id, details)], nobody)
    else:
        event = Event("user_login_failed", "user", user.id, details)
        await audit.append(tx, [event], _themself(user, origin))


async def sign_out(tx: Tx, org: Org, session: Session, *, actor: Actor) -> None:
    """One's own session ended; one that has ended stays so."""
    if actor.user_id != session.user_id:
        raise NotAllowed("permission_denied")
    if await sessions.revoke(tx, org.id, session.id, tx.now // 1_000_000):
        event = Event("user_logout", "user", session.user_id, {"session": session.id})
        await audit.append(tx, [event], actor)


async def end_sessions_of(tx: Tx, org: Org, user: User, *, actor: Actor) -> list[SessionId]:
    """All sessions of somebody ended, and what links they still have: signed out everywhere."""
    if actor.user_id != user.id:
        access.check_target(actor, user.role)
    ended = await sessions.revoke_of_user(tx, org.id, user.id, tx.now // 1_000_000)
    await sessions.remove_links(tx, org.id, user.id, before=users.FOREVER)
    if ended:
        details = {"sessions": list(ended)}
        await audit.append(tx, [Event("user_session_reset_by_admin", "user", user.id, details)], actor)
    return ended


async def ask_for_link(tx: Tx, org: Org, address: str) -> None:
    """Have a link sent to whoever has this address (folded), if somebody does who may sign in."""
    user_id = await user_rows.find_by_email(tx, org.id, address)
    user = None if user_id is None else await user_rows.find(tx, org.id, user_id)
    if user is not None and not user.deactivated:
        await outbox.add(tx, org.id, [Errand(Kind.SIGNIN_LINK, user.id)])


async def mint_link(tx: Tx, org: Org, user: User, *, key: bytes) -> str:
    """The secret of a link by which this person signs in once, within fifteen minutes.

    For whoever delivers it: :func:`link_path` makes it an address. Raises as :func:`sign_in` does.
    """
    user = await users.existing(tx, org.id, user.id)  # locked: who is deactivated meanwhile has no link left
    rules.check_may_sign_in(user)
    now = tx.now // 1_000_000
    await sessions.remove_links(tx, org.id, user.id, before=now)
    secret = secrets.token_urlsafe(32)
    link = Link(org.id, user.id, tx.now, now + rules.LINK_SECONDS, None)
    await sessions.add_link(tx, link, hash_of(secret, key))
    return secret


def link_path(org: Org, secret: str) -> str:
    """Where a link leads: to append to the base URL, which has no slash at its end."""
    return f"/signin/{org.domain}/link?key={secret}"


async def use_link(tx: Tx, org: Org, secret: str, *, key: bytes, origin: Origin) -> Entry:
    """Sign in by a link, which then is used up. Raises as :func:`sign_in` does, and ``invalid_link``.

    The latter names the user whose link it was, if it ever was one.
    """
    hashed = hash_of(secret, key)
    link = await sessions.find_link(tx, org.id, hashed)
    now = tx.now // 1_000_000
    if link is not None:  # locked in the order in which a deactivation does, and then looked at again
        await users.existing(tx, org.id, link.user_id)
        link = await sessions.find_link(tx, org.id, hashed, lock=True)
    if link is None:
        raise Invalid("invalid_link")
    if not rules.is_usable(link, now):
        raise Invalid("invalid_link", user=link.user_id)
    await sessions.revoke_link(tx, org.id, hashed, now)
    return await sign_in(tx, org, link.user_id, Means.LINK, key=key, origin=origin)


async def set_idp(
    tx: Tx,
    org: Org,
    issuer: str,
    client_id: str,
    client_secret: str,
    *,
    accepts_unverified: bool = False,
    actor: Actor,
) -> IdentityProvider:
    """Where members sign in from now on. Raises ``invalid_issuer`` and ``invalid_client``."""
    _check_owner(actor)
    issuer = rules.check_issuer(issuer)
    if not client_id.strip() or not client_secret.strip():
        raise Invalid("invalid_client")
    idp = IdentityProvider(
        org.id, issuer, client_id.strip(), client_secret.strip(), accepts_unverified, tx.now
    )
    action = "idp_configuration_added"
    if await idps.find(tx, org.id) is not None:
        action = "idp_prod_configuration_updated"
    await idps.update(tx, idp)
    details = {"issuer": issuer, "client_id": idp.client_id, "accepts_unverified": accepts_unverified}
    await audit.append(tx, [Event(action, "enterprise", org.id, details)], actor)
    return idp


async def remove_idp(tx: Tx, org: Org, *, actor: Actor) -> None:
    """No provider any more: links are left. Raises ``no_such_idp``."""
    _check_owner(actor)
    if not await idps.remove(tx, org.id):
        raise NotFound("no_such_idp")
    await audit.append(tx, [Event("idp_configuration_deleted", "enterprise", org.id)], actor)


def _themself(user: User, origin: Origin) -> Actor:
    return Actor(user.org_id, user.id, user.role, origin)


def _check_owner(actor: Actor) -> None:
    if not actor.is_operator and access.RANK[actor.role] < access.RANK[Role.OWNER]:
        raise NotAllowed("permission_denied")
