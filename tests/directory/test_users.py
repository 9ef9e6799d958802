"""Rules about people, and the audit events that a change amounts to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from msgspec import UNSET

from rosterd.directory import users
from rosterd.directory.errors import DirectoryError, Invalid
from rosterd.directory.model import Plan, Profile, Role, Status, User
from tests.directory.people import ORG, a_user, an_actor

BUSINESS = msgspec.structs.replace(ORG, plan=Plan.BUSINESS_PLUS)
STRICT = msgspec.structs.replace(ORG, display_name_change=True)
GUEST = a_user(Role.MULTI_CHANNEL_GUEST)


@pytest.mark.parametrize(
    ("check", "code"),
    [
        (lambda: users.check_changeable(an_actor(Role.ADMIN), a_user(Role.OWNER)), "cannot_modify_owner"),
        (lambda: users.check_changeable(an_actor(Role.MEMBER), a_user()), "permission_denied"),
        (lambda: users.check_changeable(an_actor(), a_user(erased=True)), "cannot_modify_gdpr"),
        (
            lambda: users.check_deactivatable(a_user(Role.PRIMARY_OWNER)),
            "cannot_disable_primary_owner",
        ),
        (lambda: users.check_deactivatable(a_user(Role.BOT)), "cannot_disable_bot_user_with_scim"),
        (lambda: users.check_display_name_change(STRICT, a_user(), "Anna"), "invalid_display_name"),
        (lambda: users.check_names(Profile(given_name="🎉")), "invalid_emoji_not_allowed"),
        (lambda: users.check_names(Profile(family_name="🎉")), "invalid_emoji_not_allowed"),
        (lambda: users.role_after(BUSINESS, a_user(), True), "permission_denied"),
        (lambda: users.role_after(ORG, a_user(Role.ADMIN), True), "cannot_make_user_guest"),
        (lambda: users.role_after(ORG, a_user(Role.PRIMARY_OWNER), True), "cannot_make_user_guest"),
    ],
)
def test_what_may_not_be_is_refused(check: Callable[[], object], code: str) -> None:
    with pytest.raises(DirectoryError) as caught:
        check()
    assert caught.value.code == code


def test_what_may_be_is_not_refused() -> None:
    users.check_changeable(an_actor(Role.ADMIN), a_user(Role.ADMIN))
    users.check_deactivatable(a_user(Role.OWNER))
    users.check_display_name_change(STRICT, a_user(), "Ann")
    users.check_display_name_change(ORG, a_user(), "Anna")
    users.check_names(Profile(given_name="Zoë", family_name="田中"))


@pytest.mark.parametrize(
    ("role", "guest", "after"),
    [
        (Role.MEMBER, UNSET, Role.MEMBER),
        (Role.MEMBER, False, Role.MEMBER),
        (Role.MEMBER, True, Role.MULTI_CHANNEL_GUEST),
        (Role.MULTI_CHANNEL_GUEST, True, Role.MULTI_CHANNEL_GUEST),
        (Role.MULTI_CHANNEL_GUEST, False, Role.MEMBER),
        (Role.SINGLE_CHANNEL_GUEST, True, Role.SINGLE_CHANNEL_GUEST),
        (Role.SINGLE_CHANNEL_GUEST, False, Role.MEMBER),
        (Role.OWNER, False, Role.OWNER),
    ],
)
def test_conversion_leads_from_role_to_role(role: Role, guest: bool, after: Role) -> None:
    assert users.role_after(ORG, a_user(role), guest) is after


@pytest.mark.parametrize(
    ("before", "after", "actions"),
    [
        (a_user(), {}, []),
        (a_user(), {"deactivated": True}, ["user_deactivated"]),
        (a_user(deactivated=True), {"deactivated": False}, ["user_reactivated"]),
        (GUEST, {"deactivated": True}, ["guest_deactivated"]),
        (a_user(), {"role": Role.ADMIN}, ["role_change_to_admin"]),
        (a_user(), {"role": Role.MULTI_CHANNEL_GUEST}, ["role_change_to_guest"]),
        (GUEST, {"role": Role.MEMBER}, ["role_change_to_user"]),
        (GUEST, {"guest_expires": 5}, ["guest_expiration_set"]),
        (a_user(GUEST.role, guest_expires=5), {"guest_expires": None}, ["guest_expiration_cleared"]),
        (a_user(), {"email": "a@example.com"}, ["user_email_updated"]),
        (a_user(), {"profile": Profile(secondary_email="b@example.com")}, ["user_email_updated"]),
        (a_user(), {"username": "anna"}, ["user_username_updated"]),
        (a_user(), {"display_name": "Anna"}, ["user_profile_updated"]),
        (
            a_user(),
            {"profile": Profile(title="Dr"), "username": "anna", "deactivated": True},
            ["user_deactivated", "user_username_updated", "user_profile_updated"],
        ),
    ],
)
def test_a_change_amounts_to_these_events(before: User, after: dict[str, Any], actions: list[str]) -> None:
    changed = msgspec.structs.replace(before, **after)
    assert [event.action for event in users.events_of_change(before, changed)] == actions


def test_values_are_in_the_personal_part_only() -> None:
    changed = msgspec.structs.replace(a_user(), email="new@example.com", display_name="Anna")
    for event in users.events_of_change(a_user(), changed):
        assert "new@example.com" not in str(event.details)
        assert "Anna" not in str(event.details)
        assert event.personal
        assert event.subject_id == changed.id


def test_values_before_are_what_was_there_even_where_it_is_the_default() -> None:
    profile = Profile(title="Cook", timezone="Europe/Paris", department="Kitchen", has_custom=True)
    [event] = users.events_of_change(a_user(), a_user(profile=profile))
    assert event.details == {"fields": ["department", "timezone", "title"]}
    assert event.personal == {
        "before": {"title": "", "timezone": "America/Los_Angeles", "department": None},
        "after": {"title": "Cook", "timezone": "Europe/Paris", "department": "Kitchen"},
    }


def test_that_a_profile_is_shown_whole_is_no_change_of_its_own() -> None:
    assert list(users.events_of_change(a_user(), a_user(profile=Profile(has_custom=True)))) == []
    [created] = users.events_of_creation(a_user(profile=Profile(department="Kitchen", has_custom=True)))
    assert created.personal["after"]["department"] == "Kitchen"
    assert "has_custom" not in created.personal["after"]


def test_creation_says_what_is_set_and_why_the_profile_was_dropped() -> None:
    [created] = users.events_of_creation(a_user(), Invalid("roles_invalid"))
    assert created.details == {"role": "member", "profile_dropped": "roles_invalid"}
    assert created.personal["after"]["email"] == "ann@example.com"
    actions = [event.action for event in users.events_of_creation(a_user(GUEST.role, deactivated=True))]
    assert actions == ["guest_created", "guest_deactivated"]


def test_every_custom_field_is_a_field_of_the_profile() -> None:
    assert set(users.CUSTOM_FIELDS) <= {field.name for field in msgspec.structs.fields(Profile)}
    full = Profile(**dict.fromkeys(users.CUSTOM_FIELDS, "x"), title="Dr", has_custom=True)  # type: ignore[arg-type]
    assert users.custom_fields_of(full) == set(users.CUSTOM_FIELDS)
    assert users.without_custom(full) == Profile(title="Dr")


@pytest.mark.parametrize(
    ("profile", "secondary_email", "has_custom"),
    [
        (Profile(), None, False),
        (Profile(title="Dr", secondary_email=""), "", False),
        (Profile(secondary_email="ANN@Example.com"), None, False),
        (Profile(secondary_email="ann@home.example"), "ann@home.example", True),
        (Profile(department="Sales"), None, True),
        (Profile(department="Sales", secondary_email="ann@example.com"), None, True),
        (Profile(start_date="", has_custom=True), None, True),
    ],
)
def test_a_second_address_is_another_one_and_shows_the_whole_profile(
    profile: Profile, secondary_email: str | None, has_custom: bool
) -> None:
    expected = msgspec.structs.replace(profile, secondary_email=secondary_email, has_custom=has_custom)
    assert users.completed(profile, "ann@example.com") == expected
    assert users.completed(expected, "ann@example.com") == expected


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({}, Status.INVITED),
        ({"date_claimed": 1}, Status.ACTIVE),
        ({"date_claimed": 1, "deactivated": True}, Status.DEACTIVATED),
    ],
)
def test_status(fields: dict[str, Any], status: Status) -> None:
    assert a_user(**fields).status is status


@pytest.mark.parametrize(
    ("profile", "display_name", "shown"),
    [
        (Profile(given_name="Ann", family_name="Lee"), "A", "Ann Lee"),
        (Profile(family_name="Lee"), "A", "Lee"),
        (Profile(), "A", "A"),
        (Profile(), "", "ann"),
    ],
)
def test_full_name(profile: Profile, display_name: str, shown: str) -> None:
    assert a_user(profile=profile, display_name=display_name).full_name == shown
