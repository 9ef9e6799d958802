from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rosterd.scim.dialect import DIALECTS, V2
from rosterd.scim.errors import (
    EmptyFilter,
    FilterTooComplex,
    IncompleteFilter,
    InvalidFilter,
    InvalidFilterGroup,
    ScimError,
)
from rosterd.scim.filter import format_filter, matches, parse_bracketed, parse_filter
from rosterd.scim.grammar import And, Compare, Filter, Nested, Not, Op, Or, Path, Present
from tests.scim.strategies import element_filters, filters

USERNAME, EMAIL, TYPE, VALUE = (Path(name=name) for name in ("username", "email", "type", "value"))
WORK = Compare(TYPE, Op.EQ, "work")
A, B, C = (Present(Path(name=name)) for name in "abc")
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

# What a client sends, what it means, and how v2 writes it.
FORMS: list[tuple[str, Filter, str]] = [
    ('userName Eq "Carly"', Compare(USERNAME, Op.EQ, "Carly"), 'username eq "Carly"'),
    ('username eq "carly"', Compare(USERNAME, Op.EQ, "carly"), 'username eq "carly"'),
    ("userName Eq kang_slack", Compare(USERNAME, Op.EQ, "kang_slack"), 'username eq "kang_slack"'),
    ("restricted eq '1'", Compare(Path(name="restricted"), Op.EQ, "1"), 'restricted eq "1"'),
    ("restricted eq 1", Compare(Path(name="restricted"), Op.EQ, 1), "restricted eq 1"),
    ('filter=userName Eq "Carly"', Compare(USERNAME, Op.EQ, "Carly"), 'username eq "Carly"'),
    ('userName eq "ann"&', Compare(USERNAME, Op.EQ, "ann"), 'username eq "ann"'),
    ("userName eq ann&", Compare(USERNAME, Op.EQ, "ann"), 'username eq "ann"'),
    ('  userName eq "ann" \n', Compare(USERNAME, Op.EQ, "ann"), 'username eq "ann"'),
    ('email Eq "ann@example.com"', Compare(EMAIL, Op.EQ, "ann@example.com"), 'email eq "ann@example.com"'),
    ("email eq ann@example.com", Compare(EMAIL, Op.EQ, "ann@example.com"), 'email eq "ann@example.com"'),
    ("userName eq o'hara", Compare(USERNAME, Op.EQ, "o'hara"), 'username eq "o\'hara"'),
    ('userName eq "x&"', Compare(USERNAME, Op.EQ, "x&"), 'username eq "x&"'),
    ('userName eq ""', Compare(USERNAME, Op.EQ, ""), 'username eq ""'),
    ("userName eq ''", Compare(USERNAME, Op.EQ, ""), 'username eq ""'),
    ("userName eq 'a\"b\\'", Compare(USERNAME, Op.EQ, 'a"b\\'), 'username eq "a\\"b\\\\"'),
    ('userName eq "\\u00e9\\/\\""', Compare(USERNAME, Op.EQ, 'é/"'), 'username eq "é/\\""'),
    ('userName eq "a) or (b"', Compare(USERNAME, Op.EQ, "a) or (b"), 'username eq "a) or (b"'),
    ("active eq TRUE", Compare(Path(name="active"), Op.EQ, True), "active eq true"),
    ("title ne Null", Compare(Path(name="title"), Op.NE, None), "title ne null"),
    ("userName eq 007", Compare(USERNAME, Op.EQ, "007"), 'username eq "007"'),
    ("x ge -1.5e3", Compare(Path(name="x"), Op.GE, -1500.0), "x ge -1500.0"),
    ("title PR", Present(Path(name="title")), "title pr"),
    ("name.familyName co 'x'", Compare(Path("", "name", None, "familyname"), Op.CO, "x"), ""),
    (f'{ENTERPRISE}:department sw "S"', Compare(Path("enterprise", "department"), Op.SW, "S"), ""),
    ("a pr and b pr or c pr", Or((And((A, B)), C)), "a pr and b pr or c pr"),
    ("a pr or b pr and c pr", Or((A, And((B, C)))), "a pr or b pr and c pr"),
    ("(a pr or b pr) and c pr", And((Or((A, B)), C)), "(a pr or b pr) and c pr"),
    ("a pr AND b pr And c pr", And((A, B, C)), "a pr and b pr and c pr"),
    ("((a pr))", A, "a pr"),
    ("( a pr )", A, "a pr"),
    ("(a pr)and(b pr)", And((A, B)), "a pr and b pr"),
    ("a pr  and  b pr", And((A, B)), "a pr and b pr"),
    ("not (a pr)", Not(A), "not (a pr)"),
    ("NOT(a pr) and b pr", And((Not(A), B)), "not (a pr) and b pr"),
    ("not a pr or b pr", Or((Not(A), B)), "not (a pr) or b pr"),
    (
        'emails[type eq "work" and value co "x"]',
        Nested(Path(name="emails"), And((WORK, Compare(VALUE, Op.CO, "x")))),
        'emails[type eq "work" and value co "x"]',
    ),
    (
        'emails[type eq "work"].value eq "x"',
        Compare(Path("", "emails", WORK, "value"), Op.EQ, "x"),
        'emails[type eq "work"].value eq "x"',
    ),
    (
        'emails[(type eq "work")] or a pr',
        Or((Nested(Path(name="emails"), WORK), A)),
        'emails[type eq "work"] or a pr',
    ),
]


