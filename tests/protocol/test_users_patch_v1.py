"""PATCH /Users/<id> in v1.1: Slack SCIM API reference, heading *PATCH /Users*; SCIM 1.1 protocol §3.3.2."""

from __future__ import annotations

from typing import Any

import pytest

from tests.protocol.bodies import check_same
from tests.protocol.live import URNS, Api, Body, Org, ok

V1 = URNS["v1"]
FULL: Body = {
    "name": {"givenName": "Ann", "familyName": "Example", "honorificPrefix": "Dr."},
    "displayName": "Ann E",
    "title": "Cook",
    "timezone": "Europe/Berlin",
    "userType": "Employee",
    "preferredLanguage": "de",
    "locale": "de_DE",
    "emails": [{"value": "ann@example.com", "primary": True}, {"value": "alt@example.com"}],
    "phoneNumbers": [{"value": "1", "type": "mobile"}, {"value": "2", "type": "work"}],
    "photos": [{"value": "https://example.com/ann.jpg"}],
    "addresses": [
        {"streetAddress": "1 Way", "locality": "Town", "region": "R", "postalCode": "9", "country": "DE"}
    ],
    "roles": [{"value": "Lead"}],
    V1.enterprise: {"department": "Kitchen", "employeeNumber": "7"},
    V1.profile: {"startDate": "2024-04-10T00:00:00+0000"},
}
NO_ADDRESS = dict.fromkeys(("streetAddress", "locality", "region", "postalCode", "country"))


@pytest.fixture
def v1(org: Org) -> Api:
    return org.api("v1")


@pytest.fixture
def ann(v1: Api) -> Body:
    """A person with every attribute set."""
    return v1.create_user("ann", **FULL)


def read(resource: Body, path: str) -> Any:
    """What is at ``a`` or ``a/b`` in a resource."""
    for step in path.split("/"):
        resource = resource[step]
    return resource


SETS: list[tuple[Body, str, Any]] = [
    ({"active": False}, "active", False),
    ({"active": "False"}, "active", False),
    ({"userName": "ann_ed"}, "nickName", "ann_ed"),
    ({"nickName": "ann_ed"}, "userName", "ann_ed"),
    ({"userName": "Ann.New@example.com"}, "userName", "ann.new"),
    ({"displayName": "Ann of Town"}, "displayName", "Ann of Town"),
    ({"title": "Chef"}, "title", "Chef"),
    ({"TITLE": "Chef"}, "title", "Chef"),
    ({"timezone": "America/New York"}, "timezone", "America/New York"),
    ({"name": {"givenName": "Anna"}}, "name",
     {"givenName": "Anna", "familyName": "Example", "honorificPrefix": "Dr."}),
    ({"name.familyName": "Sample"}, "name/familyName", "Sample"),
    ({"userType": "Contractor"}, "userType", "Contractor"),
    ({"preferredLanguage": "en"}, "preferredLanguage", "en"),
    ({"locale": "en_US"}, "locale", "en_US"),
    ({"roles": ["Chief"]}, "roles", [{"value": "Chief", "primary": True}]),
    ({"roles": [{"value": "Chief", "primary": "true"}]}, "roles", [{"value": "Chief", "primary": True}]),
    ({"photos": [{"value": "https://example.com/2.jpg"}]}, "photos",
     [{"value": "https://example.com/2.jpg", "type": "photo"}]),
    ({"emails": [{"value": "new@example.com", "primary": True}]}, "emails",
     [{"value": "new@example.com", "primary": True}, {"value": "alt@example.com", "primary": False}]),
    ({"emails": [{"value": "new@example.com", "type": "home"}]}, "emails",
     [{"value": "ann@example.com", "primary": True}, {"value": "new@example.com", "primary": False}]),
    ({"phoneNumbers": [{"value": "3", "type": "work"}]}, "phoneNumbers",
     [{"value": "3", "type": "mobile"}, {"value": "1", "primary": True}]),
    ({V1.enterprise: {"department": "Sales"}}, f"{V1.enterprise}/department", "Sales"),
    ({V1.enterprise: {"department": "Sales"}}, f"{V1.enterprise}/employeeNumber", "7"),
    ({f"{V1.enterprise}.department": "Sales"}, f"{V1.enterprise}/department", "Sales"),
    ({V1.profile: {"startDate": "2026-04-10T00:00:00+0000"}}, f"{V1.profile}/startDate",
     "2026-04-10T00:00:00+0000"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "path", "value"), SETS)
