"""Members, and a member, on the pages for administrators: what they show, and what their forms do."""

from __future__ import annotations

import csv
import io
import json
import time
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx
import pytest

from tests.protocol import inside, premises, secrets_at_rest
from tests.protocol.browser import Browser, Form, Screen, screen, sign_in
from tests.protocol.conftest import MakeOrg
from tests.protocol.live import Api, Body, Org, Server

MEMBERS = "/admin/members"
UNKNOWN = "W00000000ZZ"
SAID = "A part of this address was not understood."


@pytest.fixture
def browser(server: Server) -> Iterator[Browser]:
    with Browser(server.url) as opened:
        yield opened


def enter(browser: Browser, org: Org, user: str | None = None) -> Browser:
    """The browser of the owner, or of this person, once the index knows everybody."""
    sign_in(browser, org, user or org.owner_id)
    inside.index(org.server.database, org.org_id)
    return browser


def listed(page: Screen) -> list[str]:
    """The names in the list, in its order."""
    assert page.status in (200, 400), page.text
    mine = f"{MEMBERS}/"
    return [name for name, to in page.links.items() if to.startswith(mine) and len(to) == len(mine) + 11]


def names(browser: Browser, **state: str) -> list[str]:
    return listed(browser.open(f"{MEMBERS}?{urlencode(state)}"))


def person(api: Api, name: str, given: str, family: str, **more: Any) -> str:
    """The id of a new member. ``department``, ``division``, ``manager``: of the extension."""
    parts: Body = {key: more.pop(key) for key in ("department", "division") if key in more}
    if "manager" in more:
        parts["manager"] = {"managerId": more.pop("manager")}
    body = api.create_user(
        name, name={"givenName": given, "familyName": family}, **more, **{api.urns.enterprise: parts}
    )
    return str(body["id"])


@pytest.fixture
def crew(org: Org) -> Mapping[str, str]:
    """The ids of a few people, by their first names."""
    api = org.api("v2")
    ann = person(api, "ann", "Ann", "Lee", department="Sales", title="Head", division="North")
    bob = person(api, "bobby", "Bob", "O'Neill", department="Sales", title="Rep", manager=ann)
    cyd = person(api, "cyd", "Cyd", "Lee-Ray", department="R&D", active=False, manager=ann)
    gus = person(api, "gus", "Gus", "Guest", **{api.urns.guest: {"type": "multi"}})
    return {"ann": ann, "bob": bob, "cyd": cyd, "gus": gus}


def of(user: str, *rest: str) -> str:
    return "/".join((MEMBERS, user, *rest))


def ask(browser: Browser, user: str, what: str) -> Form:
    """The form of a page that asks once more."""
    page = browser.open(of(user, what))
    assert page.status == 200, page.text
    return page.form(of(user, what))


def roles_of(org: Org) -> dict[str, str]:
    return {user["user_id"]: user["role"] for user in org.users()}


# The list


@pytest.mark.parametrize(
    ("q", "expected"),
    [
        ("ann", ["Ann Lee"]),
        ("LEE", ["Cyd Lee-Ray", "Ann Lee"]),
        ("le a", ["Ann Lee"]),
        ("ray", ["Cyd Lee-Ray"]),
        ("bobby@ex", ["Bob O'Neill"]),
        ("o'ne", ["Bob O'Neill"]),
        ("bobb", ["Bob O'Neill"]),
        ("ee", []),
        ("%", ["Gus Guest", "Cyd Lee-Ray", "Bob O'Neill", "Ann Lee"]),
    ],
)
def test_people_are_found_by_how_words_begin(
    org: Org, browser: Browser, crew: Mapping[str, str], q: str, expected: list[str]
) -> None:
    enter(browser, org)
    found = names(browser, q=q)
    assert [name for name in found if not name.startswith("owner")] == expected