@pytest.mark.parametrize(("text", "found", "written"), FORMS)
def test_a_filter_is_read_and_written(text: str, found: Filter, written: str) -> None:
    assert repr(parse_filter(text)) == repr(found)  # 1, 1.0 and True are equal, but not the same literal
    assert repr(parse_filter(format_filter(found, V2))) == repr(found)
    if written:
        assert format_filter(found, V2) == written


@pytest.mark.parametrize("op", Op)
def test_every_operator_is_read_in_any_case(op: Op) -> None:
    assert (
        parse_filter(f'a {op} "x"') == parse_filter(f'a {op.upper()} "x"') == Compare(Path(name="a"), op, "x")
    )


@pytest.mark.parametrize("text", ["", "  ", "filter=", "&", " filter= & "])
def test_a_filter_without_an_expression_is_empty(text: str) -> None:
    with pytest.raises(EmptyFilter):
        parse_filter(text)


@pytest.mark.parametrize(
    "text",
    [
        "userName",
        "userName eq",
        "userName eq ",
        'userName  eq "x"',
        'userName eq  "x"',
        'userName\teq "x"',
        'userName eq"x"',
        "userName eq and a pr",
        "userName and a pr",
        "a pr and",
        "a pr or ",
        "and a pr",
        "not",
        "(userName eq)",
        'a eq "x"and b pr',
        'a eq "x" and"y"',
        "emails[type pr]value eq 1",
        "emails[type pr].value",
    ],
)
def test_a_missing_word_or_space_makes_a_filter_incomplete(text: str) -> None:
    with pytest.raises(IncompleteFilter):
        parse_filter(text)


@pytest.mark.parametrize(
    "text",
    [
        "(",
        ")",
        "()",
        "not ()",
        "(a pr",
        "a pr)",
        "((a pr)",
        "(a pr))",
        "(a pr]",
        "a pr and )",
        "emails[]",
        "emails[a pr",
        "emails[a pr)",
        "emails[a pr]]",
        "emails[x[a pr]]",
        "emails [a pr]",
        "emails.value[a pr]",
        f"{ENTERPRISE}[a pr]",
        "[a pr]",
    ],
)
def test_brackets_that_are_empty_or_do_not_pair_are_an_invalid_group(text: str) -> None:
    with pytest.raises(InvalidFilterGroup):
        parse_filter(text)


@pytest.mark.parametrize(
    "text",
    [
        'userName zz "x"',
        'userName = "x"',
        'userName eq "x" "y"',
        'userName eq "x" b pr',
        "a pr b pr",
        "(a pr b pr)",
        '"userName" eq "x"',
        "'userName' eq 'x'",
        "user*name pr",
        "1a pr",
        "urn:x:y eq 1",
        "a.b.c eq 1",
        'userName eq "x',
        "userName eq 'x",
        '"',
        'userName eq "\\x"',
        'userName eq "\\ud800"',
        'userName eq "\\u0000"',
        'userName eq "a\nb"',
        "userName eq 'a\0b'",
        "userName eq a\0b",
        "userName eq \ud800",
        "a eq 1e999",
        pytest.param("a eq " + "9" * 5_000, id="5,000 digits"),
        "emails[type.x eq 1]",
        "emails[type pr].a.b eq 1",
        "emails[type pr].[ eq 1",
        "emails[type pr] eq 1",
    ],
)
def test_other_faults_are_an_invalid_filter(text: str) -> None:
    with pytest.raises(InvalidFilter) as caught:
        parse_filter(text)
    assert caught.type is InvalidFilter


def test_the_longest_the_deepest_and_the_broadest_filter_are_read() -> None:
    assert parse_filter("(" * 40 + "a pr" + ")" * 40) == A
    assert parse_filter(" or ".join(["a pr"] * 200)) == Or((A,) * 200)
    longest = "x" * (8_192 - len('a eq ""'))
    assert parse_filter(f'a eq "{longest}"') == Compare(Path(name="a"), Op.EQ, longest)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("(" * 41 + "a pr" + ")" * 41, id="41 parentheses"),
        pytest.param("(" * 8_000, id="8,000 parentheses"),
        pytest.param("not " * 41 + "a pr", id="41 nots"),
        pytest.param(" or ".join(["a pr"] * 201), id="201 comparisons"),
        pytest.param('a eq "' + "x" * (8_192 - 6) + '"', id="8,193 characters"),
    ],
)
def test_more_than_that_is_too_complex(text: str) -> None:
    with pytest.raises(FilterTooComplex):
        parse_filter(text)


