"""Journeys on the page of a member: what an administrator does there is so everywhere."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from rosterd.directory.model import Role
from tests.browser.conftest import Visitor
from tests.browser.journeys import (
    Person,
    arrive,
    eventually,
    follow,
    mails,
    press,
    refused,
    shown_json,
    teams_of,
    told,
    web_api,
)

OWNER = Role.PRIMARY_OWNER


def status(page: Page) -> str:
    """What stands below the name."""
    return page.locator(".who .badge").inner_text()


def guest_of(visitor: Visitor, person: Person) -> dict[str, object] | None:
    """What SCIM says of somebody as a guest."""
    api = visitor.premises.api()
    found: dict[str, object] | None = api.user(person.id).get(api.urns.guest)
    return found


def test_who_is_deactivated_is_out_everywhere_and_comes_back_to_where_they_were(visitor: Visitor) -> None:
    [ida] = arrive(visitor.premises)
    api, web = visitor.premises.api(), web_api(visitor.premises, "users:read")
    theirs = visitor.window(ida.email)
    page = visitor.window(OWNER)
    page.goto(f"{ida.page}?tab=places")
    before = teams_of(web, ida)
    page.get_by_label("Add to a workspace, by its domain").fill("meridian-lab")
    press(page, "Add")
    expect(told(page)).to_have_text(f"{ida.name} is in the workspace Lab.")
    expect(page.get_by_role("row", name=re.compile("^Lab "))).to_be_visible()
    added = teams_of(web, ida)
    assert len(added) == len(before) + 1

    follow(page, "Deactivate…")
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Deactivate {ida.name}?")
    expect(page.locator(".card")).to_contain_text("They are signed out everywhere (1 session)")
    assert api.user(ida.id)["active"] is True
    press(page, f"Deactivate {ida.name}")
    expect(told(page)).to_have_text(f"{ida.name} is deactivated, and signed out everywhere.")
    assert status(page) == "Deactivated"
    assert api.user(ida.id)["active"] is False
    assert teams_of(web, ida) == set()
    theirs.goto("/home")
    expect(theirs).to_have_url(re.compile("/signin"))

    follow(page, "Reactivate…")
    press(page, f"Reactivate {ida.name}")
    expect(told(page)).to_have_text(f"{ida.name} is back.")
    assert (status(page), api.user(ida.id)["active"]) == ("Active", True)
    assert teams_of(web, ida) == added
    follow(page, "Groups and channels")
    press(page, "Remove from Lab")
    expect(told(page)).to_have_text(f"{ida.name} is not in the workspace Lab any more.")
    assert teams_of(web, ida) == before


def test_a_role_and_the_time_of_a_guest_are_given_and_taken(visitor: Visitor) -> None:
    [ida] = arrive(visitor.premises)
    web = web_api(visitor.premises, "users:read")
    page = visitor.window(OWNER)
    page.goto(ida.page)
    follow(page, "Change role…")
    page.get_by_role("radio", name=re.compile("^Admin ")).check()
    press(page, "Change role")
    expect(told(page)).to_have_text(re.compile(f"{ida.name} .*Admin"))
    assert web.ok("users.info", user=ida.id)["user"]["is_admin"] is True
    expect(page.get_by_role("link", name="Make a guest…")).to_have_count(0)
    follow(page, "Change role…")
    page.get_by_role("radio", name=re.compile("^Member ")).check()
    press(page, "Change role")
    expect(told(page)).to_have_text(re.compile(f"{ida.name} .*Member"))
    assert web.ok("users.info", user=ida.id)["user"]["is_admin"] is False

    follow(page, "Make a guest…")
    press(page, "Make a guest")
    expect(told(page)).to_have_text(f"{ida.name} is now: Multi-channel guest.")
    made = guest_of(visitor, ida)
    assert made is not None
    assert (made["type"], made.get("expiration")) == ("multi", None)
    follow(page, "Set expiry…")
    page.get_by_label("Last day").fill("2001-01-01")
    press(page, "Set")
    expect(refused(page)).to_contain_text("This day does not work")
    page.get_by_label("Last day").fill("2040-12-31")
    press(page, "Set")
    expect(told(page)).to_have_text(f"{ida.name} is a guest until the end of 2040-12-31 (UTC).")
    limited = guest_of(visitor, ida)
    assert limited is not None
    assert limited["expiration"] == "2040-12-31T23:59:59Z"
    follow(page, "Change expiry…")
    press(page, "No end")
    expect(told(page)).to_have_text(f"{ida.name} is a guest without an end.")
    assert guest_of(visitor, ida) == made
    follow(page, "Make a full member…")
    press(page, "Make a full member")
    expect(told(page)).to_have_text(f"{ida.name} is now: Member.")
    assert guest_of(visitor, ida) is None


def test_an_invitation_is_sent_again(visitor: Visitor) -> None:
    [ida] = arrive(visitor.premises)
    assert eventually(lambda: len(mails(visitor.premises, ida.email)) == 1)
    page = visitor.window(OWNER)
    page.goto(ida.page)
    assert status(page) == "Invited member"
    press(page, "Resend invitation")
    expect(told(page)).to_have_text(f"Another invitation is on its way to {ida.email}.")
    assert eventually(lambda: len(mails(visitor.premises, ida.email)) == 2)
    first, second = mails(visitor.premises, ida.email)
    assert first["Subject"] == second["Subject"]


def test_the_page_shows_what_scim_answers_and_what_was_there_before(visitor: Visitor) -> None:
    [ida] = arrive(visitor.premises, title="Stoker")
    api = visitor.premises.api()
    page = visitor.window(OWNER)
    page.goto(ida.page)
    follow(page, "SCIM")
    assert shown_json(page, "#json") == api.user(ida.id)
    follow(page, "SCIM 1.1")
    expect(page.locator("#path")).to_contain_text("/scim/v1/")
    assert shown_json(page, "#json") == api.other().user(ida.id)
    api.patch_user(ida.id, {"op": "replace", "path": "title", "value": "Trimmer"})
    follow(page, "History")
    newest = page.locator("li.card").first
    expect(newest.get_by_role("row", name=re.compile("^Title"))).to_have_text("TitleStokerTrimmer")
    expect(newest.locator("del")).to_have_text("Stoker")
    expect(newest.locator("ins")).to_have_text("Trimmer")
    expect(page.locator("li.card").nth(1)).to_contain_text(ida.username)


def test_of_two_administrators_the_slower_is_told_and_changes_nothing(visitor: Visitor) -> None:
    urns = visitor.premises.api().urns
    [ida] = arrive(visitor.premises, 1, **{urns.guest: {"type": "multi"}})
    olive, ada = visitor.window(OWNER), visitor.window(Role.ADMIN)
    for page, day in ((olive, "2040-01-31"), (ada, "2041-01-31")):
        page.goto(f"{ida.page}/expiry")
        page.get_by_label("Last day").fill(day)
    press(olive, "Set")
    expect(told(olive)).to_contain_text("2040-01-31")
    press(ada, "Set")
    expect(refused(ada)).to_contain_text("Somebody was faster.")
    found = guest_of(visitor, ida)
    assert found is not None
    assert found["expiration"] == "2040-01-31T23:59:59Z"
    expect(ada.get_by_label("Last day")).to_have_value("2041-01-31")  # what was typed is not lost
    press(ada, "Set")  # now that they have seen it
    expect(told(ada)).to_contain_text("2041-01-31")
