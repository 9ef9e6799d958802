"""Who sees which page. What they may do there is held by the tests of each page."""

from __future__ import annotations

import pytest

from rosterd.directory.model import Role
from tests.browser.catalogue import PAGES, SEATS
from tests.browser.conftest import Visitor


@pytest.mark.parametrize("role", SEATS, ids=str)
def test_whoever_may_see_a_page_does_and_nobody_else(visitor: Visitor, role: Role) -> None:
    ask = visitor.glance(role).request
    names = visitor.premises.names
    base = visitor.premises.server.url
    pages = [place for place in PAGES if place.seats]
    found = {place.name: ask.get(base + place.url(names), max_redirects=0).status for place in pages}
    assert found == {place.name: place.status if role in place.seats else place.otherwise for place in pages}


def test_whoever_is_not_signed_in_is_asked_to(visitor: Visitor) -> None:
    ask = visitor.glance(None).request
    names = visitor.premises.names
    base = visitor.premises.server.url
    for place in PAGES:
        answer = ask.get(base + place.url(names), max_redirects=0)
        if place.seats:
            assert answer.status == 303
            assert answer.headers["location"].startswith("/signin"), place
        else:
            assert answer.status == place.status
