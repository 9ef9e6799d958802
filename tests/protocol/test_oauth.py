"""Installing an app: who may, what is asked, where answers go, and what a code is good for."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from tests.protocol import secrets_at_rest
from tests.protocol.browser import Browser, Screen, parameters, screen, sign_in
from tests.protocol.conftest import MakeOrg
from tests.protocol.live import Org, Server

REDIRECT = "https://app.example/callback"
VERIFIER = "a-verifier-of-forty-three-characters-or-more-1"
CHALLENGE = "w5HkeCfzdAhWx8dBRZ7_Z-o-E81YkAc9K5Fg1PfkeA0"


@dataclass(frozen=True, slots=True)
class App:
    """An app of the test's own."""

    org: Org
    id: str
    client_id: str
    secret: str = field(repr=False)

    def asks(self, **changed: str | None) -> dict[str, str]:
        """The parameters of its request, but for what is None."""
        asked: dict[str, str | None] = {
            "client_id": self.client_id,
            "user_scope": "admin",
            "redirect_uri": REDIRECT,
            "state": "s t/a&te",
        }
        return {name: value for name, value in (asked | changed).items() if value is not None}

    def exchange(self, code: str, **changed: str | None) -> dict[str, Any]:
        """What ``oauth.v2.access`` answers."""
        sent = {"code": code, "redirect_uri": REDIRECT} | changed
        basic = httpx.BasicAuth(
            str(sent.pop("client_id", self.client_id)), str(sent.pop("secret", self.secret))
        )
        form = {name: value for name, value in sent.items() if value is not None}
        answer = self.org.server.http.post(
            f"{self.org.server.url}/api/oauth.v2.access", data=form, auth=basic
        )
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body


def make_app(org: Org, *more: str, scopes: str = "admin,auditlogs:read,users:read") -> App:
    out = org.run("app", "create", "--name", "Sync <1>", "--redirect-uri", REDIRECT, "--scope", scopes, *more)
    made = json.loads(out)
    return App(org, made["app_id"], made["client_id"], made["client_secret"])


@pytest.fixture
def app(org: Org) -> App:
    return make_app(org)


@pytest.fixture
def browser(server: Server) -> Iterator[Browser]:
    with Browser(server.url) as opened:
        yield opened


def ask(browser: Browser, asked: Mapping[str, str]) -> httpx.Response:
    return browser.ask("/oauth/v2/authorize", params=dict(asked))


def decide(browser: Browser, asked: Mapping[str, str], consent: str = "allow") -> dict[str, str]:
    """What the app is told, once somebody who is signed in has decided."""
    page = screen(ask(browser, asked))
    assert page.status == 200, page.response.headers
    answer = browser.sent(page.form("/oauth/v2/authorize"), {"consent": consent})
    assert answer.status_code == 303
    assert answer.headers["location"].startswith(f"{REDIRECT}?")
    return parameters(answer.headers["location"])


def code_for(browser: Browser, app: App, **changed: str | None) -> str:
    return decide(browser, app.asks(**changed))["code"]


def test_an_owner_installs_an_app_and_its_token_works(org: Org, app: App, browser: Browser) -> None:
    page = screen(ask(browser, app.asks()))
    assert page.response.headers["location"].startswith(
        f"/signin/{org.domain}?next=%2Foauth%2Fv2%2Fauthorize"
    )
    sign_in(browser, org, org.owner_id)
    page = screen(ask(browser, app.asks()))
    assert page.heading == f"Sync <1> asks for access to {org.domain}"
    assert "admin : create, change and deactivate people" in page.text
    policy = page.response.headers["content-security-policy"]
    assert "form-action 'self' https://app.example;" in policy
    told = decide(browser, app.asks())
    assert told["state"] == "s t/a&te"
    answer = app.exchange(told["code"])
    token = answer["authed_user"]["access_token"]
    assert token.startswith("xoxp-")
    assert answer == {
        "ok": True,
        "app_id": app.id,
        "authed_user": {
            "id": org.owner_id,
            "scope": "admin",
            "access_token": token,
            "token_type": "user",
        },
        "team": None,
        "enterprise": {"id": org.org_id, "name": org.domain},
        "is_enterprise_install": True,
    }
    assert org.api("v2", token).get("Users").status_code == 200
    [shown] = [t for t in map(json.loads, org.run("token", "list").splitlines()) if t["app_id"] == app.id]
    assert (shown["user_id"], shown["scopes"], shown["team_id"]) == (org.owner_id, ["admin"], None)
    assert org.events(app.id) == ["app_manifest_created"]
    assert org.events(shown["token_id"]) == ["app_installed"]
    for secret in (token, told["code"], app.secret):
        assert secret not in secrets_at_rest.everything(org.server.database)