def test_each_filter_narrows_the_list(org: Org, browser: Browser, crew: Mapping[str, str]) -> None:
    api = org.api("v2")
    group = api.create_group("Tea", crew["ann"], crew["bob"])["id"]
    team = premises.workspace(org, "tea")
    premises.lead(org, group, team)
    enter(browser, org)
    ann, bob, cyd, gus = "Ann Lee", "Bob O'Neill", "Cyd Lee-Ray", "Gus Guest"
    assert names(browser, status="invited") == [gus, bob, ann]
    assert names(browser, status="deactivated") == [cyd]
    assert names(browser, role="multi_channel_guest") == [gus]
    assert names(browser, role="primary_owner") == names(browser, status="active") != []
    assert names(browser, department="Sales") == [bob, ann]
    assert names(browser, department="R&D") == [cyd]
    assert names(browser, title="Head") == [ann]
    assert names(browser, division="North") == [ann]
    assert names(browser, manager=crew["ann"]) == [cyd, bob]
    assert names(browser, group=group) == [bob, ann]
    assert names(browser, workspace=team) == [bob, ann]
    assert names(browser, source="script") == [gus, cyd, bob, ann]
    assert names(browser, department="Sales", title="Rep", q="neill") == [bob]
    assert names(browser, department="Sales", status="deactivated") == []


def test_filters_are_shown_by_name_and_can_be_taken_off(
    org: Org, browser: Browser, crew: Mapping[str, str]
) -> None:
    group = org.api("v2").create_group("Tea", crew["ann"])["id"]
    enter(browser, org)
    state = {"q": "ann", "manager": crew["ann"], "group": group}
    page = browser.open(f"{MEMBERS}?{urlencode(state)}")
    assert "Search: ann" in page.text
    assert "Manager: Ann Lee" in page.text
    assert "Group: Tea" in page.text
    assert page.links["Group: Tea"] == f"{MEMBERS}?{urlencode({'q': 'ann', 'manager': crew['ann']})}"
    assert page.links["Clear all"] == MEMBERS
    assert "Nobody fits." in page.text
    unknown = browser.open(f"{MEMBERS}?group=S00000000ZZ")  # one that is gone, say
    assert "Group: S00000000ZZ" in unknown.text


def test_how_many_there_are_is_said_where_it_is_kept(
    org: Org, browser: Browser, crew: Mapping[str, str]
) -> None:
    enter(browser, org)
    assert "5 people in all" in browser.open(MEMBERS).text
    assert "2 people" in browser.open(f"{MEMBERS}?department=Sales").text
    assert "1 person" in browser.open(f"{MEMBERS}?manager={crew['ann']}&status=deactivated").text
    assert "people " not in browser.open(f"{MEMBERS}?q=lee").text.partition("Columns")[0].partition("Show")[2]


def test_a_list_is_sorted_by_its_headings(org: Org, browser: Browser, crew: Mapping[str, str]) -> None:
    enter(browser, org)
    page = browser.open(f"{MEMBERS}?columns=username,created&department=Sales")
    assert 'aria-sort="descending"' in page.response.text  # the newest first
    page = browser.open(page.links["Name"])
    assert listed(page) == ["Ann Lee", "Bob O'Neill"]
    page = browser.open(page.links["Name"])
    assert listed(page) == ["Bob O'Neill", "Ann Lee"]
    assert urlsplit(str(page.response.url)).query == "department=Sales&sort=-name&columns=username%2Ccreated"
    assert names(browser, sort="username", department="Sales") == ["Ann Lee", "Bob O'Neill"]
    assert names(browser, sort="oldest", department="Sales") == ["Ann Lee", "Bob O'Neill"]


def test_columns_are_chosen_by_ticks_and_kept_in_the_address(
    org: Org, browser: Browser, crew: Mapping[str, str]
) -> None:
    enter(browser, org)
    page = browser.open(f"{MEMBERS}?q=ann&c=1&c.division=1&c.email=1&status=")
    assert str(page.response.url).endswith("/admin/members?q=ann&columns=email%2Cdivision")
    assert "ann@example.com North" in page.text
    assert browser.open(f"{MEMBERS}?c=1").response.url.query == b"columns=none"
    page = browser.open(f"{MEMBERS}?department=Sales&columns=manager,source,claimed,workspaces,groups")
    assert "Bob O'Neill Invited member Ann Lee Script not yet" in page.text


