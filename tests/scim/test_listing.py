from __future__ import annotations

import pytest

from rosterd.scim.dialect import V1, V2
from rosterd.scim.errors import InvalidPage, InvalidSortOrder
from rosterd.scim.listing import Page, envelope, parse_page


@pytest.mark.parametrize(
    ("params", "page"),
    [
        ({}, Page(1, 10)),
        ({"count": "2", "startindex": "3"}, Page(3, 2)),
        ({"count": "0"}, Page(1, 0)),
        ({"count": "-1", "startindex": "-1"}, Page(1, 0)),
        ({"startindex": "0"}, Page(1, 10)),
        ({"startindex": "-0"}, Page(1, 10)),
        ({"count": "1000"}, Page(1, 1000)),
        ({"count": "1001"}, Page(1, 1000)),
        ({"count": "007"}, Page(1, 7)),
        ({"count": str(2**63), "startindex": str(2**63)}, Page(2**53, 1000)),
        ({"count": "9" * 5_000, "startindex": "9" * 5_000}, Page(2**53, 1000)),
        ({"count": "0" * 5_000 + "5"}, Page(1, 5)),
        ({"startindex": "-" + "9" * 5_000}, Page(1, 10)),
        ({"startindex": str(2**53 - 1)}, Page(2**53 - 1, 10)),
        ({"sortby": "anything", "sortorder": "Descending"}, Page(1, 10)),
    ],
)
def test_sizes_are_clamped(params: dict[str, str], page: Page) -> None:
    assert parse_page(params) == page


@pytest.mark.parametrize("name", ["count", "startindex"])
@pytest.mark.parametrize(
    "text", ["", "x", "1.5", "1e3", "٣", "1_0", " 1", "1 ", "1\n", "+1", "--1", "-", "0x1"]
)
def test_what_is_no_whole_number_is_refused(name: str, text: str) -> None:
    with pytest.raises(InvalidPage) as caught:
        parse_page({name: text})
    assert caught.value.parameter.lower() == name


@pytest.mark.parametrize("order", ["", "asc", "up", "ascending "])
def test_an_unknown_order_is_refused(order: str) -> None:
    with pytest.raises(InvalidSortOrder):
        parse_page({"sortorder": order})


def test_the_envelopes_have_their_versions_order_of_keys() -> None:
    resources = [{"id": "U1"}, {"id": "U2"}]
    v1, v2 = (envelope(dialect, resources, 3, Page(2, 5)) for dialect in (V1, V2))
    assert list(v1) == ["totalResults", "itemsPerPage", "startIndex", "schemas", "Resources"]
    assert list(v2) == ["schemas", "Resources", "totalResults", "itemsPerPage", "startIndex"]
    assert v1["schemas"] == ["urn:scim:schemas:core:1.0"]
    assert v2["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:ListResponse"]


def test_a_page_says_how_many_resources_it_has_not_how_many_it_could_have() -> None:
    page = envelope(V2, [{"id": "U1"}], 3, Page(start_index=3, count=100))
    assert (page["totalResults"], page["itemsPerPage"], page["startIndex"]) == (3, 1, 3)