def test_signing_in_leads_back_to_the_consent(org: Org, app: App, browser: Browser) -> None:
    page = browser.open(f"/oauth/v2/authorize?{httpx.QueryParams(app.asks())}")
    assert page.path == f"/signin/{org.domain}"
    browser.send(page.form(f"/signin/{org.domain}/mail"), email="nobody@example.com")
    page = sign_in(browser, org, org.owner_id)
    assert (page.path, page.heading) == ("/oauth/v2/authorize", f"Sync <1> asks for access to {org.domain}")
    assert page.form("/oauth/v2/authorize").fields == app.asks()


def test_a_scope_of_administrators_is_granted_after_a_fresh_sign_in(
    org: Org, app: App, browser: Browser
) -> None:
    path, asked = "/oauth/v2/authorize", app.asks(code_challenge=CHALLENGE, code_challenge_method="S256")
    sign_in(browser, org, org.owner_id)
    form = screen(ask(browser, asked)).form(path)
    secrets_at_rest.age_proofs(org.server.database, org.org_id, 16 * 60)
    asked_again = ask(browser, asked).headers["location"]
    onward = {"next": f"{path}?{urlencode(asked)}", "again": "1"}
    assert asked_again == f"/signin/{org.domain}?{urlencode(onward)}"
    answer = browser.sent(form, {"consent": "allow"})  # its page was opened in time
    assert "code" in parameters(answer.headers["location"])
    secrets_at_rest.age_proofs(org.server.database, org.org_id, 15 * 60)
    assert browser.sent(form, {"consent": "allow"}).headers["location"] == asked_again
    answer = browser.sent(form, {"consent": "deny"})
    assert parameters(answer.headers["location"])["error"] == "access_denied"
    assert "code" in decide(browser, app.asks(user_scope="users:read"))
    browser.send(browser.open(asked_again).form(f"/signin/{org.domain}/mail"))
    page = sign_in(browser, org, org.owner_id)
    assert (page.path, page.form(path).fields) == (path, asked)
    assert "code" in decide(browser, asked)


@pytest.mark.parametrize(
    ("plan", "role", "team", "outcome"),
    [
        ("enterprise", "primary_owner", False, "organisation"),
        ("enterprise", "owner", False, "organisation"),
        ("enterprise", "admin", False, "access_denied"),
        ("enterprise", "member", False, "access_denied"),
        ("enterprise", "multi_channel_guest", False, "access_denied"),
        ("enterprise", "owner", True, "workspace"),
        ("enterprise", "admin", True, "workspace"),
        ("enterprise", "member", True, "access_denied"),
        ("business_plus", "primary_owner", False, "workspace"),
        ("business_plus", "owner", True, "workspace"),
        ("business_plus", "admin", False, "workspace"),
        ("business_plus", "member", False, "access_denied"),
    ],
)
def test_who_may_install_where(
    make_org: MakeOrg, browser: Browser, plan: str, role: str, team: bool, outcome: str
) -> None:
    org = make_org(plan=plan)
    app = make_app(org)
    user = org.owner_id if role == "primary_owner" else org.create_user("installer", role)
    sign_in(browser, org, user)
    asked = app.asks(team=org.team_id if team else None)
    if outcome == "access_denied":
        answer = ask(browser, asked)
        assert parameters(answer.headers["location"]) == {"error": "access_denied", "state": "s t/a&te"}
        form = {**asked, "consent": "allow"}
        answer = browser.http.post(f"{org.server.url}/oauth/v2/authorize", data=form)
        assert parameters(answer.headers["location"]) == {"error": "access_denied", "state": "s t/a&te"}
        return
    answered = app.exchange(decide(browser, asked)["code"])
    is_enterprise = plan == "enterprise"
    assert answered["authed_user"]["id"] == user
    assert answered["is_enterprise_install"] is (outcome == "organisation")
    assert answered["enterprise"] == ({"id": org.org_id, "name": org.domain} if is_enterprise else None)
    assert answered["team"] == ({"id": org.team_id, "name": org.domain} if outcome == "workspace" else None)
    scim = org.api("v2", answered["authed_user"]["access_token"])
    if is_enterprise and outcome == "workspace":
        scim.check_refused(scim.get("Users"), "non_org_teams_only")
    else:
        assert scim.get("Users").status_code == 200


