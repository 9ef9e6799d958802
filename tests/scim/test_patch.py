from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rosterd.scim.dialect import DIALECTS, V1, V2, Dialect
from rosterd.scim.errors import InvalidPath, InvalidSyntax, MissingSchemas, NoTarget, ScimError, TooLarge
from rosterd.scim.grammar import Compare, Op, Path
from rosterd.scim.patch import MAX_OPERATIONS, Operation, Verb, operations, to_body
from tests.scim.strategies import json_values, paths

PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
CORE_V1 = "urn:scim:schemas:core:1.0"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
ENTERPRISE_V1 = "urn:scim:schemas:extension:enterprise:1.0"
GUEST = "urn:ietf:params:scim:schemas:extension:slack:guest:2.0:User"
GUEST_V1 = "urn:scim:schemas:extension:slack:guest:1.0"
PROFILE = "urn:ietf:params:scim:schemas:extension:slack:profile:2.0:User"

ADD, REPLACE, REMOVE = Verb
MEMBERS, EMAILS = Path(name="members"), Path(name="emails")


def _v2(*messages: Any) -> dict[str, Any]:
    return {"schemas": [PATCH_OP], "Operations": list(messages)}


def _v1(**fields: Any) -> dict[str, Any]:
    return {"schemas": [CORE_V1], **fields}


def _chosen(name: str, by: str, value: Any, sub: str | None = None) -> Path:
    return Path("", name, Compare(Path(name=by), Op.EQ, value), sub)


# One message of a PatchOp, and the operation that it is.
MESSAGES: list[tuple[dict[str, Any], Operation]] = [
    # Slack SCIM reference, heading PATCH (v2)
    ({"op": "replace", "path": "active", "value": True}, Operation(REPLACE, Path(name="active"), True)),
    ({"op": "replace", "path": "userName", "value": "x"}, Operation(REPLACE, Path(name="username"), "x")),
    (
        {"op": "add", "path": f"{ENTERPRISE}:employeeNumber", "value": "121"},
        Operation(ADD, Path("enterprise", "employeenumber"), "121"),
    ),
    (
        {"op": "add", "path": ENTERPRISE, "value": {"manager": {"managerId": "U3"}}},
        Operation(ADD, Path("enterprise"), {"manager": {"managerId": "U3"}}),
    ),
    (
        {"op": "remove", "path": f"{ENTERPRISE}.manager.managerId"},
        Operation(REMOVE, Path("enterprise", "manager", None, "managerid")),
    ),
    (
        {"op": "add", "path": "emails", "value": {"value": "alt@example.com", "type": "home"}},
        Operation(ADD, EMAILS, {"value": "alt@example.com", "type": "home"}),
    ),
    (
        {"op": "replace", "path": "emails[primary eq false]", "value": {"value": "alt2@example.com"}},
        Operation(REPLACE, _chosen("emails", "primary", False), {"value": "alt2@example.com"}),
    ),
    (
        {"op": "remove", "path": 'emails[value eq "alt@example.com"]'},
        Operation(REMOVE, _chosen("emails", "value", "alt@example.com")),
    ),
    ({"op": "remove", "path": "emails"}, Operation(REMOVE, EMAILS)),
    (
        {"op": "replace", "path": 'phoneNumbers[value eq "333"].value', "value": "111"},
        Operation(REPLACE, _chosen("phonenumbers", "value", "333", "value"), "111"),
    ),
    (
        {"op": "add", "path": "roles", "value": ["Tech Lead"]},
        Operation(ADD, Path(name="roles"), ["Tech Lead"]),
    ),
    ({"op": "remove", "path": "address"}, Operation(REMOVE, Path(name="addresses"))),
    (
        {"op": "add", "path": GUEST, "value": {"type": "multi"}},
        Operation(ADD, Path("guest"), {"type": "multi"}),
    ),
    ({"op": "remove", "path": f"{GUEST}.expiration"}, Operation(REMOVE, Path("guest", "expiration"))),
    ({"op": "remove", "path": GUEST}, Operation(REMOVE, Path("guest"))),
    (
        {"op": "replace", "path": "members", "value": [{"value": "U1"}]},
        Operation(REPLACE, MEMBERS, [{"value": "U1"}]),
    ),
    ({"op": "remove", "path": "members"}, Operation(REMOVE, MEMBERS, None)),
    ({"op": "remove", "path": "members[value eq U1]"}, Operation(REMOVE, _chosen("members", "value", "U1"))),
    # Entra, with and without its SCIM compliance flag, and Slack's Java SDK
    (
        {"op": "Remove", "path": "members", "value": [{"value": "U1"}]},
        Operation(REMOVE, MEMBERS, [{"value": "U1"}]),
    ),
    (
        {"op": "remove", "path": 'members[value eq "U1"]'},
        Operation(REMOVE, _chosen("members", "value", "U1")),
    ),
    ({"op": "Replace", "path": "active", "value": "False"}, Operation(REPLACE, Path(name="active"), "False")),
    (
        {"op": "Add", "path": 'emails[type eq "work"].value', "value": "p@example.com"},
        Operation(ADD, _chosen("emails", "type", "work", "value"), "p@example.com"),
    ),
    (
        {"op": "Replace", "path": "name.givenName", "value": "G"},
        Operation(REPLACE, Path("", "name", None, "givenname"), "G"),
    ),
    ({"op": "Replace", "path": "externalId", "value": "e"}, Operation(REPLACE, Path(name="externalid"), "e")),
    # ansible-iam
    ({"op": "Replace", "path": "active", "value": False}, Operation(REPLACE, Path(name="active"), False)),
    # Okta, pushing an empty group
    ({"op": "replace", "path": "members", "value": []}, Operation(REPLACE, MEMBERS, [])),
    # Spellings
    ({"OP": "REPLACE", "Path": "title", "VALUE": None}, Operation(REPLACE, Path(name="title"), None)),
    ({"op": "remove", "path": "members", "value": []}, Operation(REMOVE, MEMBERS, [])),
    ({"op": "remove", "path": "address.region"}, Operation(REMOVE, Path("", "addresses", None, "region"))),
    (
        {"op": "add", "path": f"{ENTERPRISE_V1}.department", "value": "D"},
        Operation(ADD, Path("enterprise", "department"), "D"),
    ),
]


