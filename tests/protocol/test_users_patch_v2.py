"""PATCH /Users/<id> in v2.0: Slack SCIM API reference, heading *PATCH /Users*; RFC 7644 §3.5.2."""

from __future__ import annotations

from typing import Any

import pytest

from tests.protocol.bodies import check_same
from tests.protocol.live import URNS, Api, Body, Org, ok
from tests.protocol.test_users_patch_v1 import FULL, NO_ADDRESS, read

V1, V2 = URNS["v1"], URNS["v2"]
EXTENSIONS = {V1.enterprise: V2.enterprise, V1.profile: V2.profile}
MAIL = {"value": "ann@example.com", "primary": True}
ALT = {"value": "alt@example.com", "primary": False}
NO_ALT = {"value": "", "primary": False}


@pytest.fixture
def v2(org: Org) -> Api:
    return org.api("v2")


@pytest.fixture
def ann(v2: Api) -> Body:
    """A person with every attribute set."""
    return v2.create_user("ann", **{EXTENSIONS.get(key, key): value for key, value in FULL.items()})


def op(verb: str, path: str | None, *value: Any) -> Body:
    """One operation; a removal has no value, an operation may have no path."""
    return {"op": verb} | ({"path": path} if path else {}) | ({"value": value[0]} if value else {})


E2 = V2.enterprise
CHANGES: list[tuple[Body, str, Any]] = [
    (op("replace", "active", False), "active", False),
    (op("Replace", "active", "False"), "active", False),
    (op("add", "active", "false"), "active", False),
    (op("replace", "userName", "ann_ed"), "nickName", "ann_ed"),
    (op("replace", "nickName", "ann_ed"), "userName", "ann_ed"),
    (op("replace", "USERNAME", "ann_ed"), "userName", "ann_ed"),
    (op("Add", "displayName", "Ann of Town"), "displayName", "Ann of Town"),
    (op("replace", "title", ""), "title", ""),
    (op("replace", "title", None), "title", ""),
    (op("remove", "title"), "title", ""),
    (op("replace", "name.givenName", "Anna"), "name/givenName", "Anna"),
    (op("replace", "name", {"givenName": "Anna"}), "name",
     {"givenName": "Anna", "familyName": "Example", "honorificPrefix": "Dr."}),
    (op("remove", "name.honorificPrefix"), "name/honorificPrefix", None),
    (op("remove", "name"), "name", {"givenName": "", "familyName": "", "honorificPrefix": None}),
    # e-mail addresses
    (op("add", "emails", {"value": "b@example.com", "type": "home"}), "emails",
     [MAIL, {"value": "b@example.com", "primary": False}]),
    (op("add", "emails", [{"value": "b@example.com", "primary": True}]), "emails",
     [{"value": "b@example.com", "primary": True}, ALT]),
    (op("replace", "emails", [{"value": "b@example.com"}]), "emails",
     [{"value": "b@example.com", "primary": True}, NO_ALT]),
    (op("replace", "emails[primary eq false]", {"value": "b@example.com", "type": "work"}), "emails",
     [MAIL, {"value": "b@example.com", "primary": False}]),
    (op("Replace", 'emails[type eq "work"].value', "b@example.com"), "emails",
     [{"value": "b@example.com", "primary": True}, ALT]),
    (op("replace", 'emails[primary eq "True"].value', "b@example.com"), "emails",
     [{"value": "b@example.com", "primary": True}, ALT]),
    (op("replace", 'emails[value eq "ALT@example.com"].value', "b@example.com"), "emails",
     [MAIL, {"value": "b@example.com", "primary": False}]),
    (op("remove", 'emails[value eq "alt@example.com"]'), "emails", [MAIL, NO_ALT]),
    (op("remove", "emails[primary eq false]"), "emails", [MAIL, NO_ALT]),
    (op("remove", 'emails[value eq "nobody@example.com"]'), "emails", [MAIL, ALT]),
    (op("remove", "emails"), "emails", [MAIL, NO_ALT]),
    (op("remove", "emails", [{"value": "alt@example.com"}]), "emails", [MAIL, NO_ALT]),
    # phone numbers: type mobile is the primary phone, work the mobile phone
    (op("add", "phoneNumbers", [{"value": "3", "type": "work"}]), "phoneNumbers",
     [{"value": "3", "type": "mobile"}, {"value": "1", "primary": True}]),
    (op("replace", "phoneNumbers", [{"value": "3"}]), "phoneNumbers",
     [{"value": None, "type": "mobile"}, {"value": "3", "primary": True}]),
    (op("replace", 'phoneNumbers[type eq "mobile"].value', "3"), "phoneNumbers",
     [{"value": "2", "type": "mobile"}, {"value": "3", "primary": True}]),
    (op("replace", 'phoneNumbers[value eq "2"].value', "3"), "phoneNumbers",
     [{"value": "3", "type": "mobile"}, {"value": "1", "primary": True}]),
    (op("remove", 'phoneNumbers[value eq "2"]'), "phoneNumbers",
     [{"value": None, "type": "mobile"}, {"value": "1", "primary": True}]),
    (op("remove", "phoneNumbers"), "phoneNumbers",
     [{"value": None, "type": "mobile"}, {"value": None, "primary": True}]),
    # one photo, one address, one role
    (op("add", "photos", [{"value": "https://example.com/2.jpg"}]), "photos",
     [{"value": "https://example.com/2.jpg", "type": "photo"}]),
    (op("replace", 'photos[type eq "photo"].value', "https://example.com/2.jpg"), "photos",
     [{"value": "https://example.com/2.jpg", "type": "photo"}]),
    (op("replace", 'addresses[type eq "untyped"].locality', "City"), "addresses",
     [{**FULL["addresses"][0], "locality": "City"}]),
    (op("replace", "addresses", [{"streetAddress": "2 Way"}]), "addresses",
     [{**NO_ADDRESS, "streetAddress": "2 Way"}]),
    (op("remove", "address"), "addresses", [NO_ADDRESS]),
    (op("remove", "addresses"), "addresses", [NO_ADDRESS]),
    (op("add", "roles", ["Chief"]), "roles", [{"value": "Chief", "primary": True}]),
    (op("replace", 'roles[primary eq "True"].value', "Chief"), "roles",
     [{"value": "Chief", "primary": True}]),
    (op("remove", "roles"), "roles", [{"value": None, "primary": True}]),
    # extensions
    (op("add", f"{E2}:employeeNumber", "121"), f"{E2}/employeeNumber", "121"),
    (op("replace", f"{E2}.department", "Sales"), f"{E2}/department", "Sales"),
    (op("replace", f"{V1.enterprise}:department", "Sales"), f"{E2}/department", "Sales"),
    (op("add", E2, {"department": "Sales"}), f"{E2}/employeeNumber", "7"),
    (op("add", E2, {"department": "Sales"}), f"{E2}/department", "Sales"),
    (op("remove", f"{E2}.department"), f"{E2}/department", None),
    (op("remove", E2), f"{E2}/employeeNumber", None),
    (op("replace", f"{V2.profile}:startDate", "2026-04-10"), f"{V2.profile}/startDate", "2026-04-10"),
    # without a path
    (op("replace", None, {"title": "Chef"}), "title", "Chef"),
    (op("add", None, {"name.givenName": "Anna"}), "name/givenName", "Anna"),
    (op("replace", None, {f"{E2}:employeeNumber": "n"}), f"{E2}/employeeNumber", "n"),
    (op("replace", None, {E2: {"employeeNumber": "n"}}), f"{E2}/employeeNumber", "n"),
    (op("replace", None, {'emails[type eq "work"].value': "b@example.com"}), "emails",
     [{"value": "b@example.com", "primary": True}, ALT]),
]  # fmt: skip


