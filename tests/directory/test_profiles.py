"""What a profile may say: the form in which its texts are stored, and what cannot be stored at all."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rosterd.directory import profiles
from rosterd.directory.errors import Invalid
from rosterd.directory.model import Address, Profile, UserId
from rosterd.directory.profiles import MAX_PHOTO, MAX_TEXT

TEXTS = sorted(set(Profile.__struct_fields__) - {"address", "has_custom"})


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({"title": " Cook\t"}, {"title": "Cook"}),
        ({"title": " "}, {}),
        ({"department": ""}, {}),
        ({"timezone": ""}, {}),
        ({"manager_id": ""}, {}),
        ({"start_date": " "}, {"start_date": ""}),
        ({"start_date": "2024-04-10"}, {"start_date": "2024-04-10"}),
        ({"profile_url": "HTTPS://a.example"}, {"profile_url": "HTTPS://a.example"}),
        ({"photo": "data:image/png;base64,"}, {"photo": "data:image/png;base64,"}),
        ({"photo": "http://" + "x" * (MAX_PHOTO - 7)}, {"photo": "http://" + "x" * (MAX_PHOTO - 7)}),
        ({"address": Address()}, {}),
        ({"address": Address(locality=" ", country="")}, {}),
        ({"address": Address(" 1 Main St", "")}, {"address": Address("1 Main St")}),
    ],
)
def test_texts_are_stored_without_what_says_nothing(given: dict[str, Any], kept: dict[str, Any]) -> None:
    assert profiles.stored(Profile(**given)) == Profile(**kept)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"title": "x" * (MAX_TEXT + 1)}, "attribute=title"),
        ({"department": "x" * (MAX_TEXT + 1)}, "attribute=department"),
        ({"address": Address(country="x" * (MAX_TEXT + 1))}, "attribute=country"),
        ({"photo": "http://" + "x" * MAX_PHOTO}, "attribute=photo"),
        ({"photo": "javascript:x"}, "attribute=photo"),
        ({"profile_url": "data:image/png;base64,"}, "attribute=profile_url"),
        ({"start_date": "soon"}, "attribute=start_date"),
        ({"start_date": "0001-01-01T00:00:00+23:00"}, "attribute=start_date"),
        ({"manager_id": "not an id"}, "unknown_user"),
    ],
)
def test_what_cannot_be_stored_is_refused(given: dict[str, Any], words: str) -> None:
    with pytest.raises(Invalid) as caught:
        profiles.stored(Profile(**given))
    assert words in str(caught.value)


@given(st.dictionaries(st.sampled_from(TEXTS), st.text(max_size=5)))
def test_what_is_stored_stays_as_it_is(texts: dict[str, Any]) -> None:
    try:
        kept = profiles.stored(Profile(**texts))
    except Invalid:
        return
    assert profiles.stored(kept) == kept


def test_a_manager_is_an_id() -> None:
    profile = Profile(manager_id=UserId("W0000000002"))
    assert profiles.stored(profile) == profile