@pytest.mark.parametrize(("message", "expected"), MESSAGES)
def test_a_message_is_one_operation(message: dict[str, Any], expected: Operation) -> None:
    assert operations(_v2(message), V2) == (expected,)


def test_messages_keep_their_order() -> None:
    assert operations(_v2(*(message for message, _ in MESSAGES)), V2) == tuple(found for _, found in MESSAGES)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (
            {"displayName": "P", "name.givenName": "G", f"{ENTERPRISE}:employeeNumber": "n"},
            [
                (Path(name="displayname"), "P"),
                (Path("", "name", None, "givenname"), "G"),
                (Path("enterprise", "employeenumber"), "n"),
            ],
        ),
        ({ENTERPRISE: {"department": "D"}}, [(Path("enterprise"), {"department": "D"})]),
        ({"id": "S1", "displayName": "Renamed", "externalId": "1"}, [(Path(name="displayname"), "Renamed")]),
        ({"ID": "S1", "Schemas": [], "META": {}, "externalid": ""}, []),
        ({"members": [{"value": "U1", "display": "a"}]}, [(MEMBERS, [{"value": "U1", "display": "a"}])]),
        ({"address": {"region": "R"}}, [(Path(name="addresses"), {"region": "R"})]),
        ({}, []),
    ],
)
@pytest.mark.parametrize("verb", [ADD, REPLACE])
def test_a_value_without_a_path_is_taken_apart(
    verb: Verb, value: dict[str, Any], expected: list[tuple[Path, Any]]
) -> None:
    found = tuple(Operation(verb, path, part) for path, part in expected)
    assert operations(_v2({"op": verb.title(), "value": value}), V2) == found
    assert operations(_v2({"op": verb, "path": None, "value": value}), V2) == found


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            _v1(members=[{"value": "U1"}, {"value": "U2", "operation": "delete"}]),
            [Operation(REMOVE, MEMBERS, [{"value": "U2"}]), Operation(ADD, MEMBERS, [{"value": "U1"}])],
        ),
        (
            _v1(emails=[{"value": "alt@example.com", "Operation": "Delete"}]),
            [Operation(REMOVE, EMAILS, [{"value": "alt@example.com"}])],
        ),
        (_v1(members=[{"value": "U1", "operation": "add"}]), [Operation(ADD, MEMBERS, [{"value": "U1"}])]),
        (_v1(members=[{"value": "U1", "operation": None}]), [Operation(ADD, MEMBERS, [{"value": "U1"}])]),
        (_v1(members=[]), []),
        # One element without its brackets.
        (_v1(members={"value": "U1"}), [Operation(ADD, MEMBERS, [{"value": "U1"}])]),
        (
            _v1(members={"value": "U1", "operation": "delete"}),
            [Operation(REMOVE, MEMBERS, [{"value": "U1"}])],
        ),
        (_v1(Members="U1"), [Operation(ADD, MEMBERS, ["U1"])]),
        (_v1(emails="a@example.com"), [Operation(ADD, EMAILS, ["a@example.com"])]),
        (_v1(roles="Cook"), [Operation(ADD, Path(name="roles"), ["Cook"])]),
        (_v1(addresses={"region": "R"}), [Operation(ADD, Path(name="addresses"), [{"region": "R"}])]),
        (_v1(phoneNumbers=7), [Operation(ADD, Path(name="phonenumbers"), [7])]),
        (_v1(photos=None), [Operation(REPLACE, Path(name="photos"), None)]),
        (_v1(roles=["Cook"]), [Operation(ADD, Path(name="roles"), ["Cook"])]),
        (_v1(meta={"attributes": [GUEST_V1]}), [Operation(REMOVE, Path("guest"))]),
        (
            _v1(
                title="Cook",
                Meta={
                    "Attributes": [
                        "roles",
                        "name.familyName",
                        f"{ENTERPRISE_V1}.department",
                        f"{ENTERPRISE_V1}.manager.managerId",
                        f"{GUEST_V1}.expiration",
                    ]
                },
            ),
            [
                Operation(REMOVE, Path(name="roles")),
                Operation(REMOVE, Path("", "name", None, "familyname")),
                Operation(REMOVE, Path("enterprise", "department")),
                Operation(REMOVE, Path("enterprise", "manager", None, "managerid")),
                Operation(REMOVE, Path("guest", "expiration")),
                Operation(REPLACE, Path(name="title"), "Cook"),
            ],
        ),
        (_v1(meta={"location": "x"}, id="U1", externalId="e"), []),
        (_v1(meta=None), []),
        (
            _v1(name={"givenName": "G"}, active=False, title=None),
            [
                Operation(REPLACE, Path(name="name"), {"givenName": "G"}),
                Operation(REPLACE, Path(name="active"), False),
                Operation(REPLACE, Path(name="title"), None),
            ],
        ),
        (
            {"schemas": [PROFILE], PROFILE: {"startDate": "2026-04-10T00:00:00+0000"}},
            [Operation(REPLACE, Path("profile"), {"startDate": "2026-04-10T00:00:00+0000"})],
        ),
    ],
)
@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
def test_a_partial_resource_is_operations_in_both_versions(
    dialect: Dialect, body: dict[str, Any], expected: list[Operation]
) -> None:
    assert operations(body, dialect) == tuple(expected)


