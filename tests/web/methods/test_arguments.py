"""Arguments: how they are read, and what they are read as."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rosterd.web.methods.arguments import MOST_LISTED, Arguments, parsed, read
from rosterd.web.methods.errors import MethodError
from tests.web.requests import a_request

pytestmark = pytest.mark.anyio

MEDIA = (
    "application/json",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "text/plain",
)

UNREADABLE = {"invalid_form_data", "invalid_json", "json_not_object", "invalid_arg_name", "invalid_array_arg"}


def refused(read: Any) -> str:
    with pytest.raises(MethodError) as raised:
        read()
    return raised.value.code


async def sent(body: bytes, media: str, query: bytes = b"") -> tuple[dict[str, Any], str | None]:
    """The arguments and the token of a POST."""
    headers = {b"content-type": media.encode("latin-1")} if media else {}
    given, token = await read(a_request(b"/api/api.test", body, method="POST", query=query, headers=headers))
    return given.values, token


class TestOneArgument:
    def test_what_is_null_or_absent_is_not_there(self) -> None:
        given = Arguments({"a": None})
        assert (given.text("a"), given.text("b"), given.number("a"), given.listed("a")) == (None,) * 4
        assert given.flag("a") is False
        assert given.flag("a", otherwise=True) is True

    def test_an_empty_text_is_there_but_does_not_fulfil_a_requirement(self) -> None:
        given = Arguments({"a": ""})
        assert given.text("a") == ""
        assert given.number("a") is None
        assert given.listed("a") == []
        assert refused(lambda: given.required("a")) == "invalid_arguments"

    def test_a_truth_is_said_in_many_ways(self) -> None:
        for value in (True, "true", "TRUE", "1", 1):
            assert Arguments({"a": value}).flag("a") is True
        for value in (False, "false", "False", "0", 0, ""):
            assert Arguments({"a": value}).flag("a", otherwise=True) is False

    @pytest.mark.parametrize("value", ["yes", "2", [], {}, "t\0"])
    def test_what_is_no_truth_is_refused(self, value: Any) -> None:
        assert refused(lambda: Arguments({"a": value}).flag("a")) == "invalid_arguments"

    def test_a_number_is_whole(self) -> None:
        assert [Arguments({"a": value}).number("a") for value in ("7", 7, "-7", "007")] == [7, 7, -7, 7]
        wrong: Any
        for wrong in ("1.5", 1.5, "x", "1e3", "9" * 16, "٣", []):
            assert refused(partial(Arguments({"a": wrong}).number, "a")) == "invalid_arguments"

    def test_a_list_has_commas_or_is_one_and_names_each_once(self) -> None:
        for value in ("C1,C2", " C1 , C2,,C1", ["C1", "C2", "C1"], ["C1", " C2 ", None, ""]):
            assert Arguments({"a": value}).listed("a") == ["C1", "C2"]
        assert Arguments({"a": [1]}).listed("a") == ["1"]
        assert refused(lambda: Arguments({"a": [["C1"]]}).listed("a")) == "invalid_arguments"
        assert refused(lambda: Arguments({"a": {"b": 1}}).listed("a")) == "invalid_arguments"

        for many in ("C1," * MOST_LISTED + "C2", ["C1"] * (MOST_LISTED + 1)):
            assert refused(partial(Arguments({"a": many}).listed, "a")) == "invalid_arguments"

    def test_of_a_header_no_more_is_read_than_one_has(self) -> None:
        """It would take minutes if the time grew with the square of the length."""
        long = 'multipart/form-data; boundary=x; a="' + ";" * 400_000
        assert refused(partial(parsed, b"--x--", long)) == "invalid_post_type"
        head = b'Content-Disposition: form-data; name=a; b="' + b";" * 9_000
        body = (b"--x\r\n" + head + b"\r\n\r\n1\r\n") * 100 + b"--x--"
        assert parsed(body, "multipart/form-data; boundary=x") == {"a": "1"}

    def test_a_text_that_no_database_takes_is_refused(self) -> None:
        assert refused(lambda: Arguments({"a": "x\0"}).text("a")) == "invalid_arguments"
        assert refused(lambda: Arguments({"a": {"b": 1}}).required("a")) == "invalid_arguments"


class TestACall:
    async def test_the_body_wins_over_the_query_and_the_last_over_the_first(self) -> None:
        values, _ = await sent(b"a=3&a=4", MEDIA[1], b"a=1&b=2&b=5")
        assert values == {"a": "4", "b": "5"}

    async def test_a_form_brings_a_token_and_nothing_else_does(self) -> None:
        assert await sent(b"token=x&a=1", MEDIA[1]) == ({"a": "1"}, "x")
        for media in (MEDIA[0], " Application/JSON ; charset=utf-8"):
            assert await sent(b'{"token": "x", "a": 1}', media) == ({"a": 1}, None)
        assert await sent(b"", "", b"token=x&a=1") == ({"a": "1"}, None)
        part = b'--x\r\nContent-Disposition: form-data; name="token"\r\n\r\ny\r\n--x--\r\n'
        assert await sent(part, MEDIA[2]) == ({}, "y")

    async def test_an_empty_body_of_any_media_brings_nothing(self) -> None:
        for media in ("", MEDIA[0], MEDIA[1], MEDIA[3]):
            assert await sent(b"", media, b"a=1") == ({"a": "1"}, None)

    async def test_plain_text_brings_nothing(self) -> None:
        assert await sent(b"a=1", MEDIA[3]) == ({}, None)

    @pytest.mark.parametrize(
        ("charset", "body"),
        [
            ("utf-8", b"a=%C3%A9"),
            ('"UTF-8"', b"a=\xc3\xa9"),
            ("iso-8859-1", b"a=%E9"),
            ("ISO-8859-1", b"a=\xe9"),
        ],
    )
    async def test_the_documented_charsets_are_taken(self, charset: str, body: bytes) -> None:
        assert await sent(body, f"{MEDIA[1]};charset={charset}") == ({"a": "é"}, None)

    @pytest.mark.parametrize("charset", ["utf8", "utf-16", "", "x"])
    async def test_no_other_charset_is(self, charset: str) -> None:
        with pytest.raises(MethodError, match="invalid_charset"):
            await sent(b"a=1", f"{MEDIA[1]};charset={charset}")

    @given(body=st.binary(max_size=300), media=st.sampled_from(MEDIA))
    async def test_whatever_is_sent_is_read_or_refused_in_slacks_words(self, body: bytes, media: str) -> None:
        try:
            values, _ = await sent(body, media)
        except MethodError as error:
            if error.code not in UNREADABLE:
                raise
        else:
            assert all(name.replace("_", "").isalnum() for name in values if name.strip("_"))
