"""Filters of the wire → conditions of the directory, and every filter that is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rosterd.directory.query import And, Compare, Condition, Constant, Not, Op, Or, Present
from rosterd.provisioning.filters import GROUP_FIELDS, USER_FIELDS, condition
from rosterd.scim.errors import EmptyFilter, IncompleteFilter, InvalidFilter
from rosterd.store import groups, users


def eq(field: str, value: str | int) -> Compare:
    return Compare(field, Op.EQ, value)


GUEST = eq("role", "multi_channel_guest")
PRIMARY = And((eq("email", "a@x.example"), eq("primary_email", "a@x.example")))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('userName eq "Ann"', eq("username", "ann")),
        ("userName Eq 'Ann'", eq("username", "ann")),
        ('USERNAME eq "ann"', eq("username", "ann")),
        ('nickName eq "ann"', eq("username", "ann")),
        ('urn:scim:schemas:core:1.0:userName eq "ann"', eq("username", "ann")),
        ('email eq "A@x.example"', eq("email", "a@x.example")),
        ('userName eq "ſam"', eq("username", "ſam")),
        ('userName eq "ＳAM"', eq("username", "ＳAM")),
        ('email eq "ſam@x.example"', eq("email", "ſam@x.example")),
        (
            'emails[type eq "work" and value eq "ſam@x.example"]',
            And((eq("email", "ſam@x.example"), eq("primary_email", "ſam@x.example"))),
        ),
        ('emails eq "a@x.example"', eq("email", "a@x.example")),
        ('emails.value eq "a@x.example"', eq("email", "a@x.example")),
        ('emails[type eq "work"].value eq "a@x.example"', PRIMARY),
        ('emails[primary eq true].value eq "a@x.example"', PRIMARY),
        ('emails[value eq "a@x.example"]', eq("email", "a@x.example")),
        ('emails[type eq "work" and value eq "a@x.example"]', PRIMARY),
        (
            'emails[value co "a" and value co "x"]',
            And((Compare("email", Op.CO, "a"), Compare("email", Op.CO, "x"))),
        ),
        ("emails pr", Present("email")),
        ('emails[type eq "work"]', Present("primary_email")),
        ('displayName co "Straße"', Compare("display_name", Op.CO, "strasse")),
        ('displayName sw "A"', Compare("display_name", Op.SW, "a")),
        ('displayName ew "A"', Compare("display_name", Op.EW, "a")),
        ('userName gt "m"', Compare("username", Op.GT, "m")),
        ('id eq "U1"', eq("id", "U1")),
        ('id ne "U1"', Not(eq("id", "U1"))),
        ("active eq true", eq("active", 1)),
        ('active eq "False"', eq("active", 0)),
        ("active eq '1'", eq("active", 1)),
        ("active ne false", Not(eq("active", 0))),
        ("active pr", Constant(True)),
        ("restricted eq '1'", GUEST),
        ("restricted eq false", Not(GUEST)),
        ("ultra_restricted eq true", eq("role", "single_channel_guest")),
        ('externalId eq "e1"', Constant(False)),
        ('externalId ne "e1"', Not(Constant(False))),
        ("externalId pr", Constant(False)),
        ("not (userName pr)", Not(Present("username"))),
        (
            'userName eq "a" or userName eq "b" and active eq true',
            Or((eq("username", "a"), And((eq("username", "b"), eq("active", 1))))),
        ),
    ],
)
def test_a_filter_of_users_means(text: str, expected: Condition) -> None:
    assert condition(text, USER_FIELDS) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('displayName eq "SALES"', eq("display_name", "sales")),
        ('id eq "S1"', eq("id", "S1")),
        ('members eq "U1"', eq("member", "U1")),
        ('members.value eq "U1"', eq("member", "U1")),
        ('members[value eq "U1"]', eq("member", "U1")),
        ("members pr", Present("member")),
        ('externalId eq "e1"', Constant(False)),
    ],
)
def test_a_filter_of_groups_means(text: str, expected: Condition) -> None:
    assert condition(text, GROUP_FIELDS) == expected


@pytest.mark.parametrize(
    "text",
    [
        'title eq "Cook"',
        'name.givenName eq "Ann"',
        'userName.x eq "ann"',
        'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department eq "x"',
        'id co "U"',
        "id gt 'U'",
        "active co 'tr'",
        "active gt true",
        'active eq "maybe"',
        "active eq 2",
        "restricted co '1'",
        "userName eq true",
        "userName eq null",
        "externalId eq null",
        'emails[type eq "home"].value eq "a@x.example"',
        'emails[type eq "home"]',
        'emails[type ne "work"].value eq "a@x.example"',
        'emails[value eq "a" or value eq "b"]',
        'members[display eq "Ann"]',
        'displayName[value eq "Ann"]',
    ],
)
def test_a_filter_that_cannot_be_answered_is_refused(text: str) -> None:
    fields = GROUP_FIELDS if text.startswith("members") else USER_FIELDS
    with pytest.raises(InvalidFilter):
        condition(text, fields)


@pytest.mark.parametrize(("text", "error"), [("", EmptyFilter), ("userName eq", IncompleteFilter)])
def test_what_is_no_filter_is_refused(text: str, error: type[InvalidFilter]) -> None:
    with pytest.raises(error):
        condition(text, USER_FIELDS)


@pytest.mark.parametrize(
    "text", ["{} eq 'x'", "emails.{} eq 'x'", "{}[type eq 'x'].value eq 'x'", "{}[value eq 'x']"]
)
def test_why_a_filter_is_refused_is_a_short_line_of_ascii(text: str) -> None:
    with pytest.raises(InvalidFilter) as caught:
        condition(text.format("x" * 4_000), USER_FIELDS)
    detail = caught.value.detail
    assert detail.isascii()
    assert detail.isprintable()
    assert len(detail) < 120


def fields_of(found: Condition) -> set[str]:
    match found:
        case And(parts) | Or(parts):
            return set[str]().union(*(fields_of(part) for part in parts))
        case Not(part):
            return fields_of(part)
        case Compare(field) | Present(field):
            return {field}
    return set()


@given(st.sampled_from(sorted(USER_FIELDS)), st.sampled_from(["eq 'true'", "ne '1'", "pr"]))
def test_the_store_knows_every_field_that_a_user_filter_means(name: str, rest: str) -> None:
    assert fields_of(condition(f"{name} {rest}", USER_FIELDS)) <= users.FIELDS.keys()


@given(st.sampled_from(sorted(GROUP_FIELDS)), st.sampled_from(["eq 'x'", "ne 'x'", "pr"]))
def test_the_store_knows_every_field_that_a_group_filter_means(name: str, rest: str) -> None:
    assert fields_of(condition(f"{name} {rest}", GROUP_FIELDS)) <= groups.FIELDS.keys()