def test_reading_does_not_touch_the_body() -> None:
    element = {"value": "U2", "operation": "delete"}
    operations(_v1(members=[element]), V1)
    assert element == {"value": "U2", "operation": "delete"}


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
@pytest.mark.parametrize("schemas", [{}, {"schemas": []}, {"schemas": None}])
def test_schemas_are_required(dialect: Dialect, schemas: dict[str, Any]) -> None:
    with pytest.raises(MissingSchemas):
        operations({**schemas, "title": "x"}, dialect)


@pytest.mark.parametrize("schemas", ["urn:x", [1], {}, [None], 0, [["urn:x", 1]], [[["urn:x"]]]])
def test_schemas_are_a_list_of_strings(schemas: Any) -> None:
    with pytest.raises(InvalidSyntax):
        operations({"schemas": schemas, "title": "x"}, V2)


def test_any_schemas_will_do_in_any_case() -> None:
    body = {"Schemas": ["urn:anything"], "operations": [{"op": "remove", "path": "title"}]}
    assert operations(body, V2) == (Operation(REMOVE, Path(name="title")),)


@pytest.mark.parametrize("messages", [None, [], {}, "x", [None], ["x"], [[]], [{}]])
def test_operations_are_a_list_of_objects(messages: Any) -> None:
    with pytest.raises(InvalidSyntax):
        operations({"schemas": [PATCH_OP], "Operations": messages}, V2)


