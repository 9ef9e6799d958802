"""Lists of which Slack keeps one or two elements: a path touches the slot that it names and no other."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from rosterd.directory.errors import Invalid
from rosterd.directory.model import Address, User
from rosterd.provisioning import users
from rosterd.provisioning.slots import MAX_PHOTO, MAX_TEXT
from rosterd.scim.dialect import V1, V2
from rosterd.scim.errors import NoTarget
from tests.provisioning.memory import BARE, FULL, applied


def patched(user: User, op: str, path: str, **value: Any) -> User:
    body = {"schemas": [V2.patch_urn], "Operations": [{"op": op, "path": path, **value}]}
    return applied(users.modification(users.steps(body, V2), user), user)


def with_profile(user: User = FULL, **fields: Any) -> User:
    return msgspec.structs.replace(user, profile=msgspec.structs.replace(user.profile, **fields))


def emails_of(user: User) -> tuple[str, str | None]:
    return user.email, user.profile.secondary_email


def phones_of(user: User) -> tuple[str | None, str | None]:
    return user.profile.primary_phone, user.profile.mobile_phone


# In a path `mobile` is the primary phone and `work` the mobile phone, as in every request.
TWINS = with_profile(primary_phone="555", mobile_phone="555")


@pytest.mark.parametrize(
    ("op", "path", "value", "phones"),
    [
        ("remove", 'phoneNumbers[type eq "mobile"]', {}, (None, "555")),
        ("remove", 'phoneNumbers[type eq "work"]', {}, ("555", None)),
        ("remove", "phoneNumbers[primary eq true].value", {}, (None, "555")),
        ("remove", "phoneNumbers[primary eq false]", {}, ("555", None)),
        ("remove", 'phoneNumbers[value eq "555"]', {}, (None, None)),
        ("replace", 'phoneNumbers[type eq "mobile"].value', {"value": "777"}, ("777", "555")),
        ("replace", 'phoneNumbers[type eq "work"]', {"value": {"value": "777"}}, ("555", "777")),
        ("add", "phoneNumbers[primary eq false].value", {"value": "777"}, ("555", "777")),
    ],
)
def test_of_two_phones_with_one_number_only_the_one_that_is_named_changes(
    op: str, path: str, value: dict[str, Any], phones: tuple[str | None, str | None]
) -> None:
    changed = patched(TWINS, op, path, **value)
    assert phones_of(changed) == phones
    assert with_profile(changed, primary_phone="555", mobile_phone="555") == TWINS


@pytest.mark.parametrize(
    "path",
    [
        "emails.type",
        "emails.primary",
        'emails[type eq "home"].type',
        "emails[primary eq false].primary",
        "phoneNumbers.type",
        'phoneNumbers[type eq "work"].type',
        "phoneNumbers[primary eq true].primary",
        "photos.type",
        "roles.primary",
        "addresses.type",
    ],
)
def test_removing_what_is_not_stored_leaves_the_value(path: str) -> None:
    assert patched(FULL, "remove", path) == FULL


def test_removing_a_value_empties_its_slot() -> None:
    assert emails_of(patched(FULL, "remove", 'emails[type eq "home"].value')) == (FULL.email, None)
    assert phones_of(patched(FULL, "remove", 'phoneNumbers[type eq "work"].value')) == ("555-4444", None)
    address = patched(FULL, "remove", "addresses.locality").profile.address
    assert address == Address("1 Main St", None, "ARA", "69001", "France")


ELSEWHERE = [
    ('addresses[locality eq "Graz"]', {"country": "Austria"}),
    ('addresses[country eq "France" and locality eq "Graz"]', {"country": "Austria"}),
    ("addresses[not (locality pr)]", {"country": "Austria"}),
    ('emails[value eq "other@example.com"]', {"value": "new@example.com"}),
    ('phoneNumbers[value eq "000"]', {"value": "777"}),
    ('photos[value eq "https://example.com/other.png"]', {"value": "https://example.com/new.png"}),
    ('roles[value eq "Cook"]', {"value": "Chef"}),
]


@pytest.mark.parametrize(("path", "value"), ELSEWHERE)
def test_a_filter_on_what_is_stored_that_fits_nothing_removes_nothing_and_has_no_target(
    path: str, value: dict[str, Any]
) -> None:
    assert patched(FULL, "remove", path) == FULL
    for op in ("add", "replace"):
        with pytest.raises(NoTarget):
            patched(FULL, op, path, value=value)


@pytest.mark.parametrize(
    "path", ['photos[type eq "thumbnail"]', "photos[primary eq false]", "roles[primary eq false]"]
)
def test_a_type_that_the_only_element_has_not_removes_nothing(path: str) -> None:
    assert patched(FULL, "remove", path) == FULL


def test_a_type_that_the_only_element_has_not_is_created() -> None:
    """As Entra writes: ``emails[type eq "work"].value``, whatever is there."""
    photo = {"value": "https://example.com/new.png"}
    changed = patched(FULL, "replace", 'photos[type eq "thumbnail"]', value=photo)
    assert changed.profile.photo == photo["value"]
    changed = patched(FULL, "replace", "roles[primary eq false].value", value="Chef")
    assert changed.profile.role_title == "Chef"
    changed = patched(BARE, "add", 'phoneNumbers[type eq "work"].value', value="777")
    assert phones_of(changed) == (None, "777")


@pytest.mark.parametrize(
    "path", ["addresses", 'addresses[type eq "home"]', 'addresses[locality eq "lyon"]', "address"]
)
def test_the_one_address_goes_whatever_type_the_path_says(path: str) -> None:
    assert patched(FULL, "remove", path).profile.address is None


@pytest.mark.parametrize("bare", [False, True], ids=["a list", "one element"])
def test_an_address_that_is_named_goes_if_all_of_it_is_equal(bare: bool) -> None:
    same = {"streetAddress": "1 Main St", "locality": "Lyon", "region": "ARA", "postalCode": "69001"}
    for element, address in (
        ({**same, "country": "France"}, None),
        ({**same, "country": "Austria"}, FULL.profile.address),
    ):
        marked = {**element, "operation": "delete"}
        body = {"schemas": [V1.user_urn], "addresses": marked if bare else [marked]}
        assert applied(users.modification(users.steps(body, V1), FULL), FULL).profile.address == address
        removed = patched(FULL, "remove", "addresses", value=element if bare else [element])
        assert removed.profile.address == address


# How long a text may be: up to there it is kept, one more is refused.
LIMITS: list[tuple[str, str, int, str]] = [
    ("phoneNumbers", "primary_phone", MAX_TEXT, "phoneNumbers_invalid"),
    ("roles", "role_title", MAX_TEXT, "roles_invalid"),
    ("photos", "photo", MAX_PHOTO, "photos_invalid"),
]


@pytest.mark.parametrize(("path", "field", "longest", "code"), LIMITS)
def test_a_text_has_a_limit(path: str, field: str, longest: int, code: str) -> None:
    text = "data:image/png;base64,".ljust(longest, "A")
    assert getattr(patched(BARE, "replace", path, value=[{"value": text}]).profile, field) == text
    with pytest.raises(Invalid, match=code):
        patched(BARE, "replace", path, value=[{"value": text + "A"}])


def test_a_part_of_an_address_has_a_limit() -> None:
    value = {"streetAddress": "x" * MAX_TEXT}
    assert patched(BARE, "replace", "addresses", value=[value]).profile.address == Address("x" * MAX_TEXT)
    with pytest.raises(Invalid, match="addresses_invalid"):
        patched(BARE, "replace", "addresses", value=[{"streetAddress": "x" * (MAX_TEXT + 1)}])


def test_the_limits_are_those_that_are_documented() -> None:
    assert (MAX_TEXT, MAX_PHOTO) == (4_000, 256 * 1024)