def test_of_many_groups_a_row_names_some_and_a_file_all(
    org: Org, browser: Browser, crew: Mapping[str, str]
) -> None:
    api, ann = org.api("v2"), crew["ann"]
    for number in range(12):
        api.create_group(f"Team {number:02}", ann)
    enter(browser, org)
    page = browser.open(f"{MEMBERS}?q=ann&columns=all")
    assert "Team 00, Team 01, Team 02, Team 03, Team 04 and 7 more" in page.text
    assert page.links["7 more"] == f"{of(ann)}?tab=places"
    assert {f"Team {number:02}" for number in range(12)} <= browser.open(page.links["7 more"]).links.keys()
    heading, line = cells(browser.ask(f"{MEMBERS}.csv?q=ann&columns=all"))
    assert line[heading.index("Groups")].split("; ") == [f"Team {number:02}" for number in range(12)]


@pytest.mark.parametrize(
    "query",
    [
        "status=asleep", "role=king", "sort=age", "columns=shoe", "after=nonsense", "after=W1", "group=x",
        "manager=%00", "title=a%00b", f"q={'x' * 300}", "departement=Sales", "source=%F0%9F%98%80",
        "workspace=T%27--",
    ],
)  # fmt: skip
def test_wrong_state_is_named_and_left_out(
    org: Org, browser: Browser, crew: Mapping[str, str], query: str
) -> None:
    enter(browser, org)
    page = browser.open(f"{MEMBERS}?{query}")
    assert (page.status, page.heading) == (400, "Members")
    assert SAID in page.text
    assert listed(page)[-2:] == ["Ann Lee", listed(page)[-1]]
    refused = browser.ask(f"{MEMBERS}.csv?{query}")
    assert refused.status_code == (200 if query.startswith("after=") else 400)


def test_a_cursor_of_another_order_is_none(org: Org, browser: Browser) -> None:
    inside.add_people(org.server.database, org.domain, 60)
    enter(browser, org)
    page = browser.open(MEMBERS)
    following = page.links["Next page"]
    assert len(listed(page)) == 50
    later = browser.open(following)
    assert (len(listed(later)), later.links["From the start"]) == (11, MEMBERS)
    assert not {*listed(page)} & {*listed(later)}
    assert "Next page" not in later.links
    assert browser.open(f"{following}&sort=name").status == 400


def cells(response: httpx.Response) -> list[list[str]]:
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    text = response.content.decode()
    assert text.startswith("\ufeff")
    return list(csv.reader(io.StringIO(text[1:], newline="")))


def test_a_file_has_the_selection_and_nothing_that_is_executed(
    org: Org, browser: Browser, crew: Mapping[str, str]
) -> None:
    person(org.api("v2"), "evil", "=cmd|' /C calc'!A0", "", department="Sales", title="@SUM(1)")
    enter(browser, org)
    page = browser.open(f"{MEMBERS}?department=Sales&sort=username")
    response = browser.ask(page.links["CSV"])
    day = time.strftime("%Y-%m-%d", time.gmtime())
    assert f'filename="members-{org.domain}-' in response.headers["content-disposition"]
    assert day[:7] in response.headers["content-disposition"]
    heading, *lines = cells(response)
    assert heading == ["Member ID", "Name", "Status", "E-mail", "Title", "Department", "Role"]
    assert lines[0] == [
        crew["ann"],
        "Ann Lee",
        "Invited member",
        "ann@example.com",
        "Head",
        "Sales",
        "Member",
    ]
    assert lines[2][1:5] == ["'=cmd|' /C calc'!A0", "Invited member", "evil@example.com", "'@SUM(1)"]
    heading, *lines = cells(browser.ask(page.links["CSV, all columns"]))
    assert len(heading) == 16
    by_name = dict(zip(heading, lines[1], strict=True))
    assert (by_name["Manager"], by_name["Created by"], by_name["First sign-in"]) == ("Ann Lee", "Script", "")


def test_a_long_file_has_everybody_once(org: Org, browser: Browser) -> None:
    people = inside.add_people(org.server.database, org.domain, 1_250)
    enter(browser, org)
    assert "1,251 people in all" in browser.open(MEMBERS).text
    _, *lines = cells(browser.ask(f"{MEMBERS}.csv?sort=name&columns=none"))
    assert sorted(line[0] for line in lines) == sorted([org.owner_id, *people])
    _, *lines = cells(browser.ask(f"{MEMBERS}.csv?status=invited&columns=none"))
    assert sorted(line[0] for line in lines) == sorted(people)


