"""What acts here by itself: tokens, apps that get them by consent, webhooks, and where members sign in."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, NamedTuple
from urllib.parse import urlencode

from rosterd.actions.doors import apps as actions
from rosterd.dashboard.admin.frame import Done, Look, Shown, form, page
from rosterd.dashboard.admin.fresh import check_fresh, sign_in_again
from rosterd.dashboard.admin.programs.scopes import chosen, offered
from rosterd.dashboard.admin.programs.standing import Standing, standings
from rosterd.dashboard.pages import Page
from rosterd.directory import access
from rosterd.directory import apps as rules
from rosterd.directory.apps import App
from rosterd.directory.errors import Invalid, NotFound
from rosterd.directory.model import Role, Token, User
from rosterd.store import users, webhooks, workspaces
from rosterd.store.doors import apps as store
from rosterd.store.doors import idps, passwords, tokens
from rosterd.store.engine import Tx

PAGE = 50

STATES = {"": "Valid", "ended": "Ended"}
"""Value of ``state`` in the address → what such tokens and apps are called."""


class Row(NamedTuple):
    """A token as a list shows it."""

    token: Token
    owner: User | None
    place: str  # the workspace; empty: the whole organisation
    app: str  # its name; empty: made by somebody here
    standings: list[Standing]


@page("admin", "apps")
async def apps(look: Look) -> Page:
    """All that acts here by itself."""
    state = look.params.get("state", "")
    if state not in STATES:
        raise Invalid("invalid_query")
    ended, now, after = state == "ended", int(time.time()), _place(look.params.get("after", ""))
    async with look.desk.store.scan() as tx:
        found = await tokens.page(tx, look.org.id, now, ended=ended, after=after, limit=PAGE + 1)
        every = await store.of_org(tx, look.org.id)
        rows = await rows_of(tx, look, found[:PAGE], every, now)
        counts = await tokens.counts_by_app(tx, look.org.id, now)
        hooks = await webhooks.of_org(tx, look.org.id) if look.sees(Role.OWNER) else []
        idp = await idps.find(tx, look.org.id)
        since = {each.user_id: each.created for each in await passwords.of_org(tx, look.org.id)}
        local = await users.find_many(tx, look.org.id, list(since))
    last = found[PAGE - 1] if len(found) > PAGE else None
    return look.render(
        "apps.html",
        state=state,
        states=STATES,
        rows=rows,
        next=f"{last.created}.{last.id}" if last is not None else "",
        is_later=after is not None,
        apps=[app for app in every if (app.revoked is not None) is ended],
        counts=counts,
        hooks=hooks,
        is_owner=look.sees(Role.OWNER),
        idp=idp,
        local=[(user, since[user.id] // 1_000_000) for user in local],
    )


async def rows_of(tx: Tx, look: Look, found: Sequence[Token], every: Sequence[App], now: int) -> list[Row]:
    """Tokens with whose they are, where they count and which app has them."""
    owners = {user.id: user for user in await users.find_many(tx, look.org.id, [t.user_id for t in found])}
    teams = sorted({token.team_id for token in found if token.team_id is not None})
    places = {each.id: each.name for each in await workspaces.find_many(tx, look.org.id, teams)}
    names = {app.id: app.name for app in every}
    return [
        Row(
            token,
            owners.get(token.user_id),
            places.get(token.team_id, token.team_id) if token.team_id is not None else "",
            names.get(token.app_id or "", ""),
            standings(token, owners.get(token.user_id), now),
        )
        for token in found
    ]


@page("admin", "apps", "new")
async def new_app(look: Look) -> Page:
    """A form for an app that asks for its tokens by itself."""
    return sign_in_again(look) or look.render("new_app.html", scopes=offered(look.fields))


@form("admin", "apps", "new", shown=new_app)
async def create_app(tx: Tx, look: Look) -> Shown:
    """An app; its secret is on the page that answers, and nowhere else."""
    check_fresh(look)
    addresses = look.fields.get("redirect_uris", "").split()
    try:
        made, secret = await actions.create_app(
            tx,
            look.org,
            look.fields.get("name", ""),
            addresses,
            chosen(look.fields),
            key=look.desk.key,
            actor=look.actor,
        )
    except Invalid as error:
        if error.code == "bad_redirect_uri":
            raise Invalid("invalid_redirect_uri", **error.data) from error
        raise
    return Shown(
        lambda look: look.render("app_made.html", app=made, secret=secret, install=install_link(look, made))
    )


@page("admin", "apps", "*")
async def app(look: Look, app_id: str) -> Page:
    """One app: how it is installed, and what it was given."""
    given = await _given(look, app_id)
    return look.render(
        "app.html",
        **given,
        install=install_link(look, given["app"]),
        scopes=[(scope, rules.SCOPES.get(scope, "")) for scope in given["app"].scopes],
    )


@page("admin", "apps", "*", "revoke")
async def ask_to_end(look: Look, app_id: str) -> Page:
    """What ends with an app."""
    return look.render("end_app.html", **await _given(look, app_id))


@form("admin", "apps", "*", "revoke", shown=ask_to_end)
async def end_app(tx: Tx, look: Look, app_id: str) -> Done:
    """The app and all its tokens ended."""
    found = _one(await store.of_org(tx, look.org.id), app_id)
    await actions.revoke_app(tx, look.org, found.id, actor=look.actor)
    return Done("/admin/apps", f"{found.name} has ended. The tokens that it was given are no longer valid.")


async def _given(look: Look, app_id: str) -> dict[str, Any]:
    """An app, the first of its tokens that count, how many they are, and whether it is theirs to end."""
    org, now = look.org.id, int(time.time())
    async with look.desk.store.scan() as tx:
        every = await store.of_org(tx, org)
        found = _one(every, app_id)
        given = await tokens.of_app(tx, org, app_id, now, PAGE)
        return {
            "app": found,
            "rows": await rows_of(tx, look, given, every, now),
            "count": (await tokens.counts_by_app(tx, org, now)).get(app_id, 0),
            "may_end": (await tokens.roles_behind(tx, org, app_id)).isdisjoint(access.beyond(look.actor)),
        }


def install_link(look: Look, app: App) -> str:
    """Where somebody consents to what the app asks for."""
    asked = {"client_id": app.client_id, "user_scope": ",".join(app.scopes)}
    return f"{look.desk.base_url}/oauth/v2/authorize?{urlencode(asked)}"


def _one(every: Sequence[App], app_id: str) -> App:
    found = next((app for app in every if app.id == app_id), None)
    if found is None:
        raise NotFound("no_such_app", app=app_id)
    return found


def _place(text: str) -> tuple[int, str] | None:
    """Where a page begins, as :func:`apps` writes it into an address. Raises ``invalid_query``."""
    if not text:
        return None
    created, _, id = text.partition(".")
    if not (created.isascii() and created.isdigit() and len(created) < 19 and id.isascii() and id.isalnum()):
        raise Invalid("invalid_query")
    return int(created), id