def test_between_brackets_there_are_no_leniencies_around_the_filter() -> None:
    for text in ("filter=a pr", "a pr&"):
        with pytest.raises(InvalidFilter):
            parse_bracketed(text)


@given(
    name=st.sampled_from(["id", "userName", "USERNAME", "emails", "emails.value", "displayName"]),
    value=st.text(max_size=8),
)
def test_what_is_read_at_a_glance_is_what_the_grammar_says(name: str, value: str) -> None:
    text = f'{name} eq "{value}"'
    try:
        by_grammar = parse_filter(f"({text})")
    except ScimError:
        with pytest.raises(ScimError):
            parse_filter(text)
    else:
        assert parse_filter(text) == by_grammar


@given(filters)
@settings(deadline=None, max_examples=300)
def test_writing_and_reading_are_inverse(found: Filter) -> None:
    for dialect in DIALECTS:
        assert repr(parse_filter(format_filter(found, dialect))) == repr(found)


@given(
    st.text(max_size=40)
    | st.text("ab. eqprandot()[]'\"\\1&", max_size=60)
    | st.lists(
        st.sampled_from(
            ["a", "eq", "pr", "and", "or", "not", "(", ")", "[", "]", '"x"', "'y'", " ", ".b", "1"]
        )
    ).map(" ".join)
)
@settings(deadline=None, max_examples=500)
def test_any_text_is_a_filter_or_invalid_filter(text: str) -> None:
    try:
        found = parse_filter(text)
    except InvalidFilter:
        return
    assert repr(parse_filter(format_filter(found, V2))) == repr(found)


@pytest.mark.parametrize(
    ("text", "element", "expected"),
    [
        ('type eq "work"', {"type": "work"}, True),
        ('type eq "WORK"', {"Type": "Work"}, True),
        ('type eq "home"', {"type": "work"}, False),
        ('type eq "work"', {}, False),
        ('type eq "work"', {"type": None}, False),
        ('type eq "work"', {"type": ["work"]}, False),
        ("type eq null", {}, True),
        ("type eq null", {"type": "x"}, False),
        ("type ne null", {"type": "x"}, True),
        ('type ne "work"', {}, True),
        ('type ne "work"', {"type": "home"}, True),
        ('type ne "work"', {"type": "WORK"}, False),
        ("primary eq true", {"primary": True}, True),
        ("primary eq true", {"primary": "True"}, True),
        ("primary eq true", {"primary": "true"}, True),
        ("primary eq false", {"primary": "False"}, True),
        ("primary eq false", {}, True),
        ("primary eq true", {}, False),
        ('primary eq "True"', {"primary": True}, True),
        ('primary eq "False"', {"value": "x"}, True),
        ("primary pr", {}, False),
        ("value pr", {"value": ""}, False),
        ("value pr", {"value": "x"}, True),
        ("primary pr", {"primary": False}, True),
        ("value eq 333", {"value": "333"}, True),
        ('value eq "333"', {"value": 333}, True),
        ('value co "B"', {"value": "abc"}, True),
        ('value sw "AB"', {"value": "abc"}, True),
        ('value ew "bC"', {"value": "abc"}, True),
        ('value co "x"', {"value": "abc"}, False),
        ('value co "x"', {}, False),
        ('value gt "a"', {"value": "B"}, True),
        ('value ge "b"', {"value": "B"}, True),
        ('value lt "a"', {"value": "B"}, False),
        ('value le "b"', {"value": "B"}, True),
        ('value gt "a"', {}, False),
        ('type eq "work" and value pr', {"type": "work", "value": "x"}, True),
        ('type eq "work" and value pr', {"type": "work"}, False),
        ('type eq "work" or type eq "home"', {"type": "home"}, True),
        ('not (type eq "work")', {"type": "home"}, True),
    ],
)
def test_one_value_of_an_attribute_is_matched(text: str, element: dict[str, Any], expected: bool) -> None:
    assert matches(parse_bracketed(text), element) is expected


@given(
    element_filters,
    st.dictionaries(st.sampled_from(["type", "value", "a"]), st.none() | st.text() | st.booleans()),
)
@settings(deadline=None, max_examples=200)
def test_a_filter_or_its_opposite_matches(found: Filter, element: dict[str, Any]) -> None:
    assert matches(found, element) is not matches(Not(found), element)
