"""Members join and leave workspaces by themselves, on their own page."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest

from tests.protocol import inside, premises
from tests.protocol.browser import Browser, Form, Screen, screen, sign_in
from tests.protocol.conftest import MakeOrg
from tests.protocol.live import Org, Server

JOIN, LEAVE = "/home/join", "/home/leave"
MAY_JOIN = "Workspaces that you may join"


@pytest.fixture
def browser(server: Server) -> Iterator[Browser]:
    with Browser(server.url) as opened:
        yield opened


def open_workspace(org: Org, domain: str) -> str:
    """The id of a new workspace that is open to everybody."""
    out = org.run("workspace", "create", "--domain", domain, "--discoverability", "open")
    return str(json.loads(out)["workspace_id"])


def teams_of(page: Screen, action: str) -> list[str]:
    """The workspaces that a page has a button for."""
    return [form.fields["team"] for form in page.forms if urlsplit(form.action).path == action]


def button(page: Screen, action: str, team: str) -> Form:
    """The button for one workspace."""
    [found] = [
        form for form in page.forms if urlsplit(form.action).path == action and form.fields["team"] == team
    ]
    return found


def join(browser: Browser, team: str) -> Screen:
    return browser.send(button(browser.open("/home"), JOIN, team))


def leave(browser: Browser, team: str) -> Screen:
    """Through the page that asks once more."""
    asked = browser.send(button(browser.open("/home"), LEAVE, team))
    return browser.send(button(asked, LEAVE, team))


def forged(action: str, team: str) -> Form:
    """A form as nobody was shown it."""
    return Form("post", action, {"team": team})


def reasons(org: Org, user: str) -> dict[str, list[tuple[str, bool]]]:
    """Workspace → source and whether it is only kept, of each reason to be there."""
    stays = json.loads(org.run("explain", user, "--json"))["stays"]
    return {
        stay["place_id"]: [(why["source_id"], why.get("is_kept", False)) for why in stay["reasons"]]
        for stay in stays
        if stay["place_id"].startswith("T")
    }


def crew(org: Org, *members: str) -> str:
    return str(org.api("v2").create_group("crew", *members)["id"])


def test_whoever_joins_by_a_group_is_there_because_of_it(org: Org, browser: Browser) -> None:
    ann = org.create_user("ann")
    team = premises.workspace(org, "sales")
    group = crew(org, ann)
    channel = premises.channel(org, "deals", team)
    premises.lead(org, group, team, channel, at_once=False)
    page = sign_in(browser, org, ann)
    assert f"{MAY_JOIN} Sales" in page.text
    assert reasons(org, ann) == {}
    page = join(browser, team)
    assert (page.status, page.path) == (200, "/home")
    assert "Your workspaces Sales" in page.text
    assert MAY_JOIN not in page.text
    assert reasons(org, ann) == {team: [(group, False)]}
    assert premises.where(org, ann) == ({team}, {channel})
    event = inside.events(org.server.database, org.org_id, ann)[-1]
    assert (event.action, event.actor_id, event.client) == ("user_joined_workspace", ann, "a browser")
    assert json.loads(event.details) == {"team": team}


def test_an_open_workspace_is_joined_and_left(org: Org, browser: Browser) -> None:
    ann = org.create_user("ann")
    team = open_workspace(org, "lounge")
    premises.workspace(org, "secret")  # nobody is told of it who was not invited
    page = sign_in(browser, org, ann)
    assert teams_of(page, JOIN) == [team]
    assert "secret" not in page.text.lower()
    assert teams_of(join(browser, team), LEAVE) == [team]
    assert reasons(org, ann) == {team: [("", False)]}
    page = leave(browser, team)
    assert (page.status, page.path, teams_of(page, JOIN), teams_of(page, LEAVE)) == (200, "/home", [team], [])
    assert reasons(org, ann) == {}
    assert org.events(ann)[-2:] == ["user_joined_workspace", "user_left_workspace"]


def test_leaving_is_asked_once_more_and_asking_changes_nothing(org: Org, browser: Browser) -> None:
    ann = org.create_user("ann")
    lounge, sales = open_workspace(org, "lounge"), premises.workspace(org, "sales")
    inside.put_in(org.server.database, org.org_id, {lounge: [ann], sales: [ann]})
    sign_in(browser, org, ann)
    for team, name, way_back in ((lounge, "lounge", "join again"), (sales, "Sales", "Only an administrator")):
        page = browser.send(button(browser.open("/home"), LEAVE, team))
        assert (page.status, page.path, page.heading) == (200, LEAVE, f"Leave {name}?")
        assert way_back in page.text
        assert page.links["Stay"] == "/home"
    assert reasons(org, ann) == {lounge: [("", False)], sales: [("", False)]}


def test_a_group_that_need_not_be_followed_lets_go(org: Org, browser: Browser) -> None:
    ann = org.create_user("ann")
    team = premises.workspace(org, "sales")
    group = crew(org, ann)
    premises.lead(org, group, team, required=False, at_once=False)
    sign_in(browser, org, ann)
    join(browser, team)
    assert teams_of(leave(browser, team), JOIN) == [team]
    join(browser, team)
    assert org.api("v2").delete(f"Groups/{group}").status_code == 204
    assert reasons(org, ann) == {team: [(group, True)]}
    assert teams_of(leave(browser, team), JOIN) == []
    assert reasons(org, ann) == {}


@pytest.mark.parametrize(("required", "at_once"), [(True, True), (True, False), (False, True)])
def test_where_a_group_requires_it_nobody_leaves(
    org: Org, browser: Browser, required: bool, at_once: bool
) -> None:
    ann = org.create_user("ann")
    team = premises.workspace(org, "sales")
    group = crew(org, ann)
    premises.lead(org, group, team, required=required, at_once=at_once)
    sign_in(browser, org, ann)
    page = browser.open("/home") if at_once else join(browser, team)
    assert "Sales by a group" in page.text
    assert teams_of(page, LEAVE) == teams_of(page, JOIN) == []
    before = org.events()
    for page in (browser.send(forged(LEAVE, team)), browser.open(f"{LEAVE}?team={team}")):
        assert (page.status, page.heading) == (403, "ann")
        assert "You cannot leave this workspace by yourself." in page.text
    assert reasons(org, ann) == {team: [(group, False)]}
    assert org.events() == before


def test_a_workspace_that_is_not_offered_is_not_joined(org: Org, browser: Browser) -> None:
    ann, bob = org.create_user("ann"), org.create_user("bob")
    sales, closed = premises.workspace(org, "sales"), premises.workspace(org, "closed")
    premises.lead(org, crew(org, bob), sales, at_once=False)
    assert teams_of(sign_in(browser, org, ann), JOIN) == []
    for team in (sales, closed, org.team_id):
        page = browser.send(forged(JOIN, team))
        assert (page.status, page.heading) == (403, "ann")
        assert "You may not do this by yourself." in page.text
    assert reasons(org, ann) == {}


def test_guests_neither_join_nor_leave(org: Org, browser: Browser) -> None:
    gus = org.create_user("gus", "multi_channel_guest")
    here, lounge, sales = (
        premises.workspace(org, "here"),
        open_workspace(org, "lounge"),
        premises.workspace(org, "sales"),
    )
    inside.put_in(org.server.database, org.org_id, {here: [gus]})
    premises.lead(org, crew(org, gus), sales, at_once=False)
    page = sign_in(browser, org, gus)
    assert "Your workspaces Here" in page.text
    assert teams_of(page, JOIN) == teams_of(page, LEAVE) == []
    for form in (forged(JOIN, lounge), forged(JOIN, sales), forged(LEAVE, here)):
        page = browser.send(form)
        assert (page.status, page.heading) == (403, "gus")
        assert "You may not do this by yourself." in page.text
    assert reasons(org, gus) == {here: [("", False)]}


def test_outside_enterprise_nothing_is_joined_or_left(make_org: MakeOrg, browser: Browser) -> None:
    org = make_org(plan="business_plus")
    ann = org.create_user("ann")
    page = sign_in(browser, org, ann)
    assert f"Your workspaces {org.domain}" in page.text
    assert teams_of(page, JOIN) == teams_of(page, LEAVE) == []
    for page in (
        browser.send(forged(JOIN, org.team_id)),
        browser.send(forged(LEAVE, org.team_id)),
        browser.open(f"{LEAVE}?team={org.team_id}"),
    ):
        assert (page.status, page.heading) == (403, "ann")
        assert "There is nothing to join or leave here." in page.text
    assert [*reasons(org, ann)] == [org.team_id]


def test_the_workspaces_of_others_are_out_of_reach(make_org: MakeOrg, browser: Browser) -> None:
    here, there = make_org(), make_org()
    ann = here.create_user("ann")
    foreign = open_workspace(there, "lounge")
    page = sign_in(browser, here, ann)
    assert teams_of(page, JOIN) == []
    before = there.events()
    for team in (foreign, "T0NOTHING00", "", "\0", "ä" * 500):
        page = browser.send(forged(JOIN, team))
        assert page.status == 404
        assert "There is no such workspace." in page.text
        page = browser.send(forged(LEAVE, team))
        assert page.status == 404
        assert "\0" in team or "You are not in this workspace." in page.text
        assert screen(browser.ask(LEAVE, params={"team": team})).status == 404
    assert there.events() == before
    assert browser.open(f"/home?after={foreign}").status == 200
    assert "This place in the list was not understood" in browser.open("/home?after=%00").text
    assert reasons(here, ann) == {}


@pytest.mark.parametrize("action", [JOIN, LEAVE])
@pytest.mark.parametrize(
    "headers", [{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "", "Origin": "https://evil.example"}]
)
def test_no_other_site_moves_anybody(
    org: Org, browser: Browser, action: str, headers: dict[str, str]
) -> None:
    ann = org.create_user("ann")
    lounge, sales = open_workspace(org, "lounge"), open_workspace(org, "sales")
    inside.put_in(org.server.database, org.org_id, {sales: [ann]})
    sign_in(browser, org, ann)
    for team in (lounge, sales):
        refused = screen(browser.sent(forged(action, team), headers=headers))
        assert (refused.status, refused.heading) == (403, "This form came from elsewhere")
    assert [*reasons(org, ann)] == [sales]
    assert browser.http.get(f"{org.server.url}{JOIN}?team={lounge}").status_code == 405


def test_a_button_that_is_pressed_twice_counts_once(org: Org, browser: Browser) -> None:
    ann = org.create_user("ann")
    team = open_workspace(org, "lounge")
    form = button(sign_in(browser, org, ann), JOIN, team)

    def press(_: int) -> int:
        with Browser(org.server.url) as tab:
            tab.http.cookies.set("rosterd", browser.secret or "", domain="127.0.0.1", path="/")
            return tab.sent(form).status_code

    with ThreadPoolExecutor(4) as pool:
        assert [*pool.map(press, range(4))] == [303] * 4
    assert reasons(org, ann) == {team: [("", False)]}
    asked = button(browser.send(button(browser.open("/home"), LEAVE, team)), LEAVE, team)
    assert browser.send(asked).status == 200
    page = browser.send(asked)
    assert (page.status, page.heading, teams_of(page, JOIN)) == (404, "ann", [team])
    assert "You are not in this workspace." in page.text
    moves = [action for action in org.events(ann) if action.endswith("_workspace")]
    assert moves == ["user_joined_workspace", "user_left_workspace"]


def test_whoever_is_not_signed_in_signs_in_first(org: Org, browser: Browser) -> None:
    team = open_workspace(org, "lounge")
    for form in (forged(JOIN, team), forged(LEAVE, team), Form("get", LEAVE, {"team": team})):
        assert browser.send(form).path == "/signin"
    ann = org.create_user("ann")
    form = button(sign_in(browser, org, ann), JOIN, team)
    org.api("v2").delete(f"Users/{ann}")
    assert browser.send(form).path == f"/signin/{org.domain}"


def test_many_workspaces_come_page_by_page(org: Org, browser: Browser) -> None:
    ann = org.create_user("ann")
    made = inside.open_workspaces(org.server.database, org.org_id, 60)
    page = sign_in(browser, org, ann)
    first = teams_of(page, JOIN)
    page = browser.open(page.links["More workspaces"])
    assert (len(first), len(teams_of(page, JOIN)), "More workspaces" in page.links) == (50, 10, False)
    assert [*first, *teams_of(page, JOIN)] == made
