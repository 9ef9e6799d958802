"""Groups: Slack SCIM API reference, headings *GET*, *POST*, *PUT* and *DELETE /Groups*."""

from __future__ import annotations

from typing import Any

import pytest

from tests.protocol.bodies import check_same, group, listing
from tests.protocol.conftest import MakeOrg
from tests.protocol.live import Api, Body, Org, created, ok


@pytest.fixture
def people(api: Api) -> list[str]:
    """The ids of three people."""
    return [
        api.create_user(name, name={"givenName": name, "familyName": "X"})["id"] for name in ("a", "b", "c")
    ]


def shown_members(ids: list[str], names: str) -> list[Body]:
    return [{"value": id, "display": f"{name} X"} for id, name in zip(ids, names, strict=True)]


def test_a_group_is_created_with_members_and_shown(api: Api, people: list[str]) -> None:
    body = {
        "schemas": [api.urns.group],
        "displayName": "test-group",
        "members": [{"value": id} for id in people],
    }
    response = api.post("Groups", body)
    shown = created(response)
    expected = group(api, shown, "test-group", shown_members(people, "abc"))
    check_same(shown, expected)
    assert shown["id"].startswith("S")
    assert response.headers["location"] == shown["meta"]["location"]
    check_same(ok(api.get(f"Groups/{shown['id']}")), expected)
    check_same(ok(api.get("Groups")), listing(api, [expected], 1))
    assert api.user(people[0])["groups"] == [{"value": shown["id"], "display": "test-group"}]


def test_a_group_needs_no_members_and_other_attributes_are_ignored(api: Api) -> None:
    body = {"schemas": [api.urns.group], "displayName": "empty", "externalId": "x", "shoeSize": 43}
    shown = created(api.post("Groups", body))
    check_same(shown, group(api, shown, "empty", []))


@pytest.mark.parametrize("members", [["ID"], [{"value": "ID", "display": "x"}], {"value": "ID"}, "ID"])
def test_members_come_as_objects_or_ids(api: Api, people: list[str], members: Any) -> None:
    def filled(value: Any) -> Any:
        if isinstance(value, list):
            return [filled(each) for each in value]
        return value | {"value": people[0]} if isinstance(value, dict) else people[0]

    body = {"schemas": [api.urns.group], "displayName": "g", "members": filled(members)}
    assert [member["value"] for member in created(api.post("Groups", body))["members"]] == [people[0]]


def test_a_member_named_twice_is_a_member_once(api: Api, people: list[str]) -> None:
    assert len(api.create_group("g", people[0], people[0])["members"]) == 1


@pytest.mark.parametrize(("change", "code"), [
    ({"displayName": None}, "invalid_attribute_format (attribute=displayName)"),
    ({"displayName": " "}, "invalid_attribute_format (attribute=displayName)"),
    ({"displayName": 7}, "invalid_attribute_format (attribute=displayName)"),
    ({"displayName": "x" * 256}, "invalid_name_maxlength"),
    ({"members": [7]}, "invalid_attribute_format (attribute=members)"),
    ({"members": [{"display": "x"}]}, "invalid_attribute_format (attribute=members)"),
    ({"members": [{"value": "W0NOBODY"}, {"value": "S0NOGROUP"}]},
     "no_such_group_members (user=S0NOGROUP,W0NOBODY)"),
    ({"schemas": []}, "missing_schema_element"),
])  # fmt: skip
def test_a_bad_group_is_refused_whole(api: Api, change: Body, code: str) -> None:
    body = {"schemas": [api.urns.group], "displayName": "g", "members": []} | change
    api.check_refused(api.post("Groups", body), code)
    assert ok(api.get("Groups"))["totalResults"] == 0


