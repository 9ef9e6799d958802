from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rosterd.scim.dialect import V1, V2
from rosterd.scim.errors import InvalidPath
from rosterd.scim.grammar import And, Compare, Op, Path, Present
from rosterd.scim.path import MAX_LENGTH, format_path, parse_path
from tests.scim.strategies import paths

ENTERPRISE_V1 = "urn:scim:schemas:extension:enterprise:1.0"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
GUEST_V1 = "urn:scim:schemas:extension:slack:guest:1.0"
GUEST = "urn:ietf:params:scim:schemas:extension:slack:guest:2.0:User"

TYPE, VALUE, PRIMARY = Path(name="type"), Path(name="value"), Path(name="primary")

# What a client sends, what it means, and how v2 writes it.
FORMS = [
    ("userName", Path(name="username"), "username"),
    ("name.givenName", Path(name="name", sub="givenname"), "name.givenname"),
    ("EMAILS", Path(name="emails"), "emails"),
    (
        'emails[type eq "work"].value',
        Path(name="emails", filter=Compare(TYPE, Op.EQ, "work"), sub="value"),
        'emails[type eq "work"].value',
    ),
    (
        'addresses[type eq "untyped"].postalCode',
        Path(name="addresses", filter=Compare(TYPE, Op.EQ, "untyped"), sub="postalcode"),
        'addresses[type eq "untyped"].postalcode',
    ),
    (
        "emails[primary eq false]",
        Path(name="emails", filter=Compare(PRIMARY, Op.EQ, False)),
        "emails[primary eq false]",
    ),
    (
        'roles[primary eq "True"].value',
        Path(name="roles", filter=Compare(PRIMARY, Op.EQ, "True"), sub="value"),
        'roles[primary eq "True"].value',
    ),
    (
        'members[value eq "U0000AAAA"]',
        Path(name="members", filter=Compare(VALUE, Op.EQ, "U0000AAAA")),
        'members[value eq "U0000AAAA"]',
    ),
    (
        "members[value eq U0000AAAA]",
        Path(name="members", filter=Compare(VALUE, Op.EQ, "U0000AAAA")),
        'members[value eq "U0000AAAA"]',
    ),
    (
        'emails[value eq "a]b"]',
        Path(name="emails", filter=Compare(VALUE, Op.EQ, "a]b")),
        'emails[value eq "a]b"]',
    ),
    (
        'emails[type eq "work" and value pr]',
        Path(name="emails", filter=And((Compare(TYPE, Op.EQ, "work"), Present(VALUE)))),
        'emails[type eq "work" and value pr]',
    ),
    (ENTERPRISE, Path("enterprise"), ENTERPRISE),
    (ENTERPRISE_V1, Path("enterprise"), ENTERPRISE),
    (f"{ENTERPRISE}:employeeNumber", Path("enterprise", "employeenumber"), f"{ENTERPRISE}:employeenumber"),
    (
        f"{ENTERPRISE}:manager.managerId",
        Path("enterprise", "manager", sub="managerid"),
        f"{ENTERPRISE}:manager.managerid",
    ),
    (
        f"{ENTERPRISE}.manager.managerId",
        Path("enterprise", "manager", sub="managerid"),
        f"{ENTERPRISE}:manager.managerid",
    ),
    (f"{ENTERPRISE_V1}.department", Path("enterprise", "department"), f"{ENTERPRISE}:department"),
    (f"{GUEST_V1}.expiration", Path("guest", "expiration"), f"{GUEST}:expiration"),
    (f"{GUEST}.expiration", Path("guest", "expiration"), f"{GUEST}:expiration"),
    (
        f"{GUEST.upper()}:channels[value eq C1].display",
        Path("guest", "channels", Compare(VALUE, Op.EQ, "C1"), "display"),
        f'{GUEST}:channels[value eq "C1"].display',
    ),
    ("urn:ietf:params:scim:schemas:core:2.0:User:userName", Path(name="username"), "username"),
    ("urn:ietf:params:scim:schemas:core:2.0:Group:members", Path(name="members"), "members"),
    ("urn:scim:schemas:core:1.0.userName", Path(name="username"), "username"),
]


@pytest.mark.parametrize(("text", "path", "written"), FORMS)
def test_a_path_is_read_and_written(text: str, path: Path, written: str) -> None:
    assert parse_path(text) == path
    assert format_path(path, V2) == written
    assert parse_path(written) == path
    assert parse_path(format_path(path, V1)) == path


def test_v1_writes_a_dot_behind_a_urn() -> None:
    assert format_path(Path("enterprise", "department"), V1) == f"{ENTERPRISE_V1}.department"


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        " userName",
        "userName ",
        "user name",
        "1userName",
        "üser",
        "name.",
        ".name",
        "name..givenName",
        "name.given.name",
        "emails[",
        "emails]",
        "emails[]",
        "[value pr]",
        "emails[value]",
        "emails[value eq]",
        'emails[value eq "x]',
        "emails[value zz 1]",
        "emails[value pr].",
        "emails[value pr]value",
        "emails[value pr].a.b",
        "emails[value pr].value[type pr]",
        "emails[emails[value pr]]",
        "emails.value[type pr]",
        "emails[type.x eq 1]",
        f"emails[{ENTERPRISE}:x eq 1]",
        f"emails[value pr].{ENTERPRISE}:x",
        "emails[value eq '\0']",
        "urn:example:x",
        "urn:ietf:params:scim:schemas:core:2.0:User",
        f"{ENTERPRISE}:",
        f"{ENTERPRISE}[value pr]",
        "emails[(((value pr]",
        pytest.param("a" * (MAX_LENGTH + 1), id="too long"),
        pytest.param("a[" + "(" * 300 + "b pr" + ")" * 300 + "]", id="too deep"),
        pytest.param("[" * 900, id="brackets"),
    ],
)
def test_what_is_no_path_is_refused(text: str) -> None:
    with pytest.raises(InvalidPath):
        parse_path(text)


@given(paths)
@settings(deadline=None, max_examples=200)
def test_writing_and_reading_are_inverse(path: Path) -> None:
    for dialect in (V1, V2):
        assert repr(parse_path(format_path(path, dialect))) == repr(path)


@given(st.text(max_size=40) | st.text('emails[]().: "eqandpr1', max_size=60) | st.just("urn:"))
@settings(deadline=None, max_examples=300)
def test_any_text_is_a_path_or_invalid_path(text: str) -> None:
    try:
        path = parse_path(text)
    except InvalidPath:
        return
    assert parse_path(format_path(path, V2)) == path
