from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rosterd.scim.documents import parse
from rosterd.scim.errors import InvalidSyntax
from tests.scim.strategies import json_values


def _nested(depth: int) -> bytes:
    """An object whose deepest container is ``depth`` levels down."""
    return b'{"a":' + b"[" * (depth - 1) + b"]" * (depth - 1) + b"}"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"{}", {}),
        (b' {"a": [1, 2.5, true, null, "x"]}\r\n', {"a": [1, 2.5, True, None, "x"]}),
        (b'{"a": "\\u00e9\\ud83d\\ude00"}', {"a": "é😀"}),
        ('{"名": "å"}'.encode(), {"名": "å"}),
        (b'{"a": "\\\\u0000"}', {"a": "\\u0000"}),
        (b'{"a": {"b": 1}, "c": {"b": 1}}', {"a": {"b": 1}, "c": {"b": 1}}),
        (b'{"a": 1e308}', {"a": 1e308}),
    ],
)
def test_a_json_object_is_read(body: bytes, expected: dict[str, Any]) -> None:
    assert parse(body) == expected


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"{",
        b"{}{}",
        b"{'a': 1}",
        b'{"a": 1,}',
        b'{"a": 01}',
        b'{"a": "tab\there"}',
        b"\xef\xbb\xbf{}",
        b'{"a": "\xff"}',
        b'{"a": "\xed\xa0\x80"}',
        '{"a": 1}'.encode("utf-16"),
        pytest.param(b'{"a": ' + b"9" * 5_000 + b"}", id="5,000 digits"),
    ],
)
def test_malformed_text_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidSyntax, match="well-formed"):
        parse(body)


@pytest.mark.parametrize("body", [b"[]", b'"x"', b"1", b"null", b"true", b"[{}]"])
def test_a_document_that_is_no_object_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidSyntax, match="not a JSON object"):
        parse(body)


@pytest.mark.parametrize(
    "body",
    [
        b'{"a": 1, "a": 1}',
        b'{"a": 1, "A": 1}',
        b'{"x": [{"active": true, "Active": false}]}',
        b'{"a": 1, "\\u0061": 1}',
    ],
)
def test_a_name_that_stands_twice_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidSyntax, match="twice"):
        parse(body)


@pytest.mark.parametrize("number", [b"NaN", b"Infinity", b"-Infinity", b"1e999", b"-1e999"])
def test_a_number_that_is_none_is_refused(number: bytes) -> None:
    with pytest.raises(InvalidSyntax, match="number"):
        parse(b'{"a": [' + number + b"]}")


@pytest.mark.parametrize(
    "body",
    [
        b'{"a": "\\u0000"}',
        b'{"a\\u0000": 1}',
        b'{"a": [["x\\u0000"]]}',
        b'{"a": "\\ud800"}',
        b'{"\\udc00": 1}',
        b'{"a": {"b": ["\\ud83d x \\ude00"]}}',
    ],
)
def test_text_that_cannot_be_stored_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidSyntax, match="a string holds"):
        parse(body)


def test_depth_is_bounded_exactly() -> None:
    assert parse(_nested(40))
    with pytest.raises(InvalidSyntax, match="40 levels"):
        parse(_nested(41))
    assert parse(_nested(3), max_depth=3)
    with pytest.raises(InvalidSyntax, match="2 levels"):
        parse(_nested(3), max_depth=2)


def test_brackets_inside_strings_are_not_depth() -> None:
    assert parse(b'{"a": "' + b"[{" * 50 + b'"}')
    assert parse(b'{"a": "' + b"[" * 50 + b"]" * 50 + b'"}')


@pytest.mark.parametrize("brackets", [b"[" * 1_000_000, b'{"a":' * 200_000, _nested(100_000)])
def test_a_million_brackets_are_refused(brackets: bytes) -> None:
    with pytest.raises(InvalidSyntax):
        parse(brackets)


@given(
    st.binary(max_size=64)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=64).map(str.encode)
    | json_values.map(json.dumps).map(str.encode)
)
@settings(deadline=None, max_examples=200)
@example(b'{"a":-}')
def test_any_bytes_are_an_object_or_invalid_syntax(body: bytes) -> None:
    try:
        document = parse(body)
    except InvalidSyntax:
        return
    assert document == json.loads(body)
    assert "\0" not in "".join(document)
    json.dumps(document, ensure_ascii=False).encode()