def test_ticks_and_filters_go_to_the_page_of_bulk_changes(
    org: Org, browser: Browser, crew: Mapping[str, str]
) -> None:
    enter(browser, org)
    page = browser.open(f"{MEMBERS}?department=Sales&sort=name&columns=title")
    form = page.form("/admin/members/bulk")
    assert form.action.endswith("/admin/members/bulk?department=Sales")
    assert form.method == "post"
    assert "user" not in form.fields  # nobody is ticked
    boxes = [f'name="user" value="{crew[name]}" aria-label=' for name in ("ann", "bob")]
    assert [box in page.response.text for box in boxes] == [True, True]
    assert 'name="all" value="1"' in page.response.text


@pytest.mark.parametrize("role", ["member", "multi_channel_guest"])
def test_whoever_is_no_administrator_sees_none_of_it(
    org: Org, browser: Browser, crew: Mapping[str, str], role: str
) -> None:
    sign_in(browser, org, org.create_user("mel", role))
    before = org.api("v2").user(crew["ann"])
    for path in (MEMBERS, f"{MEMBERS}.csv", of(crew["ann"]), of(crew["ann"], "deactivate")):
        page = browser.open(path)
        assert (page.status, page.heading) == (403, "This page is for administrators")
    for what in ("deactivate", "role", "signout"):
        page = browser.send(Form("post", of(crew["ann"], what), {"once": "x" * 20, "role": "owner"}))
        assert page.status == 403
    assert org.api("v2").user(crew["ann"]) == before


def test_nobody_is_asked_for_who_is_not_signed_in(browser: Browser, org: Org) -> None:
    page = browser.open(f"{MEMBERS}?q=ann")
    assert page.path == "/signin"


# A member


def test_whoever_is_not_of_this_organisation_is_nobody(org: Org, make_org: MakeOrg, browser: Browser) -> None:
    other = make_org()
    stranger = other.create_user("stranger")
    enter(browser, org)
    pages = [
        browser.open(of(id, *rest))
        for id in (stranger, UNKNOWN, "x")
        for rest in ((), ("deactivate",), ("role",))
    ]
    sent = [
        browser.send(Form("post", of(id, what), {"once": f"{what}-{id}-0123456789", "seen": ""}))
        for id in (stranger, UNKNOWN)
        for what in ("deactivate", "role", "signout", "assign", "expiry")
    ]
    for page in (*pages, *sent):
        assert (page.status, page.heading) == (404, "There is nobody here by that id")
    assert other.events(stranger) == ["user_created"]


def test_a_profile_says_what_is_synced_and_what_is_locked(
    org: Org, browser: Browser, crew: Mapping[str, str]
) -> None:
    enter(browser, org)
    page = browser.open(of(crew["bob"]))
    assert page.heading == "Bob O'Neill"
    assert "Title Rep Synced owner" in page.text
    assert "(Script, with the token " in page.text
    assert page.links["Ann Lee"] == of(crew["ann"])
    assert "Invited since" in page.text
    page = browser.open(of(crew["ann"]))
    assert page.links["2 people"] == f"{MEMBERS}?manager={crew['ann']}"
    assert "Display name ann Synced" in page.text
    assert "May change it" not in page.text
    org.run("org", "set", "--members-may-change-display-name", "true")
    assert "May change it displayName" in browser.open(of(crew["ann"])).text
    by_hand = org.create_user("hand")
    assert "Synced" not in browser.open(of(by_hand)).text.partition("Name Field")[2]
    gone = browser.open(of(crew["cyd"]))
    assert "Deactivated" in gone.text.partition("Account Status")[2]