def test_attributes_that_are_sent_are_set_and_no_others(
    v1: Api, ann: Body, change: Body, path: str, value: Any
) -> None:
    shown = ok(v1.patch(f"Users/{ann['id']}", {"schemas": [V1.user], **change}))
    assert read(shown, path) == value
    touched = {path.split("/")[0], "userName", "nickName", "profileUrl"}
    assert {k: v for k, v in shown.items() if k not in touched} == {
        k: v for k, v in ann.items() if k not in touched
    }
    check_same(v1.user(ann["id"]), shown)


CLEARS: list[tuple[str, str, Any]] = [
    ("roles", "roles", [{"value": None, "primary": True}]),
    ("name.familyName", "name/familyName", ""),
    ("name", "name", {"givenName": "", "familyName": "", "honorificPrefix": None}),
    ("phoneNumbers", "phoneNumbers", [{"value": None, "type": "mobile"}, {"value": None, "primary": True}]),
    ("emails", "emails", [{"value": "ann@example.com", "primary": True}, {"value": "", "primary": False}]),
    ("addresses", "addresses", [NO_ADDRESS]),
    ("title", "title", ""),
    ("displayName", "displayName", ""),
    ("timezone", "timezone", "America/Los_Angeles"),
    ("locale", "locale", None),
    (f"{V1.enterprise}.department", f"{V1.enterprise}/department", None),
    (f"{V1.enterprise}:department", f"{V1.enterprise}/department", None),
    (f"{V1.enterprise}.manager.managerId", f"{V1.enterprise}/manager", {"managerId": None}),
    (V1.enterprise, f"{V1.enterprise}/employeeNumber", None),
    (f"{V1.profile}.startDate", f"{V1.profile}/startDate", None),
]


@pytest.mark.parametrize(("name", "path", "value"), CLEARS)
def test_meta_attributes_are_removed(v1: Api, ann: Body, name: str, path: str, value: Any) -> None:
    body = {"schemas": [V1.user], "meta": {"attributes": [name]}}
    shown = ok(v1.patch(f"Users/{ann['id']}", body))
    assert read(shown, path) == value
    check_same(v1.user(ann["id"]), shown)


def test_removal_and_change_go_together(v1: Api, ann: Body) -> None:
    body = {"schemas": [V1.user], "meta": {"attributes": ["roles", "locale"]}, "roles": ["Chief"]}
    shown = ok(v1.patch(f"Users/{ann['id']}", body))
    assert (shown["roles"][0]["value"], shown["locale"]) == ("Chief", None)


@pytest.mark.parametrize(("change", "path", "value"), [
    ({"title": " "}, "title", ""),
    ({"locale": " "}, "locale", None),
    ({"name": {"familyName": " "}}, "name/familyName", ""),
    ({V1.enterprise: {"department": " "}}, f"{V1.enterprise}/department", None),
    ({"title": None}, "title", ""),
])  # fmt: skip
def test_one_space_clears(v1: Api, ann: Body, change: Body, path: str, value: Any) -> None:
    assert read(ok(v1.patch(f"Users/{ann['id']}", {"schemas": [V1.user], **change})), path) == value


@pytest.mark.parametrize(("change", "path", "value"), [
    ({"emails": [{"value": "ALT@example.com", "operation": "delete"}]}, "emails",
     [{"value": "ann@example.com", "primary": True}, {"value": "", "primary": False}]),
    ({"phoneNumbers": [{"value": "2", "operation": "delete"}]}, "phoneNumbers",
     [{"value": None, "type": "mobile"}, {"value": "1", "primary": True}]),
    ({"roles": [{"value": "Lead", "operation": "delete"}]}, "roles", [{"value": None, "primary": True}]),
    ({"roles": [{"value": "Other", "operation": "delete"}]}, "roles", [{"value": "Lead", "primary": True}]),
    ({"addresses": [{**FULL["addresses"][0], "operation": "delete"}]}, "addresses", [NO_ADDRESS]),
    ({"addresses": [{"streetAddress": "1 Way", "operation": "delete"}]}, "addresses", FULL["addresses"]),
    ({"emails": [{"value": "alt@example.com", "operation": "delete"},
                 {"value": "c@example.com", "type": "home"}]},
     "emails", [{"value": "ann@example.com", "primary": True}, {"value": "c@example.com", "primary": False}]),
])  # fmt: skip
def test_elements_marked_delete_are_removed(v1: Api, ann: Body, change: Body, path: str, value: Any) -> None:
    assert read(ok(v1.patch(f"Users/{ann['id']}", {"schemas": [V1.user], **change})), path) == value