@pytest.mark.parametrize(
    "message",
    [
        {"path": "title", "value": "x"},
        {"op": None, "path": "title", "value": "x"},
        {"op": "", "path": "title", "value": "x"},
        {"op": "move", "path": "title", "value": "x"},
        {"op": "add ", "path": "title", "value": "x"},
        {"op": "add", "path": "title"},
        {"op": "replace", "path": "title"},
        {"op": "replace"},
        {"op": "replace", "value": "x"},
        {"op": "add", "value": [{"title": "x"}]},
        {"op": "add", "value": None},
        {"op": "add", "path": ["title"], "value": "x"},
        {"op": "remove", "path": 1},
    ],
)
def test_a_message_of_another_shape_is_refused(message: dict[str, Any]) -> None:
    with pytest.raises(InvalidSyntax):
        operations(_v2(message), V2)


@pytest.mark.parametrize("message", [{"op": "remove"}, {"op": "Remove", "value": {"title": "x"}}])
def test_a_removal_without_a_path_has_no_target(message: dict[str, Any]) -> None:
    with pytest.raises(NoTarget):
        operations(_v2(message), V2)


@pytest.mark.parametrize(
    "body",
    [
        _v2({"op": "add", "path": "", "value": 1}),
        _v2({"op": "add", "path": "a b", "value": 1}),
        _v2({"op": "remove", "path": "emails[type eq]"}),
        _v2({"op": "add", "value": {"urn:example:x": 1}}),
        _v1(**{"a b": 1}),
        _v1(**{"urn:example:x": {}}),
        _v1(meta={"attributes": ["title", "a.b.c"]}),
    ],
)
def test_a_bad_path_is_refused_wherever_it_stands(body: dict[str, Any]) -> None:
    with pytest.raises(InvalidPath):
        operations(body, V2)


def test_v1_knows_no_operations() -> None:
    with pytest.raises(InvalidPath) as caught:
        operations(_v2({"op": "remove", "path": "title"}), V1)
    assert caught.value.path == "Operations"


@pytest.mark.parametrize(
    "fields",
    [
        {"meta": "title"},
        {"meta": ["title"]},
        {"meta": {"attributes": "title"}},
        {"meta": {"attributes": [1]}},
        {"meta": {"attributes": {}}},
        {"members": [{"value": "U1", "operation": "remove"}]},
        {"members": [{"value": "U1", "operation": 1}]},
    ],
)
def test_a_partial_resource_of_another_shape_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(InvalidSyntax):
        operations(_v1(**fields), V1)


def test_the_number_of_operations_is_bounded() -> None:
    message = {"op": "remove", "path": "title"}
    assert len(operations(_v2(*[message] * MAX_OPERATIONS), V2)) == MAX_OPERATIONS
    with pytest.raises(TooLarge):
        operations(_v2(*[message] * (MAX_OPERATIONS + 1)), V2)


def test_v1_has_no_message_to_write() -> None:
    with pytest.raises(ValueError, match="v1"):
        to_body([], V1)


_changes = st.builds(
    Operation, st.sampled_from(Verb), paths.filter(lambda path: path.name != "address"), json_values
)


@given(st.lists(_changes, min_size=1, max_size=5))
@settings(deadline=None, max_examples=100)
def test_writing_and_reading_are_inverse(changes: list[Operation]) -> None:
    assert repr(operations(to_body(changes, V2), V2)) == repr(tuple(changes))


_keys = st.sampled_from(
    [
        "schemas",
        "Operations",
        "op",
        "path",
        "value",
        "meta",
        "attributes",
        "members",
        "operation",
        ENTERPRISE,
        "a b",
    ]
)
_bodies = st.recursive(
    st.none()
    | st.booleans()
    | st.sampled_from(["add", "remove", "replace", "delete", "title", "a[b pr]", ""]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_keys, inner, max_size=5),
    max_leaves=15,
)


@given(st.dictionaries(_keys, _bodies, max_size=5), st.booleans(), st.sampled_from(DIALECTS))
@settings(deadline=None, max_examples=400)
def test_any_object_is_operations_or_a_scim_error(
    body: dict[str, Any], has_schemas: bool, dialect: Dialect
) -> None:
    try:
        found = operations({**body, "schemas": [PATCH_OP]} if has_schemas else body, dialect)
    except ScimError:
        return
    assert all(isinstance(each.verb, Verb) for each in found)
