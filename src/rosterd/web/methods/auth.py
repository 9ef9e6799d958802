"""``api.test``, ``auth.test`` and ``auth.revoke``: is anybody there, who am I, and the end of a token."""

from __future__ import annotations

from typing import Any

from rosterd.actions.doors import apps
from rosterd.directory.model import Plan
from rosterd.store import users, workspaces
from rosterd.web.methods.call import MethodCall, method
from rosterd.web.methods.errors import MethodError


@method("api.test", tier=4, public=True)
async def api_test(call: MethodCall) -> dict[str, Any]:
    """Says back what it was called with; ``error`` makes it fail so."""
    given = call.arguments.values
    beside: dict[str, Any] = {"args": given} if given else {}
    if error := call.arguments.text("error"):
        raise MethodError(error, **beside)
    return beside


@method("auth.test", limit="auth_test")
async def auth_test(call: MethodCall) -> dict[str, Any]:
    """Whose token it is, and for what. An organisation's token has its id in place of a workspace's."""
    async with call.store.read() as tx:
        owner = await users.find(tx, call.org.id, call.token.user_id)
        team = None if call.team_id is None else await workspaces.find(tx, call.org.id, call.team_id)
    assert owner is not None
    found: dict[str, Any] = {
        "url": f"{call.site.home}/",
        "team": team.name if team else call.org.name,
        "user": owner.username,
        "team_id": call.team_id or call.org.id,
        "user_id": owner.id,
    }
    if call.org.plan is Plan.ENTERPRISE:
        found["enterprise_id"] = call.org.id
    return found | {"is_enterprise_install": call.is_org_wide}


@method("auth.revoke", tier=3)
async def auth_revoke(call: MethodCall) -> dict[str, Any]:
    """Ends the token that it is called with; ``test``: only says that it could."""
    if call.arguments.flag("test"):
        return {"revoked": False}
    async with call.store.write() as tx:
        caller = await call.caller(tx)
        await apps.revoke_own_token(tx, caller.org, actor=caller.actor)
    return {"revoked": True}
