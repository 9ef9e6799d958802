"""What a line of an export may say: values come back, and what rosterd never writes is refused."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from rosterd.cli.exchange import lines, values
from rosterd.cli.exchange.lines import BadLine
from rosterd.directory import users
from rosterd.directory.model import Org, Role, User
from rosterd.directory.profiles import MAX_PHOTO, MAX_TEXT
from tests.provisioning.memory import BARE, FULL, GUEST

ID, ALIAS = "W0000000001", "erased-w0000000001"
TIME = "2026-01-01T00:00:00Z"
BEFORE, BEYOND = "0001-01-01T00:00:00+23:00", "9999-12-31T23:59:59-12:00"
YEAR_1 = "0001-01-01T00:00:00Z"  # in California it is still the year before
USER: dict[str, Any] = {
    "kind": "user", "id": ID, "username": "ann", "emails": ["ann@example.com"], "display_name": "Ann",
    "role": "member", "active": True, "created": TIME, "signed_in": None, "guest_expires": None,
    "erased": False, "profile": {},
}  # fmt: skip
ERASED: dict[str, Any] = USER | {
    "username": ALIAS, "emails": [f"{ALIAS}@erased.invalid"], "display_name": "", "active": False,
    "erased": True,
}  # fmt: skip
ORG = {
    "kind": "org", "id": "E0000000001", "team_id": "T0000000001", "name": "Acme", "domain": "acme",
    "plan": "enterprise", "created": TIME, "members_may_change_display_name": False,
}  # fmt: skip
WORKSPACE = {
    "kind": "workspace",
    "id": "T0000000001",
    "name": "Acme",
    "domain": "acme",
    "created": TIME,
    "description": "",
    "discoverability": "invite_only",
}
NAME = {"kind": "name", "name": "general", "held_by": "channel", "holder": None}
FIELD = {"kind": "profile_field", "name": "shoe", "label": "Shoe", "made_by_scim": False, "created": TIME}
GROUP = {"kind": "group", "id": "S0000000001", "name": "Sales", "created": TIME}
EVENT: dict[str, Any] = {
    "kind": "event", "id": "1", "created": TIME, "action": "x", "actor": "USLACKUSER", "token": None,
    "entity_type": "user", "entity": ID, "request": "r", "client": "", "ip_address": None, "details": {},
    "subject": None, "personal_digest": None, "salt": None, "personal": None, "sealed": True,
}  # fmt: skip
SEAL = {"kind": "seal", "n": 1, "events": ["1"], "hash": "h", "previous": "", "sealed": TIME}
SOUND = (USER, ERASED, WORKSPACE, NAME, FIELD, GROUP, EVENT, SEAL)


def org() -> Org:
    return org_of(ORG)


def org_of(line: dict[str, Any]) -> Org:
    read = lines.read(msgspec.json.encode(line))
    assert isinstance(read, lines.OrgLine)
    return values.org_of(read, None)


def value_of(line: dict[str, Any]) -> Any:
    return (
        org_of(line)
        if line["kind"] == "org"
        else values.value_of(lines.read(msgspec.json.encode(line)), org())
    )


@pytest.mark.parametrize("line", [ORG, *SOUND], ids=lambda line: line["kind"])
def test_a_line_is_read_and_written_again(line: dict[str, Any]) -> None:
    assert msgspec.json.decode(lines.written(values.line_of(value_of(line)))) == line


@pytest.mark.parametrize("user", [BARE, FULL, GUEST], ids=lambda user: user.display_name)
def test_a_person_comes_back_with_every_field(user: User) -> None:
    written = values.line_of(msgspec.structs.replace(user, org_id=org().id, id=ID))
    assert values.line_of(values.value_of(written, org())) == written


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.PRIMARY_OWNER])
def test_whoever_was_erased_comes_back(role: Role) -> None:
    expires = 1_796_083_199 if role.is_guest else None
    user = users.erased(
        msgspec.structs.replace(FULL, org_id=org().id, id=ID, role=role, guest_expires=expires)
    )
    assert values.value_of(values.line_of(user), org()) == user


TITLE = "x" * (MAX_TEXT + 1)
WRONG: tuple[tuple[dict[str, Any], dict[str, Any], str], ...] = (
    (ERASED, {"username": "UPPER CASE"}, f"username: 'UPPER CASE' would be stored as '{ALIAS}'"),
    (ERASED, {"emails": ["Not Mail"]}, f"emails: ['Not Mail'] would be stored as ['{ALIAS}"),
    (ERASED, {"emails": []}, "a person has an e-mail address"),
    (ERASED, {"emails": [*ERASED["emails"], "a@b.c"]}, "would be stored as ['erased-w"),
    (ERASED, {"display_name": "Ann"}, "display_name: 'Ann' would be stored as ''"),
    (ERASED, {"active": True}, "active: True would be stored as False"),
    (ERASED, {"profile": {"title": "Cook"}}, "title: 'Cook' would be stored as None"),
    (ERASED, {"guest_expires": TIME}, f"guest_expires: '{TIME}' would be stored as None"),
    (USER, {"erased": True}, f"username: 'ann' would be stored as '{ALIAS}'"),
    (USER, {"username": ALIAS}, "username_not_allowed"),
    (USER, {"emails": ["a@erased.invalid"]}, "bad_email_address"),
    (USER, {"emails": [""]}, "a person has an e-mail address"),
    (USER, {"emails": ["a@b.c", ""], "role": "bot"}, "a person has an e-mail address"),
    (USER, {"emails": ["a@b.c", "A@b.c"]}, "would be stored as ['a@b.c']"),
    (USER, {"emails": ["a@b.c", "b@b.c"]}, "has_custom: None would be stored as True"),
    (USER, {"guest_expires": TIME}, f"guest_expires: '{TIME}' would be stored as None"),
    (USER, {"role": "multi_channel_guest", "guest_expires": BEYOND}, "too early or too late"),
    (USER, {"created": BEFORE}, "too early or too late"),
    (USER, {"created": YEAR_1}, "too early or too late"),
    (USER, {"signed_in": BEFORE}, "too early or too late"),
    (USER, {"profile": {"title": TITLE}}, "invalid_attribute_format (attribute=title)"),
    (USER, {"profile": {"title": " Cook"}}, "title: ' Cook' would be stored as 'Cook'"),
    (USER, {"profile": {"given_name": "A\N{PILE OF POO}"}}, "invalid_emoji_not_allowed"),
    (USER, {"profile": {"photo": "javascript:x"}}, "invalid_attribute_format (attribute=photo)"),
    (USER, {"profile": {"photo": "http://" + "x" * MAX_PHOTO}}, "invalid_attribute_format (attribute=photo)"),
    (USER, {"profile": {"photo": " http://" + "x" * 4_000}}, "photo: ' http://xxx"),
    (USER, {"profile": {"profile_url": "ftp://x"}}, "invalid_attribute_format (attribute=profile_url)"),
    (USER, {"profile": {"start_date": "soon"}}, "invalid_attribute_format (attribute=start_date)"),
    (USER, {"profile": {"department": "", "has_custom": True}}, "department: '' would be stored as None"),
    (USER, {"profile": {"department": "Sales"}}, "has_custom: None would be stored as True"),
    (USER, {"profile": {"address": {"locality": TITLE}}}, "invalid_attribute_format (attribute=locality)"),
    (USER, {"profile": {"manager_id": "not an id"}}, "unknown_user (user=not an id)"),
    (USER, {"profile": {"secondary_email": "a@b.c"}}, "a profile has no field secondary_email"),
    (ORG, {"name": " Acme"}, "' Acme' would be stored as 'Acme'"),
    (ORG, {"name": ""}, "'' would be stored as 'acme'"),
    (ORG, {"created": BEFORE}, "too early or too late"),
    (WORKSPACE, {"name": " Acme"}, "' Acme' would be stored as 'Acme'"),
    (WORKSPACE, {"domain": "A"}, "invalid_domain"),
    (NAME, {"name": "General"}, "'General' would be stored as 'general'"),
    (FIELD, {"name": "my field"}, "invalid_field_name"),
    (GROUP, {"name": "Sales "}, "'Sales ' would be stored as 'Sales'"),
    (GROUP, {"created": YEAR_1}, "too early or too late"),
    (EVENT, {"details": []}, "details: Expected `object`, got `array`"),
    (EVENT, {"personal": "x"}, "personal: Expected `object`, got `str`"),
    (SEAL, {"n": 2**63}, "Expected `int` <= 9223372036854775807"),
)  # fmt: skip


@pytest.mark.parametrize(("line", "change", "words"), WRONG)
def test_what_rosterd_never_writes_is_refused(
    line: dict[str, Any], change: dict[str, Any], words: str
) -> None:
    with pytest.raises(BadLine) as caught:
        value_of(line | change)
    assert words in str(caught.value)
    assert len(str(caught.value)) < 250
