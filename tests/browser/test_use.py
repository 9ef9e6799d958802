"""Every page used by somebody with a browser, and what it did looked at through SCIM."""

from __future__ import annotations

import csv
import io
import itertools
import os
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from rosterd.directory.model import Role
from tests.browser.conftest import Visitor
from tests.protocol.live import Api, ok

_numbers = itertools.count(1)


@pytest.fixture
def scim(visitor: Visitor) -> Api:
    """Version 2.0, as the owner."""
    return visitor.premises.api()


@pytest.fixture
def names() -> Iterator[str]:
    """Usernames that nobody has yet."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "one")
    return (f"new-{worker}-{number}" for number in _numbers)


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def follow(page: Page, name: str) -> None:
    page.get_by_role("link", name=name, exact=True).click()


def heading(page: Page) -> str:
    return page.get_by_role("heading", level=1).inner_text()


def test_a_bar_of_the_overview_leads_to_those_behind_it(visitor: Visitor) -> None:
    page = visitor.window(Role.ADMIN)
    page.goto("/admin")
    row = page.get_by_role("table", name="By workspace").get_by_role("row").filter(has_text="Lab")
    counts = [int(text.replace(",", "")) for text in row.locator("td.count").all_inner_texts()]
    row.get_by_role("link", name="Lab").click()
    assert heading(page) == "Members"
    assert page.locator("#list .chips").inner_text().split() == ["Workspace:", "Lab", "×", "(remove)"]
    expect(page.locator("#list .sum")).to_contain_text(f"{sum(counts):,} people")


def test_the_list_of_members_follows_what_is_typed_and_is_its_address(
    visitor: Visitor, scim: Api, names: Iterator[str]
) -> None:
    name = next(names)
    made = scim.create_user(name)
    page = visitor.window(Role.ADMIN)
    page.goto("/admin/members")
    page.get_by_label("Name, username or e-mail").press_sequentially(name)
    row = page.locator("#list tbody tr")
    expect(row).to_have_count(1)
    expect(row).to_contain_text("Invited member")
    page.wait_for_url(f"**/admin/members?q={name}")
    page.reload()
    assert page.get_by_label("Name, username or e-mail").input_value() == name
    page.locator("#list tbody th a").click()
    assert page.url.endswith(f"/admin/members/{made['id']}")


def test_a_file_of_members_has_the_filter_and_nothing_that_a_spreadsheet_runs(
    visitor: Visitor, scim: Api, names: Iterator[str]
) -> None:
    name = next(names)
    scim.create_user(name, title="=HYPERLINK(1)", displayName="+1")
    page = visitor.window(Role.ADMIN)
    page.goto(f"/admin/members?q={name}")
    with page.expect_download() as download:
        follow(page, "CSV")
    text = download.value.path().read_text(encoding="utf-8-sig")
    [line] = csv.DictReader(io.StringIO(text))
    assert (line["E-mail"], line["Title"]) == (f"{name}@example.com", "'=HYPERLINK(1)")


def test_somebody_is_deactivated_and_reactivated_by_keyboard_alone(
    visitor: Visitor, scim: Api, names: Iterator[str]
) -> None:
    id = scim.create_user(next(names))["id"]
    page = visitor.window(Role.ADMIN)
    page.goto(f"/admin/members/{id}")
    for name, active in (("Deactivate", False), ("Reactivate", True)):
        page.get_by_role("link", name=f"{name}…").press("Enter")
        page.locator("main form button").first.press("Enter")
        expect(page.get_by_role("status")).to_be_visible()
        assert scim.user(id)["active"] is active
        assert scim.other().user(id)["active"] is active


def test_a_member_becomes_a_guest_with_an_end_and_a_member_again(
    visitor: Visitor, scim: Api, names: Iterator[str]
) -> None:
    id = scim.create_user(next(names))["id"]
    guest = scim.urns.guest
    page = visitor.window(Role.PRIMARY_OWNER)
    page.goto(f"/admin/members/{id}")
    follow(page, "Make a guest…")
    press(page, "Make a guest")
    assert scim.user(id)[guest]["type"] == "multi"
    follow(page, "Set expiry…")
    page.get_by_label("Last day").fill("2030-12-31")
    press(page, "Set")
    assert scim.user(id)[guest]["expiration"] == "2030-12-31T23:59:59Z"
    follow(page, "Make a full member…")
    press(page, "Make a full member")
    assert guest not in scim.user(id)
    follow(page, "Change role…")
    page.get_by_label("Admin", exact=False).first.check()
    press(page, "Change role")
    expect(page.locator("main .choice")).to_contain_text("Admin")


def test_of_two_who_change_one_member_the_second_is_told_and_nothing_is_lost(
    visitor: Visitor, scim: Api, names: Iterator[str]
) -> None:
    id = scim.create_user(next(names))["id"]
    one, other = visitor.window(Role.PRIMARY_OWNER), visitor.window(Role.ADMIN)
    for page in (one, other):
        page.goto(f"/admin/members/{id}/deactivate")
    scim.patch_user(id, {"op": "replace", "path": "title", "value": "Captain"})
    one.locator("main form button").first.click()
    expect(one.get_by_role("alert")).to_contain_text("changed")
    assert scim.user(id)["active"] is True
    one.goto(f"/admin/members/{id}/deactivate")
    one.locator("main form button").first.click()
    other.locator("main form button").first.click()
    expect(other.get_by_role("alert")).to_be_visible()
    assert (scim.user(id)["active"], scim.user(id)["title"]) == (False, "Captain")


def test_a_group_is_led_to_a_workspace_as_the_preview_says(
    visitor: Visitor, scim: Api, names: Iterator[str]
) -> None:
    name, crew = next(names), next(names)
    id = scim.create_user(name)["id"]
    group = scim.create_group(crew, id)["id"]
    page = visitor.window(Role.ADMIN)
    page.goto(f"/admin/groups/{group}")
    follow(page, "Connect workspaces…")
    page.get_by_role("checkbox", name="Lab").check()
    press(page, "Preview…")
    expect(page.get_by_role("main")).to_contain_text("1 would join")
    assert "Lab" not in visitor.premises.run("explain", f"{name}@example.com")
    press(page, "Connect")
    assert "Lab" in visitor.premises.run("explain", f"{name}@example.com")
    follow(page, "Disconnect Lab")
    expect(page.get_by_role("main")).to_contain_text("1 would leave")
    press(page, "Disconnect")
    assert "Lab" not in visitor.premises.run("explain", f"{name}@example.com")
    assert scim.member_ids(group) == [id]


def test_a_refusal_is_in_the_log_with_what_to_do_and_a_change_comes_live(
    visitor: Visitor, scim: Api, names: Iterator[str]
) -> None:
    name = next(names)
    scim.create_user(name)
    assert scim.post("Users", scim.user_body(name)).status_code == 409
    page = visitor.window(Role.ADMIN)
    page.goto("/admin/log?outcome=refused")
    expect(page.get_by_role("main")).to_contain_text("email_taken")
    page.goto("/admin/log")
    follow(page, "Follow live")
    other = next(names)
    scim.create_user(other)
    expect(page.get_by_role("main")).to_contain_text(other, timeout=15_000)


def test_a_token_is_shown_once_works_and_ends(visitor: Visitor, scim: Api) -> None:
    page = visitor.window(Role.PRIMARY_OWNER)
    page.goto("/admin/apps")
    follow(page, "Create a token")
    page.get_by_role("textbox", name="Name", exact=True).fill("Of the browser")
    press(page, "Create the token")
    assert heading(page) == "The token is made"
    text = page.locator(".secret").inner_text().strip()
    mine = Api(scim.base_url, text, "v2", scim.http)
    assert ok(mine.get("Users", count=1))["totalResults"] >= 100_000
    page.goto("/admin/apps")
    follow(page, "Of the browser")
    assert text not in page.content()
    follow(page, "Revoke")
    page.locator("main form button.danger").click()
    assert mine.get("Users", count=1).status_code == 401


def test_the_chain_is_verified_and_the_page_says_so_by_itself(visitor: Visitor) -> None:
    page = visitor.window(Role.PRIMARY_OWNER)
    page.goto("/admin/audit")
    press(page, "Verify now")
    expect(page.locator("#chain")).to_contain_text("Untouched", timeout=20_000)
    expect(page.get_by_role("button", name="Verify now")).to_be_visible()


def test_several_are_deactivated_at_once_and_taken_back(
    visitor: Visitor, scim: Api, names: Iterator[str]
) -> None:
    crew = next(names)
    ids = [scim.create_user(f"{crew}-{letter}")["id"] for letter in "abc"]
    page = visitor.window(Role.PRIMARY_OWNER)
    page.goto(f"/admin/members?q={crew}")
    for box in page.locator("#list tbody input[type=checkbox]").all():
        box.check()
    press(page, "Change those who are ticked…")
    page.get_by_label("Deactivate").check()
    press(page, "Show what would happen")
    assert [scim.user(id)["active"] for id in ids] == [True] * 3
    page.get_by_label("Type").fill("wrong")
    press(page, "Deactivate: 3 people")
    expect(page.get_by_role("alert")).to_be_visible()
    assert [scim.user(id)["active"] for id in ids] == [True] * 3
    page.get_by_label("Type").fill("deactivate")
    press(page, "Deactivate: 3 people")
    press(page, "Take it back…")
    assert [scim.user(id)["active"] for id in ids] == [False] * 3
    word = page.locator("main .typed code").inner_text()
    page.get_by_label("Type").fill(word)
    page.locator("main form.card button").click()
    expect(page.get_by_role("main")).to_contain_text("It takes back")
    assert [scim.user(id)["active"] for id in ids] == [True] * 3


def test_a_member_finds_a_colleague_who_is_only_invited(
    visitor: Visitor, scim: Api, names: Iterator[str]
) -> None:
    name = next(names)
    scim.create_user(name)
    page = visitor.window(Role.MEMBER)
    page.goto("/directory")
    page.get_by_role("searchbox").press_sequentially(name)
    row = page.locator("tbody tr")
    expect(row).to_have_count(1)
    expect(row).to_contain_text("Invited member")