def test_the_organisation_itself_may_be_named(org: Org, app: App, browser: Browser) -> None:
    sign_in(browser, org, org.owner_id)
    assert app.exchange(code_for(browser, app, team=org.org_id))["is_enterprise_install"] is True


REFUSED: dict[str, tuple[dict[str, str | None], str]] = {
    "no scope": ({"user_scope": None}, "invalid_scope"),
    "a scope that is not the app's": ({"user_scope": "admin,chat:write"}, "invalid_scope"),
    "an empty scope": ({"user_scope": ","}, "invalid_scope"),
    "a bot's scope": ({"scope": "users:read"}, "invalid_scope"),
    "admin for a bot": ({"scope": "admin", "user_scope": None}, "invalid_scope"),
    "another response": ({"response_type": "token"}, "unsupported_response_type"),
    "an unknown workspace": ({"team": "T00000000"}, "invalid_team"),
    "a plain challenge": ({"code_challenge": CHALLENGE, "code_challenge_method": "plain"}, "invalid_request"),
    "a challenge without method": ({"code_challenge": CHALLENGE}, "invalid_request"),
    "a method without challenge": ({"code_challenge_method": "S256"}, "invalid_request"),
    "a short challenge": ({"code_challenge": "x", "code_challenge_method": "S256"}, "invalid_request"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_an_app_may_not_ask_is_told_to_it(org: Org, app: App, browser: Browser, what: str) -> None:
    changed, error = REFUSED[what]
    sign_in(browser, org, org.owner_id)
    answer = ask(browser, app.asks(**changed))
    assert answer.status_code == 303
    assert answer.headers["location"].startswith(f"{REDIRECT}?")
    assert parameters(answer.headers["location"]) == {"error": error, "state": "s t/a&te"}
    form = {**app.asks(**changed), "consent": "allow"}  # nor when the form is made up
    answer = browser.http.post(f"{org.server.url}/oauth/v2/authorize", data=form)
    assert parameters(answer.headers["location"])["error"] == error
    answer = ask(browser, app.asks(state=None, **changed))
    assert parameters(answer.headers["location"]) == {"error": error}


def test_an_unknown_app_or_address_is_a_page_and_never_a_redirect(
    org: Org, app: App, browser: Browser
) -> None:
    sign_in(browser, org, org.owner_id)
    for changed, heading in (
        ({"client_id": None}, "This app is not known here"),
        ({"client_id": "1.2"}, "This app is not known here"),
        ({"client_id": "\0"}, "This app is not known here"),
        ({"redirect_uri": "https://evil.example/"}, "This app cannot be installed from here"),
        ({"redirect_uri": f"{REDIRECT}/"}, "This app cannot be installed from here"),
        ({"redirect_uri": f"{REDIRECT}?a=b"}, "This app cannot be installed from here"),
        ({"redirect_uri": f"{REDIRECT}/../x"}, "This app cannot be installed from here"),
        ({"redirect_uri": REDIRECT.upper()}, "This app cannot be installed from here"),
        (
            {"redirect_uri": "https://app.example@evil.example/callback"},
            "This app cannot be installed from here",
        ),
        ({"state": "x" * 5_000}, "The address was not understood"),
    ):
        asked = app.asks(**changed)
        form = {**asked, "consent": "allow"}
        for answer in (
            ask(browser, asked),
            browser.http.post(f"{org.server.url}/oauth/v2/authorize", data=form),
        ):
            page = screen(answer)
            assert (page.status, page.heading) == (400, heading)
            assert "location" not in answer.headers


def test_whoever_cancels_is_told_to_the_app(org: Org, app: App, browser: Browser) -> None:
    sign_in(browser, org, org.owner_id)
    assert decide(browser, app.asks(), "deny") == {"error": "access_denied", "state": "s t/a&te"}
    assert decide(browser, app.asks(), "") == {"error": "access_denied", "state": "s t/a&te"}


def test_consent_given_elsewhere_is_none(org: Org, app: App, browser: Browser) -> None:
    sign_in(browser, org, org.owner_id)
    form = screen(ask(browser, app.asks())).form("/oauth/v2/authorize")
    answer = browser.sent(form, {"consent": "allow"}, {"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403
    with Browser(org.server.url) as nobody:
        answer = nobody.sent(form, {"consent": "allow"})
        assert answer.headers["location"].startswith(f"/signin/{org.domain}?")


def test_an_app_is_installed_by_members_of_its_organisation(make_org: MakeOrg, browser: Browser) -> None:
    here, there = make_org(), make_org()
    app = make_app(here)
    sign_in(browser, there, there.owner_id)
    answer = ask(browser, app.asks())
    assert answer.headers["location"].startswith(f"/signin/{here.domain}?")


def test_a_code_is_good_once_and_a_second_try_ends_its_token(org: Org, app: App, browser: Browser) -> None:
    sign_in(browser, org, org.owner_id)
    code = code_for(browser, app)
    token = app.exchange(code)["authed_user"]["access_token"]
    other = app.exchange(code_for(browser, app))["authed_user"]["access_token"]
    assert org.api("v2", token).get("Users").status_code == 200
    assert app.exchange(code) == {"ok": False, "error": "code_already_used"}
    assert org.api("v2", token).get("Users").status_code == 401
    assert org.api("v2", other).get("Users").status_code == 200
    assert app.exchange(code) == {"ok": False, "error": "code_already_used"}
    assert org.events().count("app_uninstalled") == 1


def test_of_many_who_exchange_a_code_at_once_one_gets_a_token(org: Org, app: App, browser: Browser) -> None:
    sign_in(browser, org, org.owner_id)
    code = code_for(browser, app)
    with ThreadPoolExecutor(8) as pool:
        answers = [*pool.map(lambda _: app.exchange(code), range(8))]
    [given] = [answer for answer in answers if answer["ok"]]
    assert {answer["error"] for answer in answers if not answer["ok"]} == {"code_already_used"}
    token = given["authed_user"]["access_token"]
    assert org.api("v2", token).get("Users").status_code == 401


def test_a_code_is_for_one_app_one_address_and_one_verifier(org: Org, app: App, browser: Browser) -> None:
    sign_in(browser, org, org.owner_id)
    other = make_app(org)
    proof = {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}
    plain, proved = code_for(browser, app), code_for(browser, app, **proof)
    unnamed = code_for(browser, app, redirect_uri=None)
    wrong: list[tuple[App, str, dict[str, str | None], str]] = [
        (other, plain, {}, "invalid_code"),
        (app, "", {}, "invalid_code"),
        (app, f"{plain}0", {}, "invalid_code"),
        (app, plain, {"redirect_uri": "https://evil.example/"}, "bad_redirect_uri"),
        (app, plain, {"redirect_uri": None}, "bad_redirect_uri"),
        (app, unnamed, {}, "bad_redirect_uri"),
        (app, plain, {"code_verifier": VERIFIER}, "invalid_code_verifier"),
        (app, proved, {}, "invalid_code_verifier"),
        (app, proved, {"code_verifier": f"{VERIFIER}2"}, "invalid_code_verifier"),
        (app, proved, {"code_verifier": CHALLENGE}, "invalid_code_verifier"),
        (app, plain, {"secret": "wrong"}, "bad_client_secret"),
        (app, plain, {"secret": ""}, "bad_client_secret"),
        (app, plain, {"client_id": other.client_id}, "bad_client_secret"),
        (app, plain, {"client_id": "1.2"}, "invalid_client_id"),
        (app, plain, {"client_id": "%00"}, "invalid_client_id"),
        (app, plain, {"grant_type": "refresh_token"}, "invalid_refresh_token"),
        (app, plain, {"grant_type": "password"}, "invalid_grant_type"),
    ]
    for asking, code, changed, error in wrong:
        assert asking.exchange(code, **changed) == {"ok": False, "error": error}, changed
    assert app.exchange(plain)["ok"] is True  # what was refused has cost nothing
    assert app.exchange(proved, code_verifier=VERIFIER)["ok"] is True
    assert app.exchange(unnamed, redirect_uri=None)["ok"] is True
    digest = sha256(VERIFIER.encode()).digest()
    assert b64encode(digest, b"-_").rstrip(b"=").decode() == CHALLENGE


def test_an_app_may_say_its_secret_in_the_form_or_in_json(org: Org, app: App, browser: Browser) -> None:
    sign_in(browser, org, org.owner_id)
    url = f"{org.server.url}/api/oauth.v2.access"
    for way in ("data", "json"):
        said = {"client_id": app.client_id, "client_secret": app.secret, "redirect_uri": REDIRECT}
        said["code"] = code_for(browser, app)
        options: dict[str, Any] = {way: said}
        assert org.server.http.post(url, **options).json()["ok"] is True
        options = {way: said | {"client_secret": "wrong"}}
        assert org.server.http.post(url, **options).json() == {"ok": False, "error": "bad_client_secret"}
    for nobody in ("Basic", "Basic !", "Basic eA==", "Bearer x"):
        answer = org.server.http.post(url, data={"code": "x"}, headers={"Authorization": nobody})
        assert answer.json() == {"ok": False, "error": "invalid_client_id"}


def test_who_lost_their_rights_since_gives_no_token(org: Org, app: App, browser: Browser) -> None:
    owner = org.create_user("other-owner", "owner")
    for lose, error in (
        (("user", "set-role", "--user", owner, "--role", "member"), "access_denied"),
        ((), "invalid_code"),
    ):
        org.run("user", "set-role", "--user", owner, "--role", "owner")
        sign_in(browser, org, owner)
        code = code_for(browser, app)
        if lose:
            org.run(*lose)
        else:
            org.api("v2").delete(f"Users/{owner}")
        assert app.exchange(code) == {"ok": False, "error": error}


def test_a_deactivation_ends_the_tokens_of_apps_too(org: Org, app: App, browser: Browser) -> None:
    owner = org.create_user("other-owner", "owner")
    sign_in(browser, org, owner)
    token = app.exchange(code_for(browser, app))["authed_user"]["access_token"]
    org.api("v2").delete(f"Users/{owner}")
    assert org.api("v2", token).get("Users").status_code == 401


def test_an_app_that_is_ended_takes_its_tokens_with_it(org: Org, app: App, browser: Browser) -> None:
    sign_in(browser, org, org.owner_id)
    token = app.exchange(code_for(browser, app))["authed_user"]["access_token"]
    code = code_for(browser, app)
    assert json.loads(org.run("app", "revoke", app.id)) == {"app_id": app.id, "revoked": True}
    assert org.api("v2", token).get("Users").status_code == 401
    assert app.exchange(code) == {"ok": False, "error": "invalid_client_id"}
    page: Screen = screen(ask(browser, app.asks()))
    assert page.heading == "This app is not known here"
    assert org.api("v2").get("Users").status_code == 200
    [shown] = [json.loads(line) for line in org.run("app", "list").splitlines()]
    assert shown["app_id"] == app.id
    assert shown["revoked"] is not None
    assert "secret" not in str(shown)


def test_an_app_revokes_its_own_token(org: Org, app: App, browser: Browser) -> None:
    sign_in(browser, org, org.owner_id)
    token = app.exchange(code_for(browser, app))["authed_user"]["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    answer = org.server.http.post(f"{org.server.url}/api/auth.revoke", headers=headers)
    assert answer.json() == {"ok": True, "revoked": True}
    assert org.api("v2", token).get("Users").status_code == 401


def test_an_app_that_cannot_be_is_not_created(org: Org) -> None:
    given = {"--name": "App", "--redirect-uri": REDIRECT, "--scope": "admin"}
    for option, value, error in (
        ("--redirect-uri", "http://app.example/", "bad_redirect_uri"),
        ("--redirect-uri", "https://app.example/#x", "bad_redirect_uri"),
        ("--redirect-uri", "app://callback", "bad_redirect_uri"),
        ("--redirect-uri", "https://a.example;script-src *", "bad_redirect_uri"),
        ("--redirect-uri", "https://u@a.example/", "bad_redirect_uri"),
        ("--redirect-uri", "javascript:alert(1)", "bad_redirect_uri"),
        ("--scope", "Admin!", "invalid_scope"),
        ("--scope", " ", "invalid_scope"),
        ("--name", " ", "invalid_app_name"),
    ):
        words = [word for pair in (given | {option: value}).items() for word in pair]
        error_line = org.server.run("app", "create", "--org", org.domain, *words, fails=True)
        assert error_line.startswith(f"Error: {error}"), error_line
    assert org.run("app", "list") == ""