def test_where_somebody_is_comes_with_why(org: Org, browser: Browser, crew: Mapping[str, str]) -> None:
    group = org.api("v2").create_group("Tea", crew["ann"])["id"]
    team = premises.workspace(org, "tea")
    channel = premises.channel(org, "brew", team)
    late = premises.channel(org, "late", team)
    premises.lead(org, group, team, channel, late)
    premises.archive(org, late)
    enter(browser, org)
    page = browser.open(of(crew["ann"]) + "?tab=places")
    assert "Tea by the group “Tea” (required)" in page.text
    assert "#brew by the group “Tea”" in page.text
    assert "#general as a default channel of the workspace “Tea”" in page.text
    assert page.links["Tea"] in (f"/admin/workspaces/{team}", f"/admin/groups/{group}")
    assert "In no workspace." in browser.open(of(crew["bob"]) + "?tab=places").text


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_scim_is_shown_as_it_is_served(
    org: Org, browser: Browser, crew: Mapping[str, str], version: str
) -> None:
    team = premises.workspace(org, "tea")
    inside.put_in(org.server.database, org.org_id, {team: [crew["gus"]]})
    channel = premises.channel(org, "brew", team)
    inside.put_in(org.server.database, org.org_id, {channel: [crew["gus"]]})
    org.api("v2").create_group("Tea", crew["ann"])
    enter(browser, org)
    for user in (crew["ann"], crew["gus"]):
        page = browser.open(f"{of(user)}?tab=scim&version={version}")
        assert f"GET {org.server.url}/scim/{version}/Users/{user}" in page.text
        start = page.text.index("{", page.text.index("Copy the JSON"))
        shown = json.JSONDecoder().raw_decode(page.text[start:])[0]
        assert shown == org.api(version).user(user)
        assert list(shown) == list(org.api(version).user(user))


def test_history_shows_what_was_before_and_who_changed_it(
    org: Org, browser: Browser, crew: Mapping[str, str]
) -> None:
    api = org.api("v2")
    api.patch_user(crew["ann"], {"op": "replace", "path": "title", "value": "Chief <b>"})
    for n in range(30):
        api.patch_user(crew["bob"], {"op": "replace", "path": "title", "value": f"T{n}"})
    enter(browser, org)
    page = browser.open(f"{of(crew['ann'])}?tab=history")
    assert "Title Head Chief <b>" in page.text
    assert "<del>Head</del>" in page.response.text
    assert "<ins>Chief &lt;b&gt;</ins>" in page.response.text
    assert page.text.index("Profile changed") < page.text.index("Created")
    assert "with the token" in page.text
    page = browser.open(f"{of(crew['bob'])}?tab=history")
    assert page.response.text.count('<h2 class="event">') == 25
    later = browser.open(page.links["Next page"])
    assert later.response.text.count('<h2 class="event">') == 6
    assert "Manager" in later.text
    assert "Ann Lee" in later.text
    assert browser.open(f"{of(crew['bob'])}?tab=history&before=%3Cx%3E").status == 400
    assert browser.open(f"{of(crew['bob'])}?tab=nothing").status == 400


def test_sessions_are_shown_and_ended(org: Org, browser: Browser, crew: Mapping[str, str]) -> None:
    with Browser(org.server.url, "ann's browser") as own:
        sign_in(own, org, crew["ann"])
        enter(browser, org)
        page = browser.open(f"{of(crew['ann'])}?tab=sessions")
        assert "ann's browser 127.0.0.1 link by e-mail" in page.text
        page = browser.send(page.form(of(crew["ann"], "signout")))
        assert "Ann Lee is signed out everywhere: 1 session was ended." in page.text
        assert "Signed in nowhere." in page.text
        assert own.open("/home").path == f"/signin/{org.domain}"
    assert org.events(crew["ann"])[-1] == "user_session_reset_by_admin"


def test_whoever_looks_for_a_deactivation_that_cannot_be_is_told_why(
    org: Org, browser: Browser, crew: Mapping[str, str]
) -> None:
    path = of(org.owner_id, "deactivate")
    for user, said in (
        (org.owner_id, "You are the primary owner. Somebody has to own the organisation, so you stay until"),
        (org.create_user("olga", "owner"), "You may not change this person. Their role is above your own."),
    ):
        sign_in(browser, org, user)
        page = browser.open(path)
        assert (page.status, said in page.text) == (403, True)
        assert path not in {urlsplit(form.action).path for form in page.forms}