@pytest.mark.parametrize(("operation", "path", "value"), CHANGES)
def test_operations_change_what_their_path_says_and_nothing_else(
    v2: Api, ann: Body, operation: Body, path: str, value: Any
) -> None:
    shown = ok(v2.patch_user(ann["id"], operation))
    assert read(shown, path) == value
    touched = {path.split("/")[0], "userName", "nickName", "profileUrl"}
    assert {k: v for k, v in shown.items() if k not in touched} == {
        k: v for k, v in ann.items() if k not in touched
    }
    check_same(v2.user(ann["id"]), shown)


def test_a_filtered_path_without_a_match_creates(v2: Api) -> None:
    user_id = v2.create_user("bob")["id"]
    shown = ok(
        v2.patch_user(
            user_id,
            op("Add", 'emails[type eq "home"].value', "bob.home@example.com"),
            op("Add", 'phoneNumbers[type eq "work"].value', "2"),
            op("Add", 'addresses[type eq "untyped"].country', "DE"),
            op("Add", 'roles[primary eq "True"].value', "Chief"),
        )
    )
    assert shown["emails"][1] == {"value": "bob.home@example.com", "primary": False}
    assert shown["phoneNumbers"][0] == {"value": "2", "type": "mobile"}
    assert shown["addresses"] == [{**NO_ADDRESS, "country": "DE"}]
    assert shown["roles"] == [{"value": "Chief", "primary": True}]


def test_operations_apply_in_order(v2: Api, ann: Body) -> None:
    shown = ok(
        v2.patch_user(
            ann["id"],
            op("replace", "title", "one"),
            op("replace", "title", "two"),
            op("remove", "locale"),
            op("add", "locale", "fr_FR"),
            op("remove", "emails"),
            op("add", "emails", {"value": "c@example.com", "type": "home"}),
        )
    )
    assert (shown["title"], shown["locale"]) == ("two", "fr_FR")
    assert shown["emails"] == [MAIL, {"value": "c@example.com", "primary": False}]


@pytest.mark.parametrize("manager", [{"managerId": "boss"}, {"value": "boss"}, "boss@example.com"])
@pytest.mark.parametrize("path", [f"{E2}:manager", f"{E2}.manager"])
def test_a_manager_is_an_object_or_a_text(v2: Api, ann: Body, path: str, manager: Any) -> None:
    boss = v2.create_user("boss")["id"]
    shown = ok(v2.patch_user(ann["id"], op("add", path, manager)))
    assert shown[E2]["manager"] == {"managerId": boss}
    shown = ok(v2.patch_user(ann["id"], op("remove", f"{E2}.manager.managerId")))
    assert shown[E2]["manager"] == {"managerId": None}


