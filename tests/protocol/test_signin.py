"""Signing in by a link; sessions, and what ends them; forms that come from elsewhere."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from rosterd.dashboard.pages import SCRIPT_PATH
from rosterd.dashboard.patience import REFUSALS
from tests.protocol import inside, premises, secrets_at_rest
from tests.protocol.browser import Browser, Form, Screen, parameters, screen, sign_in, signin_path
from tests.protocol.conftest import MakeOrg
from tests.protocol.live import Org, Server

ACCEPTED = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
"""What a browser would like."""

JSON_MEDIA = "application/json;charset=utf-8"


@pytest.fixture
def browser(server: Server) -> Iterator[Browser]:
    with Browser(server.url) as opened:
        yield opened


def status_of(org: Org, user: str) -> str:
    [found] = [line["status"] for line in org.users() if line["user_id"] == user]
    return str(found)


def is_signed_in(browser: Browser) -> bool:
    return browser.open("/home").path == "/home"


def test_somebody_invited_signs_in_by_a_link_and_is_active(org: Org, browser: Browser) -> None:
    ann = org.create_user("ann")
    assert status_of(org, ann) == "invited"
    page = sign_in(browser, org, ann)
    assert (page.status, page.path, page.heading) == (200, "/home", "ann")
    assert status_of(org, ann) == "active"
    [login] = inside.events(org.server.database, org.org_id, ann)[1:]
    details = json.loads(login.details)
    assert (login.action, login.actor_id, login.client) == ("user_login", ann, "a browser")
    assert details == {"session": details["session"], "means": "link", "first": True}


def test_the_web_api_shows_who_is_invited_until_they_sign_in(org: Org, browser: Browser) -> None:
    ann = org.create_user("ann")
    api = org.web_api("users:read")
    assert api.call("users.info", user=ann)["user"]["is_invited_user"] is True
    sign_in(browser, org, ann)
    assert "is_invited_user" not in api.call("users.info", user=ann)["user"]


def test_of_many_who_use_a_link_at_once_one_is_let_in(org: Org, browser: Browser) -> None:
    path = signin_path(org, org.create_user("ann"))
    [form] = browser.open(path).forms

    def enter(_: int) -> bool:
        with Browser(org.server.url) as another:
            return another.send(form).path == "/home"

    with ThreadPoolExecutor(8) as pool:
        assert [*pool.map(enter, range(8))].count(True) == 1


def test_a_link_leads_in_once_and_opening_it_changes_nothing(org: Org, browser: Browser) -> None:
    path = signin_path(org, org.create_user("ann"))
    for _ in range(3):  # a mail scanner, a preview, a person
        page = browser.open(path)
        assert (page.status, page.heading) == (200, f"Sign in to {org.domain}")
    [form] = page.forms
    assert browser.send(form).heading == "ann"
    with Browser(org.server.url) as thief:
        for page in (thief.send(form), thief.open(path), thief.open(path[:-1] + "=")):  # or never was one
            assert (page.status, page.heading) == (403, "This link leads nowhere any more")
            assert page.forms == []
            assert page.links["Ask for a new link"] == f"/signin/{org.domain}?next=%2Fhome"
        assert thief.secret is None
    assert org.events()[-1] == "user_login_failed"


def test_whoever_has_an_old_link_does_not_fill_the_trail(org: Org, browser: Browser) -> None:
    ann = org.create_user("ann")
    [form] = browser.open(signin_path(org, ann)).forms
    browser.send(form)
    with Browser(org.server.url) as thief:
        for _ in range(REFUSALS.burst + 20):
            assert thief.send(form).status == 403
    assert REFUSALS.burst <= org.events(ann).count("user_login_failed") < REFUSALS.burst + 20


def test_no_more_of_a_form_is_read_than_one_of_ours_can_have(org: Org) -> None:
    where = f"{org.server.url}/signin/{org.domain}/mail"
    form = {"email": "a" * 70_000}
    assert org.server.http.post(where, data=form).status_code == 413


def test_a_link_is_of_its_organisation(make_org: MakeOrg, browser: Browser) -> None:
    here, there = make_org(), make_org()
    path = signin_path(here, here.create_user("ann"))
    [form] = browser.open(path).forms
    form = Form("post", form.action.replace(here.domain, there.domain), form.fields)
    assert browser.open(path.replace(here.domain, there.domain)).forms == []
    assert browser.send(form).status == 403
    assert browser.secret is None
    before = there.events()
    for key in ("", "x", "\0", "ä" * 5_000):
        assert browser.send(Form("post", form.action, {"key": key})).status == 403
    assert there.events() == before  # anybody can try, and nobody is named


def test_a_deactivation_ends_sessions_and_links_with_it(org: Org, browser: Browser) -> None:
    ann = org.create_user("ann")
    sign_in(browser, org, ann)
    path = signin_path(org, ann)
    [unused] = browser.open(path).forms
    assert is_signed_in(browser)
    assert org.api("v2").delete(f"Users/{ann}").status_code == 204
    assert not is_signed_in(browser)
    assert browser.open(path).heading == "This link leads nowhere any more"
    assert browser.send(unused).status == 403
    reactivate = {"op": "replace", "path": "active", "value": True}
    assert org.api("v2").patch_user(ann, reactivate).status_code == 200
    assert not is_signed_in(browser)
    assert browser.open(path).heading == "This link leads nowhere any more"
    assert browser.send(unused).status == 403
    assert sign_in(browser, org, ann).heading == "ann"


def test_nobody_deactivated_or_no_person_gets_a_link(org: Org) -> None:
    ann, bot = org.create_user("ann"), org.create_user("bot", "bot")
    org.api("v2").delete(f"Users/{ann}")
    for user, code in ((ann, "account_inactive"), (bot, "permission_denied")):
        arguments = ("signin-link", "--org", org.domain, "--user", user)
        assert org.server.run(*arguments, fails=True).startswith(f"Error: {code}")


def test_a_session_is_new_at_each_sign_in(org: Org, browser: Browser) -> None:
    """Neither a secret that somebody else has planted, nor the one before, is kept."""
    ann = org.create_user("ann")
    browser.http.cookies.set("rosterd", "planted", domain="127.0.0.1", path="/")
    sign_in(browser, org, ann)
    first = browser.secret
    assert first is not None
    assert first != "planted"
    sign_in(browser, org, ann)
    assert browser.secret not in (None, first)
    browser.http.cookies.set("rosterd", first, domain="127.0.0.1", path="/")
    assert not is_signed_in(browser)


def test_a_cookie_is_out_of_reach_of_scripts_and_of_other_sites(org: Org, browser: Browser) -> None:
    path = signin_path(org, org.create_user("ann"))
    answer = browser.sent(browser.open(path).form(path.partition("?")[0]))
    mine, flow = answer.headers.get_list("set-cookie")
    secret = re.fullmatch(r"rosterd=([\w-]{43}); Max-Age=5184000; Path=/; HttpOnly; SameSite=Lax", mine)
    assert secret is not None
    assert flow == "rosterd-flow=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax"
    assert secret[1] not in secrets_at_rest.everything(org.server.database)


def test_signing_out_ends_the_session_for_everybody_who_has_its_secret(org: Org, browser: Browser) -> None:
    ann = org.create_user("ann")
    page = sign_in(browser, org, ann)
    secret = browser.secret
    assert secret is not None
    [out, everywhere] = page.forms
    assert browser.send(out).path == f"/signin/{org.domain}"
    assert browser.secret is None
    browser.http.cookies.set("rosterd", secret, domain="127.0.0.1", path="/")
    assert not is_signed_in(browser)
    assert org.events(ann)[-1] == "user_logout"
    with Browser(org.server.url, "another browser") as other:
        sign_in(other, org, ann)
        page = sign_in(browser, org, ann)
        assert "another browser" in page.text
        browser.send(everywhere, everywhere="1")
        assert not is_signed_in(other)


def test_ones_own_page_says_where_one_is(org: Org, browser: Browser) -> None:
    ann, bert = org.create_user("ann"), org.create_user("bert")
    channel = inside.a_channel(org.server.database, org.org_id, org.owner_id, [org.team_id])
    inside.put_in(org.server.database, org.org_id, {org.team_id: [ann, bert], channel: [ann]})
    text = sign_in(browser, org, ann).text
    assert f"Your workspaces {org.domain}" in text
    assert "Your channels #" in text
    assert "Your channels" not in sign_in(browser, org, bert).text


def test_a_session_ends_when_nobody_uses_it_for_a_day(org: Org, browser: Browser) -> None:
    sign_in(browser, org, org.create_user("ann"))
    for _ in range(3):  # each use makes it last another day
        secrets_at_rest.age_sessions(org.server.database, org.org_id, 23 * 3600)
        assert is_signed_in(browser)
    secrets_at_rest.age_sessions(org.server.database, org.org_id, 24 * 3600)
    assert not is_signed_in(browser)


def test_whoever_was_signed_in_comes_back_by_their_organisations_page(org: Org, browser: Browser) -> None:
    asked = "/directory?q=ann+lee"
    [first] = browser.open(asked).forms
    assert first.fields["next"] == asked  # nobody knows this browser yet
    ann = org.create_user("ann")
    for age in (secrets_at_rest.age_sessions, secrets_at_rest.age_births):
        sign_in(browser, org, ann)
        age(org.server.database, org.org_id, 30 * 24 * 3600)
        page = browser.open(asked)
        assert (page.path, parameters(str(page.response.url))) == (f"/signin/{org.domain}", {"next": asked})
        assert page.links["Another organisation"] == "/signin?next=%2Fdirectory%3Fq%3Dann%2Blee"
        assert page.form(f"/signin/{org.domain}/mail").fields == {"email": "", "next": asked}
        assert browser.open("/").path == f"/signin/{org.domain}"
    ask_for_mail(browser, org, "nobody@example.com", "/directory?q=ann%2Blee")
    assert str(sign_in(browser, org, ann).response.url) == f"{org.server.url}{asked}"
    browser.http.cookies.set("rosterd", "a" * 43, domain="127.0.0.1", path="/")
    assert browser.open(asked).path == "/signin"


def test_a_form_sent_after_the_session_has_ended_leads_back_to_its_page(org: Org, browser: Browser) -> None:
    ann = org.create_user("ann")
    sign_in(browser, org, org.owner_id)
    secrets_at_rest.age_sessions(org.server.database, org.org_id, 24 * 3600)
    for what, back in (("deactivate", f"/admin/members/{ann}/deactivate"), ("signout", "/admin")):
        page = browser.send(Form("post", f"/admin/members/{ann}/{what}", {"once": "x" * 20}))
        assert (page.path, parameters(str(page.response.url))) == (f"/signin/{org.domain}", {"next": back})
    assert browser.send(Form("post", "/signout", {})).path == f"/signin/{org.domain}"
    assert browser.secret is None


def test_an_operator_sees_sessions_and_ends_them(org: Org, browser: Browser) -> None:
    ann = org.create_user("ann")
    sign_in(browser, org, ann)
    [shown] = [json.loads(line) for line in org.run("session", "list", "--user", ann).splitlines()]
    assert (shown["user_id"], shown["means"], shown["client"]) == (ann, "link", "a browser")
    assert "hash" not in shown
    assert json.loads(org.run("session", "end", "--user", ann)) == {"user_id": ann, "ended": 1}
    assert not is_signed_in(browser)
    assert org.run("session", "list", "--user", ann) == ""


def test_a_session_counts_on_pages_only(org: Org, browser: Browser) -> None:
    sign_in(browser, org, org.owner_id)
    assert is_signed_in(browser)
    for path in ("/scim/v2/Users", "/scim/v1/Users"):
        assert browser.ask(path).status_code == 401


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "", "Origin": "https://evil.example"},
        {"Sec-Fetch-Site": "anything"},
    ],
)
def test_a_form_from_elsewhere_is_refused(org: Org, browser: Browser, headers: dict[str, str]) -> None:
    ann = org.create_user("ann")
    page = sign_in(browser, org, ann)
    path = signin_path(org, ann)
    for form in (page.forms[0], browser.open(path).form(path.partition("?")[0])):
        refused = screen(browser.sent(form, headers=headers))
        assert (refused.status, refused.heading) == (403, "This form came from elsewhere")
    assert is_signed_in(browser)
    assert org.events(ann)[-1] == "user_login"


def test_an_older_browser_says_its_origin(org: Org, browser: Browser) -> None:
    page = sign_in(browser, org, org.create_user("ann"))
    for origin, status in (("null", 403), ("https://evil.example", 403), (org.server.url, 303)):
        headers = {"Origin": origin, "Content-Type": "application/x-www-form-urlencoded"}
        answer = browser.http.post(f"{org.server.url}/signout", content=b"", headers=headers)
        assert answer.status_code == status
    assert page.status == 200


def test_whatever_is_no_form_is_refused(org: Org, browser: Browser) -> None:
    url = f"{org.server.url}/signin/{org.domain}/mail"
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    for content, headers in (
        (b'{"email": "a@b.c"}', {"Content-Type": "application/json"}),
        (b"email=a", {"Content-Type": "text/plain"}),
        (b"email=%ff", form),
        (b"email=\xff", form),
        (b"a=1&" * 1200, form),
    ):
        page = screen(browser.http.post(url, content=content, headers=headers))
        assert (page.status, page.heading) == (400, "The form was not understood")


def ask_for_mail(browser: Browser, org: Org, address: str, onward: str = "/home") -> Screen:
    form = browser.open(f"/signin/{org.domain}?next={onward}").form(f"/signin/{org.domain}/mail")
    return browser.send(form, email=address)


def test_a_link_leads_back_to_where_somebody_wanted_to_go(org: Org, browser: Browser) -> None:
    ann = org.create_user("ann")
    asked = browser.open("/directory?q=ann+lee")
    assert (asked.path, parameters(str(asked.response.url))) == ("/signin", {"next": "/directory?q=ann+lee"})
    ask_for_mail(browser, org, "nobody@example.com", "/directory?q=a")
    assert str(sign_in(browser, org, ann).response.url) == f"{org.server.url}/directory?q=a"
    ask_for_mail(browser, org, "nobody@example.com", "https://evil.example/")
    assert sign_in(browser, org, ann).path == "/home"


def test_an_organisation_is_found_by_its_domain(org: Org, browser: Browser) -> None:
    [form] = browser.open("/signin").forms
    assert browser.send(form, domain=f" {org.domain.upper()} ").path == f"/signin/{org.domain}"
    for domain in ("nobody", "../x", "\0", org.org_id):
        page = browser.send(form, domain=domain)
        assert (page.status, page.heading) == (404, "There is no such organisation")


def test_unknown_pages_and_methods_are_pages(browser: Browser) -> None:
    page = browser.open("/signin/a/b/c")
    assert (page.status, page.heading) == (404, "There is no such page")
    answer = browser.http.post(f"{browser.base_url}/directory")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET")
    assert browser.open("/static/other.css").status == 404


def test_where_nothing_is_browsers_get_a_page_and_programs_what_they_always_get(server: Server) -> None:
    nothing = {"Errors": {"description": "bad_endpoint", "code": 404}}
    for path in ("/nope", "/no/such/page", "/healthz/nope", "/nope%00", "//nope", "//Users"):
        for accept in ("*/*", "application/json", "application/json, text/html", ""):
            answer = server.http.get(server.url + path, headers={"Accept": accept})
            assert (answer.status_code, answer.headers["content-type"]) == (404, JSON_MEDIA), accept
        page = server.http.get(server.url + path, headers={"Accept": ACCEPTED})
        assert (page.status_code, page.headers["content-type"]) == (404, "text/html; charset=utf-8")
        assert "<h1>There is no such page</h1>" in page.text
    assert server.http.get(f"{server.url}/nope").json() == nothing
    program = {"Accept": "text/html, image/gif, image/jpeg, */*; q=0.2", "Authorization": "Bearer xoxp-none"}
    assert server.http.get(f"{server.url}/nope", headers=program).json() == nothing  # as Java asks
    for path in ("/scim/nope", "/scim/v2/nope", "/scim//v2", "/api/nope", "/audit/nope", "/audit/v1/%00"):
        answer = server.http.get(server.url + path, headers={"Accept": ACCEPTED})
        assert answer.headers["content-type"] == JSON_MEDIA


def test_every_page_allows_itself_little(org: Org, browser: Browser) -> None:
    pages = [
        browser.open(path)
        for path in ("/signin", f"/signin/{org.domain}", "/signin/none", "/oauth/v2/authorize")
    ]
    pages.append(sign_in(browser, org, org.create_user("ann")))
    pages.append(browser.open("/directory"))
    for page in pages:
        headers = page.response.headers
        scripts = "; script-src 'self'; connect-src 'self'" if page.path in ("/home", "/directory") else ""
        assert headers["content-security-policy"] == (
            "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self';"
            f" frame-ancestors 'none'; base-uri 'none'{scripts}"
        )
        assert headers["cache-control"] == "no-store"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["content-type"] == "text/html; charset=utf-8"
        assert set(re.findall(r"<script[^>]*>", page.response.text)) <= {
            f'<script src="{SCRIPT_PATH}" defer>'
        }
        assert " style=" not in page.response.text
        assert page.response.text.count("<h1>") == 1
        [style] = re.findall(r'<link rel="stylesheet" href="([^"]+)">', page.response.text)
        sheet = browser.ask(style)
        assert (sheet.status_code, sheet.headers["content-type"]) == (200, "text/css; charset=utf-8")
        assert "immutable" in sheet.headers["cache-control"]


def test_colleagues_find_each_other_invited_ones_too(org: Org, browser: Browser) -> None:
    for name in ("ann", "anton", "bert", "carl"):
        org.create_user(name)
    org.api("v2").delete(f"Users/{org.create_user('anders')}")
    org.create_user("anybot", "bot")
    member = org.create_user("zoe")
    sign_in(browser, org, member)
    inside.index(org.server.database, org.org_id)

    def found(q: str) -> list[str]:
        page = browser.open(f"/directory?q={q}")
        return re.findall(r'<th scope="row"><a href="/directory/\w+">([^<]+)<', page.response.text)

    assert found("An") == ["ann", "anton"]
    assert found(f"bert@{org.domain}") == ["bert"]
    assert found("zo") == ["zoe"]
    assert found("nobody") == found("%00") == found("%F4%8F%BF%BF") == found("...") == []
    page = browser.open("/directory")
    assert page.text.count("Invited member") == 4  # nobody else has never signed in
    assert "anders" not in page.text
    org.api("v2").patch_user(member, {"op": "replace", "path": "title", "value": "<b>&"})
    assert "<b>&" in browser.open("/directory?q=zoe").text


def test_whose_name_begins_with_what_is_looked_for_comes_first(org: Org, browser: Browser) -> None:
    api = org.api("v2")
    names = {"a": "Anna  Berg", "b": "Berg Adler", "c": "Cleo Bergström", "d": "bergmann", "e": "Aron Zorn"}
    for username, name in names.items():
        api.create_user(username, displayName=name)
    api.create_user("berger", displayName="Aaron")
    api.delete(f"Users/{api.create_user('gone', displayName='Berg')['id']}")
    sign_in(browser, org, org.create_user("zoe"))
    inside.index(org.server.database, org.org_id)

    def found(q: str) -> list[str]:
        page = browser.open(f"/directory?q={q}")
        return re.findall(r'<span class="faint">(\w+)</span></th>', page.response.text)

    assert found("BERG") == ["b", "d", "berger", "a", "c"]
    assert found("berg++a") == ["b", "berger", "a"]
    assert found("adler") == ["b"]
    assert found("berg%00") == found("berg")
    for after in (".", ".x", "x."):
        assert browser.open(f"/directory?q=berg&after={after}").status == (200 if after == "." else 400)


def test_a_colleague_has_a_page(org: Org, browser: Browser) -> None:
    api = org.api("v2")
    boss = org.create_user("boss")
    more = {api.urns.enterprise: {"department": "Kitchen <i>", "manager": {"value": boss}}}
    ann = str(api.create_user("ann", title="Chef", **more)["id"])
    team, other = premises.workspace(org, "sales"), premises.workspace(org, "other")
    member = org.create_user("zoe")
    inside.put_in(org.server.database, org.org_id, {team: [ann, member], other: [ann]})
    sign_in(browser, org, member)
    page = browser.open(f"/directory/{ann}")
    assert (page.status, page.heading) == (200, "ann")
    for text in ("Invited member", "Title Chef", "Department Kitchen <i>", "E-mail ann@example.com"):
        assert text in page.text
    assert page.links["boss"] == f"/directory/{boss}"
    assert "Workspaces that you share Sales" in page.text
    assert "other" not in page.text.lower()
    api.delete(f"Users/{ann}")
    for id in (ann, org.create_user("robot", "bot"), "W0", "x" * 200):
        page = browser.open(f"/directory/{id}")
        assert (page.status, page.heading) == (404, "There is nobody here by that id"), id
        assert page.links == {"Skip to content": "#main", "Back to your start page": "/"}
    assert browser.open("/").path == "/home"


def test_the_directory_goes_on_page_by_page(org: Org, browser: Browser) -> None:
    people = set(inside.add_people(org.server.database, org.domain, 120))
    sign_in(browser, org, org.owner_id)
    inside.index(org.server.database, org.org_id)
    seen: list[str] = []
    page = browser.open("/directory?q=p")
    while True:
        seen += re.findall(r'<span class="faint">(p\d+)</span>', page.response.text)
        if "Next page" not in page.links:
            break
        page = browser.open(page.links["Next page"])
    assert len(seen) == len(people) == len(set(seen))
    assert seen == sorted(seen)
    assert browser.open("/directory?after=unknown").status == 400


def test_the_directory_is_of_ones_own_organisation_and_not_for_guests(
    make_org: MakeOrg, browser: Browser
) -> None:
    here, there = make_org(), make_org()
    there.create_user("foreigner")
    sign_in(browser, here, here.create_user("ann"))
    foreign = there.users()[0]["user_id"]
    inside.index(here.server.database, there.org_id)
    for path in ("/directory", "/directory?q=fo", f"/directory/{foreign}"):
        assert "foreigner" not in browser.open(path).text
    sign_in(browser, here, here.create_user("guest", "multi_channel_guest"))
    page = browser.open("/directory")
    assert (page.status, page.heading) == (403, "The directory is for members")
    assert browser.open(f"/directory/{here.owner_id}").status == 403
    assert "Member directory" not in browser.open("/home").links
