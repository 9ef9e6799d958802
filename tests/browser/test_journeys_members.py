"""Journeys from the numbers to the people behind them, and through the list of members."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from rosterd.directory.model import Role
from tests.browser.conftest import Visitor
from tests.browser.journeys import arrive, family, listed, saved, table

OWNER = Role.PRIMARY_OWNER
MEMBERS = "/admin/members"


def number(text: str) -> int:
    """The first number of a text.

    >>> number("1,234 people")
    1234
    """
    found = re.search(r"[0-9][0-9,]*", text)
    assert found, text
    return int(found[0].replace(",", ""))


def check_headings(page: Page, *names: str) -> None:
    expected = [re.compile(f"^{name}( [↑↓])?$") for name in names]
    expect(page.locator("#list thead th")).to_have_text(expected)


def addresses(page: Page) -> list[str]:
    """Of the people on a full page of the list."""
    expect(listed(page)).to_have_count(50)
    found: list[str] = listed(page).evaluate_all("all => all.map(each => each.href)")
    return found


def test_a_number_of_the_overview_leads_to_as_many_people(visitor: Visitor) -> None:
    page = visitor.window(OWNER)
    page.goto("/admin")
    tiles = {
        name: number(page.locator(".tile", has_text=name).first.inner_text())
        for name in ("Invited members", "Active", "Deactivated")
    }
    api = visitor.premises.api()
    total = {kind: api.get("Users", count=0, **filter).json()["totalResults"] for kind, filter in _COUNTED}
    assert (sum(tiles.values()), tiles["Deactivated"]) == (total["all"], total["deactivated"])
    row = page.get_by_role("table", name="By department").get_by_role("row", name=re.compile("^Sales"))
    behind = sum(number(text) for text in row.locator("td.count").all_inner_texts())
    row.get_by_role("link").click()
    expect(page).to_have_url(re.compile(r"/admin/members\?department=Sales$"))
    expect(page.get_by_role("link", name="Department: Sales (remove)")).to_be_visible()
    assert number(page.locator(".sum").inner_text()) == behind
    expect(listed(page)).to_have_count(50)
    assert set(page.locator("#list tbody td:nth-child(6)").all_inner_texts()) == {"Sales"}


_COUNTED: list[tuple[str, dict[str, str]]] = [("all", {}), ("deactivated", {"filter": "active eq false"})]


def test_who_shares_a_department_is_found_behind_its_bar(visitor: Visitor) -> None:
    api = visitor.premises.api()
    [ida, kit, lou] = people = arrive(visitor.premises, 3)
    harbour = f"Harbour of {family(people)}"
    for person in people:
        change = {"op": "replace", "path": f"{api.urns.enterprise}:department", "value": harbour}
        assert api.patch_user(person.id, change).status_code == 200
    assert api.delete(f"Users/{lou.id}").status_code == 204
    page = visitor.window(OWNER)
    page.goto("/admin")
    page.get_by_role("link", name="All departments").click()
    page.get_by_role("searchbox", name="Department begins with").press_sequentially(harbour.lower()[:23])
    row = page.get_by_role("row", name=re.compile(f"^{harbour}"))
    expect(row.locator("td.count")).to_have_text(["2", "0", "1"])
    expect(page.get_by_role("status").filter(has_text="1 found")).to_be_attached()
    row.get_by_role("link").click()
    expect(listed(page)).to_have_text([lou.name, kit.name, ida.name])
    page.get_by_label("Status", exact=True).select_option("Invited member")
    expect(listed(page)).to_have_text([kit.name, ida.name])


def test_the_list_follows_what_is_typed_and_chosen_and_so_does_its_address(visitor: Visitor) -> None:
    [ida, kit, lou, mac] = people = arrive(visitor.premises, 4, title="Stoker")
    visitor.premises.api().delete(f"Users/{kit.id}")
    page = visitor.window(OWNER)
    page.goto(MEMBERS)
    search = page.get_by_role("searchbox", name="Name, username or e-mail")
    search.press_sequentially(family(people).lower())
    expect(listed(page)).to_have_text([mac.name, lou.name, kit.name, ida.name])
    expect(page).to_have_url(re.compile(f"{MEMBERS}\\?q={family(people).lower()}$"))
    expect(page.locator("#voice")).to_have_text("4 people on this page.")
    assert search.evaluate("element => element === document.activeElement")

    page.get_by_role("link", name="Name", exact=True).click()
    expect(listed(page)).to_have_text([ida.name, kit.name, lou.name, mac.name])
    expect(page.get_by_role("columnheader", name="Name")).to_have_attribute("aria-sort", "ascending")
    page.get_by_role("columnheader", name="Name").get_by_role("link").click()
    expect(listed(page)).to_have_text([mac.name, lou.name, kit.name, ida.name])

    page.get_by_label("Status", exact=True).select_option("Deactivated")
    expect(listed(page)).to_have_text([kit.name])
    address = page.url
    page.get_by_role("link", name=kit.name).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(kit.name)
    page.go_back()
    expect(page).to_have_url(address)
    expect(listed(page)).to_have_text([kit.name])
    expect(search).to_have_value(family(people).lower())
    page.get_by_role("link", name="Status: Deactivated (remove)").click()
    expect(listed(page)).to_have_text([mac.name, lou.name, kit.name, ida.name])
    page.get_by_role("link", name="Clear all").wait_for(state="detached")
    expect(page.get_by_label("Status", exact=True)).to_have_value("")


def test_chosen_columns_are_on_the_page_and_in_the_file_and_as_scim_has_them(visitor: Visitor) -> None:
    people = arrive(visitor.premises, 3, title="=1+1")
    api = visitor.premises.api()
    page = visitor.window(OWNER)
    page.goto(f"{MEMBERS}?q={family(people)}&sort=name")
    check_headings(page, "Name", "Status", "E-mail", "Title", "Department", "Role")
    page.get_by_text("Columns", exact=True).click()
    page.get_by_role("checkbox", name="Department").uncheck()
    page.get_by_role("checkbox", name="Role").uncheck()
    page.get_by_role("checkbox", name="Username").check()
    page.get_by_role("button", name="Show these").click()
    expect(page).to_have_url(re.compile("columns=username%2Cemail%2Ctitle"))
    check_headings(page, "Name", "Status", "Username", "E-mail", "Title")
    expect(listed(page)).to_have_text([each.name for each in people])
    lines = table(saved(page, "CSV"))
    assert lines == [
        {
            "Member ID": found["id"],
            "Name": f"{found['name']['givenName']} {found['name']['familyName']}",
            "Status": "Invited member",
            "Username": found["userName"],
            "E-mail": found["emails"][0]["value"],
            "Title": f"'{found['title']}",  # which no spreadsheet executes
        }
        for found in (api.user(each.id) for each in people)
    ]


def test_the_list_of_a_hundred_thousand_goes_on_page_by_page_and_back(visitor: Visitor) -> None:
    page = visitor.window(OWNER)
    page.goto(f"{MEMBERS}?sort=oldest")
    first = addresses(page)
    page.get_by_role("link", name="Next page").click()
    expect(page.get_by_text("(a later page)")).to_be_visible()
    second = addresses(page)
    page.go_back()
    expect(page.get_by_role("link", name="From the start")).to_have_count(0)
    assert addresses(page) == first
    assert set(first).isdisjoint(second)


def test_without_scripts_the_list_does_the_same_by_its_button(visitor: Visitor) -> None:
    [ida, kit, lou] = people = arrive(visitor.premises, 3)
    visitor.premises.api().delete(f"Users/{lou.id}")
    page = visitor.window(OWNER, scripts=False)
    page.goto(MEMBERS)
    page.get_by_role("searchbox", name="Name, username or e-mail").fill(family(people))
    page.get_by_label("Status", exact=True).select_option("Invited member")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page).to_have_url(re.compile(f"\\?q={family(people)}&status=invited$"))
    expect(listed(page)).to_have_text([kit.name, ida.name])
    page.get_by_role("link", name="Name", exact=True).click()
    expect(listed(page)).to_have_text([ida.name, kit.name])
    page.get_by_text("Columns", exact=True).click()
    page.get_by_role("checkbox", name="Title").uncheck()
    page.get_by_role("button", name="Show these").click()
    check_headings(page, "Name", "Status", "E-mail", "Department", "Role")
    page.get_by_role("link", name="Status: Invited member (remove)").click()
    expect(listed(page)).to_have_text([ida.name, kit.name, lou.name])
    assert len(table(saved(page, "CSV"))) == 3
