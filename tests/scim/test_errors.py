from __future__ import annotations

import pytest

from rosterd.scim import errors
from rosterd.scim.errors import InvalidFilter, InvalidPage, InvalidPath, ScimError, shown


@pytest.mark.parametrize("text", ["x" * 10_000, "line\nbreak", "\0", "\ud800", "naïve", '"', "'"])
def test_a_detail_shows_any_text_in_one_short_printable_line(text: str) -> None:
    assert shown(text).isascii()
    assert shown(text).isprintable()
    assert len(shown(text)) <= 700


@pytest.mark.parametrize(
    "narrower", ["EmptyFilter", "IncompleteFilter", "InvalidFilterGroup", "FilterTooComplex"]
)
def test_every_fault_of_a_filter_is_an_invalid_filter(narrower: str) -> None:
    assert issubclass(getattr(errors, narrower), InvalidFilter)


def test_errors_carry_what_they_are_about() -> None:
    assert InvalidPath("a b").path == "a b"
    assert InvalidPage("count").parameter == "count"


def test_the_detail_is_the_text_of_the_exception() -> None:
    assert str(ScimError("op is missing")) == "op is missing"
