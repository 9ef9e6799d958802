"""A card filled in is, byte for byte, the resource laid out from the user."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rosterd.directory.model import ChannelId, ChannelRef, GroupId, GroupRef, Role, User
from rosterd.provisioning import cards, users
from rosterd.provisioning.places import Site
from rosterd.scim.dialect import DIALECTS, Dialect
from tests.provisioning.memory import PEOPLE

awkward = st.text(st.sampled_from('%(1)b a"\\\0\x01\x02\x03\x04\x05\x06\x07\x08u0é😀/ '), max_size=12)
dialects = st.sampled_from(DIALECTS)


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
@pytest.mark.parametrize("user", PEOPLE, ids=lambda user: user.username)
def test_a_card_filled_in_is_the_resource(user: User, dialect: Dialect) -> None:
    assert cards.is_current(cards.card(user))
    same_as_rendered(user, [GroupRef(GroupId("S1"), "Group 1"), GroupRef(GroupId("S2"), "Zoë's")], dialect)


@given(
    user=st.sampled_from(PEOPLE), title=awkward, photo=awkward, group=awkward, place=awkward, dialect=dialects
)
def test_no_text_passes_for_a_mark(
    user: User, title: str, photo: str, group: str, place: str, dialect: Dialect
) -> None:
    profile = msgspec.structs.replace(
        user.profile, title=title, photo=photo, profile_url=photo, department=title
    )
    user = msgspec.structs.replace(user, profile=profile, display_name=title)
    same_as_rendered(user, [GroupRef(GroupId("S1"), group)], dialect, Site(f"http://{place}", "acme"))


def same_as_rendered(
    user: User,
    groups: list[GroupRef],
    dialect: Dialect,
    site: Site | None = None,
    channels: list[ChannelRef] | None = None,
) -> None:
    site, channels = site or Site("http://127.0.0.1:8080", "acme"), channels or []
    rendered = msgspec.json.encode(users.render(user, groups, dialect, site, channels))
    assert bytes(cards.fill(cards.card(user), groups, dialect, site, channels)) == rendered


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
@pytest.mark.parametrize("expires", [None, 1_796_083_199])
def test_a_guest_is_shown_with_channels_and_nobody_else_is(dialect: Dialect, expires: int | None) -> None:
    channels = [ChannelRef(ChannelId("C1"), "general"), ChannelRef(ChannelId("C2"), "été")]
    guest = msgspec.structs.replace(PEOPLE[0], role=Role.MULTI_CHANNEL_GUEST, guest_expires=expires)
    for found in ([], channels):
        same_as_rendered(guest, [], dialect, channels=found)
    assert cards.shows_channels(cards.card(guest))
    other = msgspec.structs.replace(guest, role=Role.SINGLE_CHANNEL_GUEST)
    assert not cards.shows_channels(cards.card(other))
    same_as_rendered(other, [], dialect, channels=channels)


def test_no_text_and_a_card_of_another_revision_are_no_card() -> None:
    assert not cards.is_current("")
    assert not cards.is_current("0{}")
