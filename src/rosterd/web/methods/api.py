"""The service below ``/api``: which methods there are, and what every one is held to."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from types import ModuleType

from rosterd.directory import access
from rosterd.directory.model import Plan
from rosterd.store.engine import Store
from rosterd.web.auth import Authenticator
from rosterd.web.methods import (
    admin_conversations,
    admin_teams,
    admin_usergroups,
    admin_users,
    analytics,
    arguments,
    auth,
    chat,
    conversations,
    errors,
    oauth,
    teams,
    usergroups,
    users,
)
from rosterd.web.methods.arguments import Arguments
from rosterd.web.methods.call import Method, MethodCall
from rosterd.web.methods.callers import Callers
from rosterd.web.methods.errors import MethodError
from rosterd.web.reply import Reply
from rosterd.web.request import Request
from rosterd.web.throttle.gate import Throttle

MODULES: tuple[ModuleType, ...] = (
    admin_conversations,
    admin_teams,
    admin_usergroups,
    admin_users,
    analytics,
    auth,
    chat,
    conversations,
    oauth,
    teams,
    usergroups,
    users,
)
"""The modules with methods: one that is not here is not served."""

METHODS: Mapping[str, Method] = {
    each.name: each for module in MODULES for each in vars(module).values() if isinstance(each, Method)
}

_VERBS = ("GET", "HEAD", "POST")


class WebApi:
    """The service over one store. ``base_url`` has no slash at its end."""

    def __init__(
        self, store: Store, authenticator: Authenticator, base_url: str, throttle: Throttle | None = None
    ) -> None:
        self._store = store
        self._callers = Callers(store, authenticator)
        self._base_url = base_url
        self._throttle = throttle

    async def answer(self, request: Request) -> Reply:
        """The answer to a call. Raises what :mod:`rosterd.web.methods.errors` explains."""
        name = "/".join((request.segments or ())[1:])
        method = METHODS.get(name)
        if method is None:
            raise MethodError("unknown_method", req_method=name)
        request.route = ("api", name)
        if request.method not in _VERBS:
            raise MethodError("method_not_allowed")
        if not method.public and request.header(b"authorization"):
            request.grant = await self._callers.grant(request, None)
        given, token = await arguments.read(request)
        request.arguments = given.values
        if not method.public and request.grant is None:
            request.grant = await self._callers.grant(request, token)
        async with self._admission(method, request, given):
            if not method.public:
                check_caller(method, request)
            call = MethodCall(self._store, self._callers, self._base_url, request, given, method)
            answer = await method.run(call)
        reply = answer if isinstance(answer, Reply) else Reply(200, {"ok": True} | answer)
        reply.headers |= _scopes(request)
        return reply

    def refused(self, error: Exception, request: Request) -> Reply:
        """See `rosterd.web.endpoint.Service`."""
        method = METHODS.get(request.route[1]) if request.route else None
        reply = errors.reply_to(error, method.errors if method else {}, request.id)
        reply.headers |= _scopes(request)
        return reply

    def _admission(
        self, method: Method, request: Request, given: Arguments
    ) -> AbstractAsyncContextManager[None]:
        """*Rate limits*: by method, by workspace or organisation, by app.

        A token that no app got is an app of its own.
        """
        if self._throttle is None or request.grant is None:
            return nullcontext()
        token = request.grant.token
        bucket = f"{method.name}:{token.app_id or token.id}:{token.team_id or ''}"
        if method.per:
            bucket = f"{bucket}:{(given.text(method.per) or '')[:32]}"
        return self._throttle.admit_to(request.grant.org, {bucket: method.limit})


def check_caller(method: Method, request: Request) -> None:
    """Refuse a token without the method's scope, and whoever may not call it."""
    grant = request.grant
    assert grant is not None
    if method.scopes and not set(method.scopes) & set(grant.token.scopes):
        needed, provided = ",".join(method.scopes), ",".join(grant.token.scopes)
        raise MethodError("missing_scope", needed=needed, provided=provided)
    if grant.org.plan not in method.plans:
        raise MethodError(method.plan_error)
    if method.org_token and grant.org.plan is Plan.ENTERPRISE and grant.token.team_id is not None:
        raise MethodError("not_allowed_token_type")
    if method.admins_only and not access.may_administer(grant.owner_role):
        raise MethodError(method.admins_only)


def _scopes(request: Request) -> dict[str, str]:
    """*Scopes*: what the token has, and what the method would take."""
    if request.grant is None:
        return {}
    method = METHODS[request.route[1]]
    return {
        "X-OAuth-Scopes": ",".join(request.grant.token.scopes),
        "X-Accepted-OAuth-Scopes": ",".join(method.scopes),
    }