def test_somebody_is_deactivated_and_comes_back(org: Org, browser: Browser, crew: Mapping[str, str]) -> None:
    team = premises.workspace(org, "tea")
    inside.put_in(org.server.database, org.org_id, {team: [crew["ann"]]})
    org.token_for(crew["ann"], scopes="users:read")
    enter(browser, org)
    page = browser.open(of(crew["ann"], "deactivate"))
    assert page.heading == "Deactivate Ann Lee?"
    assert "1 token of theirs ends for good." in page.text
    assert "They leave 1 workspace and 0 channels : Tea" in page.text or "They leave 1 workspace" in page.text
    assert org.api("v2").user(crew["ann"])["active"] is True
    page = browser.send(page.form(of(crew["ann"], "deactivate")))
    assert (page.status, page.path) == (200, of(crew["ann"]))
    assert "Ann Lee is deactivated, and signed out everywhere." in page.text
    assert org.api("v2").user(crew["ann"])["active"] is False
    assert premises.where(org, crew["ann"]) == (set(), set())
    assert names(browser, status="deactivated") == ["Cyd Lee-Ray", "Ann Lee"]  # at once
    page = browser.send(ask(browser, crew["ann"], "reactivate"))
    assert "Ann Lee is back." in page.text
    assert org.api("v2").user(crew["ann"])["active"] is True
    assert premises.where(org, crew["ann"])[0] == {team}
    event = inside.events(org.server.database, org.org_id, crew["ann"])[-1]
    assert (event.actor_id, event.token_id, event.client) == (org.owner_id, None, "a browser")
    assert "is back" not in browser.open(of(crew["ann"])).text  # said once


def test_roles_are_given_as_far_as_ones_own_goes(org: Org, browser: Browser, crew: Mapping[str, str]) -> None:
    ann = crew["ann"]
    role = roles_of(org)
    assert role[ann] == "member"
    enter(browser, org)
    page = browser.send(ask(browser, ann, "role"), role="admin")
    assert "Ann Lee is now: Admin." in page.text
    page = browser.send(ask(browser, ann, "role"), role="owner")
    assert (page.status, page.heading) == (403, "Change the role of Ann Lee")
    assert "An owner has to be in a workspace." in page.text
    inside.put_in(org.server.database, org.org_id, {org.team_id: [ann]})
    assert "now: Owner." in browser.send(ask(browser, ann, "role"), role="owner").text
    assert roles_of(org)[ann] == "owner"
    for wrong in ("king", "bot", "multi_channel_guest", ""):
        page = browser.send(ask(browser, ann, "role"), role=wrong)
        assert (page.status, "The form was not understood." in page.text) == (400, True)
    with Browser(org.server.url) as other:
        enter(other, org, org.create_user("adam", "admin"))
        page = other.open(of(ann))
        assert "You may look, but change nothing here" in page.text
        assert not [form for form in page.forms if "/signout" not in form.action]
        assert other.open(of(ann, "deactivate")).status == 403
        page = other.send(Form("post", of(ann, "signout"), {"once": "0123456789abcdef"}))
        assert (page.status, "You may not change this person." in page.text) == (403, True)
        page = other.open(of(crew["bob"], "role"))
        assert "Admin" in page.text
        assert "There is one." not in page.text
        sent = page.form(of(crew["bob"], "role"))
        assert other.send(sent, role="owner").status == 403
    assert roles_of(org)[crew["bob"]] == "member"


def test_the_organisation_is_handed_over_by_typing_a_name(
    org: Org, browser: Browser, crew: Mapping[str, str]
) -> None:
    enter(browser, org)
    asked = ask(browser, crew["ann"], "role")
    page = browser.send(asked, role="primary_owner", confirm="Ann")
    assert (page.status, "The name was not typed as it stands." in page.text) == (400, True)
    assert 'value="Ann"' in page.response.text  # what was typed is not lost
    page = browser.send(page.form(of(crew["ann"], "role")), role="primary_owner", confirm="ann lee ")
    assert "Ann Lee is now the primary owner, and you are an owner." in page.text
    roles = roles_of(org)
    assert (roles[crew["ann"]], roles[org.owner_id]) == ("primary_owner", "owner")
    assert browser.open(of(crew["ann"], "deactivate")).status == 403


def test_more_permissions_are_given_after_a_fresh_sign_in_and_taken_without_one(
    org: Org, browser: Browser, crew: Mapping[str, str]
) -> None:
    path = of(crew["ann"], "role")
    enter(browser, org)
    assert "sign in again" not in browser.open(path).links
    secrets_at_rest.age_proofs(org.server.database, org.org_id, 31 * 60)
    page = browser.open(path)
    again = f"/signin/{org.domain}?{urlencode({'next': path, 'again': '1'})}"
    assert page.links["sign in again"] == again
    for role in ("admin", "owner", "primary_owner"):
        page = browser.send(page.form(path), role=role, confirm="Ann Lee")
        assert (page.status, "Sign in again first." in page.text) == (403, True)
        assert (page.form(path).fields["confirm"], page.links["sign in again"]) == ("Ann Lee", again)
    assert (roles_of(org)[org.owner_id], roles_of(org)[crew["ann"]]) == ("primary_owner", "member")
    olga = org.create_user("olga", "owner")
    assert browser.send(browser.open(of(olga, "role")).form(of(olga, "role")), role="admin").status == 200
    sign_in(browser, org, org.owner_id)
    page = browser.send(browser.open(path).form(path), role="primary_owner", confirm="Ann Lee")
    assert "Ann Lee is now the primary owner" in page.text


