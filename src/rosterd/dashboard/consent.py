"""Installing an app: somebody who may consents, and the app gets a code (OAuth 2.0, authorization endpoint).

Rules of this module:

1. Who an app is, and where answers go, is settled before anything else: a mistake there is shown and never
   sent anywhere.
2. Nobody is sent on who has not signed in here (RFC 9700 §4.11.2).
3. What the form sends back is checked as what the app has asked for was.
4. A scope of administrators is granted by whoever has shown a moment ago who they are: consent makes a token.

Source: Slack, *Installing with OAuth*; RFC 6749 §4.1.1 and §4.1.2.1.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode, urlsplit, urlunsplit

import msgspec

from rosterd.actions.doors import apps as actions
from rosterd.dashboard import forms, pages, signin
from rosterd.dashboard.desk import Desk, to_sign_in
from rosterd.dashboard.pages import Page, Visit
from rosterd.dashboard.session import actor_of
from rosterd.directory import apps as rules
from rosterd.directory.apps import App
from rosterd.directory.errors import DirectoryError, Invalid, NotFound
from rosterd.directory.model import Org, Plan, TeamId
from rosterd.directory.signin import MAX_PATH, checked_url
from rosterd.store import orgs, workspaces
from rosterd.store.doors import apps
from rosterd.store.doors.sessions import Seat
from rosterd.store.engine import Tx

PATH = "/oauth/v2/authorize"

ASKED = (
    "client_id", "scope", "user_scope", "redirect_uri", "state", "team", "response_type", "code_challenge",
    "code_challenge_method",
)  # fmt: skip
"""The parameters that count."""

ERRORS = {"no_such_team": "invalid_team", "permission_denied": "access_denied"}
"""Codes of ours → what an app is told."""


class Request(msgspec.Struct, frozen=True):
    """What an app asks for, checked. ``redirect_uri``: as it was named, or empty."""

    app: App
    scopes: tuple[str, ...]
    redirect_uri: str
    challenge: str | None
    team_id: TeamId | None


async def ask(desk: Desk, visit: Visit) -> Page:
    """Shows what the app asks for, to somebody who may consent."""
    asked = _asked(visit.params)
    async with desk.store.read() as tx:
        app = await _app(tx, asked)
    seat = await desk.seat(visit)
    if seat is None or seat.org.id != app.org_id:
        return await _sign_in(desk, app, asked)
    try:
        async with desk.store.read() as tx:
            request = await _checked(tx, seat, app, asked)
            team = None
            if request.team_id is not None:
                team = await workspaces.find(tx, seat.org.id, request.team_id)
    except DirectoryError as error:
        return _answer(app, asked, error=ERRORS.get(error.code, error.code))
    if to := _again(seat, request, asked, sent=False):
        return to
    target = rules.chosen_redirect(app, asked.get("redirect_uri"))
    return pages.render(
        "consent.html",
        form_target=checked_url(target),
        app=app,
        user=seat.user,
        org=seat.org,
        team=team,
        scopes=[(scope, rules.SCOPES.get(scope, "")) for scope in request.scopes],
        target=urlsplit(target).netloc,
        asked=[*asked.items()],
    )


async def decide(desk: Desk, visit: Visit) -> Page:
    """Sends the app its code, or word that there is none."""
    fields = await forms.fields(visit, desk.base_url)
    asked = _asked(fields)
    async with desk.store.read() as tx:
        app = await _app(tx, asked)
    try:
        async with desk.store.write() as tx:
            seat = await desk.cookies.seat(visit, tx)
            if seat is None or seat.org.id != app.org_id:
                return await _sign_in(desk, app, asked)
            request = await _checked(tx, seat, app, asked)
            if fields.get("consent") != "allow":
                return _answer(app, asked, error="access_denied")
            if to := _again(seat, request, asked, sent=True):
                return to
            code = await actions.authorize(
                tx,
                seat.org,
                app,
                request.scopes,
                redirect_uri=request.redirect_uri,
                challenge=request.challenge,
                team_id=request.team_id,
                key=desk.key,
                actor=actor_of(seat, visit),
            )
    except DirectoryError as error:
        return _answer(app, asked, error=ERRORS.get(error.code, error.code))
    return _answer(app, asked, code=code)


def _asked(params: Mapping[str, str]) -> dict[str, str]:
    asked = {name: params[name] for name in ASKED if params.get(name)}
    if len(urlencode(asked)) > MAX_PATH // 2:  # so that the way back to it has room everywhere
        raise Invalid("invalid_request")
    return asked


async def _app(tx: Tx, asked: Mapping[str, str]) -> App:
    """Who asks. Raises ``invalid_client_id`` and ``bad_redirect_uri``, which no app is told of."""
    client_id = asked.get("client_id", "")
    found = None if "\0" in client_id else await apps.find(tx, client_id)
    if found is None or found[0].revoked is not None:
        raise NotFound("invalid_client_id")
    rules.chosen_redirect(found[0], asked.get("redirect_uri"))
    return found[0]


async def _checked(tx: Tx, seat: Seat, app: App, asked: Mapping[str, str]) -> Request:
    """What is asked for, if this person may grant it."""
    if asked.get("response_type", "code") != "code":
        raise Invalid("unsupported_response_type")
    team_id = _team(seat.org, asked.get("team"))
    rules.check_installer(seat.org.plan, seat.user.role, on_team=team_id is not None)
    await actions.check_team(tx, seat.org, team_id)
    return Request(
        app,
        rules.asked_scopes(
            app, rules.listed(asked.get("scope", "")), rules.listed(asked.get("user_scope", ""))
        ),
        asked.get("redirect_uri", ""),
        rules.check_challenge(asked.get("code_challenge"), asked.get("code_challenge_method")),
        team_id,
    )


async def _sign_in(desk: Desk, app: App, asked: Mapping[str, str]) -> Page:
    async with desk.store.read() as tx:
        org = await orgs.find(tx, app.org_id)
    return to_sign_in(org, _path(asked))


def _again(seat: Seat, request: Request, asked: Mapping[str, str], *, sent: bool) -> Page | None:
    """The way to another sign-in and back to what is asked for, if there is need."""
    if not rules.is_administrative(request.scopes) or signin.is_fresh(seat, sent=sent):
        return None
    return pages.redirect(signin.again_path(seat.org, _path(asked)))


def _path(asked: Mapping[str, str]) -> str:
    return f"{PATH}?{urlencode(asked)}"


def _team(org: Org, asked: str | None) -> TeamId | None:
    """The one workspace that is asked for; None: the organisation, which on other plans is its workspace."""
    if not asked or asked == org.id:
        return None
    if org.plan is not Plan.ENTERPRISE and asked == org.team_id:
        return None
    return TeamId(asked)


def _answer(app: App, asked: Mapping[str, str], **answer: str) -> Page:
    """Back to the app, with its state."""
    parts = urlsplit(rules.chosen_redirect(app, asked.get("redirect_uri")))
    if "state" in asked:
        answer["state"] = asked["state"]
    query = "&".join(filter(None, (parts.query, urlencode(answer))))
    return pages.redirect(urlunsplit(parts._replace(query=query)))
