"""The provisioning log: what programs changed and were refused, as a page, as files and as a stream."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest

from rosterd.directory.advice import advice
from tests.protocol.browser import Browser, Screen, sign_in
from tests.protocol.live import Api, Org, Server, make_org, serving

T = TypeVar("T")

OKTA = {"User-Agent": "Okta SCIM Client 1.0.0"}
PATIENCE = 30.0


@pytest.fixture
def browser(server: Server) -> Iterator[Browser]:
    with Browser(server.url) as opened:
        yield opened


@pytest.fixture
def owner(org: Org, browser: Browser) -> Browser:
    """Signed in as the owner."""
    sign_in(browser, org, org.owner_email)
    return browser


def eventually(look: Callable[[], T]) -> T:
    """What ``look`` finds, once it does: what is refused is written down a moment later."""
    until = time.monotonic() + PATIENCE
    while True:
        found = look()
        if found or time.monotonic() > until:
            return found
        time.sleep(0.1)


def entries(browser: Browser, **filter: str) -> list[dict[str, Any]]:
    """The log as JSON, the newest first."""
    answer = browser.ask("/admin/log/json", params=filter)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    found: list[dict[str, Any]] = answer.json()
    return found


@contextmanager
def okta(api: Api) -> Iterator[Api]:
    """The same API, as Okta asks it."""
    with httpx.Client(timeout=60, trust_env=False, headers=OKTA) as client:
        yield Api(api.base_url, api.token, api.version, client)


def log(browser: Browser, **filter: str) -> Screen:
    answer = browser.ask("/admin/log", params=filter)
    assert answer.status_code == 200
    return browser.open(str(answer.url))


def test_a_failing_request_of_okta_is_there_with_its_error_and_what_to_do(
    api: Api, org: Org, owner: Browser
) -> None:
    with okta(api) as client:
        ann = client.create_user("ann")
        refused = client.post("Users", client.user_body("bob", emails=[{"value": "ann@example.com"}]))
    [failure] = eventually(lambda: entries(owner, outcome="refused"))
    told = f"email_taken (user=bob, existing_user={ann['id']})"
    assert failure == {
        "id": failure["id"],
        "time": failure["time"],
        "outcome": "refused",
        "request_id": refused.headers["x-request-id"],
        "connector": "okta",
        "client": OKTA["User-Agent"],
        "ip_address": "127.0.0.1",
        "token": failure["token"],
        "actor": {"id": org.owner_id, "name": failure["actor"]["name"]},
        "about": {"type": "user", "id": ann["id"], "name": failure["about"]["name"]},
        "summary": f"POST /scim/{api.version}/Users: email_taken",
        "method": "POST",
        "route": f"/scim/{api.version}/Users",
        "status": 409,
        "error": {"code": "email_taken", "detail": told, "advice": advice("email_taken")},
        "times": 1,
    }
    page = log(owner, connector="okta")
    assert page.heading.startswith("Provisioning log")
    for text in (told, advice("email_taken"), refused.headers["x-request-id"], "Okta"):
        assert text in page.text
    assert "Changed" in page.text
    assert "Refused" in page.text


def test_a_change_is_there_with_before_and_after(api: Api, owner: Browser) -> None:
    ann = api.create_user("ann", title="Cook")
    change = {"schemas": [api.urns.user], "title": "Chef"}
    changed = api.patch(f"Users/{ann['id']}", change)
    assert changed.is_success
    [newest, *_] = entries(owner, about=ann["id"], outcome="changed")
    assert newest["request_id"] == changed.headers["x-request-id"]
    [event] = newest["events"]
    assert event["action"] == "user_profile_updated"
    assert event["personal"]["before"]["title"] == "Cook"
    assert event["personal"]["after"]["title"] == "Chef"
    page = log(owner, about=ann["id"])
    assert "Cook" in page.text
    assert "Chef" in page.text


def test_what_is_named_by_an_id_alone_has_its_name_beside_it(api: Api, owner: Browser) -> None:
    ann = api.create_user("ann")
    group = api.create_group("Kitchen crew", ann["id"])
    assert f"{group['id']} (Kitchen crew)" in log(owner, about=ann["id"]).text


def test_the_web_api_and_the_audit_api_are_in_it(org: Org, owner: Browser) -> None:
    web_api = org.web_api("users:read")
    assert web_api.error("users.info", user="W0NOBODY") == "user_not_found"
    assert web_api.error("admin.users.list") == "missing_scope"
    headers = {"Authorization": f"Bearer {web_api.token}"}
    assert web_api.http.get(f"{org.server.url}/audit/v1/logs", headers=headers).status_code == 401
    found = eventually(lambda: (every := entries(owner, outcome="refused"))[2:] and every)
    assert [(each["route"], each["error"]["code"], each["about"]["id"]) for each in found[::-1]] == [
        ("/api/users.info", "user_not_found", "W0NOBODY"),
        ("/api/admin.users.list", "missing_scope", ""),
        ("/audit/v1/logs", "invalid_authentication", ""),
    ]


def test_of_an_address_that_is_none_it_says_so(org: Org, owner: Browser) -> None:
    assert "No program has changed anything here" in log(owner).text
    assert "No request fits. Show all" in log(owner, connector="okta").text
    assert org.api("v2").get("Nothing").status_code == 404
    [refused] = eventually(lambda: entries(owner, outcome="refused"))
    assert refused["summary"] == "GET an unknown address: bad_endpoint"
    assert "GET an unknown address, answered 404" in log(owner).text


def test_a_program_with_a_wrong_base_url_is_there_once_a_minute(org: Org, owner: Browser) -> None:
    token = org.api("v2").token
    options = (("--name", "revoked"), ("--allow-ip", "192.0.2.9"))
    revoked, limited = (org.token_for(org.owner_email, *more) for more in options)
    listed = map(json.loads, org.run("token", "list").splitlines())
    org.run("token", "revoke", next(each["token_id"] for each in listed if each["name"] == "revoked"))
    for mine, path in product((revoked, limited), ("Users", "/Users", "Users%00")):
        headers = {"Authorization": f"Bearer {mine}"}
        assert org.server.http.post(f"{org.server.url}/{path}", headers=headers).status_code == 404
    paths = ("Users", "/Users", "scim/Users", "v2/Users", "scim/v3/Users", "scim/v2/scim/v2/Users", "scim")
    for path, shown in product(paths, (token, "xoxp-wrong", None)):
        headers = {"Accept": "text/html, image/gif, */*; q=0.2"}  # as Java's programs ask
        headers |= {"Authorization": f"Bearer {shown}"} if shown else {}
        answer = org.server.http.get(f"{org.server.url}/{path}", headers=headers)
        assert answer.status_code in ((404, 400) if shown == token or path[:4] != "scim" else (401,)), path

    def all_seven() -> list[dict[str, Any]]:
        every = entries(owner, outcome="refused")
        return every if sum(each.get("times", 1) for each in every) >= 7 else []

    found = eventually(all_seven)
    assert sorted((each["error"]["code"], each["times"], each["status"]) for each in found) == [
        ("bad_endpoint", 5, 404),
        ("unsupported_version", 2, 400),
    ]
    assert all("Compare the base URL" in each["error"]["advice"] for each in found)


def test_a_token_that_does_not_count_is_one_entry_and_an_unknown_one_is_none(
    org: Org, owner: Browser
) -> None:
    token = org.token_for(org.owner_email, "--allow-ip", "192.0.2.0/24")
    api, stranger = org.api("v2", token), org.api("v2", "xoxp-wrong")
    for _ in range(5):
        assert api.get("Users").status_code == stranger.get("Users").status_code == 401
    found = eventually(lambda: [each for each in entries(owner) if each.get("times") == 5])
    assert [(each["error"]["code"], each["status"]) for each in found] == [("invalid_authentication", 401)]
    assert len(entries(owner, outcome="refused")) == 1
    page = owner.ask("/admin/log").text
    assert "may not be used from 127.0.0.1" in page
    assert token not in page


def test_filters_narrow_and_what_is_no_filter_is_said(api: Api, org: Org, owner: Browser) -> None:
    ann = api.create_user("ann")
    api.get("Users/W0NOBODY")
    eventually(lambda: entries(owner, outcome="refused"))
    [failure] = entries(owner, code="no_such_user")
    assert failure["about"]["id"] == "W0NOBODY"
    assert {each["outcome"] for each in entries(owner, code="user_created")} == {"changed"}
    assert [each["about"]["id"] for each in entries(owner, about="ann@example.com")] == [ann["id"]]
    assert entries(owner, token="A0") == []
    assert entries(owner, to="2020-01-01") == []
    for filter in (
        {"outcome": "x"},
        {"connector": "x"},
        {"from": "x"},
        {"about": "no@one.example"},
        {"code": "\0"},
        {"before": "x"},
    ):
        page = owner.ask("/admin/log", params=filter)
        assert page.status_code == 400
        assert "This filter was not understood" in page.text
    assert owner.ask("/admin/log/csv", params={"outcome": "x"}).status_code == 400


def test_pages_lead_to_the_end(org: Org, owner: Browser) -> None:
    api = org.api("v2")
    for number in range(60):
        api.get(f"Users/W{number}")
    eventually(lambda: len(entries(owner)) >= 60)
    page, seen = owner.open("/admin/log"), []
    while True:
        seen.append(page.response.text.count('<li id="log-'))
        if "Next page" not in page.links:
            break
        page = owner.open(page.links["Next page"])
    assert seen == [50, len(entries(owner)) - 50]


def test_no_cell_of_the_csv_is_a_formula(api: Api, owner: Browser) -> None:
    ann = api.create_user("ann", title='=HYPERLINK("http://x.example")')
    api.patch(f"Users/{ann['id']}", {"schemas": [api.urns.user], "title": '@SUM, and "more"'})
    answer = owner.ask("/admin/log/csv", params={"about": ann["id"]})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"].startswith('attachment; filename="provisioning-log-')
    rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"), newline="")))
    [row] = [row for row in rows if row["field"] == "title" and row["before"]]
    assert (row["before"], row["after"]) == ('\'=HYPERLINK("http://x.example")', '\'@SUM, and "more"')
    assert (row["outcome"], row["about_id"], row["summary"]) == ("changed", ann["id"], "User profile updated")
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row.values())


def test_whoever_is_erased_is_gone_from_it(api: Api, org: Org, owner: Browser) -> None:
    ann = api.create_user("ann", name={"givenName": "Ann", "familyName": "Unforgotten"})["id"]
    api.patch(f"Users/{ann}", {"schemas": [api.urns.user], "displayName": "Unforgotten@"})
    api.post("Users", api.user_body("unforgotten-one", emails=[{"value": "ann@example.com"}]))
    assert len(eventually(lambda: (every := entries(owner, outcome="refused"))[1:] and every)) == 2
    org.run("user", "erase", "--user", ann, "--yes")
    assert entries(owner, outcome="refused") == []
    assert "nforgotten" not in json.dumps(entries(owner))


def test_nobody_but_administrators_sees_it(org: Org, server: Server) -> None:
    org.create_user("mary")
    with Browser(server.url) as browser:
        for path in ("/admin/log", "/admin/log/csv", "/admin/log/json", "/admin/log/tail"):
            assert browser.ask(path).status_code == 303
        sign_in(browser, org, f"mary@{org.domain}.example")
        for path in ("/admin/log", "/admin/log/csv", "/admin/log/json", "/admin/log/tail"):
            assert browser.ask(path).status_code == 403


def test_one_organisation_sees_nothing_of_another(server: Server, api: Api, owner: Browser) -> None:
    other = make_org(server)
    other.api("v2").create_user("eve")
    other.api("v2").get("Users/W0NOBODY")
    api.get("Users/W1NOBODY")
    found = eventually(lambda: entries(owner, outcome="refused"))
    assert [each["about"]["id"] for each in found] == ["W1NOBODY"]
    assert {each["about"]["name"] for each in entries(owner)}.isdisjoint({"eve", "Eve"})
    assert "W0NOBODY" not in owner.ask("/admin/log").text


@contextmanager
def following(browser: Browser, url: str, **headers: str) -> Iterator[Iterator[dict[str, str]]]:
    """The events of a stream, as they come."""

    def events(lines: Iterator[str]) -> Iterator[dict[str, str]]:
        event: dict[str, str] = {}
        for line in lines:
            if not line:
                if "data" in event:
                    yield event
                event = {}
            elif not line.startswith(":"):
                name, _, value = line.partition(": ")
                event[name] = f"{event[name]}\n{value}" if name in event else value

    with browser.http.stream("GET", browser.base_url + url, headers=headers) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "text/event-stream"
        yield events(answer.iter_lines())


@pytest.mark.parametrize("version", ["v2"])
def test_whoever_follows_is_told_of_what_comes(api: Api, org: Org, owner: Browser) -> None:
    api.create_user("ann")
    page = owner.open("/admin/log?live=1")
    assert 'data-tail="/admin/log/tail?after=' in page.response.text
    assert "Stop following" in page.links
    with following(owner, "/admin/log/tail?outcome=refused") as events:
        api.create_user("bob")
        refused = api.get("Users/W0NOBODY")
        event = next(events)
        assert f'<li id="log-{event["id"]}">' in event["data"]
        assert refused.headers["x-request-id"] in event["data"]
    api.get("Users/W1NOBODY")
    with following(owner, "/admin/log/tail?outcome=refused", **{"Last-Event-ID": event["id"]}) as events:
        seen = ""
        while "W1NOBODY" not in seen:
            seen = next(events)["data"]


def test_a_limit_that_is_reached_is_one_entry(tmp_path: Path) -> None:
    table = tmp_path / "limits.toml"
    table.write_text("[limits.create_user]\nper_minute = 1\nburst = 1\n")
    options = ("--rate-limits", "slack", "--limits-table", str(table))
    database = f"sqlite:///{tmp_path / 'rosterd.db'}"
    with (
        serving("sqlite", database, tmp_path / "stderr.log", *options) as server,
        Browser(server.url) as browser,
    ):
        org = make_org(server)
        sign_in(browser, org, org.owner_email)
        api = org.api("v2")
        statuses = [api.post("Users", api.user_body(f"user{number}")).status_code for number in range(7)]
        assert statuses == [201] + [429] * 6
        found = eventually(lambda: [each for each in entries(browser) if each.get("times") == 6])
        assert [each["error"]["code"] for each in found] == ["too_many_requests"]


def test_a_stream_ends_with_the_server(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path / 'rosterd.db'}"
    with serving("sqlite", database, tmp_path / "stderr.log") as server, Browser(server.url) as browser:
        org = make_org(server)
        sign_in(browser, org, org.owner_email)
        with following(browser, "/admin/log/tail") as events:
            os.kill(server.pid, signal.SIGTERM)
            assert list(events) == []
