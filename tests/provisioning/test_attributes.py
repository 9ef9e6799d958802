"""Every row of the table: what is sent comes back, and what comes back changes nothing when sent."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from rosterd.directory.errors import Invalid
from rosterd.directory.model import User
from rosterd.provisioning import users
from rosterd.provisioning.attributes import ATTRIBUTES, Attribute, seconds_of
from rosterd.scim.dialect import DIALECTS, V2, Dialect
from rosterd.scim.grammar import Path
from rosterd.scim.patch import Operation, Verb
from tests.provisioning.memory import BARE, FULL, GUEST, PEOPLE, SITE, applied, at, placed

ADDRESS = {
    "streetAddress": "1 Main St",
    "locality": "Lyon",
    "region": None,
    "postalCode": "69001",
    "country": None,
}
# Row → what a client sends, and what it is shown, if that is something else.
SAMPLES: dict[str, tuple[Any, ...]] = {
    "externalId": ("e1", ""),
    "userName": ("carl",),
    "nickName": ("carl",),
    "name.givenName": ("Carl",),
    "name.familyName": ("Lee",),
    "name.honorificPrefix": ("Dr",),
    "displayName": ("Carl L",),
    "profileUrl": ("https://example.com/carl",),
    "title": ("Cook",),
    "timezone": ("America/New York",),
    "active": (False,),
    "emails": (
        [{"value": "c@home.example", "type": "home"}, {"value": "c@work.example", "type": "work"}],
        [{"value": "c@work.example", "primary": True}, {"value": "c@home.example", "primary": False}],
    ),
    "photos": (
        [{"value": "https://example.com/c.png", "primary": True}],
        [{"value": "https://example.com/c.png", "type": "photo"}],
    ),
    "addresses": ([{**ADDRESS, "type": "work"}], [ADDRESS]),
    "phoneNumbers": (
        [{"value": "555-5555", "type": "work"}, {"value": "555-4444", "type": "mobile"}],
        [{"value": "555-5555", "type": "mobile"}, {"value": "555-4444", "primary": True}],
    ),
    "userType": ("Employee",),
    "roles": (["Lead"], [{"value": "Lead", "primary": True}]),
    "preferredLanguage": ("fr",),
    "locale": ("fr-FR",),
    "enterprise:employeeNumber": ("7",),
    "enterprise:costCenter": ("4130",),
    "enterprise:organization": ("Kitchens",),
    "enterprise:division": ("Food",),
    "enterprise:department": ("Pastry",),
    "enterprise:manager.managerId": ("W0000000002",),
    "profile:startDate": ("2024-04-10T00:00:00+0000",),
    "groups": ([{"value": "S1", "display": "Sales"}], []),
    "guest:type": ("multi",),
    "guest:expiration": ("2026-12-01T00:59:59+01:00", "2026-11-30T23:59:59Z"),
    "guest:channels": ([{"value": "C1", "display": "general"}], None),
    "password": ("secret", None),
}
rows = pytest.mark.parametrize("row", ATTRIBUTES, ids=lambda row: row.path)
dialects = pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)


def body_of(row: Attribute, dialect: Dialect) -> dict[str, Any]:
    """A body of POST that says ``row``'s sample and else what it must."""
    body: dict[str, Any] = {
        "schemas": [dialect.user_urn],
        "userName": "carl",
        "emails": [{"value": "carl@example.com", "primary": True}],
    }
    sample = placed(row.path, SAMPLES[row.path][0], dialect)
    if row.path in ("guest:expiration", "guest:channels"):
        sample[dialect.extensions["guest"]]["type"] = "multi"
    return body | sample


def test_every_row_has_a_sample() -> None:
    assert list(SAMPLES) == [row.path for row in ATTRIBUTES]


@rows
@dialects
def test_what_a_post_says_is_shown(row: Attribute, dialect: Dialect) -> None:
    user = applied(users.creation(body_of(row, dialect)))
    shown = users.render(user, (), dialect, SITE)
    assert at(row.path, shown, dialect) == SAMPLES[row.path][-1]


@rows
@dialects
def test_a_put_of_what_is_shown_changes_nothing(row: Attribute, dialect: Dialect) -> None:
    user = applied(users.creation(body_of(row, dialect)))
    shown = users.render(user, (), dialect, SITE)
    assert applied(users.replacement(shown, user), user) == user


# In a whole resource null is no value (RFC 7643 §2.5); without a username or an address there is no user.
@pytest.mark.parametrize(
    "row",
    [row for row in ATTRIBUTES if row.path not in ("userName", "emails")],
    ids=lambda row: row.path,
)
@dialects
@pytest.mark.parametrize("user", PEOPLE, ids=["bare", "full", "guest"])
def test_a_null_says_in_a_post_and_in_a_put_what_silence_says(
    row: Attribute, dialect: Dialect, user: User
) -> None:
    silent = {"schemas": [dialect.user_urn], "userName": "ann", "emails": [{"value": "ann@example.com"}]}
    says_null = silent | placed(row.path, None, dialect)
    assert applied(users.creation(says_null)) == applied(users.creation(silent))
    assert applied(users.replacement(says_null, user), user) == applied(users.replacement(silent, user), user)


@dialects
@pytest.mark.parametrize("user", PEOPLE, ids=["bare", "full", "guest"])
def test_a_put_of_a_whole_person_as_shown_changes_nothing(user: User, dialect: Dialect) -> None:
    shown = users.render(user, (), dialect, SITE)
    assert applied(users.replacement(shown, user), user) == user


