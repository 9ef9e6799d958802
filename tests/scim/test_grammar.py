from __future__ import annotations

import pytest

from rosterd.scim.dialect import V2
from rosterd.scim.errors import InvalidPath
from rosterd.scim.grammar import (
    And,
    Compare,
    Filter,
    Nested,
    Not,
    Op,
    Or,
    Path,
    Present,
    attribute,
    format_filter,
)

A, B, C = (Present(Path(name=name)) for name in "abc")


def test_equal_meanings_are_equal_values() -> None:
    urn = "urn:scim:schemas:extension:enterprise:1.0"
    assert attribute(f"{urn}.costCenter") == attribute(f"{urn.upper()}:COSTCENTER")
    assert hash(attribute("userName")) == hash(attribute("USERNAME"))


@pytest.mark.parametrize("text", ["", "emails[value pr]", "a.b.c", "a b", "urn:x:y", "$ref", "-a"])
def test_a_plain_attribute_has_no_brackets_and_one_dot_at_most(text: str) -> None:
    with pytest.raises(InvalidPath):
        attribute(text)


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (Or((And((A, B)), C)), "a pr and b pr or c pr"),
        (And((Or((A, B)), C)), "(a pr or b pr) and c pr"),
        (And((And((A, B)), C)), "(a pr and b pr) and c pr"),
        (Or((A, Or((B, C)))), "a pr or (b pr or c pr)"),
        (Not(A), "not (a pr)"),
        (And((Not(Or((A, B))), C)), "not (a pr or b pr) and c pr"),
        (Nested(Path(name="emails"), Or((A, B))), "emails[a pr or b pr]"),
        (Compare(Path(name="a"), Op.EQ, None), "a eq null"),
        (Compare(Path(name="a"), Op.GT, 1.5), "a gt 1.5"),
        (Compare(Path(name="a"), Op.SW, 'é"\n'), 'a sw "é\\"\\n"'),
    ],
)
def test_a_filter_is_written_with_the_parentheses_that_it_needs(found: Filter, text: str) -> None:
    assert format_filter(found, V2) == text