def test_a_taken_name_is_a_conflict_in_any_case(api: Api) -> None:
    first = api.create_group("Sales")
    again = {"schemas": [api.urns.group], "displayName": "SALES"}
    api.check_refused(api.post("Groups", again), "group_creation_failed", 409)
    other = api.create_group("Other")
    api.check_refused(api.put(f"Groups/{other['id']}", again), "group_creation_failed", 409)
    assert ok(api.put(f"Groups/{first['id']}", again))["displayName"] == "SALES"


def test_a_put_replaces_name_and_members(api: Api, people: list[str]) -> None:
    id = api.create_group("g", people[0], people[1])["id"]
    body = {"schemas": [api.urns.group], "displayName": "h", "members": [{"value": people[2]}]}
    shown = ok(api.put(f"Groups/{id}", body))
    check_same(shown, group(api, shown, "h", shown_members(people[2:], "c")))
    assert api.user(people[0])["groups"] == []


def test_a_put_without_members_empties_the_group(api: Api, people: list[str]) -> None:
    id = api.create_group("g", *people)["id"]
    assert ok(api.put(f"Groups/{id}", {"schemas": [api.urns.group], "displayName": "g"}))["members"] == []


def test_a_delete_is_for_good_and_members_stay(api: Api, people: list[str]) -> None:
    id = api.create_group("g", *people)["id"]
    response = api.delete(f"Groups/{id}")
    assert (response.status_code, response.content) == (204, b"")
    for refused in (api.get(f"Groups/{id}"), api.delete(f"Groups/{id}")):
        api.check_refused(refused, "no_such_group", 404)
    assert api.user(people[0])["groups"] == []
    api.create_group("g")


@pytest.mark.parametrize("verb", ["GET", "PUT", "PATCH", "DELETE"])
def test_an_unknown_group_is_not_found(api: Api, verb: str) -> None:
    body = {"schemas": [api.urns.group], "displayName": "g"} if verb in ("PUT", "PATCH") else None
    api.check_refused(api.send(verb, "Groups/S0NOGROUP", body), "no_such_group", 404)


def test_a_deactivated_person_does_not_join_but_stays_a_member(api: Api, people: list[str]) -> None:
    id = api.create_group("g", people[0])["id"]
    api.delete(f"Users/{people[0]}")
    assert api.member_ids(id) == [people[0]]
    body = {"schemas": [api.urns.group], "displayName": "h", "members": [{"value": people[0]}]}
    code = f"unable_to_add_deleted_or_guest_to_group (user={people[0]})"
    api.check_refused(api.post("Groups", body), code)


def test_multi_channel_guests_may_be_members_and_single_channel_guests_not(org: Org, api: Api) -> None:
    guest = api.create_user("gus", **{api.urns.guest: {"type": "multi"}})["id"]
    assert len(api.create_group("g", guest)["members"]) == 1
    solo = org.create_user("solo", "single_channel_guest")
    body = {"schemas": [api.urns.group], "displayName": "h", "members": [{"value": solo}]}
    code = f"unable_to_add_deleted_or_guest_to_group (user={solo})"
    api.check_refused(api.post("Groups", body), code)


def test_business_plus_has_user_groups_without_guests(make_org: MakeOrg, version: str) -> None:
    org = make_org(plan="business_plus")
    api = org.api(version)
    guest = org.create_user("gus", "multi_channel_guest")
    body = {"schemas": [api.urns.group], "displayName": "g", "members": [{"value": guest}]}
    code = f"unable_to_add_deleted_or_guest_to_group (user={guest})"
    api.check_refused(api.post("Groups", body), code)
    member = api.create_user("ann")["id"]
    assert api.create_group("g", member)["members"] == [{"value": member, "display": "ann"}]


def test_more_than_fifteen_thousand_members_in_one_call_are_too_many(api: Api) -> None:
    members = [{"value": f"W{number:010}"} for number in range(15_001)]
    body = {"schemas": [api.urns.group], "displayName": "g", "members": members}
    api.check_refused(api.post("Groups", body), "too_many_users")
