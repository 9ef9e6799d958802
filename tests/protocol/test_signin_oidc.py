"""Signing in at an organisation's own provider: a real one, and one that lies."""

from __future__ import annotations

import json
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import pytest

from tests.protocol import forger as forgery
from tests.protocol import inside, secrets_at_rest
from tests.protocol.browser import Browser, Screen, parameters, screen
from tests.protocol.conftest import MakeOrg
from tests.protocol.forger import CLIENT_ID, CLIENT_SECRET, Forger, forging
from tests.protocol.live import Org, Server
from tests.protocol.provider import PASSWORD, Provider, providing


@pytest.fixture(scope="session")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Provider]:
    with providing(tmp_path_factory.mktemp("provider") / "stderr.log") as running:
        yield running


@pytest.fixture
def forger() -> Iterator[Forger]:
    with forging() as running:
        yield running


@pytest.fixture
def browser(server: Server) -> Iterator[Browser]:
    with Browser(server.url) as opened:
        yield opened


def set_idp(org: Org, tmp_path: Path, issuer: str, client: tuple[str, str], *options: str) -> None:
    secret = tmp_path / "client-secret"
    secret.write_text(f"{client[1]}\n")
    org.run(
        "idp", "set", "--issuer", issuer, "--client-id", client[0], "--client-secret-file", str(secret),
        *options,
    )  # fmt: skip


def at_provider(org: Org, provider: Provider, tmp_path: Path, *options: str) -> None:
    """Members of ``org`` sign in at canaille, which never says that an address is verified."""
    client = provider.register(f"{org.server.url}/signin/{org.domain}/callback")
    set_idp(org, tmp_path, provider.issuer, client, *options)


def log_in(browser: Browser, org: Org, name: str, onward: str = "/home") -> Screen:
    """As somebody who is asked at the provider who they are."""
    page = browser.open(f"/signin/{org.domain}?next={onward}")
    page = browser.open(page.links["Sign in with 127.0.0.1"])
    page = browser.send(page.form("/login"), login=name)
    return browser.send(page.form("/auth/password"), password=PASSWORD)


def member(org: Org, name: str = "ann") -> str:
    """The id of a new member whom the provider knows, too."""
    out = org.run("user", "create", "--email", f"{name.title()}@Example.com", "--username", name)
    return str(json.loads(out)["user_id"])


def statuses(org: Org) -> dict[str, str]:
    return {line["username"]: line["status"] for line in org.users()}


def test_a_member_signs_in_at_the_organisations_provider(
    org: Org, provider: Provider, browser: Browser, tmp_path: Path
) -> None:
    at_provider(org, provider, tmp_path, "--accept-unverified-email")
    ann = member(org)
    page = log_in(browser, org, "ann", "/directory")
    assert (page.status, page.path, page.heading) == (200, "/directory", "Member directory")
    assert statuses(org)["ann"] == "active"
    assert org.events(ann) == ["user_created", "user_login"]
    assert set(browser.http.cookies) >= {"rosterd"}
    assert "rosterd-flow" not in browser.http.cookies


def test_an_address_that_is_not_verified_will_not_do(
    org: Org, provider: Provider, browser: Browser, tmp_path: Path
) -> None:
    at_provider(org, provider, tmp_path)
    ann = member(org)
    page = log_in(browser, org, "ann")
    assert (page.status, page.heading) == (403, "Your address is not verified")
    assert (browser.secret, statuses(org)["ann"]) == (None, "invited")
    assert org.events(ann) == ["user_created", "user_login_failed"]
    with Browser(org.server.url) as another:  # of an address that is nobody's here the same is said
        assert log_in(another, org, "stranger").text == page.text


def test_a_stranger_is_told_so_and_nobody_is_created(
    org: Org, provider: Provider, browser: Browser, tmp_path: Path
) -> None:
    at_provider(org, provider, tmp_path, "--accept-unverified-email")
    before = org.users()
    page = log_in(browser, org, "stranger")
    assert (page.status, page.heading) == (403, "You are not a member")
    assert (browser.secret, org.users()) == (None, before)
    assert org.events()[-1] == "user_login_failed"


