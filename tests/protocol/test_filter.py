"""Filters: Slack SCIM API reference, heading *Filter*; RFC 7644 §3.4.2.2."""

from __future__ import annotations

import pytest

from tests.protocol import live
from tests.protocol.live import Api, Org, Server, created, detail, ok

PEOPLE = ("ann", "bob", "carly", "dan_d", "danxd")
ALL = ("owner", *PEOPLE, "gus")


@pytest.fixture(scope="module")
def crowd(server: Server) -> Org:
    """An organisation that no test changes: its owner, five people, a guest and two groups."""
    org = live.make_org(server)
    api = org.api("v2")
    ids = {name: api.create_user(name, displayName=f"{name.title()} X")["id"] for name in PEOPLE}
    emails = [{"value": "gus@guests.example", "primary": True}, {"value": "second@guests.example"}]
    guest = api.user_body("gus", emails=emails, displayName="Ünal") | {api.urns.guest: {"type": "multi"}}
    created(api.post("Users", guest))
    api.delete(f"Users/{ids['bob']}")
    api.create_group("Sales Team", ids["ann"])
    api.create_group("100% _Ops", ids["ann"], ids["carly"])
    return org


@pytest.fixture
def crowd_api(crowd: Org, version: str) -> Api:
    return crowd.api(version)


def found(api: Api, filter: str) -> list[str]:
    """The usernames that a filter finds, in the order of the list."""
    body = ok(api.get("Users", filter=filter, count=100))
    assert body["totalResults"] == len(body["Resources"])
    return [user["userName"] for user in body["Resources"]]


FILTERS: list[tuple[str, tuple[str, ...]]] = [
    ('userName eq "carly"', ("carly",)),
    ('userName Eq "Carly"', ("carly",)),
    ('username eq "CARLY"', ("carly",)),
    ("userName Eq carly", ("carly",)),
    ("userName eq 'carly'", ("carly",)),
    ('filter=userName Eq "Carly"', ("carly",)),
    ('userName eq "carly"&', ("carly",)),
    (' userName eq "carly" ', ("carly",)),
    ('nickName eq "carly"', ("carly",)),
    ('urn:ietf:params:scim:schemas:core:2.0:User:userName eq "carly"', ("carly",)),
    ('urn:scim:schemas:core:1.0:userName eq "carly"', ("carly",)),
    ('email Eq "ann@example.com"', ("ann",)),
    ('emails eq "ANN@example.com"', ("ann",)),
    ('emails.value eq "second@guests.example"', ("gus",)),
    ('emails[type eq "work"].value eq "gus@guests.example"', ("gus",)),
    ('emails[type eq "work"].value eq "second@guests.example"', ()),
    ('emails[value eq "second@guests.example"]', ("gus",)),
    ('emails[primary eq true and value co "guests"]', ("gus",)),
    ('displayName eq "carly x"', ("carly",)),
    ('displayName eq "üNAL"', ("gus",)),
    ('displayName sw "Ü"', ("gus",)),
    ('userName co "ar"', ("carly",)),
    ('userName co "n_d"', ("dan_d",)),
    ('userName co "%"', ()),
    ('userName sw "DAN"', ("dan_d", "danxd")),
    ('userName ew "d"', ("dan_d", "danxd")),
    ('email sw "ann@" or email ew "guests.example"', ("ann", "gus")),
    ('userName gt "carly" and userName lt "gus"', ("dan_d", "danxd")),
    ('userName ge "carly" and userName le "dan_d"', ("carly", "dan_d")),
    ("userName pr", ALL),
    ("emails pr", ALL),
    ('userName ne "ann" and userName sw "a"', ()),
    ('not (userName sw "dan") and userName lt "z"', ("owner", "ann", "bob", "carly", "gus")),
    ('userName eq "ann" or userName eq "bob" and userName eq "carly"', ("ann",)),
    ('(userName eq "ann" or userName eq "bob") and active eq true', ("ann",)),
    ('((userName eq "ann"))', ("ann",)),
    ("active eq false", ("bob",)),
    ('active eq "False"', ("bob",)),
    ("restricted eq '1'", ("gus",)),
    ("restricted eq 0 and userName sw 'g'", ()),
    ("ultra_restricted eq 1", ()),
    ('externalId eq "x"', ()),
    ('userName eq ""', ()),
    ("userName eq \"x' OR '1'='1\"", ()),
    ('userName eq "nobody"', ()),
]


@pytest.mark.parametrize(("filter", "names"), FILTERS)
def test_filters_find_whom_they_describe(crowd_api: Api, filter: str, names: tuple[str, ...]) -> None:
    assert found(crowd_api, filter) == list(names)


