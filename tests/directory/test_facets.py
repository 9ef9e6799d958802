"""Words that people are found by."""

from __future__ import annotations

from rosterd.directory.facets import TEXT_LENGTH, words


def test_no_more_of_a_name_is_read_than_anybody_types() -> None:
    """To fold a letter with so many accents takes the square of their number: a second, for some."""
    assert words(["x" * (TEXT_LENGTH - 4) + " lee and more"], []) == ["lee", "x" * 64]
    assert words(["a" + "\u0301" * 4_000], [])[0].startswith("\u00e1")