def test_an_address_counts_in_the_organisation_whose_provider_it_is(
    make_org: MakeOrg, provider: Provider, browser: Browser, tmp_path: Path
) -> None:
    here, there = make_org(), make_org()
    at_provider(here, provider, tmp_path, "--accept-unverified-email")
    member(here)
    member(there)
    assert log_in(browser, here, "ann").heading == "ann"
    assert (statuses(here)["ann"], statuses(there)["ann"]) == ("active", "invited")
    page = browser.open(f"/signin/{there.domain}")
    assert "Sign in with 127.0.0.1" not in page.links
    assert browser.open(f"/signin/{there.domain}/oidc").heading == "There is no identity provider"


def test_somebody_deactivated_is_not_let_in(
    org: Org, provider: Provider, browser: Browser, tmp_path: Path
) -> None:
    at_provider(org, provider, tmp_path, "--accept-unverified-email")
    ann = member(org)
    org.api("v2").delete(f"Users/{ann}")
    page = log_in(browser, org, "ann")
    assert (page.status, page.heading) == (403, "Your account is deactivated")
    assert browser.secret is None
    assert org.events(ann)[-1] == "user_login_failed"


def arrive(browser: Browser, org: Org, forger: Forger, **changed: str) -> Screen:
    """Goes to the forger, and comes back with what it was sent there with."""
    sent = browser.ask(f"/signin/{org.domain}/oidc")
    if sent.status_code != 303:
        return screen(sent)
    asked = parameters(sent.headers["location"])
    forger.nonce = asked["nonce"]
    back = {"code": "c", "state": asked["state"]} | changed
    return screen(browser.ask(f"/signin/{org.domain}/callback", params=back))


@pytest.fixture
def lied_to(org: Org, forger: Forger, tmp_path: Path) -> Org:
    """An organisation that believes in the forger, with an invited member, ann."""
    set_idp(org, tmp_path, forger.issuer, (CLIENT_ID, CLIENT_SECRET))
    member(org)
    return org


def test_the_provider_is_asked_with_pkce_and_basic_authentication(
    lied_to: Org, forger: Forger, browser: Browser
) -> None:
    sent = browser.ask(f"/signin/{lied_to.domain}/oidc").headers["location"]
    asked = parameters(sent)
    assert sent.startswith(f"{forger.issuer}/authorize?")
    assert asked.pop("code_challenge_method") == "S256"
    assert all(len(asked.pop(name)) >= 32 for name in ("state", "nonce", "code_challenge"))
    callback = f"{lied_to.server.url}/signin/{lied_to.domain}/callback"
    assert asked == {
        "response_type": "code",
        "client_id": CLIENT_ID,
        "redirect_uri": callback,
        "scope": "openid email profile",
    }
    page = arrive(browser, lied_to, forger)
    assert page.response.headers["location"] == "/home"
    [form] = forger.exchanges
    secret = f"{quote_plus(CLIENT_ID)}:{quote_plus(CLIENT_SECRET)}".encode()
    assert form.pop("authorization") == f"Basic {b64encode(secret).decode()}"
    assert len(form.pop("code_verifier")) >= 43
    assert form == {"grant_type": "authorization_code", "code": "c", "redirect_uri": callback}
    assert statuses(lied_to)["ann"] == "active"


def test_who_is_to_show_again_who_they_are_is_asked_at_the_provider_again(
    lied_to: Org, forger: Forger, browser: Browser
) -> None:
    """The provider says when it has asked; one that says nothing is believed to have done as it was told."""
    now = int(time.time())
    path = f"/signin/{lied_to.domain}"

    def again(claims: dict[str, Any]) -> Screen:
        page = browser.open(f"{path}?next=/directory&again=1")
        assert page.heading == "Sign in again"
        sent = browser.ask(page.links["Sign in with 127.0.0.1"])
        asked = parameters(sent.headers["location"])
        assert (asked["prompt"], asked["max_age"]) == ("login", "0")
        forger.nonce, forger.claims = asked["nonce"], saying(**claims)
        return screen(browser.ask(f"{path}/callback", params={"code": "c", "state": asked["state"]}))

    def proved() -> list[int | None]:
        return secrets_at_rest.proofs(lied_to.server.database, lied_to.org_id)

    arrive(browser, lied_to, forger)
    assert proved() == [None]  # it may have let them in as somebody who came hours ago
    for claims in ({}, {"auth_time": now - 30}, {"auth_time": now + 30}):
        assert again(claims).response.headers["location"] == "/directory"
    assert all(at is not None and now - 30 <= at < now + 60 for at in proved()[1:])
    before = browser.secret
    for age in (15 * 60, 30_000_000_000, now + 5):
        page = again({"auth_time": now - age})
        assert (page.status, page.heading) == (403, "Your identity provider did not ask again")
    assert again({"auth_time": "now"}).heading == "We cannot tell who you are"
    assert browser.secret == before


