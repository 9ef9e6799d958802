"""Ids in Slack's form."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rosterd.directory.ids import ID_LENGTH, NEARBY, SPAN, is_slack_id, number_at, slack_id

numbers = st.integers(0, SPAN - 1)


@given(st.sampled_from("ETUWS"), numbers)
def test_an_id_is_known_by_its_own_prefix_only(prefix: str, number: int) -> None:
    id = slack_id(prefix, number)
    assert len(id) == ID_LENGTH
    assert is_slack_id(id, prefix)
    assert not is_slack_id(id, "ETUWS".replace(prefix, ""))


@given(numbers, numbers)
def test_different_numbers_are_different_ids(first: int, second: int) -> None:
    assert (slack_id("U", first) == slack_id("U", second)) == (first == second)


@pytest.mark.parametrize("text", ["", "U", "u0000000001", "U00000000é1", "U000000000", "U00000000011"])
def test_what_looks_otherwise_is_no_id(text: str) -> None:
    assert not is_slack_id(text, "UW")


@given(st.integers(0, 2**52), st.integers(0, NEARBY - 1))
def test_every_moment_has_ids_and_the_next_follows_it(microseconds: int, drawn: int) -> None:
    number = number_at(microseconds, drawn)
    assert 0 <= number < SPAN
    later = number_at(microseconds + 1_000_000, 0)
    assert 0 < later - number <= NEARBY or later == 0  # it comes round
