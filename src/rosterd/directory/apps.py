"""Apps that ask for tokens: what they may ask for, where answers go, who may install them.

Source: Slack, *Installing with OAuth*; *oauth.v2.access*; *Organization-ready apps*; SCIM guide, headings
*Acquire an OAuth token* and *Using SCIM in an Enterprise organization*; RFC 6749 §4.1, RFC 7636, RFC 9700.
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
from base64 import urlsafe_b64encode
from collections.abc import Collection, Sequence

import msgspec

from rosterd.directory import access
from rosterd.directory.errors import Invalid, NotAllowed
from rosterd.directory.model import OrgId, Plan, Role, TeamId, Token, TokenId, UserId
from rosterd.directory.signin import checked_url

CODE_SECONDS = 10 * 60
"""How long a code can be exchanged (Slack: *codes expire in ten minutes*)."""

MAX_OVERLAP = 30 * 24 * 3600
"""For so many seconds at most a token that was rotated works beside the new one."""

MAX_REDIRECTS = 20
MAX_NAME = 80
_SCOPE = re.compile(r"[a-z][a-z0-9_]*(?:[.:][a-z0-9_]+)*")
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")


class App(msgspec.Struct, frozen=True):
    """An app that may be installed, without its secret."""

    client_id: str
    org_id: OrgId
    id: str  # A…
    name: str
    redirect_uris: tuple[str, ...]
    scopes: tuple[str, ...]  # what it may ask for
    created: int  # microseconds
    revoked: int | None  # seconds


class Code(msgspec.Struct, frozen=True):
    """What somebody has consented to, between consent and token, without the code itself."""

    org_id: OrgId
    client_id: str
    user_id: UserId
    team_id: TeamId | None  # None: the organisation
    scopes: tuple[str, ...]
    redirect_uri: str  # empty: none was named
    challenge: str | None  # of PKCE, S256
    expires: int  # seconds
    token_id: TokenId | None  # what it was exchanged for


SCOPES = {
    "admin": "create, change and deactivate people and groups by SCIM, as far as your role goes",
    "admin.analytics:read": "read who was active when",
    "admin.conversations:read": "see all channels, and which groups restrict them",
    "admin.conversations:write": "create channels, and restrict them to groups",
    "admin.teams:read": "see all workspaces, their owners and admins",
    "admin.teams:write": "create workspaces",
    "admin.usergroups:read": "see where groups lead",
    "admin.usergroups:write": "lead groups to workspaces and channels",
    "admin.users:read": "see all people, their roles and workspaces",
    "admin.users:write": "invite people, put them into workspaces, take them out, and change their roles",
    "auditlogs:read": "read the audit log",
    "channels:read": "see public channels",
    "channels:write": "create public channels, and change who is in them",
    "chat:write": "send messages as you",
    "groups:read": "see private channels that you are in",
    "groups:write": "create private channels, and change who is in them",
    "im:read": "see your direct messages",
    "mpim:read": "see your group messages",
    "team:read": "see the organisation's name and settings",
    "usergroups:read": "see user groups",
    "usergroups:write": "change user groups",
    "users.profile:read": "see people's profiles",
    "users:read": "see people and their profiles",
    "users:read.email": "see people's e-mail addresses",
}
"""The scopes that something here asks for, and what each lets somebody do."""


def listed(text: str) -> tuple[str, ...]:
    """Scopes as a client writes them: commas or spaces between, each once.

    >>> listed("admin, users:read admin")
    ('admin', 'users:read')
    """
    return tuple(dict.fromkeys(text.replace(",", " ").split()))


def check_scopes(scopes: Sequence[str]) -> tuple[str, ...]:
    """Scopes that an app may be given, each once. Raises ``invalid_scope``."""
    if not scopes or not all(_SCOPE.fullmatch(scope) for scope in scopes):
        raise Invalid("invalid_scope", scopes=",".join(scopes)[:80])
    return tuple(dict.fromkeys(scopes))


def asked_scopes(app: App, for_bot: Sequence[str], for_user: Sequence[str]) -> tuple[str, ...]:
    """What a user is to consent to. Raises ``invalid_scope`` for what the app may not ask for.

    There are no bots, so that every scope is a user's (Slack: ``admin`` supports user tokens only).
    """
    if for_bot or not for_user or not set(for_user) <= set(app.scopes):
        raise Invalid("invalid_scope", scopes=",".join([*for_bot, *for_user])[:80])
    return tuple(for_user)


def check_token_name(text: str) -> str:
    """What a token is called, perhaps nothing. Raises ``invalid_token_name``.

    >>> check_token_name(" Okta production ")
    'Okta production'
    """
    name = text.strip()
    if len(name) > MAX_NAME or not name.isprintable():
        raise Invalid("invalid_token_name", name=name[:80])
    return name


def redirect_uri(text: str) -> str:
    """A URI to which answers may go: https, or http to this machine; no fragment (RFC 6749 §3.1.2).

    Raises ``bad_redirect_uri``.
    """
    if checked_url(text) is None or "#" in text or len(text) > 2_000:
        raise Invalid("bad_redirect_uri", uri=text[:80])
    return text


def chosen_redirect(app: App, asked: str | None) -> str:
    """Where the answer goes: what was asked for, exactly as registered, or the first there is.

    Raises ``bad_redirect_uri``.
    """
    if not asked:
        return app.redirect_uris[0]
    if asked not in app.redirect_uris:
        raise Invalid("bad_redirect_uri", uri=asked[:80])
    return asked


def check_installer(plan: Plan, role: Role, *, on_team: bool) -> None:
    """Refuse whoever may not install: ``access_denied``.

    On Enterprise the organisation is for its owners, a workspace for administrators; on other plans
    there is one workspace, which owners and admins install on.
    """
    needed = Role.OWNER if plan is Plan.ENTERPRISE and not on_team else Role.ADMIN
    if access.RANK[role] < access.RANK[needed]:
        raise NotAllowed("access_denied")


def check_challenge(challenge: str | None, method: str | None) -> str | None:
    """A PKCE challenge of the method S256, or none. Raises ``invalid_request`` (RFC 7636 §4.4.1)."""
    if not challenge and not method:
        return None
    if method != "S256" or not challenge or not _CHALLENGE.fullmatch(challenge):
        raise Invalid("invalid_request")
    return challenge


def answers(verifier: str | None, challenge: str | None) -> bool:
    """Whether a verifier belongs to the challenge; without a challenge there must be none (RFC 9700 §2.1.1).

    >>> answers("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM")
    True
    """
    if challenge is None:
        return not verifier
    if verifier is None or not _VERIFIER.fullmatch(verifier):
        return False
    digest = hashlib.sha256(verifier.encode()).digest()
    return urlsafe_b64encode(digest).rstrip(b"=").decode() == challenge


def opens_more(former: Sequence[str], desired: Sequence[str]) -> bool:
    """Whether these ranges (CIDR; none: from anywhere) let a token be used from where it could not be before.

    >>> opens_more(["192.0.2.0/25", "192.0.2.128/25"], ["192.0.2.0/24"]), opens_more([], ["192.0.2.0/24"])
    (False, False)
    >>> opens_more(["192.0.2.0/25"], ["192.0.2.0/24"]), opens_more(["192.0.2.0/25"], [])
    (True, True)
    """
    if not former or not desired:
        return bool(former)
    known = [*ipaddress.collapse_addresses(map(ipaddress.IPv4Network, former))]
    return not all(any(each.subnet_of(one) for one in known) for each in map(ipaddress.IPv4Network, desired))


def has_ended(token: Token, now: int) -> bool:
    """Whether a token counts no more at ``now`` (seconds), whoever's it is."""
    return token.revoked is not None or (token.expires is not None and token.expires <= now)


def holds_place(successor: Token | None, now: int) -> bool:
    """Whether a token that took the place of another has it still at ``now`` (seconds), or has passed it on.

    Else the place is free: the successor was lost and revoked, say.
    """
    return successor is not None and (successor.replaced_by is not None or not has_ended(successor, now))


def is_administrative(scopes: Collection[str]) -> bool:
    """Whether one of these scopes is of administrators: ``admin`` and all below it.

    >>> is_administrative(["users:read"]), is_administrative(["admin.users:read"])
    (False, True)
    """
    return any(scope.partition(".")[0].partition(":")[0] == access.SCIM_SCOPE for scope in scopes)
