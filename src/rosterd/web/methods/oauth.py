"""``oauth.v2.access``: an app exchanges the code that somebody's consent has given it for a token.

Source: Slack's page *oauth.v2.access* and its table *Errors*; *Installing with OAuth*; *Organization-ready
apps* (the answer of an installation on an organisation); RFC 6749 §2.3.1, §4.1.3.
"""

from __future__ import annotations

import hmac
from base64 import b64decode
from typing import Any, NamedTuple
from urllib.parse import unquote_plus

from rosterd.actions.doors import apps as actions
from rosterd.directory.apps import App
from rosterd.directory.model import Org, Plan, Token, Workspace
from rosterd.store import orgs, workspaces
from rosterd.store.doors import apps
from rosterd.store.engine import Tx
from rosterd.web.methods.call import MethodCall, method
from rosterd.web.methods.errors import MethodError

NOT_GRANTED = {"refresh_token": "invalid_refresh_token"}
"""Grant types that there are, and not here: tokens do not rotate."""


class Exchanged(NamedTuple):
    """What a code was exchanged for."""

    org: Org
    team: Workspace | None  # None: all of an Enterprise organisation
    token: Token
    text: str


@method("oauth.v2.access", public=True)
async def oauth_v2_access(call: MethodCall) -> dict[str, Any]:
    """The token of whoever consented, and whose it is."""
    grant_type = call.arguments.text("grant_type") or "authorization_code"
    async with call.store.write() as tx:
        app = await _app(tx, call)
        if grant_type != "authorization_code":
            raise MethodError(NOT_GRANTED.get(grant_type, "invalid_grant_type"))
        exchanged = await _exchange(tx, call, app)
    if exchanged is None:  # what was done about it is committed
        raise MethodError("code_already_used", reason=f"app {app.id}: its first token has been ended")
    org, team, token, text = exchanged
    is_enterprise = org.plan is Plan.ENTERPRISE
    return {
        "app_id": app.id,
        "authed_user": {
            "id": token.user_id,
            "scope": ",".join(token.scopes),
            "access_token": text,
            "token_type": "user",
        },
        "team": None if team is None else {"id": team.id, "name": team.name},
        "enterprise": {"id": org.id, "name": org.name} if is_enterprise else None,
        "is_enterprise_install": is_enterprise and team is None,
    }


async def _exchange(tx: Tx, call: MethodCall, app: App) -> Exchanged | None:
    org = await orgs.find(tx, app.org_id)
    assert org is not None
    done = await actions.exchange(
        tx,
        org,
        app,
        call.arguments.text("code") or "",
        redirect_uri=call.arguments.text("redirect_uri"),
        verifier=call.arguments.text("code_verifier"),
        key=call.callers.key,
        origin=call.request.origin,
    )
    if done is None:
        return None
    token, text = done
    team_id = token.team_id or (None if org.plan is Plan.ENTERPRISE else org.team_id)
    return Exchanged(org, await workspaces.find(tx, org.id, team_id) if team_id else None, token, text)


async def _app(tx: Tx, call: MethodCall) -> App:
    """The app that calls, known by its secret. Raises ``invalid_client_id`` and ``bad_client_secret``."""
    client_id, secret = _credentials(call)
    found = await apps.find(tx, client_id)
    if found is None or found[0].revoked is not None:
        raise MethodError("invalid_client_id")
    app, secret_hash = found
    if not hmac.compare_digest(actions.hash_of(secret, call.callers.key), secret_hash):
        raise MethodError("bad_client_secret", reason=f"app {app.id}")
    return app


def _credentials(call: MethodCall) -> tuple[str, str]:
    """Client id and secret: from the header if they are there, else from the arguments."""
    header = call.request.header(b"authorization") or ""
    scheme, _, encoded = header.strip().partition(" ")
    if scheme.lower() == "basic":
        try:
            client_id, _, secret = b64decode(encoded, validate=True).decode().partition(":")
        except ValueError as error:
            raise MethodError("invalid_client_id", reason="the header is not Basic") from error
        client_id, secret = unquote_plus(client_id), unquote_plus(secret)
        if "\0" in client_id:
            raise MethodError("invalid_client_id")
        return client_id, secret
    return call.arguments.text("client_id") or "", call.arguments.text("client_secret") or ""
