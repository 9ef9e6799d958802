"""The short way asks for exactly what the ordinary way asks for, and answers what it is there for."""

from __future__ import annotations

from urllib.parse import parse_qsl

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rosterd.directory.query import Compare, Op
from rosterd.provisioning import filters
from rosterd.scim.listing import parse_page
from rosterd.web import express

pieces = st.sampled_from(
    ["userName", "USERNAME", "emails.value", "id", "title", "a.b", "eq", "co", "Eq", "%20", "+", "%22", '"',
     "%40", "%2B", "%25", "ann", "W1", ".", "-", "_", "@", "&", "startIndex=1", "count=1", "count=0",
     "count=999", "count=1000", "filter=", "?", "/", "0"]
)  # fmt: skip
targets = st.one_of(
    st.lists(pieces, max_size=12).map("".join),
    st.builds(
        "Users?filter={}{}eq{}%22{}%22{}".format,
        st.sampled_from(["userName", "nickname", "email", "emails", "Emails.Value", "id", "displayName"]),
        st.sampled_from(["+", "%20"]),
        st.sampled_from(["+", "%20"]),
        st.lists(pieces, min_size=1, max_size=4).map("".join),
        st.sampled_from(["", "&startIndex=1", "&count=5", "&startIndex=1&count=100", "&count=0"]),
    ),
)


@given(targets)
@example("Users?filter=userName+eq+%22Ann%2Bx%40Example.com%22&startIndex=1&count=100")
def test_a_filter_is_read_as_the_parser_reads_it(target: str) -> None:
    wanted = express._wanted(f"GET /scim/v2/{target} HTTP/1.1".encode())
    if wanted is None or not wanted.is_list:
        return
    params = {name.lower(): value for name, value in parse_qsl(target.partition("?")[2], strict_parsing=True)}
    assert filters.condition(params["filter"], filters.USER_FIELDS) == Compare(
        wanted.field, Op.EQ, wanted.value
    )
    page = parse_page(params)
    assert page.start_index == 1
    assert page.count >= 1


@pytest.mark.parametrize("line", [
    b"GET /scim/v3/Users/W1 HTTP/1.1",
    b"GET /scim/v2/Users/W1 HTTP/1.0",
    b"GET /scim/v2/Users/W1/ HTTP/1.1",
    b"GET /scim/v2/Users/W1?attributes=id HTTP/1.1",
    b"HEAD /scim/v2/Users/W1 HTTP/1.1",
    b"GET /scim/v2/Users/W1 HTTP/1.1\r\nX: y",
    b"GET /scim/v2/Users/%57 HTTP/1.1",
    b"GET /scim/v2/Groups/S1 HTTP/1.1",
    b"GET /scim/v2/Users?filter=userName+eq+%22a%22&attributes=id HTTP/1.1",
    b"GET /scim/v2/Users?filter=active+eq+%22true%22 HTTP/1.1",
])  # fmt: skip
def test_anything_else_is_left_to_the_ordinary_way(line: bytes) -> None:
    assert express._wanted(line) is None