def test_a_member_becomes_a_guest_with_an_end_and_a_member_again(
    org: Org, browser: Browser, crew: Mapping[str, str]
) -> None:
    api, ann = org.api("v2"), crew["ann"]
    enter(browser, org)
    page = browser.send(ask(browser, ann, "guest"))
    assert "Ann Lee is now: Multi-channel guest." in page.text
    assert api.user(ann)[api.urns.guest]["type"] == "multi"
    for wrong in ("2020-01-01", "soon", "", "9999-99-99", "10000-01-01"):
        page = browser.send(ask(browser, ann, "expiry"), day=wrong)
        assert (page.status, "This day does not work." in page.text) == (400, True)
        kept = wrong if wrong == "2020-01-01" else ""  # a field for dates takes nothing else
        assert page.form(of(ann, "expiry")).fields["day"] == kept
    page = browser.send(page.form(of(ann, "expiry")), day="2033-03-04")
    assert "Ann Lee is a guest until the end of 2033-03-04 (UTC)." in page.text
    assert api.user(ann)[api.urns.guest]["expiration"] == "2033-03-04T23:59:59Z"
    page = browser.send(ask(browser, ann, "expiry"), clear="1")
    assert "without an end" in page.text
    assert "expiration" not in api.user(ann)[api.urns.guest]
    browser.send(ask(browser, ann, "guest"))
    assert api.urns.guest not in api.user(ann)
    assert browser.open(of(ann, "expiry")).status == 403


def test_outside_enterprise_there_are_neither_guests_nor_other_workspaces(
    make_org: MakeOrg, browser: Browser
) -> None:
    org = make_org(plan="business_plus")
    ann = org.create_user("ann")
    enter(browser, org)
    page = browser.open(of(ann))
    assert "guest" not in page.text
    assert browser.open(of(ann, "guest")).status == 403
    page = browser.open(f"{of(ann)}?tab=places")
    assert {urlsplit(form.action).path for form in page.forms} == {"/signout", of(ann, "invite")}


def test_an_invitation_is_sent_once_more(org: Org, browser: Browser, crew: Mapping[str, str]) -> None:
    enter(browser, org)
    page = browser.open(of(crew["ann"]))
    page = browser.send(page.form(of(crew["ann"], "invite")))
    assert "Another invitation is on its way to ann@example.com." in page.text
    assert org.events(crew["ann"])[-1] == "user_invited"
    active = org.create_user("act", "member", "--signed-in")
    assert of(active, "invite") not in {urlsplit(form.action).path for form in browser.open(of(active)).forms}


def test_somebody_is_put_into_a_workspace_and_out_again(
    org: Org, browser: Browser, crew: Mapping[str, str]
) -> None:
    ann = crew["ann"]
    team, sales = premises.workspace(org, "tea"), premises.workspace(org, "sales")
    premises.lead(org, org.api("v2").create_group("Sales", ann)["id"], sales)
    enter(browser, org)
    page = browser.open(f"{of(ann)}?tab=places")
    page = browser.send(page.form(of(ann, "assign")), workspace="TEA ")
    assert "Ann Lee is in the workspace Tea." in page.text
    assert premises.where(org, ann)[0] == {team, sales}
    assert "Tea directly" in page.text
    page = browser.send(page.form(of(ann, "assign")), workspace="nowhere")
    assert (page.status, "There is no such workspace." in page.text) == (404, True)
    page = browser.send(page.form(of(ann, "assign")), workspace="tea")
    assert (page.status, "They are there already." in page.text) == (409, True)
    [out] = [form for form in page.forms if urlsplit(form.action).path == of(ann, "remove")]
    refused = browser.send(Form("post", out.action, out.fields | {"team": sales}))
    assert (refused.status, "A group requires them to be there." in refused.text) == (403, True)
    page = browser.send(out)
    assert "Ann Lee is not in the workspace Tea any more." in page.text
    assert premises.where(org, ann)[0] == {sales}


