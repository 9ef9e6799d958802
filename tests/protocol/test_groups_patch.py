"""PATCH /Groups/<id>: every documented and observed form changes the members that it names, and no others."""

from __future__ import annotations

from typing import Any

import pytest

from tests.protocol.bodies import check_same, group
from tests.protocol.live import Api, Body, Org, ok
from tests.protocol.test_users_patch_v2 import op

NAMES = "abcd"


@pytest.fixture
def team(org: Org) -> tuple[str, dict[str, str]]:
    """A group of a, b and c (not d), and the ids by name."""
    api = org.api("v2")
    ids = {name: str(api.create_user(name)["id"]) for name in NAMES}
    return api.create_group("team", *(ids[name] for name in "abc"))["id"], ids


def filled(value: Any, ids: dict[str, str]) -> Any:
    """A body with ``<a>`` and so on as the ids of these people."""
    if isinstance(value, str):
        for name, id in ids.items():
            value = value.replace(f"<{name}>", id)
        return value
    if isinstance(value, list):
        return [filled(each, ids) for each in value]
    return {key: filled(each, ids) for key, each in value.items()} if isinstance(value, dict) else value


def m(*names: str) -> list[Body]:
    return [{"value": f"<{name}>"} for name in names]


V2_FORMS: list[tuple[str, list[Body], str]] = [
    ("documented: replace", [op("replace", "members", m("d"))], "d"),
    ("documented: add", [op("add", "members", m("d"))], "abcd"),
    ("documented: remove all", [op("remove", "members")], ""),
    ("documented: remove one, unquoted", [op("remove", "members[value eq <a>]")], "bc"),
    ("Entra, with its flag", [op("remove", 'members[value eq "<a>"]')], "bc"),
    ("Entra and the Java SDK", [op("Remove", "members", m("a"))], "bc"),
    ("Entra: Add", [op("Add", "members", m("d"))], "abcd"),
    ("several at once", [op("remove", "members", m("a", "b"))], "c"),
    ("joined by or", [op("remove", 'members[value eq "<a>" or value eq "<c>"]')], "b"),
    ("one object", [op("add", "members", {"value": "<d>", "display": "d@example.com"})], "abcd"),
    ("bare ids", [op("remove", "members", ["<a>"])], "bc"),
    ("ref and type", [op("add", "members", [{"value": "<d>", "$ref": None, "type": "User"}])], "abcd"),
    ("Okta: push now, empty", [op("replace", "members", [])], ""),
    ("an empty removal removes nobody", [op("remove", "members", [])], "abc"),
    ("Okta: without a path", [op("replace", None, {"members": m("d")})], "d"),
    ("Okta: id and name", [op("replace", None, {"id": "x", "displayName": "team"})], "abc"),
    ("authentik: all but members", [op("replace", None, {"id": "x", "schemas": [], "displayName": "team",
                                                         "externalId": "y"})], "abc"),
    ("path-less add", [op("add", None, {"members": m("d")})], "abcd"),
    ("one removal after the other", [op("remove", 'members[value eq "<a>"]'),
                                     op("remove", 'members[value eq "<b>"]')], "c"),
    ("out and in again", [op("remove", "members", m("a")), op("add", "members", m("a"))], "abc"),
    ("in and out again", [op("add", "members", m("d")), op("remove", "members", m("d"))], "abc"),
    ("replace, then add and remove", [op("replace", "members", m("a", "d")), op("add", "members", m("b")),
                                      op("remove", "members", m("a"))], "bd"),
    ("clear, then add", [op("remove", "members"), op("add", "members", m("d"))], "d"),
    ("who is no member", [op("remove", "members", m("d"))], "abc"),
    ("who is a member", [op("add", "members", m("a"))], "abc"),
]  # fmt: skip

V1_FORMS: list[tuple[str, Body, str]] = [
    ("add is the default", {"members": m("d")}, "abcd"),
    ("delete", {"members": [{"value": "<a>", "operation": "delete"}]}, "bc"),
    ("both", {"members": [{"value": "<d>"}, {"value": "<a>", "operation": "delete"}]}, "bcd"),
    ("an empty list", {"members": []}, "abc"),
    ("meta.attributes", {"meta": {"attributes": ["members"]}}, ""),
    ("removed, then added", {"meta": {"attributes": ["members"]}, "members": m("d")}, "d"),
    ("the name alone", {"displayName": "team"}, "abc"),
    ("the Java SDK", {"id": "x", "members": [{"value": "<b>", "operation": "delete"}]}, "ac"),
]


