"""Journeys of many at once: chosen, looked at, confirmed by a word, and taken back."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from rosterd.directory.model import Role
from tests.browser.conftest import Premises, Visitor
from tests.browser.journeys import Person, arrive, family, listed, press, refused

SLOW = 120_000
"""Milliseconds that thousands may take on a busy machine."""


def choose_to_deactivate(page: Page) -> None:
    page.get_by_role("radio", name="Deactivate", exact=True).check()
    press(page, "Show what would happen")


def active(premises: Premises, people: list[Person]) -> list[bool]:
    api = premises.api()
    return [api.user(each.id)["active"] for each in people]


def gone(premises: Premises) -> int:
    """How many are deactivated."""
    found: int = premises.api().get("Users", filter="active eq false", count=0).json()["totalResults"]
    return found


def test_three_who_are_ticked_are_deactivated_by_a_word_and_come_back(visitor: Visitor) -> None:
    people = arrive(visitor.premises, 4)
    page = visitor.window(Role.PRIMARY_OWNER)
    page.goto(f"/admin/members?q={family(people)}&sort=name")
    page.get_by_label("Tick all on this page").check()
    expect(page.locator("#voice")).to_have_text("4 ticked.")
    page.get_by_label(people[3].name, exact=True).uncheck()
    press(page, "Change those who are ticked…")
    expect(page.get_by_role("heading", level=1)).to_have_text("What is to be done to 3 people?")
    choose_to_deactivate(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("Deactivate 3 people")
    rows = page.get_by_role("table", name="People").locator("tbody tr")
    expect(rows).to_have_count(3)
    for person in people[:3]:
        expect(rows.filter(has_text=person.name)).to_contain_text("not deactivated → deactivated")
    assert active(visitor.premises, people) == [True] * 4

    page.get_by_label("Type deactivate to confirm").fill("delete")
    press(page, "Deactivate: 3 people")
    expect(refused(page)).to_contain_text("That is not what has to be typed.")
    assert active(visitor.premises, people) == [True] * 4
    page.get_by_label("Type deactivate to confirm").fill("deactivate")
    press(page, "Deactivate: 3 people")
    expect(page.get_by_role("link", name=re.compile("^3 were deactivated"))).to_be_visible()
    assert active(visitor.premises, people) == [False] * 3 + [True]

    press(page, "Take it back…")
    expect(page.get_by_role("heading", level=1)).to_have_text("Take back what was done to 3 people")
    page.get_by_label("Type undo to confirm").fill("undo")
    press(page, "Take back: 3 people")
    expect(page.get_by_role("link", name=re.compile("^3 are as they were"))).to_be_visible()
    assert active(visitor.premises, people) == [True] * 4
    page.get_by_role("link", name="Bulk changes").first.click()
    expect(page.get_by_role("row", name=re.compile("^Take back what was done to 3 people"))).to_be_visible()


def test_thousands_are_not_deactivated_by_a_word(visitor: Visitor) -> None:
    before = gone(visitor.premises)
    page = visitor.window(Role.PRIMARY_OWNER)
    page.goto("/admin/members?title=Fleet+Mechanic&status=active")
    press(page, re.compile("^Change all [0-9,]+ who fit…$"))
    expect(page.locator("main")).to_contain_text("Everybody with Status Active, and Title Fleet Mechanic")
    choose_to_deactivate(page)
    expect(
        page.get_by_role("progressbar", name=re.compile("^Looking at what would become of each"))
    ).to_be_visible()
    typed = page.locator("#typed")
    typed.wait_for(timeout=SLOW)
    heading = page.get_by_role("heading", level=1).inner_text()
    number = heading.removeprefix("Deactivate ").removesuffix(" people").replace(",", "")
    expect(page.locator(".warning")).to_contain_text("That is many people.")
    expect(page.get_by_label(f"Type {number} to confirm")).to_be_visible()
    typed.fill("deactivate")
    press(page, re.compile("^Deactivate: "))
    expect(refused(page)).to_contain_text("These are many people.")
    assert gone(visitor.premises) == before
    press(page, "Put this draft away")
    expect(page).to_have_url(re.compile("/admin/bulk$"))
    assert gone(visitor.premises) == before


def test_nobody_is_ticked_and_nobody_changed(visitor: Visitor) -> None:
    people = arrive(visitor.premises, 1)
    page = visitor.window(Role.ADMIN)
    page.goto(f"/admin/members?q={family(people)}")
    press(page, "Change those who are ticked…")
    expect(page.get_by_role("status").first).to_have_text("Nobody was ticked. Tick somebody first.")
    expect(listed(page)).to_have_text([people[0].name])
