"""Bodies of groups: what is added, removed or replaced, in both versions."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from rosterd.directory.errors import Invalid
from rosterd.directory.groups import GroupChange, Members
from rosterd.directory.model import Group, GroupId, Member, UserId
from rosterd.provisioning import groups
from rosterd.scim.dialect import DIALECTS, V1, V2, Dialect
from rosterd.scim.errors import InvalidPath, MissingSchemas
from tests.provisioning.memory import BARE, SITE

dialects = pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
people = [UserId(f"U{number}") for number in range(6)]
ids = st.lists(st.sampled_from(people), max_size=4, unique=True)


def patch_op(*operations: dict[str, Any]) -> dict[str, Any]:
    return {"schemas": [V2.patch_urn], "Operations": list(operations)}


def applied(change: Members, members: set[UserId]) -> set[UserId]:
    """The members that a group has afterwards."""
    start = members if change.replace is None else set(change.replace)
    return (start - set(change.remove)) | set(change.add)


@given(ids, ids, st.none() | st.just("Sales"))
def test_a_patch_op_and_a_partial_resource_that_say_the_same_are_the_same_change(
    removed: list[UserId], added: list[UserId], name: str | None
) -> None:
    partial: dict[str, Any] = {"schemas": [V1.group_urn]}
    marked = [{"value": id, "operation": "delete"} for id in removed]
    partial["members"] = [*({"value": id} for id in added), *marked]
    operations: list[dict[str, Any]] = [
        {"op": "remove", "path": f"members[value eq {id}]"} for id in removed
    ] + [{"op": "add", "path": "members", "value": [{"value": id} for id in added]}]
    if name is not None:
        partial["displayName"] = name
        operations.append({"op": "replace", "path": "displayName", "value": name})
    assert groups.modification(partial, V1) == groups.modification(patch_op(*operations), V2)


verbs = st.sampled_from(["add", "remove", "replace"])


@given(st.lists(st.tuples(verbs, ids), min_size=1, max_size=5), st.sets(st.sampled_from(people)))
def test_folded_operations_do_what_they_do_one_after_the_other(
    wanted: list[tuple[str, list[UserId]]], members: set[UserId]
) -> None:
    operations = [
        {"op": verb, "path": "members", "value": [{"value": id} for id in ids]} for verb, ids in wanted
    ]
    change = groups.modification(patch_op(*operations), V2).members
    expected = set(members)
    for verb, named in wanted:
        expected = {
            "add": expected | set(named),
            "remove": expected - set(named),
            "replace": set(named),
        }[verb]
    assert applied(change, members) == expected
    assert not set(change.add) & set(change.remove)
    assert applied(change, expected) == expected


def test_a_removal_that_names_nobody_removes_all() -> None:
    change = groups.modification(patch_op({"op": "remove", "path": "members"}), V2)
    assert change.members == Members(replace=())
    assert groups.modification({"schemas": ["x"], "meta": {"attributes": ["members"]}}, V1) == change


@pytest.mark.parametrize(
    "value",
    [[{"value": "U1"}, {"value": "U2"}], ["U1", "U2"], [{"VALUE": " U1 "}, {"value": "U2", "display": "x"}]],
)
def test_members_come_as_objects_or_bare_ids(value: Any) -> None:
    body = {"schemas": [V2.group_urn], "displayName": "Sales", "members": value}
    assert groups.creation(body).members.add == ("U1", "U2")
    assert groups.replacement(body).members.replace == ("U1", "U2")


def test_one_removal_may_name_several() -> None:
    path = 'members[value eq "U1" or value eq U2]'
    change = groups.modification(patch_op({"op": "remove", "path": path}), V2)
    assert change.members.remove == ("U1", "U2")


def test_a_put_without_members_empties_the_group_and_keeps_its_name() -> None:
    change = groups.replacement({"schemas": [V2.group_urn]})
    assert change == GroupChange(display_name=UNSET, members=Members(replace=()))


@pytest.mark.parametrize(
    ("operation", "error"),
    [
        ({"op": "remove", "path": "displayName"}, Invalid),
        ({"op": "replace", "path": "displayName", "value": 7}, Invalid),
        ({"op": "add", "path": "members", "value": [7]}, Invalid),
        ({"op": "add", "path": "members", "value": [{}]}, Invalid),
        ({"op": "add", "path": "members", "value": [{"value": " "}]}, Invalid),
        ({"op": "add", "path": 'members[value eq "U1"]', "value": "x"}, InvalidPath),
        ({"op": "remove", "path": 'members[display eq "Ann"]'}, InvalidPath),
        ({"op": "remove", "path": "members[value pr]"}, InvalidPath),
        ({"op": "remove", "path": "members.value"}, InvalidPath),
        ({"op": "remove", "path": "members.display"}, InvalidPath),
        ({"op": "replace", "path": "members.display", "value": "x"}, InvalidPath),
        ({"op": "replace", "path": "owner", "value": "x"}, InvalidPath),
        ({"op": "replace", "path": f"{V2.extensions['enterprise']}:department", "value": "x"}, InvalidPath),
    ],
)
def test_an_operation_that_cannot_be_is_refused(operation: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        groups.modification(patch_op(operation), V2)


@pytest.mark.parametrize(
    "fields", [{}, {"displayName": None}, {"displayName": 7}, {"displayName": "x", "members": 7}]
)
def test_a_post_that_cannot_be_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(Invalid, match="invalid_attribute_format"):
        groups.creation({"schemas": [V2.group_urn], **fields})


@pytest.mark.parametrize("members", ["", False, 0, {}, " ", [None]])
def test_members_of_a_wrong_type_are_refused_and_not_nobody(members: Any) -> None:
    body = {"schemas": [V2.group_urn], "displayName": "Sales", "members": members}
    for read in (groups.creation, groups.replacement):
        with pytest.raises(Invalid, match="invalid_attribute_format"):
            read(body)


def test_null_members_are_none() -> None:
    body = {"schemas": [V2.group_urn], "displayName": "Sales", "members": None}
    assert groups.creation(body).members == Members()
    assert groups.replacement(body).members == Members(replace=())


@pytest.mark.parametrize("members", ["U1", {"value": "U1"}])
def test_one_member_without_brackets_is_one_member_and_never_the_whole_list(members: Any) -> None:
    body = {"schemas": [V1.group_urn], "members": members}
    assert groups.modification(body, V1).members == Members(add=(UserId("U1"),))
    marked = {"schemas": [V1.group_urn], "members": {"value": "U1", "operation": "delete"}}
    assert groups.modification(marked, V1).members == Members(remove=(UserId("U1"),))


def test_a_body_needs_schemas() -> None:
    with pytest.raises(MissingSchemas):
        groups.creation({"displayName": "Sales"})


@dialects
def test_what_is_shown_can_be_sent_back(dialect: Dialect) -> None:
    group = Group(BARE.org_id, GroupId("S1"), BARE.created, "Sales")
    shown = groups.render(group, groups.listed([Member(UserId("U1"), "Ann Lee")]), dialect, SITE)
    assert list(shown) == list(dialect.group_keys)
    assert shown["members"] == [{"value": "U1", "display": "Ann Lee"}]
    change = groups.replacement(shown)
    assert change == GroupChange(display_name="Sales", members=Members(replace=(UserId("U1"),)))
