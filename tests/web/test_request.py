"""Paths, parameters, headers and bodies of a request."""

from __future__ import annotations

import json
import threading
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rosterd.directory.errors import Invalid
from rosterd.scim.errors import InvalidSyntax
from rosterd.web.errors import HttpError
from rosterd.web.request import MAX_BODY, OFF_THE_LOOP, Disconnected, segments_of, version_of
from tests.web.requests import a_request

pytestmark = pytest.mark.anyio


class TestPaths:
    @pytest.mark.parametrize(
        ("path", "segments"),
        [
            (b"/", ()),
            (b"", ()),
            (b"/scim/v2/Users", ("scim", "v2", "Users")),
            (b"/scim/v2/Users/", ("scim", "v2", "Users")),
            (b"/scim/v2/Users/U1?count=1", ("scim", "v2", "Users", "U1")),
            (b"/scim/v2/Us%65rs", ("scim", "v2", "Users")),
            (b"/scim/v2/Users/%C3%A9", ("scim", "v2", "Users", "é")),
            (b"/scim/v2/Schemas/urn:x:1.0", ("scim", "v2", "Schemas", "urn:x:1.0")),
            (b"/../scim", ("..", "scim")),
        ],
    )
    def test_a_path_is_its_parts(self, path: bytes, segments: tuple[str, ...]) -> None:
        assert segments_of(path) == segments

    @pytest.mark.parametrize(
        "path",
        [
            b"//scim/v2/Users",
            b"/scim//v2/Users",
            b"/scim/v2/Users//",
            b"/scim/v2%2FUsers",
            b"/scim/v2/Users%5CU1",
            b"/scim/v2/Users/%00",
            b"/scim/v2/Users/%0a",
            b"/scim/v2/Users/%ff",
            b"/scim/v2/Users/%E2%80%AE",
        ],
    )
    def test_an_odd_path_stands_for_nothing(self, path: bytes) -> None:
        assert segments_of(path) is None

    @given(st.lists(st.text(min_size=1, max_size=8), min_size=1, max_size=4))
    def test_parts_come_through_whole_or_not_at_all(self, parts: list[str]) -> None:
        segments = segments_of(b"/" + b"/".join(quote(part, safe="").encode() for part in parts))
        assert segments in (None, tuple(parts))

    @given(st.binary(max_size=40))
    def test_no_bytes_break_it(self, path: bytes) -> None:
        segments = segments_of(path)
        assert segments is None or all(segments)
        assert isinstance(version_of(path), str)

    @pytest.mark.parametrize(
        ("path", "version"),
        [(b"/scim/v2", "v2"), (b"/scim/v2?x", "v2"), (b"/scim/v1/%00", "v1"), (b"/scim", ""), (b"", "")],
    )
    def test_the_version_is_known_whatever_follows(self, path: bytes, version: str) -> None:
        assert version_of(path) == version


class TestParameters:
    def test_names_count_in_any_case_and_the_last_of_a_name_wins(self) -> None:
        request = a_request(query=b"StartIndex=1&startindex=2&filter=userName%20eq%20%22a%22&count=")
        assert request.params == {"startindex": "2", "filter": 'userName eq "a"', "count": ""}

    @pytest.mark.parametrize("query", [b"filter=%ff", b"&".join(b"a=1" for _ in range(101))])
    def test_a_query_that_cannot_be_read_is_refused(self, query: bytes) -> None:
        with pytest.raises(HttpError, match="invalid_query"):
            _ = a_request(query=query).params


class TestHeaders:
    def test_where_a_request_comes_from(self) -> None:
        request = a_request(headers={b"user-agent": b"x" * 300})
        assert request.origin.client == "x" * 256
        assert (request.origin.request_id, request.origin.ip_address) == ("request-1", "192.0.2.7")
        assert a_request(client=None).origin.ip_address is None
        assert request.header(b"authorization") is None


class TestBodies:
    async def test_chunks_are_one_document(self) -> None:
        assert await a_request(b"/", b'{"a":', b"", b" 1}").document(dict) == {"a": 1}

    async def test_a_large_body_is_read_as_well(self) -> None:
        wanted = {"a": "x" * OFF_THE_LOOP}
        assert await a_request(b"/", json.dumps(wanted).encode()).document(dict) == wanted

    @pytest.mark.parametrize("body", [b"", b"[]", b"{", b"null", b"\xff", b'{"a":1,"A":2}'])
    async def test_what_is_no_object_is_refused(self, body: bytes) -> None:
        with pytest.raises(InvalidSyntax):
            await a_request(b"/", body).document(dict)

    @pytest.mark.parametrize(
        ("chunks", "headers"),
        [
            ([b"{}"], {b"content-length": str(MAX_BODY + 1).encode()}),
            ([b"{}"], {b"content-length": b"9" * 5_000}),
            ([b"x" * MAX_BODY, b"x"], {}),
        ],
    )
    async def test_a_flood_is_refused(self, chunks: list[bytes], headers: dict[bytes, bytes]) -> None:
        with pytest.raises(HttpError, match="request_too_large"):
            await a_request(b"/", *chunks, headers=headers).document(dict)

    @pytest.mark.parametrize("size", [1, OFF_THE_LOOP])
    async def test_what_reading_refuses_is_refused_and_a_large_body_is_read_in_a_thread(
        self, size: int
    ) -> None:
        threads = []

        def refuse(body: dict[str, Any]) -> None:
            threads.append(threading.current_thread())
            raise Invalid("title_invalid", title=body["a"][:1])

        with pytest.raises(Invalid, match=r"title_invalid \(title=x\)"):
            await a_request(b"/", json.dumps({"a": "x" * size}).encode()).document(refuse)
        assert (threads == [threading.current_thread()]) is (size < OFF_THE_LOOP)

    async def test_a_length_that_is_none_is_no_reason(self) -> None:
        assert await a_request(b"/", b"{}", headers={b"content-length": b"-1"}).document(dict) == {}

    async def test_a_client_that_goes_away_is_not_answered(self) -> None:
        with pytest.raises(Disconnected):
            await a_request(b"/").document(dict)
