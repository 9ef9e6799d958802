"""Pages: Slack SCIM API reference, heading *Pagination*; changelog *Have SCIM, will paginate* (2019-06)."""

from __future__ import annotations

import pytest

from tests.protocol import live
from tests.protocol.bodies import check_same, listing
from tests.protocol.live import Api, Org, Server, ok

SIZE = 13


@pytest.fixture(scope="module")
def crowd(server: Server) -> Org:
    """An organisation of thirteen that no test changes: its owner and twelve in order of creation."""
    org = live.make_org(server)
    api = org.api("v2")
    for number in range(1, SIZE):
        api.create_user(f"user{number:02}")
        api.create_group(f"group{number:02}")
    return org


@pytest.fixture
def crowd_api(crowd: Org, version: str) -> Api:
    return crowd.api(version)


def test_ten_are_shown_by_default_in_the_order_of_creation(crowd_api: Api) -> None:
    body = ok(crowd_api.get("Users"))
    names = [user["userName"] for user in body["Resources"]]
    assert names == ["owner", *(f"user{number:02}" for number in range(1, 10))]
    check_same(body, listing(crowd_api, body["Resources"], SIZE))
    groups = ok(crowd_api.get("Groups"))
    check_same(groups, listing(crowd_api, groups["Resources"], SIZE - 1))
    assert [group["displayName"] for group in groups["Resources"]][-1] == "group10"


def test_a_resource_in_a_list_is_the_resource(crowd_api: Api) -> None:
    for path in ("Users", "Groups"):
        [first] = ok(crowd_api.get(path, count=1))["Resources"]
        check_same(first, ok(crowd_api.get(f"{path}/{first['id']}")))


@pytest.mark.parametrize("path", ["Users", "Groups"])
@pytest.mark.parametrize("count", [1, 5, 1000])
def test_pages_give_everybody_once(crowd_api: Api, path: str, count: int) -> None:
    start, seen = 1, []
    while page := ok(crowd_api.get(path, startIndex=start, count=count))["Resources"]:
        seen += [each["id"] for each in page]
        start += len(page)
    assert len(seen) == len(set(seen)) == (SIZE if path == "Users" else SIZE - 1)


@pytest.mark.parametrize(("query", "start_index", "items"), [
    ("startIndex=2&count=2", 2, 2),
    ("startindex=2&COUNT=2", 2, 2),
    ("startIndex=0&count=2", 1, 2),
    ("startIndex=-7&count=2", 1, 2),
    ("startIndex=13", 13, 1),
    ("startIndex=14", 14, 0),
    ("count=0", 1, 0),
    ("count=-1", 1, 0),
    ("count=1001", 1, SIZE),
    (f"count={10**30}", 1, SIZE),
    (f"startIndex={10**30}", 2**53, 0),
    (f"startIndex={'9' * 5000}", 2**53, 0),
    ("sortBy=userName&sortOrder=descending&count=1", 1, 1),
])  # fmt: skip
def test_sizes_out_of_range_are_clamped(crowd_api: Api, query: str, start_index: int, items: int) -> None:
    body = ok(crowd_api.get(f"Users?{query}"))
    check_same(body, listing(crowd_api, body["Resources"], SIZE, start_index))
    assert body["itemsPerPage"] == items


@pytest.mark.parametrize("path", ["Users", "Groups"])
@pytest.mark.parametrize(
    "query", ["count=x", "count=", "count=1.5", "startIndex=1e3", "startIndex=NaN", "count=٣"]
)
def test_what_is_no_number_is_refused(crowd_api: Api, path: str, query: str) -> None:
    crowd_api.check_refused(crowd_api.get(f"{path}?{query}"), "invalid_query")


def test_a_bad_sort_order_is_refused_and_a_good_one_ignored(crowd_api: Api) -> None:
    crowd_api.check_refused(crowd_api.get("Users", sortOrder="up"), "invalid_sort_order")
    body = ok(crowd_api.get("Users", sortBy="userName", sortOrder="descending", count=1))
    assert body["Resources"][0]["userName"] == "owner"


def test_slashes_at_the_end_are_allowed(crowd_api: Api) -> None:
    for path in ("Users", "Groups"):
        check_same(ok(crowd_api.get(f"{path}/?count=2")), ok(crowd_api.get(f"{path}?count=2")))
