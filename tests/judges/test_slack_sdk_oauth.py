"""slack_sdk installs an app: its own URL generator and state store, its Web client, then its SCIM client."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.oauth import AuthorizeUrlGenerator, OAuthStateUtils, RedirectUriPageRenderer
from slack_sdk.oauth.installation_store import FileInstallationStore, Installation
from slack_sdk.oauth.state_store import FileOAuthStateStore
from slack_sdk.scim import SCIMClient
from slack_sdk.web.async_client import AsyncWebClient

from tests.protocol import live
from tests.protocol.browser import Browser, parameters, screen, sign_in
from tests.protocol.live import Org, Server

REDIRECT = "https://app.example/slack/oauth_redirect"


@pytest.fixture(params=["enterprise", "business_plus"])
def org(server: Server, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Org:
    for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    return live.make_org(server, request.param)


@pytest.fixture
def browser(server: Server) -> Iterator[Browser]:
    with Browser(server.url) as opened:
        yield opened


def test_an_app_written_with_slack_sdk_is_installed(org: Org, browser: Browser, tmp_path: Path) -> None:
    out = org.run(
        "app", "create", "--name", "Connector", "--redirect-uri", REDIRECT, "--scope", "admin,users:read"
    )
    made = json.loads(out)
    client_id, secret = made["client_id"], made["client_secret"]
    states = FileOAuthStateStore(
        expiration_seconds=300, base_dir=str(tmp_path / "states"), client_id=client_id
    )
    installations = FileInstallationStore(base_dir=str(tmp_path / "installations"), client_id=client_id)
    urls = AuthorizeUrlGenerator(
        client_id=client_id,
        redirect_uri=REDIRECT,
        user_scopes=["admin", "users:read"],
        authorization_url=f"{org.server.url}/oauth/v2/authorize",
    )
    renderer = RedirectUriPageRenderer(install_path="/", redirect_uri_path="/", success_url="/done")
    assert OAuthStateUtils().is_valid_browser("x", {"cookie": ["slack-app-oauth-state=x"]})
    sign_in(browser, org, org.owner_id)

    page = browser.open(urls.generate(states.issue()))
    answer = browser.sent(page.form("/oauth/v2/authorize"), {"consent": "allow"})
    told = parameters(answer.headers["location"])
    assert states.consume(told["state"])
    client = WebClient(base_url=f"{org.server.url}/api/")
    installed = client.oauth_v2_access(
        client_id=client_id, client_secret=secret, redirect_uri=REDIRECT, code=told["code"]
    )
    assert installed["ok"] is True
    is_enterprise = installed["is_enterprise_install"]
    assert is_enterprise is (org.org_id != org.team_id)
    user, enterprise, team = installed["authed_user"], installed["enterprise"], installed["team"]
    installations.save(
        Installation(
            app_id=installed["app_id"],
            enterprise_id=enterprise["id"] if enterprise else None,
            team_id=team["id"] if team else None,
            user_id=user["id"],
            user_token=user["access_token"],
            user_scopes=user["scope"],
            is_enterprise_install=is_enterprise,
        )
    )
    found = installations.find_installation(
        enterprise_id=enterprise["id"] if enterprise else None,
        team_id=team["id"] if team else None,
        is_enterprise_install=is_enterprise,
    )
    assert found is not None
    assert "/done" in renderer.render_success_page(app_id=installed["app_id"], team_id=org.team_id)

    token = found.user_token
    assert token is not None
    scim = SCIMClient(token=token, base_url=f"{org.server.url}/scim/v1/")
    assert [person.id for person in scim.search_users(start_index=1, count=10).users or []] == [org.owner_id]
    web = WebClient(token=token, base_url=f"{org.server.url}/api/")
    assert web.auth_test()["user_id"] == org.owner_id
    assert web.auth_revoke()["revoked"] is True
    with pytest.raises(SlackApiError) as caught:
        web.auth_test()
    assert caught.value.response["error"] == "token_revoked"

    page = browser.open(urls.generate(states.issue()))
    told = parameters(browser.sent(page.form("/oauth/v2/authorize"), {"consent": "deny"}).headers["location"])
    assert states.consume(told["state"])
    assert told["error"] == "access_denied"


@pytest.mark.filterwarnings("ignore:BasicAuth is deprecated")  # slack_sdk uses what aiohttp ends
def test_its_clients_are_told_what_is_wrong(org: Org, browser: Browser) -> None:
    out = org.run("app", "create", "--name", "Connector", "--redirect-uri", REDIRECT, "--scope", "admin")
    made = json.loads(out)
    sign_in(browser, org, org.owner_id)
    urls = AuthorizeUrlGenerator(
        client_id=made["client_id"],
        user_scopes=["admin"],
        authorization_url=f"{org.server.url}/oauth/v2/authorize",
    )
    page = screen(browser.ask(urls.generate("state", team=org.org_id)))
    answer = browser.sent(page.form("/oauth/v2/authorize"), {"consent": "allow"})
    code = parameters(answer.headers["location"])["code"]
    client = AsyncWebClient(base_url=f"{org.server.url}/api/")

    async def exchange(secret: str, code: str, **more: str) -> str:
        try:
            answer = await client.oauth_v2_access(
                client_id=made["client_id"], client_secret=secret, code=code, **more
            )
        except SlackApiError as error:
            return str(error.response["error"])
        return str(answer["authed_user"]["id"])

    secret = made["client_secret"]
    assert asyncio.run(exchange("wrong", code)) == "bad_client_secret"
    assert asyncio.run(exchange(secret, "wrong")) == "invalid_code"
    assert asyncio.run(exchange(secret, code, redirect_uri=REDIRECT)) == "bad_redirect_uri"
    assert asyncio.run(exchange(secret, code)) == org.owner_id
    assert asyncio.run(exchange(secret, code)) == "code_already_used"
