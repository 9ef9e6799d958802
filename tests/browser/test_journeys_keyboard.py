"""A journey of somebody who has no mouse."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect

from rosterd.directory.model import Role
from tests.browser.conftest import Visitor
from tests.browser.journeys import arrive, family, listed, told

OWNER = Role.PRIMARY_OWNER

MOST = 80
"""Stops on the way to anything."""


def tab_to(page: Page, target: Locator) -> None:
    """Press Tab until the focus is there."""
    target.wait_for()
    for _ in range(MOST):
        page.keyboard.press("Tab")
        if target.evaluate("element => element === document.activeElement"):
            return
    raise AssertionError(f"{target} cannot be reached")


def test_a_member_is_found_and_deactivated_by_keyboard_alone(visitor: Visitor) -> None:
    people = arrive(visitor.premises, 2)
    ida = people[0]
    page = visitor.window(OWNER)
    page.goto("/admin")
    tab_to(page, page.get_by_role("navigation", name="Org Dashboard").get_by_role("link", name="Members"))
    page.keyboard.press("Enter")
    tab_to(page, page.get_by_role("searchbox", name="Name, username or e-mail"))
    page.keyboard.type(family(people))
    expect(listed(page)).to_have_count(2)
    tab_to(page, page.get_by_label("Status", exact=True))
    page.keyboard.type("I")
    expect(page.get_by_role("link", name="Status: Invited member (remove)")).to_be_visible()
    tab_to(page, listed(page).filter(has_text=ida.name))
    page.keyboard.press("Enter")
    tab_to(page, page.get_by_role("link", name="Deactivate…"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Deactivate {ida.name}?")
    tab_to(page, page.get_by_role("button", name=f"Deactivate {ida.name}"))
    page.keyboard.press("Space")
    expect(told(page)).to_have_text(f"{ida.name} is deactivated, and signed out everywhere.")
    api = visitor.premises.api()
    assert [api.user(each.id)["active"] for each in people] == [False, True]