def test_the_start_date_is_set_without_a_patch_message(v2: Api, ann: Body) -> None:
    body = {"schemas": [V2.profile], V2.profile: {"startDate": "2026-04-10T00:00:00+0000"}}
    shown = ok(v2.patch(f"Users/{ann['id']}", body))
    assert shown == ann | {V2.profile: {"startDate": "2026-04-10T00:00:00+0000"}}


def test_a_partial_resource_is_taken_in_v2_too(v2: Api, ann: Body) -> None:
    body = {"schemas": [V1.user], "active": False}
    assert ok(v2.patch(f"Users/{ann['id']}?aadOptscim062020", body))["active"] is False


@pytest.mark.parametrize("operation", [
    op("replace", "externalId", "x"),
    op("replace", "profileUrl", "https://example.com/x"),
    op("replace", None, {"id": "W0", "schemas": [V2.user], "meta": {}, "externalId": "x"}),
    op("replace", "active", True),
    op("replace", "active", None),
    op("add", "title", "Cook"),
    op("add", "emails", [{"value": "ALT@example.com".lower(), "type": "home"}]),
    op("remove", "emails", []),
    op("remove", "phoneNumbers", [{"value": "9"}]),
    op("replace", "groups", []),
])  # fmt: skip
def test_what_says_nothing_changes_nothing(org: Org, v2: Api, ann: Body, operation: Body) -> None:
    events = org.events(ann["id"])
    check_same(ok(v2.patch_user(ann["id"], operation)), ann)
    assert org.events(ann["id"]) == events


@pytest.mark.parametrize(("operation", "code", "status"), [
    (op("replace", "shoeSize", 43), "invalid_request_payload", 400),
    (op("replace", None, {"shoeSize": 43}), "invalid_request_payload", 400),
    (op("replace", "name.shoeSize", 43), "invalid_request_payload", 400),
    (op("replace", f"{E2}:shoeSize", 43), "invalid_request_payload", 400),
    (op("replace", "urn:example:other:x", 43), "invalid_request_payload", 400),
    (op("replace", "title[x eq 1]", "x"), "invalid_request_payload", 400),
    (op("replace", "emails[", "x"), "invalid_request_payload", 400),
    (op("remove", None), "invalid_request_payload", 400),
    (op("replace", "title"), "invalid_request_payload", 400),
    (op("move", "title", "x"), "invalid_request_payload", 400),
    (op("replace", "password", "x"), "password_change_not_allowed", 400),
    (op("remove", "userName"), "username_empty", 400),
    (op("replace", "nickName", ""), "username_empty", 400),
    (op("replace", "nickName", "a" * 22), f"long_nickname (user={'a' * 22})", 400),
    (op("remove", "active"), "invalid_attribute_format (attribute=active)", 400),
    (op("replace", "active", "maybe"), "invalid_attribute_format (attribute=active)", 400),
    (op("remove", "emails[primary eq true]"), "missing_primary_email", 400),
    (op("remove", 'emails[value eq "ann@example.com"]'), "missing_primary_email", 400),
    (op("replace", 'emails[type eq "work"].value', "x"), "bad_email_address (email=x)", 400),
    (op("replace", 'emails[value eq "z@x.example"].value', "y@x.example"), "invalid_request_payload", 400),
    (op("replace", 'phoneNumbers[value eq "9"].value', "3"), "invalid_request_payload", 400),
    (op("replace", "photos", [{"value": "x"}]), "photos_invalid", 400),
    (op("replace", "roles", [7]), "roles_invalid", 400),
    (op("replace", "addresses", ["x"]), "addresses_invalid", 400),
    (op("replace", "phoneNumbers", 7), "phoneNumbers_invalid", 400),
    (op("replace", f"{E2}:manager", {"displayName": "x"}), "improper_enterprise_schema_format", 400),
    (op("replace", f"{E2}:manager", "nobody"), "unknown_user (user=nobody)", 400),
    (op("replace", f"{V2.profile}:startDate", "x"),
     "invalid_attribute_format (attribute=profile:startDate)", 400),
])  # fmt: skip
def test_a_refused_patch_changes_nothing(v2: Api, ann: Body, operation: Body, code: str, status: int) -> None:
    refused = v2.patch_user(ann["id"], op("replace", "locale", "fr_FR"), operation)
    v2.check_refused(refused, code, status)
    check_same(v2.user(ann["id"]), ann)


@pytest.mark.parametrize(
    "operations", [None, [], {}, "x", [7], [{}], [{"op": 7, "path": "title", "value": "x"}]]
)
def test_what_is_no_list_of_operations_is_refused(v2: Api, ann: Body, operations: Any) -> None:
    body = {"schemas": [V2.patch], "Operations": operations}
    v2.check_refused(v2.patch(f"Users/{ann['id']}", body), "invalid_request_payload")
