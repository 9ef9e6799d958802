"""Pages behind cursors."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rosterd.web.methods.arguments import Arguments
from rosterd.web.methods.cursors import Page, cursor, page, position
from rosterd.web.methods.errors import MethodError


@given(st.text("abcWU0123456789:", min_size=1))
def test_a_cursor_leads_back_to_where_it_was_made(behind: str) -> None:
    assert position(cursor("user", behind), "user") == behind


@given(st.text(max_size=40))
def test_a_cursor_of_any_other_text_is_invalid(text: str) -> None:
    with pytest.raises(MethodError, match="invalid_cursor"):
        position(text, "user")


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, Page(7, None)),
        ({"limit": ""}, Page(7, None)),
        ({"limit": "0"}, Page(7, None)),
        ({"limit": 3}, Page(3, None)),
        ({"limit": "5000"}, Page(1000, None)),
        ({"cursor": ""}, Page(7, None)),
        ({"cursor": cursor("user", "W1"), "limit": "2"}, Page(2, "W1")),
    ],
)
def test_what_is_asked_for_is_a_page(asked: dict[str, Any], found: Page) -> None:
    assert page(Arguments(asked), "user", default=7) == found