def test_a_user_is_found_by_id(crowd_api: Api) -> None:
    someone = ok(crowd_api.get("Users", filter='userName eq "ann"'))["Resources"][0]
    assert ok(crowd_api.get("Users", filter=f'id eq "{someone["id"]}"'))["Resources"] == [someone]


@pytest.mark.parametrize(("filter", "names"), [
    ('displayName eq "sales TEAM"', ["Sales Team"]),
    ('displayName co "% _"', ["100% _Ops"]),
    ('displayName sw "Sales" or displayName sw "100"', ["Sales Team", "100% _Ops"]),
    ("displayName pr", ["Sales Team", "100% _Ops"]),
    ('displayName eq "nothing"', []),
    ('externalId eq "x"', []),
])  # fmt: skip
def test_groups_are_filtered_too(crowd_api: Api, filter: str, names: list[str]) -> None:
    body = ok(crowd_api.get("Groups", filter=filter))
    assert [group["displayName"] for group in body["Resources"]] == names
    assert body["totalResults"] == len(names)


def test_groups_are_found_by_member(crowd_api: Api) -> None:
    [carly] = ok(crowd_api.get("Users", filter='userName eq "carly"'))["Resources"]
    for attribute in ("members", "members.value"):
        body = ok(crowd_api.get("Groups", filter=f'{attribute} eq "{carly["id"]}"'))
        assert [group["displayName"] for group in body["Resources"]] == ["100% _Ops"]


BAD: list[tuple[str, str]] = [
    ("", "no_filters"),
    (" ", "no_filters"),
    ("filter=", "no_filters"),
    ("userName", "incomplete_filter"),
    ("userName eq", "incomplete_filter"),
    ('userName  eq "ann"', "incomplete_filter"),
    ('userName eq  "ann"', "incomplete_filter"),
    ('userName eq"ann"', "incomplete_filter"),
    ('userName eq "ann" and', "incomplete_filter"),
    ('and userName eq "ann"', "incomplete_filter"),
    ('(userName eq "ann"', "invalid_filter_group"),
    ('userName eq "ann")', "invalid_filter_group"),
    ("()", "invalid_filter_group"),
    ("emails[]", "invalid_filter_group"),
    ('userName like "ann"', "invalid_query"),
    ('userName eq "ann', "invalid_query"),
    ('userName eq "ann" userName eq "bob"', "invalid_query"),
    ('shoeSize eq "43"', "invalid_query"),
    ('title eq "Cook"', "invalid_query"),
    ('userName.x eq "ann"', "invalid_query"),
    ("userName eq true", "invalid_query"),
    ("active co true", "invalid_query"),
    ("active eq 7", "invalid_query"),
    ('userName eq "\\ud800"', "invalid_query"),
    ('userName eq "\\u0000"', "invalid_query"),
    ("userName eq 1e999", "invalid_query"),
    ("(" * 41 + 'userName eq "a"' + ")" * 41, "query_building_failed"),
    (" or ".join(['userName eq "a"'] * 201), "query_building_failed"),
    ("x" * 8_193, "query_building_failed"),
]


@pytest.mark.parametrize(("filter", "code"), BAD, ids=range(len(BAD)))
@pytest.mark.parametrize("path", ["Users", "Groups"])
def test_a_bad_filter_is_refused_and_finds_nobody(crowd_api: Api, path: str, filter: str, code: str) -> None:
    filter = filter if path == "Users" else filter.replace("userName", "displayName")
    if path == "Groups" and "active" in filter:
        code = "invalid_query"
    crowd_api.check_refused(crowd_api.get(path, filter=filter), code)


def test_why_a_filter_is_refused_is_said_in_a_header(crowd_api: Api) -> None:
    refused = crowd_api.get("Users", filter='shoeSize eq "43"')
    assert (detail(refused), refused.headers["x-rosterd-reason"]) == (
        "invalid_query",
        "cannot filter by 'shoesize'",
    )


@pytest.mark.parametrize(
    "query", ["FILTER=userName%20eq%20ann", "Filter=userName+eq+ann", "filter=userName%20eq%20ann&"]
)
def test_the_parameter_has_no_case(crowd_api: Api, query: str) -> None:
    assert ok(crowd_api.get(f"Users?{query}"))["totalResults"] == 1


def test_a_filter_and_a_page_go_together(crowd_api: Api) -> None:
    body = ok(crowd_api.get("Users", filter='userName sw "dan"', count=1, startIndex=2))
    assert [user["userName"] for user in body["Resources"]] == ["danxd"]
    assert (body["totalResults"], body["itemsPerPage"], body["startIndex"]) == (2, 1, 2)