def without(*names: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda said: {name: value for name, value in said.items() if name not in names}


def saying(**claims: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda said: said | claims


LIES: dict[str, dict[str, Any]] = {
    "another nonce": {"claims": saying(nonce="other")},
    "no nonce": {"claims": without("nonce")},
    "another issuer": {"claims": saying(iss="https://id.example")},
    "no issuer": {"claims": without("iss")},
    "another audience": {"claims": saying(aud="somebody else")},
    "no audience": {"claims": without("aud")},
    "many audiences and no party": {"claims": saying(aud=[CLIENT_ID, "somebody else"])},
    "another party": {"claims": saying(azp="somebody else")},
    "expired": {"claims": saying(exp=1_700_000_000)},
    "no expiry": {"claims": without("exp")},
    "from the future": {"claims": saying(iat=4_000_000_000)},
    "no subject": {"claims": without("sub")},
    "no signature": {"sign": forgery.unsigned},
    "signed with the client's secret": {"sign": forgery.by_client_secret},
    "signed with the public key": {"sign": forgery.by_public_key},
    "signed with another key": {"sign": forgery.by_another_key},
    "no token at all": {"sign": lambda said: "x"},
    "no keys": {"keys": []},
    "no address": {"claims": without("email"), "user_info": without("email")},
    "an address that is no text": {"claims": saying(email=["ann@example.com"])},
    "userinfo of another": {"claims": without("email"), "user_info": saying(sub="2")},
    "a code refused": {"token_status": 400},
}


@pytest.mark.parametrize("lie", LIES)
def test_what_does_not_hold_lets_nobody_in(lied_to: Org, forger: Forger, browser: Browser, lie: str) -> None:
    for name, value in LIES[lie].items():
        setattr(forger, name, value)
    page = arrive(browser, lied_to, forger)
    assert (page.status, page.heading) == (403, "We cannot tell who you are")
    assert (browser.secret, statuses(lied_to)["ann"]) == (None, "invited")
    assert lied_to.events()[-1] == "user_login_failed"


def test_an_address_not_verified_by_the_provider_will_not_do(
    lied_to: Org, forger: Forger, browser: Browser
) -> None:
    for claim in (False, "false", None, 1):
        forger.claims = saying(email_verified=claim)
        assert arrive(browser, lied_to, forger).heading == "Your address is not verified"
    forger.claims = without("email")  # userinfo has it, and says that it is verified
    assert arrive(browser, lied_to, forger).response.headers["location"] == "/home"


FAULTS: dict[str, dict[str, Any]] = {
    "it describes another": {"metadata": saying(issuer="https://id.example")},
    "it describes nothing": {"metadata": lambda said: {}},
    "it says something else": {"metadata": lambda said: b"<html>"},
    "it says too much": {"metadata": lambda said: b" " * 2_000_000},
    "it names an address without https": {"metadata": saying(token_endpoint="http://id.example/token")},
    "it names a file": {"metadata": saying(jwks_uri="file:///etc/passwd")},
    "it has no keys": {"metadata": lambda said: said | {"jwks_uri": said["userinfo_endpoint"]}},
    "it fails": {"token_status": 500},
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_provider_that_is_at_fault_is_a_page(
    lied_to: Org, forger: Forger, browser: Browser, fault: str
) -> None:
    for name, value in FAULTS[fault].items():
        setattr(forger, name, value)
    page = arrive(browser, lied_to, forger)
    assert (page.status, page.heading) == (502, "Your identity provider does not answer")
    assert browser.secret is None


def test_a_provider_that_is_not_there_is_a_page(org: Org, browser: Browser, tmp_path: Path) -> None:
    set_idp(org, tmp_path, "http://127.0.0.1:1", (CLIENT_ID, CLIENT_SECRET))
    page = browser.open(f"/signin/{org.domain}/oidc")
    assert (page.status, page.heading) == (502, "Your identity provider does not answer")


def test_a_new_key_of_the_provider_is_learnt(lied_to: Org, forger: Forger, browser: Browser) -> None:
    """Not by everyone who sends a wrong signature: once a minute at most."""
    forger.sign = forgery.by_another_key
    assert arrive(browser, lied_to, forger).status == 403
    assert arrive(browser, lied_to, forger).status == 403
    assert forger.asked.count("/jwks") == 1
    assert forger.asked.count("/.well-known/openid-configuration") == 1


def test_only_the_browser_that_began_a_sign_in_ends_it(
    lied_to: Org, forger: Forger, browser: Browser, make_org: MakeOrg, tmp_path: Path
) -> None:
    def refused(page: Screen) -> None:
        assert (page.status, page.heading) == (403, "This sign-in was not begun here")
        assert browser.secret is None

    callback = f"/signin/{lied_to.domain}/callback"
    refused(browser.open(f"{callback}?code=c&state="))
    refused(arrive(browser, lied_to, forger, state="other"))
    refused(arrive(browser, lied_to, forger, state=""))
    other = make_org()
    set_idp(other, tmp_path, forger.issuer, (CLIENT_ID, CLIENT_SECRET))
    begun = parameters(browser.ask(f"/signin/{other.domain}/oidc").headers["location"])
    refused(browser.open(f"{callback}?code=c&state={begun['state']}"))
    browser.ask(f"/signin/{lied_to.domain}/oidc")
    body, _, signature = (browser.http.cookies["rosterd-flow"] or "").partition(".")
    for forged in ("", ".", f"{body}.", f"{body}.{'0' * 64}", f"{body[:-2]}.{signature}"):
        browser.http.cookies.set("rosterd-flow", forged, domain="127.0.0.1", path="/")
        refused(browser.open(f"{callback}?code=c&state=x"))
    assert forger.exchanges == []


def test_another_issuer_in_the_answer_is_not_believed(lied_to: Org, forger: Forger, browser: Browser) -> None:
    page = arrive(browser, lied_to, forger, iss="https://id.example")
    assert (page.status, page.heading, forger.exchanges) == (403, "We cannot tell who you are", [])


def test_a_provider_that_says_no_is_a_page(lied_to: Org, forger: Forger, browser: Browser) -> None:
    page = arrive(browser, lied_to, forger, code="", error="<b>access_denied")
    assert (page.status, page.heading) == (403, "Your identity provider did not let you in")
    assert "<b>" not in page.response.text


def test_people_are_sent_on_within_this_server_only(lied_to: Org, forger: Forger, browser: Browser) -> None:
    for onward, where in {
        "/directory?q=a": "/directory?q=a",
        "https://evil.example/": "/home",
        "//evil.example/": "/home",
        "/\\evil.example": "/home",
        "/%09/evil.example": "/%09/evil.example",
        "/\t/evil.example": "/home",
        "javascript:alert(1)": "/home",
    }.items():
        begun = browser.ask(f"/signin/{lied_to.domain}/oidc", params={"next": onward})
        asked = parameters(begun.headers["location"])
        forger.nonce = asked["nonce"]
        back = {"code": "c", "state": asked["state"]}
        ended = browser.ask(f"/signin/{lied_to.domain}/callback", params=back)
        assert ended.headers["location"] == where


def test_a_provider_is_shown_without_its_secret_and_can_be_removed(org: Org, tmp_path: Path) -> None:
    set_idp(org, tmp_path, "https://id.example/acme", ("ours", "hidden"))
    shown = json.loads(org.run("idp", "show"))
    del shown["created"]
    assert shown == {
        "org_id": org.org_id,
        "issuer": "https://id.example/acme",
        "client_id": "ours",
        "accepts_unverified": False,
    }
    assert json.loads(org.run("idp", "remove")) == {"org_id": org.org_id, "removed": True}
    error = org.server.run("idp", "show", "--org", org.domain, fails=True)
    assert error.startswith("Error: no_such_idp: set one with")
    secret = tmp_path / "client-secret"
    for issuer in ("http://id.example", "https://id.example/?a=b", "id.example", "https://u@id.example"):
        error = org.server.run(
            "idp", "set", "--org", org.domain, "--issuer", issuer, "--client-id", "ours",
            "--client-secret-file", str(secret), fails=True,
        )  # fmt: skip
        assert error.startswith("Error: invalid_issuer")
    events = [event.details for event in inside.events(org.server.database, org.org_id)]
    assert not any("hidden" in details for details in events)
