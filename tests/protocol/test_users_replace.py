"""PUT /Users/<id>: Slack SCIM API reference, heading *PUT /Users*."""

from __future__ import annotations

from typing import Any

import pytest

from tests.protocol.bodies import check_same, profile_user
from tests.protocol.live import Api, Body, Org, ok


def full(api: Api, name: str) -> Body:
    """What a connector sends of a person with everything set."""
    return api.user_body(
        name,
        name={"givenName": "Ann", "familyName": "Example", "honorificPrefix": "Dr."},
        displayName="Ann E",
        title="Cook",
        timezone="Europe/Berlin",
        locale="de_DE",
        emails=[{"value": f"{name}@example.com", "primary": True}, {"value": f"alt-{name}@example.com"}],
        phoneNumbers=[{"value": "1", "type": "mobile"}],
        photos=[{"value": "https://example.com/ann.jpg"}],
        roles=[{"value": "Lead"}],
        **{api.urns.enterprise: {"department": "Kitchen"}},
    )


def test_a_put_blanks_what_it_does_not_mention_but_names_and_active(org: Org, api: Api) -> None:
    user = api.create_user("ann", **{k: v for k, v in full(api, "ann").items() if k != "userName"})
    shown = ok(api.put(f"Users/{user['id']}", api.user_body("ann")))
    expected = profile_user(org, api, shown, "ann", displayName="")
    expected["name"] = {"givenName": "Ann", "familyName": "Example", "honorificPrefix": None}
    check_same(shown, expected)
    check_same(api.user(user["id"]), expected)


def test_a_put_of_everything_replaces_everything(org: Org, api: Api) -> None:
    user = api.create_user("bob")
    shown = ok(api.put(f"Users/{user['id']}", full(api, "ann")))
    expected = profile_user(
        org,
        api,
        shown,
        "ann",
        name={"givenName": "Ann", "familyName": "Example", "honorificPrefix": "Dr."},
        displayName="Ann E",
        title="Cook",
        timezone="Europe/Berlin",
        emails=[
            {"value": "ann@example.com", "primary": True},
            {"value": "alt-ann@example.com", "primary": False},
        ],
        phoneNumbers=[{"value": None, "type": "mobile"}, {"value": "1", "primary": True}],
        photos=[{"value": "https://example.com/ann.jpg", "type": "photo"}],
        roles=[{"value": "Lead", "primary": True}],
        locale="de_DE",
    )
    expected[api.urns.enterprise]["department"] = "Kitchen"
    check_same(shown, expected)


def test_sending_back_what_was_read_changes_nothing(org: Org, api: Api) -> None:
    group = api.create_group("Sales", api.create_user("ann", userType="Employee")["id"])
    user_id = api.member_ids(group["id"])[0]
    before, events = api.user(user_id), org.events(user_id)
    assert before["groups"] == [{"value": group["id"], "display": "Sales"}]
    check_same(ok(api.put(f"Users/{user_id}", before)), before)
    assert org.events(user_id) == events


@pytest.mark.parametrize(("before", "sent", "after"), [
    (True, {}, True),
    (False, {}, False),
    (True, {"active": None}, True),
    (True, {"active": False}, False),
    (False, {"active": True}, True),
    (True, {"active": "False"}, False),
])  # fmt: skip
def test_active_changes_only_where_it_is_sent(api: Api, before: bool, sent: Body, after: bool) -> None:
    user_id = api.create_user("ann", active=before)["id"]
    assert ok(api.put(f"Users/{user_id}", api.user_body("ann", **sent)))["active"] is after
    assert api.user(user_id)["active"] is after


def test_id_external_id_profile_url_and_schemas_in_the_body_change_nothing(api: Api) -> None:
    other = api.create_user("bob")["id"]
    before = api.create_user("ann")
    body = {"id": other, "externalId": "x", "profileUrl": "https://example.com/x", "meta": {"created": "now"}}
    check_same(ok(api.put(f"Users/{before['id']}", api.user_body("ann", displayName="ann", **body))), before)


def test_user_name_and_nick_name_are_one(api: Api) -> None:
    user_id = api.create_user("ann")["id"]
    body = api.user_body("ann", userName="ann_ed", nickName="ann_ed")
    assert ok(api.put(f"Users/{user_id}", body))["userName"] == "ann_ed"
    shown = ok(api.put(f"Users/{user_id}", body | {"nickName": "other"}))
    assert (shown["userName"], shown["nickName"]) == ("ann_ed", "ann_ed")


def test_a_username_that_was_given_up_is_free(api: Api) -> None:
    user_id = api.create_user("ann")["id"]
    assert ok(api.put(f"Users/{user_id}", api.user_body("ann", userName="anna")))["userName"] == "anna"
    api.create_user("ann", emails=[{"value": "other@example.com"}])


@pytest.mark.parametrize(("change", "code", "status"), [
    ({"userName": None}, "username_required", 400),
    ({"userName": ""}, "username_empty", 400),
    ({"userName": "bob"}, "username_taken (user=bob)", 409),
    ({"emails": []}, "email_empty", 400),
    ({"emails": None}, "email_empty", 400),
    ({"emails": [{"value": "x"}]}, "bad_email_address (email=x)", 400),
    ({"password": "new"}, "password_change_not_allowed", 400),
    ({"locale": 7}, "invalid_attribute_format (attribute=locale)", 400),
    ({"phoneNumbers": 7}, "phoneNumbers_invalid", 400),
    ({"active": "maybe"}, "invalid_attribute_format (attribute=active)", 400),
    ({"schemas": []}, "missing_schema_element", 400),
])  # fmt: skip
def test_a_refused_put_changes_nothing(api: Api, change: Body, code: str, status: int) -> None:
    api.create_user("bob")
    before = api.create_user("ann", title="Cook", locale="de_DE")
    refused = api.put(f"Users/{before['id']}", api.user_body("ann", title="Chef") | change)
    api.check_refused(refused, code, status)
    check_same(api.user(before["id"]), before)


def test_a_user_name_is_required(api: Api) -> None:
    user_id = api.create_user("ann")["id"]
    body: dict[str, Any] = {"schemas": [api.urns.user], "emails": [{"value": "ann@example.com"}]}
    api.check_refused(api.put(f"Users/{user_id}", body), "username_required")


def test_an_unknown_user_is_not_found(api: Api) -> None:
    api.check_refused(api.put("Users/W0NOBODY", api.user_body("ann")), "no_such_user", 404)
