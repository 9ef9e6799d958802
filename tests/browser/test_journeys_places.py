"""Journeys along the ways on which groups lead people: looked ahead of, changed, and so everywhere."""

from __future__ import annotations

import json
import re
from typing import NamedTuple

import pytest
from playwright.sync_api import Locator, Page, expect

from rosterd.directory.model import Role
from tests.browser.conftest import Visitor
from tests.browser.journeys import (
    Person,
    arrive,
    family,
    follow,
    press,
    refused,
    teams_of,
    told,
    web_api,
)
from tests.protocol.live import Api, WebApi

OWNER = Role.PRIMARY_OWNER


class Crew(NamedTuple):
    """A group of two, one who is in no group, and a workspace where none of them is."""

    api: Api
    web: WebApi
    people: list[Person]
    group: str
    name: str
    team: str
    yard: str

    def here(self) -> list[bool]:
        """Who of them is in the workspace."""
        return [self.team in teams_of(self.web, each) for each in self.people]


@pytest.fixture
def crew(visitor: Visitor) -> Crew:
    premises = visitor.premises
    api, people = premises.api(), arrive(premises, 3)
    word = family(people)
    name, yard = f"Crew of {word}", f"Yard of {word}"
    group = str(api.create_group(name, *(each.id for each in people[:2]))["id"])
    made = json.loads(premises.run("workspace", "create", "--domain", f"{word.lower()}s", "--name", yard))
    web = web_api(premises, "users:read", "groups:read", "admin.conversations:read")
    return Crew(api, web, people, group, name, made["workspace_id"], yard)


def fates(page: Page) -> Locator:
    """What would become of whom."""
    return page.locator("main .card li")


def connect(page: Page, crew: Crew) -> None:
    """From the group's page to the preview of a connection."""
    page.goto(f"/admin/groups/{crew.group}")
    page.get_by_role("link", name="Connect workspaces…").click()
    page.get_by_role("searchbox", name="Name or domain").press_sequentially(crew.yard.lower()[:20])
    box = page.get_by_role("checkbox", name=crew.yard)
    expect(page.locator("#list tbody tr")).to_have_count(1)
    box.check()
    press(page, "Preview…")


def test_a_group_leads_to_a_workspace_and_no_more_after_a_look_at_who_moves(
    visitor: Visitor, crew: Crew
) -> None:
    ida, kit, lou = crew.people
    page = visitor.window(OWNER)
    page.goto("/admin/groups")
    page.get_by_role("searchbox", name="Name of the group").press_sequentially(crew.name.lower())
    expect(page.locator("#list tbody tr")).to_have_count(1)
    follow(page, crew.name)
    expect(page.get_by_text("This group leads to no workspace")).to_be_visible()
    connect(page, crew)
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Connect “{crew.name}” to {crew.yard}?")
    expect(fates(page)).to_have_text(re.compile("^2 would join: "))
    for person in (ida, kit):
        expect(fates(page)).to_contain_text(person.name)
    assert crew.here() == [False, False, False]
    press(page, "Connect")
    expect(told(page)).to_have_text(f"“{crew.name}” leads to {crew.yard} in this way now.")
    assert crew.here() == [True, True, False]
    crew.api.patch_group(crew.group, {"op": "add", "path": "members", "value": [{"value": lou.id}]})
    assert crew.here() == [True, True, True]

    follow(page, crew.yard)
    page.get_by_role("link", name="Members", exact=True).last.click()
    expect(page.locator("#list tbody tr").filter(has_text=family(crew.people))).to_have_count(3)
    expect(page.get_by_role("row", name=re.compile(lou.name))).to_contain_text(crew.name)
    page.goto(f"/admin/workspaces/{crew.team}")
    follow(page, f"Disconnect {crew.name}")
    expect(fates(page)).to_have_text(re.compile("^3 would leave: "))
    assert crew.here() == [True, True, True]
    press(page, "Disconnect")
    expect(told(page)).to_have_text(f"“{crew.name}” does not lead to {crew.yard} any more.")
    expect(page).to_have_url(re.compile(f"/admin/workspaces/{crew.team}$"))
    assert crew.here() == [False, False, False]
    assert crew.api.member_ids(crew.group) == [each.id for each in crew.people]