def test_whoever_is_slower_is_told_and_changes_nothing(
    org: Org, browser: Browser, crew: Mapping[str, str]
) -> None:
    api, ann = org.api("v2"), crew["ann"]
    enter(browser, org)
    form = ask(browser, ann, "deactivate")
    api.patch_user(ann, {"op": "replace", "path": "title", "value": "Chief"})
    page = browser.send(form)
    assert (page.status, page.heading) == (409, "Ann Lee")
    assert "Somebody was faster." in page.text
    assert "Title Chief" in page.text  # as it is now
    assert api.user(ann)["active"] is True
    form = ask(browser, ann, "role")
    api.patch_user(ann, {"op": "replace", "path": "title", "value": "Head"})
    assert browser.send(form, role="admin").status == 409
    assert roles_of(org)[ann] == "member"


def test_a_form_that_is_sent_twice_counts_once(org: Org, browser: Browser, crew: Mapping[str, str]) -> None:
    ann = crew["ann"]
    enter(browser, org)
    form = browser.open(of(ann)).form(of(ann, "invite"))
    assert browser.sent(form).status_code == 303
    again = screen(browser.sent(form))
    assert (again.status, again.heading) == (409, "Ann Lee")
    assert "This form was sent before." in again.text
    assert org.events(ann).count("user_invited") == 1
    for once in ("", "short"):
        page = browser.send(Form("post", of(ann, "invite"), form.fields | {"once": once}))
        assert (page.status, "The form was not understood." in page.text) == (400, True)


def test_forms_of_other_sites_are_refused(org: Org, browser: Browser, crew: Mapping[str, str]) -> None:
    enter(browser, org)
    form = ask(browser, crew["ann"], "deactivate")
    refused = browser.sent(form, headers={"Sec-Fetch-Site": "cross-site"})
    assert refused.status_code == 403
    assert org.api("v2").user(crew["ann"])["active"] is True


def test_of_whoever_was_erased_only_the_id_is_left(
    org: Org, browser: Browser, crew: Mapping[str, str]
) -> None:
    org.run("user", "erase", "--user", crew["ann"], "--yes")
    enter(browser, org)
    page = browser.open(of(crew["ann"]))
    assert page.status == 200
    assert "This person's data was erased." in page.text
    assert "ann@example.com" not in page.text
    assert {urlsplit(form.action).path for form in page.forms} == {"/signout"}
    page = browser.open(f"{of(crew['ann'])}?tab=history")
    assert "What it said of the person was erased." in page.text
    assert names(browser, q="lee") == ["Cyd Lee-Ray"]


def test_nothing_on_these_pages_needs_a_script(org: Org, browser: Browser, crew: Mapping[str, str]) -> None:
    enter(browser, org)
    for path in (MEMBERS, of(crew["ann"]), of(crew["ann"], "role"), f"{of(crew['ann'])}?tab=history"):
        page = browser.open(path)
        assert page.status == 200
        text = page.response.text
        assert text.count("<h1>") == 1
        assert " onclick" not in text
        assert "<script>" not in text
        assert " style=" not in text
        assert "javascript:" not in text
        for form in page.forms:
            assert form.action.startswith(org.server.url)


def test_where_scim_says_that_a_profile_is_there_is_one(
    org: Org, make_org: MakeOrg, browser: Browser, crew: Mapping[str, str]
) -> None:
    url = org.api("v2").user(crew["ann"])["profileUrl"]
    path = urlsplit(url).path
    asked = browser.open(path)
    assert (asked.path, asked.status) == (f"/signin/{org.domain}", 200)
    assert "/team/ann" in asked.response.text  # where to go on from there
    sign_in(browser, org, crew["bob"])
    page = browser.open(path)
    assert (page.status, page.path, page.heading) == (200, f"/directory/{crew['ann']}", "Ann Lee")
    for wrong in (f"/{org.domain}/team/nobody", f"/{make_org().domain}/team/ann", "/nowhere/team/ann"):
        page = browser.open(wrong)
        assert (page.status, page.heading) == (404, "There is nobody here by that id")
    sign_in(browser, org, crew["gus"])
    assert browser.open(path).status == 403
