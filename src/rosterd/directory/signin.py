"""Signing in: how long a session and a link last, who may, and where to go afterwards.

Source: Slack's help centre, *Manage invited members* (an account becomes active at its first sign-in);
OpenID Connect Core 1.0 §3.1; OWASP Session Management Cheat Sheet, *Session Expiration*.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NewType
from urllib.parse import urlsplit

import msgspec

from rosterd.directory import access
from rosterd.directory.errors import Invalid, NotAllowed
from rosterd.directory.model import OrgId, Role, User, UserId

SessionId = NewType("SessionId", str)

IDLE_SECONDS = 24 * 3600
"""A session that nobody uses for so long has ended."""

LIFETIME_SECONDS = 30 * 24 * 3600
"""A session ends after so long, however much it is used."""

ADMIN_IDLE_SECONDS = 12 * 3600
ADMIN_LIFETIME_SECONDS = 7 * 24 * 3600
"""The same for administrators: what they leave open on a desk is worth more."""

FRESH_SECONDS = 15 * 60
"""For so long after somebody has shown who they are they may do what asks for a fresh sign-in."""

MIN_PASSWORD = 12
MAX_PASSWORD = 256

LINK_SECONDS = 15 * 60
"""How long a link that was sent by e-mail can be used."""

MAX_PATH = 4_000


class Means(StrEnum):
    """How somebody has shown who they are."""

    OIDC = "oidc"  # by the organisation's own identity provider
    LINK = "link"  # by a link that was sent to their address
    LOCAL = "local"  # by a password that an operator of this server has set


class Session(msgspec.Struct, frozen=True):
    """That somebody is signed in with one browser, without its secret."""

    org_id: OrgId
    id: SessionId
    user_id: UserId
    means: Means
    client: str  # User-Agent
    ip_address: str | None
    created: int  # microseconds
    last_used: int  # seconds
    expires: int  # seconds
    ended: int | None  # seconds
    proved: int | None = None  # seconds: when they showed who they are; None: unknown


class Link(msgspec.Struct, frozen=True):
    """A link by which somebody signs in once, without its secret."""

    org_id: OrgId
    user_id: UserId
    created: int  # microseconds
    expires: int  # seconds
    used: int | None  # seconds


class IdentityProvider(msgspec.Struct, frozen=True):
    """Where the members of an organisation sign in: an OpenID provider, and what we are to it."""

    org_id: OrgId
    issuer: str
    client_id: str
    client_secret: str
    accepts_unverified: bool  # an address that the provider does not call verified will do
    created: int  # microseconds


def lifetime(role: Role) -> int:
    """After how many seconds a session of somebody in this role ends at the latest."""
    return ADMIN_LIFETIME_SECONDS if access.may_administer(role) else LIFETIME_SECONDS


def is_open(session: Session, role: Role, now: int) -> bool:
    """Whether a session of somebody who has this role now counts at ``now`` (seconds)."""
    idle = ADMIN_IDLE_SECONDS if access.may_administer(role) else IDLE_SECONDS
    born = session.created // 1_000_000
    end = min(session.expires, born + lifetime(role), session.last_used + idle)
    return session.ended is None and now < end


def is_fresh(session: Session, now: int, within: int = FRESH_SECONDS) -> bool:
    """Whether somebody has shown who they are a moment ago. ``now``, ``within``: seconds."""
    return session.proved is not None and now - session.proved < within


def since_proof(auth_time: int | None, now: int, *, asked: bool) -> int | None:
    """How many seconds ago somebody has shown their provider who they are; None: nobody knows.

    ``auth_time``: as it says itself. ``asked``: it was told to ask again (OpenID Connect Core 1.0
    §3.1.2.1, ``prompt`` and ``max_age``); one that says nothing of the time is believed to have done so.

    >>> since_proof(1_000, 1_060, asked=False), since_proof(None, 1_060, asked=False)
    (60, None)
    >>> since_proof(None, 1_060, asked=True), since_proof(1_070, 1_060, asked=True)
    (0, 0)
    """
    if auth_time is None:
        return 0 if asked else None
    return max(now - max(auth_time, 0), 0)


def check_password(text: str) -> None:
    """Refuse a password that is too short, or of absurd length: ``invalid_password``."""
    if not MIN_PASSWORD <= len(text) <= MAX_PASSWORD:
        raise Invalid("invalid_password")


def check_may_have_password(user: User) -> None:
    """Refuse whoever is no administrator: ``not_an_admin``, ``account_inactive``.

    Everybody else can wait until the provider, or the mail, works again.
    """
    if user.deactivated or user.erased:
        raise NotAllowed("account_inactive", user=user.id)
    if not access.may_administer(user.role):
        raise NotAllowed("not_an_admin", user=user.id)


def is_usable(link: Link, now: int) -> bool:
    """Whether a link still leads in at ``now`` (seconds)."""
    return link.used is None and now < link.expires


def check_may_sign_in(user: User) -> None:
    """Refuse the deactivated (``account_inactive``) and bots (``permission_denied``)."""
    if user.deactivated or user.erased:
        raise NotAllowed("account_inactive", user=user.id)
    if user.role is Role.BOT:
        raise NotAllowed("permission_denied", user=user.id)


def check_issuer(text: str) -> str:
    """An issuer: an https URL without query and fragment (OpenID Connect Discovery 1.0 §2).

    On this machine http will do. Raises ``invalid_issuer``.

    >>> check_issuer("https://id.example.com/realms/acme"), check_issuer("http://127.0.0.1:5000")
    ('https://id.example.com/realms/acme', 'http://127.0.0.1:5000')
    """
    parts = checked_url(text)
    if parts is None or "?" in text or "#" in text:
        raise Invalid("invalid_issuer", issuer=text[:80])
    return text


def checked_url(text: str) -> str | None:
    """``scheme://host:port`` of an absolute URL that is https, or http to this machine; None: it is not.

    >>> checked_url("https://a.example/b?c"), checked_url("http://localhost:80/"), checked_url("http://a.example")
    ('https://a.example', 'http://localhost:80', None)
    """
    if not text.isascii() or not text.isprintable() or any(c in text for c in " \"'\\<>;,*"):
        return None
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return None
    if not host or "@" in parts.netloc:
        return None
    is_local = host in ("localhost", "127.0.0.1", "::1")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_local):
        return None
    return f"{parts.scheme}://{parts.netloc}"


def local_path(text: str | None, otherwise: str) -> str:
    """``text`` if it is a path of this server, with its query; else ``otherwise``.

    What a browser takes for another server is none: ``//host``, backslashes, control characters.

    >>> local_path("/directory?q=a", "/home"), local_path("//evil.example", "/home")
    ('/directory?q=a', '/home')
    >>> [local_path(each, "/") for each in (None, "/\\\\evil.example", "https://evil.example", "/a\\nb")]
    ['/', '/', '/', '/']
    """
    if not text or len(text) > MAX_PATH or not text.startswith("/") or text.startswith("//"):
        return otherwise
    if "\\" in text or not text.isascii() or any(c <= " " or c == "\x7f" for c in text):
        return otherwise
    return text