def test_nothing_is_connected_that_looks_otherwise_by_then(visitor: Visitor, crew: Crew) -> None:
    page = visitor.window(OWNER)
    connect(page, crew)
    expect(fates(page)).to_have_text(re.compile("^2 would join: "))
    lou = crew.people[2]
    crew.api.patch_group(crew.group, {"op": "add", "path": "members", "value": [{"value": lou.id}]})
    press(page, "Connect")
    expect(refused(page)).to_contain_text("Somebody was faster.")
    assert crew.here() == [False, False, False]
    expect(fates(page)).to_have_text(re.compile("^3 would join: "))
    press(page, "Connect")
    expect(told(page)).to_contain_text("in this way now")
    assert crew.here() == [True, True, True]


def test_a_private_channel_with_an_allowlist_keeps_who_is_on_it_alone(visitor: Visitor, crew: Crew) -> None:
    premises, [ida, kit, lou] = visitor.premises, crew.people
    word = family(crew.people).lower()
    page = visitor.window(OWNER)
    connect(page, crew)
    press(page, "Connect")
    expect(told(page)).to_contain_text("in this way now")
    page.goto("/admin/channels")
    follow(page, "New channel…")
    page.get_by_label("Name", exact=True).fill(word)
    page.get_by_label("Workspace, by its domain").fill(f"{word}s")
    page.get_by_role("checkbox", name=re.compile("^Private")).check()
    press(page, "Create the channel")
    expect(page.get_by_role("heading", level=1)).to_have_text(f"#{word}")
    room = page.url.rpartition("/")[2]
    page.goto(f"/admin/groups/{crew.group}/channels")
    page.get_by_role("checkbox", name=f"#{word}").check()
    press(page, "Preview…")
    expect(fates(page)).to_have_text(re.compile("^2 would join: "))
    press(page, "Connect")
    expect(told(page)).to_have_text(f"“{crew.name}” leads to #{word} now.")
    theirs = web_api(premises, "groups:read", "groups:write", of=ida.id)
    assert members(theirs, room) == {ida.id, kit.id}
    page.goto(f"/admin/workspaces/{crew.team}/add")
    page.get_by_label("Their e-mail address or username").fill(lou.email)
    press(page, "Preview…")
    press(page, f"Add {lou.name}")
    expect(told(page)).to_contain_text(lou.name)
    theirs.ok("conversations.invite", channel=room, users=lou.id)
    assert members(theirs, room) == {ida.id, kit.id, lou.id}

    page.goto(f"/admin/groups/{crew.group}")
    page.get_by_role("link", name="Put on an allowlist…").click()
    page.get_by_role("searchbox", name="Name of the private channel").press_sequentially(word)
    expect(page.locator("#list tbody tr")).to_have_count(1)
    follow(page, f"Put on the allowlist of #{word}")
    expect(fates(page).filter(has_text="would leave")).to_have_text(f"1 would leave: {lou.name}")
    press(page, "Put on the allowlist")
    expect(told(page)).to_have_text(f"“{crew.name}” is on the allowlist of #{word}.")
    assert members(theirs, room) == {ida.id, kit.id}
    listed = crew.web.ok("admin.conversations.restrictAccess.listGroups", channel_id=room, team_id=crew.team)
    assert listed["group_ids"] == [crew.group]
    follow(page, f"Take off the allowlist of #{word}")
    press(page, "Take off the allowlist")
    expect(told(page)).to_contain_text("is not on the allowlist")
    expect(page.get_by_text("This group is on no allowlist.")).to_be_visible()


def members(web: WebApi, room: str) -> set[str]:
    """Who is in a channel, as the Web API has it."""
    return set(web.ok("conversations.members", channel=room)["members"])
