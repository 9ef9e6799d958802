"""The page on which owners read the audit trail, and see whether its chain holds."""

from __future__ import annotations

import csv
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from rosterd.dashboard.admin.records.evidence import HEADS
from tests.protocol import inside, live
from tests.protocol.browser import Browser, Form, Screen, sign_in
from tests.protocol.live import Org, Server, ok

AUDIT, VERIFY = "/admin/audit", "/admin/audit/verify"


@pytest.fixture
def browser(server: Server) -> Iterator[Browser]:
    with Browser(server.url) as opened:
        yield opened


@pytest.fixture
def owner(org: Org, browser: Browser) -> Browser:
    """A browser in which the primary owner is signed in."""
    sign_in(browser, org, org.owner_id)
    return browser


def titles(page: Screen) -> list[str]:
    """What happened, as the page lists it, the newest first."""
    parts = page.response.text.split('<span class="what">')[1:]
    return [part.partition("</span>")[0] for part in parts]


def verified(browser: Browser) -> Screen:
    """The page when a check that was begun there has ended."""
    page = browser.send(browser.open(AUDIT).form(VERIFY))
    deadline = time.monotonic() + 60
    while "A check is under way" in page.text:
        assert time.monotonic() < deadline
        time.sleep(0.05)
        page = browser.open(AUDIT)
    return page


def settled(org: Org) -> None:
    """Every event is under a seal."""
    while json.loads(org.run("audit", "verify"))["unsealed"]:
        time.sleep(0.05)


def tamper(org: Org, entity: str) -> None:
    """Change what the trail says of somebody, as only the database can."""
    sql = "UPDATE audit_events SET client = 'nobody' WHERE org_id = $1 AND entity_id = $2"
    inside.execute(org.server.database, sql, org.org_id, entity)


def test_every_event_is_there_the_newest_first_with_before_and_after(org: Org, owner: Browser) -> None:
    api = org.api("v2")
    ann = api.create_user("ann", title="Cook")["id"]
    ok(api.patch_user(ann, {"op": "replace", "path": "title", "value": "<b>Chef</b>"}))
    page = owner.open(AUDIT)
    assert (page.status, page.heading) == (200, "Audit")
    assert titles(page)[:3] == ["User profile updated", "User created", "User login"]
    assert "title Cook <b>Chef</b>" in page.text
    assert "<b>Chef" not in page.response.text
    assert "<del>Cook</del>" in page.response.text
    request = inside.events(org.server.database, org.org_id, ann)[-1].request_id
    assert f"Request {request}" in page.text


def test_a_filter_is_in_the_address_and_narrows(org: Org, owner: Browser) -> None:
    ann = str(org.api("v2").create_user("ann")["id"])
    bob = org.create_user("bob")
    assert titles(owner.open(f"{AUDIT}?action=user_created&about={ann}")) == ["User created"]
    for about in (bob, "bob", "BOB", f"bob@{org.domain}.example"):
        page = owner.open(f"{AUDIT}?about={about}")
        assert titles(page)[-1] == "User created"
        assert ann not in page.text
    assert titles(owner.open(f"{AUDIT}?by=USLACKUSER&action=user_created"))[0] == "User created"
    assert titles(owner.open(f"{AUDIT}?by={org.owner_id}&action=category:user"))[0] == "User created"
    assert titles(owner.open(f"{AUDIT}?action=category:server")) == []
    assert "No event fits." in owner.open(f"{AUDIT}?about=nobody").text


def test_days_are_those_of_utc_and_both_count(org: Org, owner: Browser) -> None:
    today = datetime.now(UTC).date()
    yesterday, tomorrow = (str(today + timedelta(days=days)) for days in (-1, 1))
    assert titles(owner.open(f"{AUDIT}?from={today}&to={tomorrow}"))
    assert titles(owner.open(f"{AUDIT}?from={yesterday}&to={tomorrow}"))
    assert titles(owner.open(f"{AUDIT}?from={tomorrow}")) == []
    assert titles(owner.open(f"{AUDIT}?to={yesterday}")) == []


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("from=2026-02-31", "“2026-02-31” is no date. Write it as 2026-11-25."),
        ("to=<i>", "“<i>” is no date. Write it as 2026-11-25."),
        ("action=nothing", "Nothing is called “nothing”."),
        ("by=x@nowhere.example", "Nobody here has the address “x@nowhere.example”."),
        ("before=1", "The place is no event."),
        ("about=%00", "Open the page again and retry."),
    ],
)
def test_an_address_that_is_not_understood_is_said_so(owner: Browser, query: str, said: str) -> None:
    page = owner.open(f"{AUDIT}?{query}")
    assert page.status == 400
    assert f"This filter was not understood. {said}" in page.text
    assert titles(page) == []