def members(api: Api, group_id: str, ids: dict[str, str]) -> str:
    """The names of a group's members, sorted."""
    found = api.member_ids(group_id)
    return "".join(sorted(name for name, id in ids.items() if id in found))


@pytest.mark.parametrize(("form", "operations", "left"), V2_FORMS)
def test_v2_forms(
    org: Org, team: tuple[str, dict[str, str]], form: str, operations: list[Body], left: str
) -> None:
    api, (group_id, ids) = org.api("v2"), team
    message = api.message(*filled(operations, ids))
    for _ in range(2):  # again: nothing more changes
        shown = ok(api.patch(f"Groups/{group_id}", message))
        listed = [member["value"] for member in shown["members"]]
        check_same(shown, group(api, shown, "team", shown["members"]))
        assert sorted(listed) == sorted(ids[name] for name in left)
        assert members(api, group_id, ids) == left


@pytest.mark.parametrize(("form", "body", "left"), V1_FORMS)
def test_v1_forms(org: Org, team: tuple[str, dict[str, str]], form: str, body: Body, left: str) -> None:
    api, (group_id, ids) = org.api("v1"), team
    for api in (org.api("v1"), org.api("v2")):  # in v2, a body without Operations means the same
        response = api.patch(f"Groups/{group_id}", {"schemas": [api.urns.group]} | filled(body, ids))
        assert response.status_code == (204 if api.version == "v1" else 200)
        assert (response.content == b"") == (api.version == "v1")
        assert members(api, group_id, ids) == left


@pytest.mark.parametrize("path", ["displayName", "DISPLAYNAME", None])
def test_a_name_changes(org: Org, team: tuple[str, dict[str, str]], path: str | None) -> None:
    api, (group_id, ids) = org.api("v2"), team
    change = op("Replace", path, "crew") if path else op("Replace", None, {"displayName": "crew"})
    assert ok(api.patch_group(group_id, change))["displayName"] == "crew"
    assert api.user(ids["a"])["groups"] == [{"value": group_id, "display": "crew"}]


@pytest.mark.parametrize(("operation", "code", "status"), [
    (op("add", "members", [{"value": "W0NOBODY"}]), "no_such_group_members (user=W0NOBODY)", 400),
    (op("remove", "members", [{"value": "W0NOBODY"}]), "no_such_group_members (user=W0NOBODY)", 400),
    (op("add", "members", 7), "invalid_attribute_format (attribute=members)", 400),
    (op("add", "members[value eq 1]", "x"), "invalid_request_payload", 400),
    (op("remove", "members[display eq \"a\"]"), "invalid_request_payload", 400),
    (op("remove", "members[value eq"), "invalid_request_payload", 400),
    (op("replace", "shoeSize", 43), "invalid_request_payload", 400),
    (op("replace", "members.display", "x"), "invalid_request_payload", 400),
    (op("remove", "displayName"), "invalid_attribute_format (attribute=displayName)", 400),
    (op("replace", "displayName", ""), "invalid_attribute_format (attribute=displayName)", 400),
    (op("replace", "displayName", "Taken"), "group_creation_failed", 409),
    (op("remove", None), "invalid_request_payload", 400),
])  # fmt: skip
def test_a_refused_patch_changes_nothing(
    org: Org, team: tuple[str, dict[str, str]], operation: Body, code: str, status: int
) -> None:
    api, (group_id, ids) = org.api("v2"), team
    api.create_group("taken")
    before = ok(api.get(f"Groups/{group_id}"))
    refused = api.patch_group(group_id, op("remove", "members", [ids["a"]]), operation)
    api.check_refused(refused, code, status)
    check_same(ok(api.get(f"Groups/{group_id}")), before)


def test_each_change_of_a_member_is_one_event(org: Org, team: tuple[str, dict[str, str]]) -> None:
    api, (group_id, ids) = org.api("v2"), team
    ok(api.patch_group(group_id, op("replace", "members", [ids["a"], ids["d"]])))
    joined, left = "user_added_to_usergroup", "user_removed_from_usergroup"
    trail = {name: org.events(id)[1:] for name, id in ids.items()}
    assert trail == {"a": [joined], "b": [joined, left], "c": [joined, left], "d": [joined]}
