"""Groups, workspaces and channels on the pages for administrators: what they show, foresee and do."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest

from rosterd.directory.model import TeamId
from rosterd.store import channels
from tests.protocol import inside, live, premises
from tests.protocol.browser import Browser, Form, Screen, sign_in
from tests.protocol.conftest import MakeOrg
from tests.protocol.live import Api, Org, Server, WebApi

GROUPS, WORKSPACES, CHANNELS = "/admin/groups", "/admin/workspaces", "/admin/channels"
UNKNOWN = "S00000000ZZ"
SLOWER = "Somebody was faster."


@pytest.fixture
def browser(server: Server) -> Iterator[Browser]:
    with Browser(server.url) as opened:
        yield opened


@pytest.fixture
def owner(org: Org, browser: Browser) -> Browser:
    """A browser in which the primary owner is signed in."""
    sign_in(browser, org, org.owner_id)
    return browser


class Crew:
    """A group of three: a member, somebody deactivated, a multi-channel guest; and a workspace."""

    def __init__(self, org: Org) -> None:
        self.org = org
        self.api: Api = org.api("v2")
        self.ann, self.cyd = (str(self.api.create_user(name)["id"]) for name in ("ann", "cyd"))
        guest: dict[str, Any] = {self.api.urns.guest: {"type": "multi"}}
        self.gus = str(self.api.create_user("gus", **guest)["id"])
        self.group = str(self.api.create_group("Crew", self.ann, self.cyd, self.gus)["id"])
        assert self.api.delete(f"Users/{self.cyd}").is_success
        self.north = premises.workspace(org, "north")
        self.web: WebApi = org.web_api("admin.users:read", "users:read", "channels:read", "groups:read")
        self.at = f"{GROUPS}/{self.group}"

    def put(self, place: str, *people: str) -> None:
        """These people are in a place because somebody decided so."""
        inside.put_in(self.org.server.database, self.org.org_id, {place: people})

    def general(self) -> str:
        """The channel that the workspace began with."""
        read = premises.act(
            self.org, lambda tx, org, _: channels.named(tx, org.id, TeamId(self.north), "general")
        )
        return str(read)

    def people(self, team: str) -> set[str]:
        """Who is in a workspace, as the Web API says."""
        found = self.web.ok("admin.users.list", team_id=team, limit=100)["users"]
        return {str(user["id"]) for user in found}


@pytest.fixture
def crew(org: Org) -> Crew:
    return Crew(org)


def wait(browser: Browser, path: str, text: str, *, there: bool = True) -> Screen:
    """The page once it says something, or (``there`` False) says it no more: what goes on takes a moment."""
    deadline = time.monotonic() + 60
    while (text in (page := browser.open(path)).text) is not there:
        assert time.monotonic() < deadline, page.text
        time.sleep(0.1)
    return page


def preview(browser: Browser, crew: Crew, **state: str) -> Screen:
    return browser.open(f"{crew.at}/preview?{urlencode(state)}")


def confirm(browser: Browser, page: Screen, crew: Crew) -> Screen:
    return browser.send(page.form(f"{crew.at}/preview"))


def test_a_group_is_connected_after_a_preview_and_its_members_are_there(owner: Browser, crew: Crew) -> None:
    page = owner.open(f"{crew.at}/workspaces?q=nor")
    assert "North" in page.links
    [ticks] = [form for form in page.forms if form.action.endswith("/preview")]
    assert "Nothing was ticked." in owner.send(ticks).text
    page = owner.send(ticks, **{f"to.{crew.north.lower()}": "1"})
    assert page.response.url.query.decode() == f"do=connect&places={crew.north}"
    assert page.heading == "Connect “Crew” to North?"
    assert ("2 would join" in page.text, {"ann", "gus"} <= page.links.keys()) == (True, True)
    assert "1 would not join: they are deactivated : cyd" in page.text
    assert page.text.count("#general") == 1  # ann alone: default channels are not for guests
    assert crew.people(crew.north) == set()
    page = confirm(owner, page, crew)
    assert (page.path, page.status) == (crew.at, 200)
    assert "“Crew” leads to North in this way now." in page.text
    assert "Required Joined at once" in page.text
    assert crew.people(crew.north) == {crew.ann, crew.gus}
    wait(owner, f"{WORKSPACES}/{crew.north}?tab=members", "by the group “Crew” (required)")


def test_each_workspace_can_be_optional_or_joined_on_request(owner: Browser, crew: Crew, org: Org) -> None:
    south = premises.workspace(org, "south")
    page = preview(owner, crew, do="connect", places=f"{crew.north},{south}")
    assert page.heading == "Connect “Crew” to 2 workspaces?"
    page = owner.open(page.links["Make it optional"])
    page = owner.open(page.links["Let them join on request"])
    assert "would not join at once: they, or an administrator, may decide it" in page.text
    confirm(owner, page, crew)
    assert {len(crew.people(team)) for team in (crew.north, south)} == {0, 2}


def test_a_disconnection_takes_out_whom_the_group_required_and_nobody_else(
    owner: Browser, crew: Crew, org: Org
) -> None:
    inside.connect(org.server.database, org.org_id, crew.group, crew.north)
    crew.put(crew.north, crew.ann)
    page = preview(owner, crew, do="disconnect", places=crew.north, back=crew.north)
    assert "1 would leave : gus" in page.text
    assert "1 would stay: somebody put them there : ann" in page.text
    page = confirm(owner, page, crew)
    assert page.path == f"{WORKSPACES}/{crew.north}"
    assert crew.people(crew.north) == {crew.ann}
    assert "No group leads here" in page.text


def test_the_required_switch_says_that_channels_are_lost(owner: Browser, crew: Crew, org: Org) -> None:
    deals = premises.channel(org, "deals", crew.north)
    inside.connect(org.server.database, org.org_id, crew.group, crew.north, [deals])
    page = owner.open(crew.at)
    assert "#deals" in page.links
    page = owner.open(page.links["Make optional…"])
    assert page.heading == "Change how “Crew” leads to North?"
    assert "The group would no longer lead to one of its channels" in page.text
    assert "#deals the group leads there no more 0 2" in page.text
    page = confirm(owner, page, crew)
    assert "Optional Joined at once" in page.text
    assert "#deals" not in page.links


def test_channels_are_connected_and_disconnected_after_a_preview(
    owner: Browser, crew: Crew, org: Org
) -> None:
    deals = premises.channel(org, "deals", crew.north)
    assert "this one requires none" in owner.open(f"{crew.at}/channels").text
    page = preview(owner, crew, do="lead", places=deals)
    assert (page.status, page.heading) == (409, "This cannot be done")
    assert "The group does not reach this channel." in page.text
    inside.connect(org.server.database, org.org_id, crew.group, crew.north)
    assert "#deals" in owner.open(f"{crew.at}/channels").links
    page = preview(owner, crew, do="lead", places=deals, back=deals)
    assert ("2 would join" in page.text, {"ann", "gus"} <= page.links.keys()) == (True, True)
    page = confirm(owner, page, crew)
    assert (page.path, "Crew" in page.links) == (f"{CHANNELS}/{deals}", True)
    members = owner.open(f"{CHANNELS}/{deals}?tab=members")
    assert members.text.count("by the group “Crew”") == 2
    page = preview(owner, crew, do="unlead", places=deals)
    assert "2 would leave" in page.text
    confirm(owner, page, crew)
    assert "Nobody is in this channel." in owner.open(f"{CHANNELS}/{deals}?tab=members").text


def test_an_allowlist_takes_everybody_else_out(owner: Browser, crew: Crew, org: Org) -> None:
    secret = premises.channel(org, "secret", crew.north, private=True)
    bob = org.create_user("bob")
    for person in (crew.ann, bob):
        crew.put(crew.north, person)
        crew.put(secret, person)
    page = owner.open(f"{CHANNELS}/{secret}/allow")
    page = owner.open(page.links["Put on…"])
    assert "1 would leave : bob" in page.text
    assert "1 would stay: a group of theirs is on the allowlist : ann" in page.text
    page = confirm(owner, page, crew)
    assert "“Crew” is on the allowlist of #secret." in page.text
    people = owner.open(f"{CHANNELS}/{secret}?tab=members")
    assert ("ann" in people.links, "bob" in people.links) == (True, False)
    page = owner.open(page.links["Take off…"])
    assert "Nothing changes for anybody." in page.text
    page = confirm(owner, page, crew)
    assert "anybody in its workspaces may be invited" in page.text


def test_a_preview_that_is_not_true_any_more_is_drawn_anew(owner: Browser, crew: Crew) -> None:
    page = preview(owner, crew, do="connect", places=crew.north)
    bob = str(crew.api.create_user("bob")["id"])
    crew.api.patch_group(crew.group, {"op": "add", "path": "members", "value": [{"value": bob}]})
    page = confirm(owner, page, crew)
    assert (page.status, SLOWER in page.text) == (409, True)
    assert "3 would join" in page.text
    assert crew.people(crew.north) == set()
    page = confirm(owner, page, crew)
    assert (page.status, crew.people(crew.north)) == (200, {crew.ann, crew.gus, bob})


def test_of_two_administrators_the_slower_one_is_told(owner: Browser, crew: Crew, org: Org) -> None:
    one, other = (preview(owner, crew, do="connect", places=crew.north) for _ in range(2))
    assert confirm(owner, one, crew).status == 200
    page = confirm(owner, other, crew)
    assert (page.status, SLOWER in page.text) == (409, True)
    assert "It leads there in this way already" in page.text


def test_a_form_that_is_sent_twice_counts_once(owner: Browser, crew: Crew, org: Org) -> None:
    form = preview(owner, crew, do="connect", places=crew.north).form(f"{crew.at}/preview")
    assert owner.sent(form).status_code == 303
    again = owner.send(form)
    assert (again.status, "This form was sent before." in again.text) == (409, True)
    assert org.events(crew.group).count("usergroup_added_to_team") == 1


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ({}, "The address was not understood."),
        ({"do": "explode", "places": "T1"}, "The address was not understood."),
        ({"do": "connect"}, "Nothing was ticked."),
        ({"do": "connect", "places": "T0NOWHERE00"}, "There is no such workspace."),
        ({"do": "lead", "places": "C0NOWHERE00"}, "There is no such channel."),
        ({"do": "connect", "places": "T1,<b>"}, "The address was not understood."),
        ({"do": "connect", "places": "\0"}, "The address was not understood."),
        (
            {"do": "connect", "places": ",".join(f"T{n}" for n in range(51))},
            "The address was not understood.",
        ),
    ],
)
def test_a_change_that_makes_no_sense_is_explained(
    owner: Browser, crew: Crew, state: dict[str, str], said: str
) -> None:
    page = preview(owner, crew, **state)
    assert page.status in (400, 404)
    assert said in page.text
    assert page.links["Back"] == crew.at


def test_a_disconnection_of_what_is_not_connected_is_explained(owner: Browser, crew: Crew) -> None:
    for do, place in (("disconnect", crew.north), ("unlead", crew.general())):
        page = preview(owner, crew, do=do, places=place)
        assert (page.status, "They are not connected." in page.text) == (409, True)


def test_lists_are_searched_and_paged(owner: Browser, crew: Crew, org: Org) -> None:
    for number in range(51):
        crew.api.create_group(f"Team {number:03}")
    page = owner.open(GROUPS)
    assert ("Crew" in page.links, "Team 048" in page.links, "Team 049" in page.links) == (True, True, False)
    page = owner.open(page.links["Next page"])
    assert ("Team 049" in page.links, "Team 050" in page.links) == (True, True)
    assert "Team 007" in owner.open(f"{GROUPS}?q=AM+007").links
    assert "No group has “nothing” in its name." in owner.open(f"{GROUPS}?q=nothing").text
    assert "North" in owner.open(f"{WORKSPACES}?q=nor").links
    assert "#general" in owner.open(f"{CHANNELS}?q=%23gen").links
    assert "No channel fits." in owner.open(f"{CHANNELS}?kind=archived").text
    for wrong in (f"{CHANNELS}?kind=strange", f"{GROUPS}?q={'x' * 101}", f"{WORKSPACES}?after=%00"):
        page = owner.open(wrong)
        assert (page.status, "A part of this address was not understood" in page.text) == (400, True)


def test_a_group_says_who_made_it_and_who_is_in_it(owner: Browser, crew: Crew) -> None:
    page = owner.open(crew.at)
    assert "Created" in page.text
    assert "with the app" in page.text or "with the token" in page.text
    assert "Members 3 , 1 of them deactivated" in wait(owner, crew.at, "deactivated").text
    assert "Crew 3 , 1 of them deactivated" in owner.open(GROUPS).text
    page = wait(owner, f"{crew.at}?tab=members", "gus")
    assert {"ann", "cyd", "gus"} <= page.links.keys()
    assert "ann" in owner.open(f"{crew.at}?tab=members&q=ann").links
    assert "Nobody here is called that." in owner.open(f"{crew.at}?tab=members&q=zoe").text
    assert "Group changed" in owner.open(f"{crew.at}?tab=history").text


def test_a_large_change_says_how_many_are_left(owner: Browser, crew: Crew, org: Org) -> None:
    people = inside.add_people(org.server.database, org.domain, 1_001)
    group = str(crew.api.create_group("Everybody", *people)["id"])
    at = f"{GROUPS}/{group}"
    page = owner.open(f"{at}/preview?do=connect&places={crew.north}")
    assert "1,001 would join" in page.text
    page = owner.send(page.form(f"{at}/preview"))
    assert page.status == 200
    wait(owner, at, "still being moved", there=False)
    assert "1,001 would leave" in owner.open(f"{at}/preview?do=disconnect&places={crew.north}").text


def test_somebody_is_added_to_a_workspace_and_taken_out_again(owner: Browser, crew: Crew, org: Org) -> None:
    at = f"{WORKSPACES}/{crew.north}"
    assert "Nobody here is called that." in owner.open(f"{at}/add?who=zoe@nowhere.example").text
    page = owner.open(f"{at}/add?who=ann")
    assert "They would join North and 1 of its channels: #general" in page.text
    [add] = [form for form in page.forms if "/add?" in form.action]
    page = owner.send(add)
    assert "ann is in the workspace North." in page.text
    assert crew.people(crew.north) == {crew.ann}
    page = owner.open(f"{at}/add?who=ann")
    assert "They are in North already." in page.text
    assert [form for form in page.forms if "/add?" in form.action] == []
    page = owner.open(f"{at}/remove?who={crew.ann}")
    assert "They would leave 1 channel with it: #general" in page.text
    stale = owner.open(f"{at}/remove?who={crew.ann}")
    page = owner.send(page.form(f"{at}/remove"))
    assert "ann is not in the workspace North any more." in page.text
    assert crew.people(crew.north) == set()
    assert SLOWER in owner.send(stale.form(f"{at}/remove")).text


def test_whom_a_group_requires_is_not_taken_out(owner: Browser, crew: Crew, org: Org) -> None:
    inside.connect(org.server.database, org.org_id, crew.group, crew.north)
    at = f"{WORKSPACES}/{crew.north}"
    assert "Remove…" not in wait(owner, f"{at}?tab=members", "take them out of the group").links
    page = owner.open(f"{at}/remove?who={crew.ann}")
    page = owner.send(page.form(f"{at}/remove"))
    assert (page.status, "A group requires them to be there." in page.text) == (403, True)


def test_a_workspace_and_a_channel_are_made_and_put_away(owner: Browser, org: Org) -> None:
    form = owner.open(f"{WORKSPACES}/new").form(f"{WORKSPACES}/new")
    given = {"name": "West", "domain": "west", "discoverability": "open"}
    page = owner.send(form, **given | {"domain": "W e s t"})
    assert (page.status, "This domain does not work." in page.text) == (400, True)
    page = owner.send(page.form(f"{WORKSPACES}/new"), **given)
    assert (page.status, page.heading) == (200, "West")
    form = owner.open(f"{CHANNELS}/new").form(f"{CHANNELS}/new")
    assert "There is no such workspace." in owner.send(form, name="deals", workspace="nowhere").text
    page = owner.send(form, name="deals", workspace="west", private="1")
    assert (page.heading, "Private" in page.text) == ("#deals", True)
    [archive] = [each for each in page.forms if each.action.endswith("/archive")]
    page = owner.send(archive)
    assert "#deals is archived: nobody joins it any more." in page.text
    assert SLOWER in owner.send(archive, once="y" * 20).text
    [again] = [each for each in page.forms if each.action.endswith("/archive")]
    assert "#deals is in use again." in owner.send(again).text


def test_on_business_plus_a_group_has_default_channels_only(make_org: MakeOrg, browser: Browser) -> None:
    org = make_org("business_plus")
    api = org.api("v2")
    ann = str(api.create_user("ann")["id"])
    group = str(api.create_group("Crew", ann)["id"])
    deals = premises.channel(org, "deals")
    sign_in(browser, org, org.owner_id)
    at = f"{GROUPS}/{group}"
    page = browser.open(at)
    assert "Default channels" in page.text
    assert "Allowlists" not in page.text
    assert "Connect workspaces…" not in page.links
    for do, place in (("connect", org.team_id), ("disconnect", org.team_id), ("allow", deals)):
        page = browser.open(f"{at}/preview?do={do}&places={place}")
        assert (page.status, page.heading) == (403, "This cannot be done")
    page = browser.open(f"{at}/preview?do=lead&places={deals}")
    assert "1 would join : ann" in page.text
    page = browser.send(page.form(f"{at}/preview"))
    assert "#deals" in page.links
    for path in (f"{at}/workspaces", f"{at}/allowlists", f"{WORKSPACES}/new", f"{WORKSPACES}/{org.team_id}"):
        assert browser.open(path).status == 200
    assert (
        "Everybody in the organisation is in its one workspace"
        in browser.open(f"{WORKSPACES}/{org.team_id}").text
    )


PATHS = (
    "", "?tab=members", "?tab=history", "/workspaces", "/channels", "/allowlists",
)  # fmt: skip


def test_only_administrators_see_and_do_it(org: Org, crew: Crew, browser: Browser) -> None:
    paths = [GROUPS, WORKSPACES, CHANNELS, f"{WORKSPACES}/new", f"{CHANNELS}/new"]
    paths += [crew.at + each for each in PATHS]
    paths += [
        f"{WORKSPACES}/{crew.north}{each}" for each in ("", "?tab=roles", "/connect", "/add", "/remove")
    ]
    for path in paths:
        assert browser.ask(path).headers["location"].startswith("/signin?next="), path
    org.create_user("mary")
    org.create_user("adam", "admin")
    sign_in(browser, org, f"mary@{org.domain}.example")
    change = f"{crew.at}/preview?do=connect&places={crew.north}"
    for path in [*paths, change]:
        assert browser.open(path).status == 403, path
    assert browser.sent(Form("post", change, {"once": "x" * 20, "seen": "x"})).status_code == 403
    assert crew.people(crew.north) == set()
    sign_in(browser, org, f"adam@{org.domain}.example")
    for path in [*paths, change]:
        assert browser.open(path).status == 200, path


def test_another_organisation_is_out_of_sight(org: Org, crew: Crew, server: Server, browser: Browser) -> None:
    other = live.make_org(server)
    sign_in(browser, other, other.owner_id)
    general = crew.general()
    for path in (
        *(f"{crew.at}{each}" for each in (*PATHS, f"/preview?do=connect&places={crew.north}")),
        *(f"{WORKSPACES}/{crew.north}{each}" for each in ("", "?tab=members", "/connect", "/add", "/remove")),
        *(f"{CHANNELS}/{general}{each}" for each in ("", "?tab=members", "/connect", "/allow")),
        f"{GROUPS}/{UNKNOWN}", f"{WORKSPACES}/T0", f"{CHANNELS}/C0",
    ):  # fmt: skip
        assert browser.open(path).status in (404, 403), path
    mine = str(other.api("v2").create_group("Mine")["id"])
    page = browser.open(f"{GROUPS}/{mine}/preview?do=connect&places={crew.north}")
    assert (page.status, "There is no such workspace." in page.text) == (404, True)
    post = Form("post", f"{GROUPS}/{mine}/preview?do=connect&places={crew.north}", {"once": "x" * 20})
    assert browser.sent(post).status_code == 404
    assert "North" not in browser.open(WORKSPACES).links
    assert "ann" not in browser.open(f"{WORKSPACES}/{other.team_id}/add?who=ann").links
