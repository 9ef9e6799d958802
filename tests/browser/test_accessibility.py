"""Everybody can use every page: by keyboard alone, in the dark, on a small screen, without scripts.

axe-core sees what a program can see of that; the rest is walked through here as somebody would. As loading
pages takes most of the time, one test looks at several things.
"""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from tests.browser import keyboard
from tests.browser.catalogue import PAGES, Place
from tests.browser.chromium import NARROW, check_axe
from tests.browser.conftest import Visitor

_HIDE = "document.querySelectorAll('[data-copy], [data-all]').forEach(each => each.hidden = true)"
"""What is of use with scripts alone, and only then to be seen."""

each_page = pytest.mark.parametrize("place", PAGES, ids=str)


def opened(visitor: Visitor, place: Place, *, scripts: bool = True) -> Page:
    """The page, as the most powerful of those who may see it."""
    page = visitor.window(place.seats[0] if place.seats else None, scripts=scripts)
    response = page.goto(place.url(visitor.premises.names))
    assert response is not None
    assert response.status == place.status, page.inner_text("main")
    return page


@each_page
def test_a_page_says_what_it_is_and_has_no_barrier_in_any_look(visitor: Visitor, place: Place) -> None:
    page = opened(visitor, place)
    [heading] = page.locator("h1").all_inner_texts()
    assert heading.strip()
    assert page.title().strip()
    assert page.locator("html").get_attribute("lang") == "en"
    check_axe(page, "in the light")
    page.emulate_media(color_scheme="dark")
    check_axe(page, "in the dark")
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": NARROW[0], "height": NARROW[1]})
    check_axe(page, "on a small screen")
    too_wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert too_wide == 0, f"{too_wide} px wider than a small screen"


@each_page
def test_a_page_needs_neither_a_mouse_nor_scripts(visitor: Visitor, place: Place) -> None:
    page = opened(visitor, place)
    page.evaluate(_HIDE)
    shown = page.inner_text("main")
    page.reload()
    wanted = keyboard.expected(page)
    assert "Skip to content" in wanted[0]
    stops = keyboard.walk(page, 2 * len(wanted) + 9)
    assert [stop.name for stop in stops] == wanted
    assert [stop.name for stop in stops if not stop.marked] == []
    assert [stop.name for stop in stops if stop.hidden] == []
    assert keyboard.is_skipping_to(page, "main")
    assert opened(visitor, place, scripts=False).inner_text("main") == shown
