"""What a method is, and what it sees of a call."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from rosterd.directory import access
from rosterd.directory.model import Actor, Org, Plan, TeamId, Token
from rosterd.provisioning.places import Site
from rosterd.store import workspaces
from rosterd.store.belonging import places
from rosterd.store.doors.tokens import Grant
from rosterd.store.engine import Store, Tx
from rosterd.web.auth import Caller
from rosterd.web.methods import callers, cursors
from rosterd.web.methods.arguments import Arguments
from rosterd.web.methods.callers import Callers
from rosterd.web.methods.cursors import Page
from rosterd.web.methods.errors import MethodError
from rosterd.web.reply import Reply
from rosterd.web.request import Request

Answer = dict[str, Any] | Reply
"""What stands beside ``"ok": true``; or, for a method that does not answer in JSON, all of it."""

Run = Callable[["MethodCall"], Awaitable[Answer]]

EVERY_PLAN = frozenset(Plan)
ENTERPRISE = frozenset({Plan.ENTERPRISE})
PAID = frozenset(Plan) - {Plan.FREE}


@dataclass(frozen=True, slots=True)
class Method:
    """One method, as its page describes it. See :func:`method`."""

    name: str
    run: Run
    scopes: tuple[str, ...]
    limit: str
    per: str
    public: bool
    plans: Collection[Plan]
    plan_error: str
    admins_only: str
    org_token: bool
    errors: Mapping[str, str]


def method(
    name: str,
    *,
    scope: str | tuple[str, ...] = (),
    tier: int = 3,
    limit: str = "",
    per: str = "",
    public: bool = False,
    plans: Collection[Plan] = EVERY_PLAN,
    plan_error: str = "feature_not_enabled",
    admins_only: str | None = None,
    org_token: bool = False,
    errors: Mapping[str, str] | None = None,
) -> Callable[[Run], Method]:
    """Make a method of a function.

    ``scope``: what the token needs, one of them if there are several; none: any token will do.
    ``tier``: of rates, or ``limit``: the name of a limit of its own; ``per``: the argument whose values are
    limited apart. ``public``: without a token. ``plans``, ``plan_error``: where it is, and what it answers
    elsewhere. ``admins_only``: what those answer who are no administrators of the organisation (by default
    ``not_an_admin`` if every scope is an administrator's; "" lets anyone call it, and the action decide).
    ``org_token``: on Enterprise the token must be the organisation's, not a workspace's. ``errors``: codes of
    the directory that this method's page calls otherwise.
    """
    scopes = (scope,) if isinstance(scope, str) else scope
    if admins_only is None:
        is_theirs = bool(scopes) and all(each.partition(".")[0] == "admin" for each in scopes)
        admins_only = "not_an_admin" if is_theirs else ""
    made = (scopes, limit or f"tier_{tier}", per, public, plans, plan_error, admins_only, org_token)
    return lambda run: Method(name, run, *made, errors or {})


@dataclass(frozen=True, slots=True)
class MethodCall:
    """A call that may go on, with its arguments. All but ``store`` and ``site`` need a token."""

    store: Store
    callers: Callers
    base_url: str
    request: Request
    arguments: Arguments
    method: Method

    @property
    def grant(self) -> Grant:
        assert self.request.grant is not None
        return self.request.grant

    @property
    def org(self) -> Org:
        return self.grant.org

    @property
    def token(self) -> Token:
        return self.grant.token

    @property
    def actor(self) -> Actor:
        """Who asks, for reading. Whatever writes asks `caller`."""
        return callers.actor(self.grant, self.request)

    @property
    def is_org_wide(self) -> bool:
        """Whether the token is an Enterprise organisation's, and not of one of its workspaces."""
        return self.org.plan is Plan.ENTERPRISE and self.token.team_id is None

    @property
    def team_id(self) -> TeamId | None:
        """The workspace that the token is for; None: for all of an Enterprise organisation."""
        return self.token.team_id or (None if self.is_org_wide else self.org.team_id)

    @property
    def site(self) -> Site:
        """Where things of the organisation are."""
        return Site(self.base_url, self.org.domain)

    async def caller(self, tx: Tx) -> Caller:
        """Whom a transaction that writes is for. The token is looked at again: it may be gone since."""
        return await self.callers.caller(tx, self.request)

    def has_scope(self, scope: str) -> bool:
        return scope in self.token.scopes

    async def team(self, tx: Tx, name: str = "team_id") -> TeamId:
        """The workspace that the call is about.

        It is that of the token; with an organisation's token the argument ``name`` says which, and outside
        Enterprise there is one. Whoever does not administer the organisation must be in it. Raises
        ``missing_argument`` and ``team_access_not_granted``.
        """
        team = self.team_id
        if team is None:
            wanted = self.arguments.text(name)
            if not wanted:
                raise MethodError("missing_argument", reason=name)
            team = TeamId(wanted)
            if await workspaces.find(tx, self.org.id, team) is None:
                raise MethodError("team_access_not_granted")
        if self.org.plan is Plan.ENTERPRISE and not access.may_administer(self.grant.owner_role):
            me = self.token.user_id
            if not await places.among(tx, places.WORKSPACE, self.org.id, team, [me]):
                raise MethodError("team_access_not_granted")
        return team

    def page(self, kind: str, *, default: int | None = 100, most: int = cursors.LONGEST) -> Page:
        """The page that is asked for, of things of this kind: see :func:`cursors.page`."""
        return cursors.page(self.arguments, kind, default=default, most=most)
