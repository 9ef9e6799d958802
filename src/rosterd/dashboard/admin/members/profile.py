"""What a person's page shows of their profile: which fields, in which groups, and who set them last.

A field that a program set last, with a token, is *synced*: what is changed elsewhere it will set again.
Whether members may change a field themselves is the organisation's to say, and it can say it of display
names alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import msgspec

from rosterd.directory.model import Address, Org, User
from rosterd.store.engine import Tx
from rosterd.store.records import trail
from rosterd.store.records.audit import Record

LOOKED_AT = 500
"""Events of one person that are looked at for who set what: the newest."""

SETTING = (
    "user_created",
    "guest_created",
    "user_profile_updated",
    "user_email_updated",
    "user_username_updated",
)
"""The actions of the trail that set fields of a profile."""


class Field(NamedTuple):
    """A field: as the trail, people and SCIM (in neutral form) call it."""

    key: str
    name: str
    path: str


GROUPS: tuple[tuple[str, tuple[Field, ...]], ...] = (
    (
        "Name",
        (
            Field("display_name", "Display name", "displayName"),
            Field("username", "Username", "userName"),
            Field("honorific_prefix", "Honorific prefix", "name.honorificPrefix"),
            Field("given_name", "First name", "name.givenName"),
            Field("family_name", "Last name", "name.familyName"),
        ),
    ),
    (
        "Contact",
        (
            Field("email", "E-mail", "emails"),
            Field("secondary_email", "Second e-mail", "emails"),
            Field("primary_phone", "Phone", "phoneNumbers"),
            Field("mobile_phone", "Mobile phone", "phoneNumbers"),
            Field("address", "Address", "addresses"),
            Field("profile_url", "Profile URL", "profileUrl"),
            Field("photo", "Photo", "photos"),
        ),
    ),
    (
        "Work",
        (
            Field("title", "Title", "title"),
            Field("department", "Department", "enterprise:department"),
            Field("division", "Division", "enterprise:division"),
            Field("organization", "Organization", "enterprise:organization"),
            Field("cost_center", "Cost center", "enterprise:costCenter"),
            Field("employee_number", "Employee ID", "enterprise:employeeNumber"),
            Field("manager_id", "Manager", "enterprise:manager.managerId"),
            Field("user_type", "User type", "userType"),
            Field("role_title", "Role", "roles"),
            Field("start_date", "Start date", "profile:startDate"),
        ),
    ),
    (
        "Language and time",
        (
            Field("preferred_language", "Preferred language", "preferredLanguage"),
            Field("locale", "Locale", "locale"),
            Field("timezone", "Time zone", "timezone"),
        ),
    ),
)

NAMES: Mapping[str, str] = {field.key: field.name for _, fields in GROUPS for field in fields}
"""How people call a field, by its key."""


class Shown(NamedTuple):
    """A field of one person. ``record``: the event that set it last, if it was found."""

    field: Field
    value: str
    record: Record | None
    is_synced: bool
    is_locked: bool  # members cannot change it themselves


def shown(org: Org, user: User, records: Mapping[str, Record]) -> list[tuple[str, list[Shown]]]:
    """All fields of somebody by group. ``records``: of :func:`last_set`."""
    return [
        (name, [_shown(org, user, field, records.get(field.key)) for field in fields])
        for name, fields in GROUPS
    ]


def _shown(org: Org, user: User, field: Field, record: Record | None) -> Shown:
    owner: Any = user if hasattr(user, field.key) else user.profile
    is_locked = field.key != "display_name" or not org.display_name_change
    is_synced = record is not None and record.token_id is not None
    return Shown(field, text(getattr(owner, field.key)), record, is_synced, is_locked)


def text(value: object) -> str:
    """A value of a field as people read it.

    >>> text(None), text({"street_address": "1 Main St", "locality": "", "country": "IE"})
    ('', '1 Main St, IE')
    """
    if isinstance(value, Address):
        value = msgspec.structs.asdict(value)
    if isinstance(value, Mapping):
        return ", ".join(str(part) for part in value.values() if part)
    return "" if value is None else str(value)


async def last_set(tx: Tx, org: Org, user: User) -> dict[str, Record]:
    """The event that set each field last, as far as it can be told. Under ``scan``."""
    wanted = trail.Wanted(SETTING, entity=user.id)
    page = await trail.page(tx, org.id, wanted, before=None, limit=LOOKED_AT)
    return newest(page.records)


def newest(records: Iterable[Record]) -> dict[str, Record]:
    """Field → the first of these events that set it."""
    found: dict[str, Record] = {}
    for record in records:
        for key in _set_by(record):
            found.setdefault(key, record)
    return found


def _set_by(record: Record) -> Iterable[str]:
    personal = msgspec.json.decode(record.personal) if record.personal else {}
    return (personal.get("after") or {}) if isinstance(personal, dict) else ()