def test_pages_have_every_event_once(org: Org, owner: Browser) -> None:
    inside.add_people(org.server.database, org.domain, 60)
    seen: list[str] = []
    page = owner.open(f"{AUDIT}?action=user_created")
    while True:
        seen += titles(page)
        if "Next page" not in page.links:
            break
        page = owner.open(page.links["Next page"])
    assert len(seen) == 61  # the owner, too
    assert page.links["From the start"] == f"{AUDIT}?action=user_created"


def test_a_check_is_kept_with_the_head(org: Org, owner: Browser) -> None:
    assert "The chain has not been checked yet." in owner.open(AUDIT).text
    settled(org)
    page = verified(owner)
    verdict = json.loads(org.run("audit", "verify"))
    assert "Untouched" in page.text
    assert f'<code id="head">{verdict["head"]}</code>' in page.response.text
    assert f"under {verdict['seals']} seals" in page.text


def test_a_check_that_is_sent_twice_is_made_once(org: Org, owner: Browser) -> None:
    form = owner.open(AUDIT).form(VERIFY)
    assert [owner.sent(form).status_code for _ in range(2)] == [303, 409]
    assert "This form was sent before" in owner.send(form).text
    assert owner.sent(form, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403


def test_a_check_on_the_command_line_is_shown(org: Org, owner: Browser) -> None:
    org.run("audit", "verify")
    assert "Result Untouched" in owner.open(AUDIT).text


def test_a_changed_event_is_found_and_shown(org: Org, owner: Browser) -> None:
    ann = org.create_user("ann")
    settled(org)
    assert "Result Untouched" in verified(owner).text
    tamper(org, ann)
    page = verified(owner)
    assert "Result Tampered with seal" in page.text
    assert "does not fit its events" in page.text
    assert "Earlier checks" in page.text


def test_the_filter_is_taken_home_whole(org: Org, owner: Browser) -> None:
    api = org.api("v2")
    ann = api.create_user("ann", title="x")["id"]
    ok(api.patch_user(ann, {"op": "replace", "path": "title", "value": "=1+1"}))
    inside.add_people(org.server.database, org.domain, 600)
    answer = owner.ask(f"{AUDIT}/csv?action=category:user")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == f'attachment; filename="audit-{org.domain}.csv"'
    heads, *lines = csv.reader(answer.content.decode("utf-8-sig").splitlines())
    assert [*heads] == [*HEADS]
    ids = [event.id for event in inside.events(org.server.database, org.org_id) if "user" in event.action]
    assert [line[0] for line in lines] == ids[::-1]
    rows = [dict(zip(heads, line, strict=True)) for line in lines]
    [changed] = [row for row in rows if row["action"] == "user_profile_updated"]
    assert (changed["about_id"], changed["by_id"], changed["by_name"]) == (ann, org.owner_id, "owner")
    assert json.loads(changed["personal"]) == {"before": {"title": "x"}, "after": {"title": "=1+1"}}
    [narrow] = owner.ask(f"{AUDIT}/json?action=user_profile_updated").json()
    assert narrow["personal"] == {"before": {"title": "x"}, "after": {"title": "=1+1"}}
    assert narrow["id"] == changed["id"]
    assert owner.ask(f"{AUDIT}/json?about=nobody").json() == []
    assert owner.ask(f"{AUDIT}/csv?from=x").status_code == 400


def test_no_cell_of_the_file_is_a_formula(org: Org, owner: Browser) -> None:
    api = org.api("v2")
    cmd = "=HYPERLINK(1)"
    api.create_user("eve", name={"givenName": cmd}, displayName=cmd)
    [line] = csv.reader(owner.ask(f"{AUDIT}/csv?about=eve&action=user_created").text.splitlines()[1:])
    assert f"'{cmd}" in line
    assert not [each for each in line if each.startswith(("=", "+", "-", "@"))]


def test_only_owners_see_it(org: Org, browser: Browser) -> None:
    org.create_user("olga", "owner")
    org.create_user("adam", "admin")
    org.create_user("mary", "member")
    for name, status in (("olga", 200), ("adam", 403), ("mary", 403)):
        sign_in(browser, org, f"{name}@{org.domain}.example")
        assert ("Audit" in browser.open("/admin").links) == (status == 200), name
        for path in (AUDIT, f"{AUDIT}/csv", f"{AUDIT}/json"):
            assert browser.ask(path).status_code == status
        form = Form("post", VERIFY, {"once": "x" * 20})
        assert browser.sent(form).status_code == (303 if status == 200 else 403)
    with Browser(org.server.url) as nobody:
        assert nobody.ask(AUDIT).headers["location"] == "/signin?next=%2Fadmin%2Faudit"


def test_another_organisation_is_out_of_sight(org: Org, owner: Browser, server: Server) -> None:
    other = live.make_org(server)
    ann = other.create_user("ann")
    assert titles(owner.open(f"{AUDIT}?about={ann}")) == []
