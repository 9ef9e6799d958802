"""Apps and tokens on pages: made, used, rotated and ended as by command, each form once, each secret once."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest

from tests.protocol import secrets_at_rest
from tests.protocol.browser import Browser, Form, Screen, parameters, sign_in
from tests.protocol.conftest import MakeOrg
from tests.protocol.live import Org, Server, ok

APPS = "/admin/apps"
NEW = f"{APPS}/tokens/new"


@pytest.fixture
def browser(server: Server) -> Iterator[Browser]:
    with Browser(server.url) as opened:
        yield opened


@pytest.fixture
def owner(org: Org, browser: Browser) -> Browser:
    """The primary owner, signed in."""
    sign_in(browser, org, org.owner_email)
    return browser


def tokens(org: Org) -> list[dict[str, object]]:
    return [json.loads(line) for line in org.run("token", "list").splitlines()]


def secret_of(page: Screen) -> str:
    """The token that a page shows."""
    [found] = re.findall(r"xoxp-[\w-]+", page.text)
    return str(found)


def create(browser: Browser, **fields: str) -> Screen:
    page = browser.open(NEW)
    assert page.status == 200, page.text
    form = page.form(NEW)
    return browser.send(form, **({"scope:admin": "1", "name": "a connector"} | fields))


def status_of(org: Org, token: str) -> int:
    return int(org.api("v2", token).get("Users").status_code)


def test_a_token_that_a_page_makes_works_and_is_shown_once(org: Org, owner: Browser) -> None:
    page = create(owner, name="Okta production", expires="90")
    token = secret_of(page)
    assert page.status == 200
    assert page.response.headers["cache-control"] == "no-store"
    assert token not in str(page.response.url)
    assert token not in str(page.response.headers)
    assert f"SCIM 2.0 {org.server.url}/scim/v2 SCIM 1.1 {org.server.url}/scim/v1/" in page.text
    ok(org.api("v2", token).get("Users"))
    made = tokens(org)[-1]
    assert (made["name"], made["user_id"], made["scopes"]) == ("Okta production", org.owner_id, ["admin"])
    assert made["expires"] is not None
    for path in (APPS, f"{APPS}/tokens/{made['token_id']}", f"{APPS}/tokens/{made['token_id']}/revoke"):
        shown = owner.open(path)
        assert "Okta production" in shown.text
        assert token not in shown.response.text
    assert token not in secrets_at_rest.everything(org.server.database)


def test_a_plan_without_scim_is_told_where_tokens_and_groups_are(make_org: MakeOrg, browser: Browser) -> None:
    org = make_org(plan="pro")
    sign_in(browser, org, org.owner_email)
    assert "has no SCIM. Every SCIM request is refused" in browser.open(APPS).text
    assert "no identity provider can push one" in browser.open("/admin/groups").text
    assert "/scim/v2" not in create(browser, name="no use").text


def test_a_form_that_is_sent_twice_makes_one_token(org: Org, owner: Browser) -> None:
    form = owner.open(NEW).form(NEW)
    fields = {"scope:admin": "1", "name": "once"}
    cookies = dict(owner.http.cookies)

    def send(_: int) -> int:
        with Browser(org.server.url) as another:
            another.http.cookies.update(cookies)
            return another.sent(form, fields).status_code

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(send, range(6))) == [200, *[409] * 5]
    assert [token["name"] for token in tokens(org)].count("once") == 1
    again = owner.send(form, **fields)
    assert "This form was sent before" in again.text


def test_what_was_typed_stays_when_something_is_wrong(org: Org, owner: Browser) -> None:
    before = tokens(org)
    for fields, said in (
        ({"scope:admin": "1", "name": " ", "allow_ips": "192.0.2.1"}, "There is no name. Enter one."),
        ({"scope:admin": "1", "allow_ips": "not an address"}, "One of the addresses is not understood"),
        ({"scope:admin": "1", "allow_ips": "\n".join(["192.0.2.1"] * 11)}, "That is too many addresses"),
        ({"other_scopes": "Not A Scope!"}, "Choose what it may do"),
        ({"scope:admin": "1", "expires": "soon"}, "The form was not understood"),
        ({"scope:admin": "1", "owner": "W0NOBODY"}, "There is nobody here by that id"),
        ({"scope:admin": "1", "owner": "\0"}, "There is nobody here by that id"),
        ({"scope:admin": "1", "team": "T0\0"}, "There is no such workspace"),
    ):
        form = owner.open(NEW).form(NEW)
        form = Form("post", form.action, {k: v for k, v in form.fields.items() if k != "scope:admin"})
        page = owner.send(form, **({"name": "Kept name"} | fields))
        assert 400 <= page.status < 500
        assert said in page.text
        assert page.form(NEW).fields["name"] == fields.get("name", "Kept name")
        assert page.form(NEW).fields["allow_ips"] == fields.get("allow_ips", "")
    assert tokens(org) == before


def test_after_a_rotation_both_work_until_the_overlap_ends(org: Org, owner: Browser) -> None:
    old = secret_of(create(owner, name="Entra"))
    former = tokens(org)[-1]["token_id"]
    path = f"{APPS}/tokens/{former}/rotate"
    page = owner.send(owner.open(path).form(path), overlap="1")
    new = secret_of(page)
    assert "The former token works until" in page.text
    assert [status_of(org, each) for each in (old, new)] == [200, 200]
    successor = tokens(org)[-1]
    assert (successor["name"], successor["replaced_by"]) == ("Entra", None)
    for shown in (owner.open(f"{APPS}/tokens/{former}"), owner.open(path)):
        assert shown.links[f"Entra ({successor['token_id']})"] == f"{APPS}/tokens/{successor['token_id']}"
        assert "replaced it. This one works until" in shown.text
        assert "Rotate" not in shown.links
    again = owner.send(Form("post", path, {"once": "another-form-0001", "overlap": "1"}))
    assert (again.status, "This token was rotated before" in again.text) == (409, True)
    assert tokens(org)[-1] == successor
    secrets_at_rest.expire_token(org.server.database, org.org_id, str(former))
    assert [status_of(org, each) for each in (old, new)] == [401, 200]
    assert "Expired" in owner.open(f"{APPS}/tokens/{former}").text
    assert "replaced it. This one is no longer valid." in owner.open(path).text


def test_a_rotation_without_overlap_ends_the_former_at_once(org: Org, owner: Browser) -> None:
    old = secret_of(create(owner))
    path = f"{APPS}/tokens/{tokens(org)[-1]['token_id']}/rotate"
    new = secret_of(owner.send(owner.open(path).form(path), overlap="0"))
    assert [status_of(org, each) for each in (old, new)] == [401, 200]


def test_a_token_is_ended_on_a_page_that_says_what_ends(org: Org, owner: Browser) -> None:
    token = secret_of(create(owner, name="Okta production"))
    id = tokens(org)[-1]["token_id"]
    path = f"{APPS}/tokens/{id}/revoke"
    page = owner.open(path)
    assert page.heading == "Revoke Okta production?"
    assert "It has never been used." in page.text
    assert status_of(org, token) == 200
    page = owner.send(page.form(path))
    assert (page.path, page.status) == (APPS, 200)
    assert "The token is no longer valid." in page.text
    assert status_of(org, token) == 401
    assert "Okta production" not in owner.open(APPS).text
    assert "Okta production" in owner.open(f"{APPS}?state=ended").text


def test_addresses_count_at_once_and_a_stale_form_changes_nothing(org: Org, owner: Browser) -> None:
    token = secret_of(create(owner))
    id = tokens(org)[-1]["token_id"]
    path = f"{APPS}/tokens/{id}"
    stale = owner.open(path).form(path)
    page = owner.send(owner.open(path).form(path), allow_ips="192.0.2.0/24\n198.51.100.7", name="Elsewhere")
    assert page.heading == "Elsewhere"
    assert status_of(org, token) == 401
    page = owner.send(stale, name="Stale", allow_ips="")
    assert (page.status, "Somebody was faster" in page.text) == (409, True)
    assert tokens(org)[-1]["allow_ips"] == ["192.0.2.0/24", "198.51.100.7/32"]
    owner.send(owner.open(path).form(path), allow_ips="")
    assert status_of(org, token) == 200


def test_whoever_signed_in_a_while_ago_signs_in_again_and_comes_back(org: Org, owner: Browser) -> None:
    create(owner)
    rotate = f"{APPS}/tokens/{tokens(org)[-1]['token_id']}/rotate"
    form = owner.open(NEW).form(NEW)
    secrets_at_rest.age_proofs(org.server.database, org.org_id, 16 * 60)
    for path in (NEW, rotate, f"{APPS}/new", f"{APPS}/webhooks/new"):
        page = owner.open(path)
        assert (page.path, page.heading) == (f"/signin/{org.domain}", "Sign in again")
        assert parameters(str(page.response.url)) == {"next": path, "again": "1"}
    before = tokens(org)
    assert owner.send(form, **{"scope:admin": "1", "name": "new"}).status == 200  # a while to fill it in
    assert len(tokens(org)) == len(before) + 1
    form = Form("post", form.action, form.fields | {"once": "another-form-0001"})
    secrets_at_rest.age_proofs(org.server.database, org.org_id, 15 * 60)
    page = owner.send(form, **{"scope:admin": "1", "name": "new"})
    assert (page.heading, len(tokens(org))) == ("Sign in again", len(before) + 1)
    mail = page.form(f"/signin/{org.domain}/mail")
    assert mail.fields["email"] == org.owner_email
    owner.send(mail)  # which remembers where to come back to
    assert sign_in(owner, org, org.owner_email).path == NEW
    assert owner.open(rotate).status == 200


def test_more_addresses_and_webhooks_ask_for_a_fresh_sign_in_and_fewer_do_not(
    org: Org, owner: Browser
) -> None:
    create(owner, allow_ips="192.0.2.0/24 198.51.100.7")
    path, hook = f"{APPS}/tokens/{tokens(org)[-1]['token_id']}", f"{APPS}/webhooks/new"
    adding = owner.open(hook).form(hook)
    assert "sign in again" not in owner.open(path).links
    secrets_at_rest.age_proofs(org.server.database, org.org_id, 31 * 60)
    for wider in ("", "192.0.2.0/23\n198.51.100.7", "192.0.2.0/24\n198.51.100.8"):
        page = owner.send(owner.open(path).form(path), name="Wider", allow_ips=wider)
        assert (page.status, "Sign in again first." in page.text) == (403, True)
        fields = page.form(path).fields
        assert (fields["name"], fields["allow_ips"]) == ("Wider", wider)  # what was typed is not lost
        assert parameters(page.links["sign in again"]) == {"next": path, "again": "1"}
    assert tokens(org)[-1]["allow_ips"] == ["192.0.2.0/24", "198.51.100.7/32"]
    for fields in ({"name": "Another"}, {"allow_ips": "192.0.2.128/25"}):
        assert owner.send(owner.open(path).form(path), **fields).status == 200
    assert tokens(org)[-1]["allow_ips"] == ["192.0.2.128/25"]
    assert owner.send(adding, url="https://h.example/").heading == "Sign in again"
    assert org.run("webhook", "list") == ""
    sign_in(owner, org, org.owner_email)
    assert owner.send(owner.open(path).form(path), allow_ips="").status == 200
    assert "sign in again" not in owner.open(path).links  # there is nothing more to allow
    assert tokens(org)[-1]["allow_ips"] == []


def test_an_admin_is_offered_what_they_may_and_refused_the_rest(make_org: MakeOrg, browser: Browser) -> None:
    org = make_org(plan="business_plus")
    adam = org.create_user("adam", "admin")
    sign_in(browser, org, adam)
    [of_owner] = [token["token_id"] for token in tokens(org)]
    page = browser.open(f"{APPS}/tokens/{of_owner}")
    assert page.status == 200
    assert not {"Rotate", "Revoke"} & set(page.links)
    assert [urlsplit(form.action).path for form in page.forms] == ["/signout"]
    once = browser.open(NEW).form(NEW).fields["once"]
    for path, fields in (
        (f"{APPS}/tokens/{of_owner}/revoke", {}),
        (f"{APPS}/tokens/{of_owner}/rotate", {"overlap": "0"}),
        (NEW, {"owner": org.owner_id, "scope:admin": "1", "expires": "", "name": "not theirs"}),
    ):
        refused = browser.send(Form("post", path, {"once": once, **fields}))
        assert (refused.status, "role is above your own" in refused.text) == (403, True)
    assert len(tokens(org)) == 1
    assert org.owner_id not in browser.open(NEW).response.text
    ok(org.api("v2", secret_of(create(browser, name="mine"))).get("Users"))
    assert "Webhooks" not in browser.open(APPS).text
    assert browser.open(f"{APPS}/webhooks/new").status == 403


def test_on_enterprise_an_admin_makes_tokens_of_a_workspace(make_org: MakeOrg, browser: Browser) -> None:
    org = make_org(plan="enterprise")
    sign_in(browser, org, org.create_user("adam", "admin"))
    assert "is made by an owner" in browser.open(NEW).text
    refused = create(browser, team="")
    assert (refused.status, len(tokens(org))) == (403, 1)
    made = create(browser, team=org.team_id)
    assert made.status == 200
    assert tokens(org)[-1]["team_id"] == org.team_id


def test_members_see_nothing_of_it(org: Org, browser: Browser) -> None:
    sign_in(browser, org, org.create_user("ann"))
    for path in (APPS, NEW, f"{APPS}/new", f"{APPS}/webhooks/new", f"{APPS}/{org.org_id}"):
        assert browser.open(path).status == 403
    before = tokens(org)
    form = Form("post", NEW, {"once": "0123456789abcdef", "scope:admin": "1", "owner": org.owner_id})
    assert browser.send(form).status == 403
    assert tokens(org) == before


def test_what_belongs_to_another_organisation_is_not_there(make_org: MakeOrg, browser: Browser) -> None:
    here, there = make_org(), make_org()
    sign_in(browser, here, here.owner_email)
    [other] = [token["token_id"] for token in tokens(there)]
    once = browser.open(NEW).form(NEW).fields["once"]
    for path in ("", "/rotate", "/revoke"):
        assert browser.open(f"{APPS}/tokens/{other}{path}").status == 404
        sent = browser.send(Form("post", f"{APPS}/tokens/{other}{path}", {"once": once, "overlap": "0"}))
        assert sent.status == 404
    assert tokens(there)[0]["revoked"] is None
    refused = browser.send(
        Form("post", NEW, {"once": once, "scope:admin": "1", "name": "x", "owner": there.owner_id})
    )
    assert refused.status == 404


def test_an_app_is_registered_installed_by_its_link_and_ended(org: Org, owner: Browser) -> None:
    path = f"{APPS}/new"
    form = owner.open(path).form(path)
    wrong = owner.send(form, name="Connector", redirect_uris="http://evil.example/", **{"scope:admin": "1"})
    assert (wrong.status, "Answers cannot be sent there" in wrong.text) == (400, True)
    fields = {"name": "Connector", "redirect_uris": "https://c.example/one\nhttps://c.example/two"}
    page = owner.send(wrong.form(path), **fields, **{"scope:admin": "1", "scope:auditlogs:read": "1"})
    assert page.heading == "Connector is registered"
    [listed] = [json.loads(line) for line in org.run("app", "list").splitlines()]
    assert (listed["scopes"], len(listed["redirect_uris"])) == (["admin", "auditlogs:read"], 2)
    secret = re.search(r"Client secret ([0-9a-f]{32})", page.text)
    install = re.search(r"Install link (http\S+)", page.text)
    assert secret is not None
    assert install is not None
    consent = owner.open(install[1])
    assert consent.heading == f"Connector asks for access to {org.domain}"
    given = owner.sent(consent.form("/oauth/v2/authorize"), {"consent": "allow"})
    code = parameters(given.headers["location"])["code"]
    answer = org.server.http.post(
        f"{org.server.url}/api/oauth.v2.access", data={"code": code}, auth=(listed["client_id"], secret[1])
    ).json()
    token = answer["authed_user"]["access_token"]
    assert status_of(org, token) == 200
    shown = owner.open(f"{APPS}/{listed['app_id']}")
    assert (shown.heading, "Installed" in shown.text) == ("Connector", True)
    assert secret[1] not in shown.response.text
    path = f"{APPS}/{listed['app_id']}/revoke"
    page = owner.open(path)
    assert "With it 1 token ends" in page.text
    assert owner.send(page.form(path)).path == APPS
    assert status_of(org, token) == 401


def test_an_owner_adds_a_webhook_and_removes_it(org: Org, owner: Browser) -> None:
    path = f"{APPS}/webhooks/new"
    wrong = owner.send(owner.open(path).form(path), url="https://h.example/", actions="no_such_event")
    assert (wrong.status, wrong.form(path).fields["url"]) == (400, "https://h.example/")
    page = owner.send(wrong.form(path), url="https://h.example/x", actions="user_created user_deactivated")
    [hook] = [json.loads(line) for line in org.run("webhook", "list").splitlines()]
    assert hook["actions"] == ["user_created", "user_deactivated"]
    assert re.search(r"Signing secret [0-9a-f]{32}", page.text)
    path = f"{APPS}/webhooks/{hook['webhook_id']}/remove"
    assert "https://h.example/x" in owner.open(APPS).text
    page = owner.open(path)
    assert owner.send(page.form(path)).path == APPS
    assert org.run("webhook", "list") == ""
    assert owner.open(path).status == 404


def test_the_list_goes_from_page_to_page_and_shows_what_stands_in_its_address(
    org: Org, owner: Browser
) -> None:
    for number in range(52):
        org.token_for(org.owner_email, "--name", f"token number {number}")
    page = owner.open(APPS)
    first = set(re.findall(r"token number \d+", page.text))
    page = owner.open(page.links["Next page"])
    rest = set(re.findall(r"token number \d+", page.text))
    assert len(first) == 50
    assert len(first | rest) == 52
    assert owner.open(page.links["From the start"]).path == APPS
    for wrong in (
        "state=x",
        "after=x",
        "after=1.",
        "after=9999999999999999999999.A1",
        "after=%00.A",
        "after=1.%00",
    ):
        assert owner.open(f"{APPS}?{wrong}").status == 400, wrong
    assert owner.open(f"{APPS}/tokens/A%00").status in (400, 401, 404)
    assert owner.open(f"{APPS}/nobody").status == 404


def test_the_identity_provider_is_shown_without_its_secret(
    org: Org, owner: Browser, tmp_path: object
) -> None:
    assert "there is no identity provider" in owner.open(APPS).text
    secret = f"{tmp_path}/secret"
    with open(secret, "w", encoding="utf-8") as file:
        file.write("very secret")
    org.run(
        "idp",
        "set",
        "--issuer",
        "https://id.example.org",
        "--client-id",
        "rosterd",
        "--client-secret-file",
        secret,
    )
    org.run("local-admin", "set", "--user", org.owner_email)
    page = owner.open(APPS)
    assert "https://id.example.org" in page.text
    assert "very secret" not in page.response.text
    assert "Administrators with a password" in page.text