@pytest.mark.parametrize("phones", [{"primary_phone": None}, {"mobile_phone": None}])
def test_one_phone_number_stays_in_its_place(phones: dict[str, None]) -> None:
    user = msgspec.structs.replace(FULL, profile=msgspec.structs.replace(FULL.profile, **phones))
    shown = users.render(user, (), V2, SITE)
    assert applied(users.replacement(shown, user), user) == user


# What is not shown, or says the username twice, is not changed by a PATCH of its own.
@pytest.mark.parametrize(
    "row",
    [row for row in ATTRIBUTES if row.mutability == "readWrite" and not row.path.startswith("guest")],
    ids=lambda row: row.path,
)
def test_a_v2_replace_of_one_row_says_what_a_post_says(row: Attribute) -> None:
    wire = SAMPLES[row.path][0]
    operation = {"op": "replace", "path": _wire_path(row), "value": wire}
    body = {"schemas": [V2.patch_urn], "Operations": [operation]}
    user = applied(users.modification(users.steps(body, V2), BARE), BARE)
    assert at(row.path, users.render(user, (), V2, SITE), V2) == SAMPLES[row.path][-1]


def _wire_path(row: Attribute) -> str:
    extension, _, rest = row.path.rpartition(":")
    return f"{V2.extensions[extension]}:{rest}" if extension else rest


# Row, what is sent → the code that refuses it, in a PATCH of somebody who is there.
REFUSED: list[tuple[str, Any, str]] = [
    ("userName", "", "username_empty"),
    ("userName", 7, "invalid_attribute_format"),
    ("nickName", "x" * 22, "long_nickname"),
    ("name.givenName", ["x"], "invalid_attribute_format"),
    ("title", "x" * 4_001, "invalid_attribute_format"),
    ("title", {}, "invalid_attribute_format"),
    ("timezone", 1, "invalid_attribute_format"),
    ("active", "perhaps", "invalid_attribute_format"),
    ("active", 1, "invalid_attribute_format"),
    ("active", [], "invalid_attribute_format"),
    ("emails", "", "email_empty"),
    ("emails", [7], "emails_invalid"),
    ("emails", [{"value": 7}], "emails_invalid"),
    ("photos", [{"value": "ftp://example.com/x.png"}], "photos_invalid"),
    ("photos", [{"value": 7}], "photos_invalid"),
    ("addresses", ["x", 7], "addresses_invalid"),
    ("addresses", [{"country": 7}], "addresses_invalid"),
    ("phoneNumbers", [{"value": 7}], "phoneNumbers_invalid"),
    ("phoneNumbers", 7, "phoneNumbers_invalid"),
    ("roles", [{"value": 7}], "roles_invalid"),
    ("groups", "x", "groups_invalid"),
    ("userType", 7, "invalid_attribute_format"),
    ("enterprise:department", 7, "invalid_attribute_format"),
    ("enterprise:manager.managerId", 7, "invalid_attribute_format"),
    ("profile:startDate", "soon", "invalid_attribute_format"),
    ("guest:type", "single", "improper_enterprise_schema_format"),
    ("guest:type", 7, "improper_enterprise_schema_format"),
    ("guest:expiration", "soon", "invalid_attribute_format"),
    ("password", "secret", "password_change_not_allowed"),
]


@pytest.mark.parametrize(("path", "value", "code"), REFUSED)
def test_a_value_that_cannot_be_is_refused(path: str, value: Any, code: str) -> None:
    row = next(row for row in ATTRIBUTES if row.path == path)
    operation = {"op": "replace", "path": _wire_path(row), "value": value}
    with pytest.raises(Invalid) as caught:
        users.modification(users.steps({"schemas": [V2.patch_urn], "Operations": [operation]}, V2), GUEST)
    assert caught.value.code == code


CUSTOM = [row for row in ATTRIBUTES if row.shape in ("custom", "start_date")]


@pytest.mark.parametrize("row", CUSTOM, ids=lambda row: row.path)
@dialects
def test_an_invalid_custom_field_costs_a_new_user_all_custom_fields(row: Attribute, dialect: Dialect) -> None:
    body = body_of(row, dialect) | {"userType": "Employee", "title": "Cook"}
    change = users.creation(body | placed(row.path, 7, dialect))
    user = applied(change)
    assert change.refused_profile is not None
    assert (user.profile.user_type, user.profile.title, user.profile.has_custom) == (None, "Cook", False)


@dialects
def test_an_extension_that_is_no_object_costs_a_new_user_the_custom_fields_too(dialect: Dialect) -> None:
    row = next(row for row in ATTRIBUTES if row.path == "userType")
    change = users.creation(body_of(row, dialect) | {dialect.extensions["enterprise"]: 7})
    assert change.refused_profile is not None
    assert applied(change).profile.user_type is None


@pytest.mark.parametrize(
    ("value", "active"),
    [(True, True), ("True", True), ("false", False), (False, False), (None, True)],
)
def test_active_is_read_as_entra_and_others_write_it(value: Any, active: bool) -> None:
    body = {"schemas": [V2.patch_urn], "Operations": [{"op": "Replace", "path": "active", "value": value}]}
    assert applied(users.modification(users.steps(body, V2), BARE), BARE).deactivated is not active


def test_a_date_without_an_offset_is_utc() -> None:
    operation = Operation(Verb.REPLACE, Path(name="expiration"))
    assert seconds_of("1970-01-02", operation) == seconds_of("1970-01-02T01:00:00+01:00", operation) == 86_400