@pytest.mark.parametrize("change", [
    {"externalId": "x"},
    {"profileUrl": "https://example.com/x"},
    {"id": "W0", "meta": {"created": "now", "location": "x"}},
    {"groups": []},
    {"emails": []},
    {"phoneNumbers": []},
    {"active": None},
    {"active": True},
    {"schemas": [V1.user, V1.guest]},
    {},
])  # fmt: skip
def test_what_says_nothing_changes_nothing(org: Org, v1: Api, ann: Body, change: Body) -> None:
    events = org.events(ann["id"])
    check_same(ok(v1.patch(f"Users/{ann['id']}", {"schemas": [V1.user]} | change)), ann)
    assert org.events(ann["id"]) == events


@pytest.mark.parametrize(("change", "code", "status"), [
    ({"shoeSize": 43}, "invalid_request_payload", 400),
    ({"Operations": []}, "invalid_request_payload", 400),
    ({"meta": {"attributes": ["shoeSize"]}}, "invalid_request_payload", 400),
    ({"meta": {"attributes": "title"}}, "invalid_request_payload", 400),
    ({"meta": {"attributes": ["userName"]}}, "username_empty", 400),
    ({"userName": ""}, "username_empty", 400),
    ({"nickName": ""}, "username_empty", 400),
    ({"userName": "a" * 22}, f"username_too_long (user={'a' * 22})", 400),
    ({"nickName": "a" * 22}, f"long_nickname (user={'a' * 22})", 400),
    ({"userName": "bob"}, "username_taken (user=bob)", 409),
    ({"password": "new"}, "password_change_not_allowed", 400),
    ({"emails": [{"value": "ann@example.com", "operation": "delete"}]}, "missing_primary_email", 400),
    ({"emails": [{"value": "nobody", "primary": True}]}, "bad_email_address (email=nobody)", 400),
    ({"emails": [{"value": "x@example.com", "operation": "erase"}]}, "invalid_request_payload", 400),
    ({"name": {"givenName": " ", "familyName": " "}}, "invalid_name_required", 400),
    ({"name": "Ann"}, "invalid_attribute_format (attribute=name)", 400),
    ({V1.enterprise: {"manager": {}}}, "improper_enterprise_schema_format", 400),
    ({V1.enterprise: {"manager": {"managerId": "nobody"}}}, "unknown_user (user=nobody)", 400),
    ({"schemas": None}, "missing_schema_element", 400),
])  # fmt: skip
def test_a_refused_patch_changes_nothing(v1: Api, ann: Body, change: Body, code: str, status: int) -> None:
    v1.create_user("bob")
    body = {"schemas": [V1.user], "title": "Chef"} | change
    v1.check_refused(v1.patch(f"Users/{ann['id']}", body), code, status)
    check_same(v1.user(ann["id"]), ann)


def test_display_names_stay_where_members_choose_their_own(org: Org, v1: Api, ann: Body) -> None:
    org.run("org", "set", "--members-may-change-display-name", "true")
    path = f"Users/{ann['id']}"
    refused = v1.patch(path, {"schemas": [V1.user], "displayName": "Other"})
    v1.check_refused(refused, "invalid_display_name (user=ann)")
    same = {"schemas": [V1.user], "displayName": "Ann E", "title": "Chef"}
    assert ok(v1.patch(path, same))["title"] == "Chef"


def test_deactivation_and_reactivation_keep_groups(v1: Api, ann: Body) -> None:
    group = v1.create_group("Sales", ann["id"])
    for active in (False, True):
        shown = ok(v1.patch(f"Users/{ann['id']}", {"schemas": [V1.user], "active": active}))
        assert shown["active"] is active
        assert shown["groups"] == [{"value": group["id"], "display": "Sales"}]


def test_delete_deactivates_any_number_of_times(api: Api) -> None:
    user_id = api.create_user("ann")["id"]
    for _ in range(3):
        response = api.delete(f"Users/{user_id}")
        assert (response.status_code, response.content) == (200 if api.version == "v1" else 204, b"")
        assert api.user(user_id)["active"] is False
    assert ok(api.get("Users"))["totalResults"] == 2
