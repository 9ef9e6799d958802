from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rosterd.scim.dialect import V1, V2, Dialect
from rosterd.scim.errors import TooLarge
from rosterd.scim.projection import MAX_NAMES, parse_projection, project


def _user(dialect: Dialect) -> dict[str, Any]:
    enterprise = dialect.extensions["enterprise"]
    return {
        "schemas": [dialect.user_urn, enterprise],
        "id": "U1",
        "meta": {"created": "2026-01-02T03:04:05-08:00", "location": "https://example.com/U1"},
        "userName": "ann",
        "name": {"givenName": "Ann", "familyName": ""},
        "emails": [{"value": "ann@example.com", "primary": True}, {"value": "", "primary": False}],
        "roles": ["Cook"],
        "addresses": None,
        enterprise: {"department": "Kitchen", "manager": {"managerId": "U2", "displayName": None}},
        "groups": [],
    }


def _kept(params: dict[str, str], dialect: Dialect = V2) -> dict[str, Any]:
    """What is left of the user, without what always is."""
    kept = project(_user(dialect), parse_projection(params))
    assert kept.pop("schemas") == _user(dialect)["schemas"]
    assert kept.pop("id") == "U1"
    return kept


ENTERPRISE = V2.extensions["enterprise"]


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ("userName", {"userName": "ann"}),
        ("USERNAME , title", {"userName": "ann"}),
        ("id,schemas", {}),
        ("nothing", {}),
        ("!!!", {}),
        ("name.givenName", {"name": {"givenName": "Ann"}}),
        ("name.middleName", {}),
        ("name,name.givenName", {"name": {"givenName": "Ann", "familyName": ""}}),
        ("name.givenName,name", {"name": {"givenName": "Ann", "familyName": ""}}),
        ("meta.location", {"meta": {"location": "https://example.com/U1"}}),
        ("emails.value", {"emails": [{"value": "ann@example.com"}, {"value": ""}]}),
        ("emails.type", {}),
        ("roles.value", {}),
        ("addresses", {"addresses": None}),
        ("addresses.region", {"addresses": None}),
        ("groups.value", {"groups": []}),
        ("userName.x", {}),
        (f"{ENTERPRISE}:department", {ENTERPRISE: {"department": "Kitchen"}}),
        (f"{ENTERPRISE.lower()}:manager.managerid", {ENTERPRISE: {"manager": {"managerId": "U2"}}}),
        (ENTERPRISE, {ENTERPRISE: _user(V2)[ENTERPRISE]}),
        (V1.extensions["enterprise"], {ENTERPRISE: _user(V2)[ENTERPRISE]}),
        ("urn:ietf:params:scim:schemas:core:2.0:User:userName", {"userName": "ann"}),
    ],
)
def test_only_the_named_attributes_are_kept(attributes: str, expected: dict[str, Any]) -> None:
    assert _kept({"attributes": attributes}) == expected


@pytest.mark.parametrize(
    ("excluded", "gone"),
    [
        ("userName,title", ["userName"]),
        ("id,schemas", []),
        ("groups,emails", ["groups", "emails"]),
        (ENTERPRISE, [ENTERPRISE]),
        ("groups.value", []),
    ],
)
def test_all_but_the_excluded_attributes_are_kept(excluded: str, gone: list[str]) -> None:
    expected = {key: value for key, value in _user(V2).items() if key not in ("schemas", "id", *gone)}
    assert _kept({"excludedattributes": excluded}) == expected


def test_parts_can_be_excluded() -> None:
    kept = _kept({"excludedattributes": f"emails.primary,{ENTERPRISE}:manager,name.familyName,roles.value"})
    assert kept["emails"] == [{"value": "ann@example.com"}, {"value": ""}]
    assert kept[ENTERPRISE] == {"department": "Kitchen"}
    assert kept["name"] == {"givenName": "Ann"}
    assert kept["roles"] == ["Cook"]


def test_a_v1_resource_is_cut_by_its_own_urns() -> None:
    urn = V1.extensions["enterprise"]
    assert _kept({"attributes": f"{urn}.department"}, V1) == {urn: {"department": "Kitchen"}}


def test_attributes_wins_over_excluded_attributes() -> None:
    assert _kept({"attributes": "userName", "excludedattributes": "userName"}) == {"userName": "ann"}


@pytest.mark.parametrize(
    "params", [{}, {"attributes": ""}, {"attributes": " , "}, {"excludedattributes": ""}]
)
def test_without_names_the_resource_itself_is_returned(params: dict[str, str]) -> None:
    user = _user(V2)
    assert parse_projection(params) is None
    assert project(user, None) is user


@pytest.mark.parametrize("parameter", ["attributes", "excludedattributes"])
def test_a_parameter_has_at_most_a_hundred_names(parameter: str) -> None:
    most = parse_projection({parameter: ",".join(["title"] * MAX_NAMES)})
    assert most is not None
    assert len(most.paths) == MAX_NAMES == 100
    for names in (["title"] * 101, ["", *["title"] * 100], [""] * 100_000):
        with pytest.raises(TooLarge, match=f"100 names in {parameter}"):
            parse_projection({parameter: ",".join(names)})


def test_the_order_of_keys_stays_and_the_resource_is_not_touched() -> None:
    user = _user(V2)
    kept = project(user, parse_projection({"attributes": "groups,userName,emails.value"}))
    assert list(kept) == ["schemas", "id", "userName", "emails", "groups"]
    assert user == _user(V2)


@pytest.mark.parametrize(
    ("params", "wanted"),
    [
        ({"attributes": "displayName"}, False),
        ({"attributes": "MEMBERS.value"}, True),
        ({"excludedattributes": "members"}, False),
        ({"excludedattributes": "members.display"}, True),
        ({"excludedattributes": f"{ENTERPRISE}:members"}, True),
    ],
)
def test_a_projection_knows_what_need_not_be_read(params: dict[str, str], wanted: bool) -> None:
    projection = parse_projection(params)
    assert projection is not None
    assert projection.wants("members") is wanted


@given(st.text(max_size=30) | st.text("emails.value,urn:", max_size=40), st.booleans())
@settings(deadline=None, max_examples=200)
def test_any_text_projects_to_a_part_of_the_resource(text: str, excludes: bool) -> None:
    user = _user(V2)
    kept = project(user, parse_projection({"excludedattributes" if excludes else "attributes": text}))
    assert {"schemas", "id"} <= kept.keys() <= user.keys()
