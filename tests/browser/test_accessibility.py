"""Everybody can use every page: by keyboard alone, in the dark, on a small screen, without scripts.

axe-core sees what a program can see of that; the rest is walked through here as somebody would. As loading a
page takes most of the time, one test looks at all of it.
"""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from rosterd.directory.model import Role
from tests.browser import keyboard
from tests.browser.catalogue import PAGES, Place
from tests.browser.chromium import NARROW, check_axe
from tests.browser.conftest import Visitor

ROWS = 12
"""As many of a table or list are looked at: those behind are no different."""

_HIDE = "document.querySelectorAll('[data-copy], [data-all]').forEach(each => each.hidden = true)"
"""What is of use with scripts alone, and only then to be seen."""
_SHORTEN = """most => document.querySelectorAll('main tbody, main ul, main ol').forEach(
    list => [...list.children].slice(most).forEach(each => each.remove()))"""
_IDS = "[...document.querySelectorAll('[id]')].map(each => each.id)"
_TOO_WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


def opened(visitor: Visitor, place: Place, *, scripts: bool = True) -> Page:
    """The page, as the most powerful of those who may see it."""
    page = visitor.glance(place.seats[0] if place.seats else None, scripts=scripts)
    response = page.goto(place.url(visitor.premises.names))
    assert response is not None
    assert response.status == place.status, page.inner_text("main")
    return page


@pytest.mark.parametrize("place", PAGES, ids=str)
def test_everybody_can_use_a_page(visitor: Visitor, place: Place) -> None:
    page = opened(visitor, place)
    check_names(page)
    assert keyboard.is_skipping_to(page, "main")
    page.goto(place.url(visitor.premises.names))
    check_without_scripts(page, opened(visitor, place, scripts=False))
    page.evaluate(_SHORTEN, ROWS)
    check_keyboard(page)
    check_axe(page, "in the light")
    page.emulate_media(color_scheme="dark")
    check_axe(page, "in the dark")
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": NARROW[0], "height": NARROW[1]})
    check_axe(page, "on a small screen")
    assert page.evaluate(_TOO_WIDE) == 0, "on a small screen one has to scroll to the side"


def check_names(page: Page) -> None:
    """It says what it is, and no id stands for two things."""
    [heading] = page.locator("h1").all_inner_texts()
    assert heading.strip()
    assert page.title().strip()
    assert page.locator("html").get_attribute("lang") == "en"
    ids = page.evaluate(_IDS)
    assert [id for id in ids if ids.count(id) > 1] == []


def check_without_scripts(page: Page, without: Page) -> None:
    """Nothing is missing where no script runs."""
    page.evaluate(_HIDE)
    assert without.inner_text("main") == page.inner_text("main")


def check_keyboard(page: Page) -> None:
    """Tab leads to everything in its order, and one sees where one is."""
    wanted = keyboard.expected(page)
    stops = keyboard.walk(page, 2 * len(wanted) + 9)
    assert [stop.name for stop in stops] == wanted
    assert [stop.name for stop in stops if not stop.marked] == []
    assert [stop.name for stop in stops if stop.hidden] == []
    page.evaluate("document.activeElement.blur()")  # a skip link that has the focus hides what is below


def test_on_a_small_screen_a_list_begins_in_sight_unless_it_is_filtered(visitor: Visitor) -> None:
    page = visitor.window(Role.PRIMARY_OWNER, size=NARROW)
    page.goto("/admin/log")
    expect(page.get_by_label("Outcome")).not_to_be_visible()
    expect(page.locator("ol.events > li").first).to_be_in_viewport()
    page.locator("summary", has_text="Filters").click()
    page.get_by_label("Outcome").select_option("refused")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_label("Outcome")).to_have_value("refused")
    expect(page.get_by_label("Outcome")).to_be_visible()


@pytest.mark.parametrize("scripts", [True, False])
def test_on_a_small_screen_one_sees_in_which_section_one_is(visitor: Visitor, scripts: bool) -> None:
    page = visitor.window(Role.PRIMARY_OWNER, size=NARROW, scripts=scripts)
    page.goto("/admin/audit")
    expect(page.locator(".sections [aria-current]")).to_be_in_viewport(ratio=1)
