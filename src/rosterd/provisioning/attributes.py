"""THE table: every SCIM attribute of a user that Slack knows, in the order of its responses.

From one row an attribute gets its rendering, its parsing and PATCH, its ``/Schemas`` entry and its
line in the documentation. ``path`` is in the neutral form of :mod:`rosterd.scim.grammar`: an
extension key and ``:`` before the name of an extension's attribute.

Source: Slack SCIM API reference, heading *User attributes*.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Literal
from zoneinfo import ZoneInfo

from rosterd.directory import profiles
from rosterd.directory.errors import Invalid, InvalidProfile
from rosterd.directory.model import User
from rosterd.provisioning import slots
from rosterd.provisioning.draft import Draft
from rosterd.provisioning.places import Links
from rosterd.scim.patch import Operation, Verb

_REMOVE = Verb.REMOVE
Read = Callable[[User, Links], Any]
Write = Callable[[Draft, Operation], None]
Shape = Literal["always", "custom", "start_date", "guest", "expiring", "channels", "never"]
"""When a response shows an attribute: always; once the user has had a custom profile field; once a
start date was set; for guests; for those who expire; for guests in channels; never."""


@dataclass(frozen=True, slots=True)
class Attribute:
    path: str
    description: str
    write: Write
    read: Read | None = None
    shape: Shape = "always"
    type: Literal["string", "boolean", "dateTime", "reference", "complex"] = "string"
    multi_valued: bool = False
    required: bool = False
    mutability: Literal["readWrite", "readOnly", "writeOnly", "immutable"] = "readWrite"
    sub_attributes: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[str, str, str | None]:
        """(extension, name, sub-attribute), lower-cased, as in a parsed path."""
        extension, _, rest = self.path.rpartition(":")
        name, dot, sub = rest.lower().partition(".")
        return extension, name, sub if dot else None


def _text(field: str, *, empty: str | None = None, custom: bool = False) -> Write:
    """A writer of a text in the profile; blank, one space included, clears it (*PATCH /Users*)."""

    def write(draft: Draft, operation: Operation) -> None:
        draft.profile[field] = _string(operation, custom=custom).strip() or empty

    return write


def _string(operation: Operation, *, custom: bool = False) -> str:
    value = operation.value
    if value is None or operation.verb is _REMOVE:
        return ""
    if not isinstance(value, str) or len(value) > profiles.MAX_TEXT:
        raise wrong_type(operation, custom=custom)
    return value


def wrong_type(operation: Operation, *, custom: bool = False) -> Invalid:
    """``invalid_attribute_format``, naming the attribute as the table does."""
    path = operation.path
    row = BY_KEY.get((path.extension, path.name or "", path.sub))
    attribute = row.path if row else path.name or path.extension
    error = InvalidProfile if custom else Invalid
    return error("invalid_attribute_format", attribute=attribute)


def _write_username(draft: Draft, operation: Operation) -> None:
    value = _string(operation)
    if not value.strip():
        raise Invalid("username_empty")
    draft.username = value


def _write_nickname(draft: Draft, operation: Operation) -> None:
    if operation.value is not None or operation.verb is _REMOVE:
        draft.nickname = _string(operation)


def _write_display_name(draft: Draft, operation: Operation) -> None:
    draft.display_name = _string(operation).strip()


def _write_profile_url(draft: Draft, operation: Operation) -> None:
    if draft.existing is not None:
        return  # Slack: updates to profileUrl are not supported
    url = _string(operation).strip()
    if url and not url.lower().startswith(profiles.LINKS):
        raise wrong_type(operation)
    draft.profile["profile_url"] = url or None


def _write_timezone(draft: Draft, operation: Operation) -> None:
    # Stored as sent: Slack's own samples ("America/New York") are no IANA names.
    draft.profile["timezone"] = _string(operation).strip() or "America/Los_Angeles"


_BOOLEANS: Mapping[Any, bool] = {True: True, False: False, "true": True, "false": False}


def _write_active(draft: Draft, operation: Operation) -> None:
    value = operation.value
    if operation.verb is _REMOVE:
        raise wrong_type(operation)
    if value is None:
        return  # says nothing: never a deactivation
    # Entra without its compliance flag sends "True" and "False".
    if isinstance(value, str):
        value = value.lower()
    if not isinstance(value, bool | str) or value not in _BOOLEANS:
        raise wrong_type(operation)
    draft.active = _BOOLEANS[value]


def _write_password(draft: Draft, operation: Operation) -> None:
    if draft.existing is not None and operation.value is not None:
        raise Invalid("password_change_not_allowed")
    _string(operation)


def _ignore(draft: Draft, operation: Operation) -> None:
    """Accepted, not kept: ``externalId`` (Slack: updates to it are not supported), a guest's channels."""


def _write_manager(draft: Draft, operation: Operation) -> None:
    """``manager``: an object with ``managerId`` (``value`` in RFC 7643), or a bare reference."""
    value = operation.value
    if isinstance(value, dict):
        named = {key.lower(): item for key, item in value.items()}
        if not named.keys() & {"managerid", "value"}:
            raise InvalidProfile("improper_enterprise_schema_format")
        value = named.get("managerid", named.get("value"))
    if operation.verb is _REMOVE or value is None:
        draft.manager = None
        return
    if not isinstance(value, str):
        raise wrong_type(operation, custom=True)
    draft.manager = value.strip() or None


def _write_start_date(draft: Draft, operation: Operation) -> None:
    value = _string(operation, custom=True).strip()
    if value:
        seconds_of(value, operation, custom=True)
    draft.profile["start_date"] = value or ("" if draft.profile["start_date"] is not None else None)


def _write_guest_type(draft: Draft, operation: Operation) -> None:
    if operation.verb is _REMOVE:
        draft.guest = False
    elif operation.value == "multi":
        draft.guest = True
    elif operation.value is not None:
        raise Invalid("improper_enterprise_schema_format")


def _write_guest_expiration(draft: Draft, operation: Operation) -> None:
    value = _string(operation).strip()
    draft.guest_expires = seconds_of(value, operation) if value else None


def seconds_of(text: str, operation: Operation, *, custom: bool = False) -> int:
    """:func:`rosterd.directory.profiles.seconds_of`, refusing in the name of the attribute."""
    try:
        return profiles.seconds_of(text)
    except ValueError as error:
        raise wrong_type(operation, custom=custom) from error


@lru_cache(maxsize=1)
def _pacific() -> ZoneInfo:
    return ZoneInfo("America/Los_Angeles")


def created(microseconds: int) -> str:
    """``meta.created``: whole seconds with the offset of Pacific time, as Slack writes it.

    >>> created(1_577_963_045_000_000)
    '2020-01-02T03:04:05-08:00'
    """
    return _pacific_time(microseconds // 1_000_000)


@lru_cache(maxsize=1024)
def _pacific_time(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, _pacific()).isoformat()


def utc(seconds: int) -> str:
    """A date time in UTC.

    >>> utc(1_796_083_199)
    '2026-11-30T23:59:59Z'
    """
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


def _emails(user: User, _: Links) -> list[dict[str, Any]]:
    primary = {"value": user.email, "primary": True}
    if not user.profile.has_custom:
        return [primary]
    return [primary, {"value": user.profile.secondary_email or "", "primary": False}]


def _photos(user: User, links: Links) -> list[dict[str, Any]]:
    return [{"value": user.profile.photo or links.photo_url(user.id), "type": "photo"}]


def _addresses(user: User, _: Links) -> list[dict[str, Any]]:
    address = user.profile.address
    return [{wire: getattr(address, name, None) for wire, name in slots.ADDRESS_FIELDS.items()}]


def _phones(user: User, _: Links) -> list[dict[str, Any]]:
    mobile, primary = user.profile.mobile_phone, user.profile.primary_phone
    return [{"value": mobile, "type": "mobile"}, {"value": primary, "primary": True}]


def _roles(user: User, _: Links) -> list[dict[str, Any]]:
    return [{"value": user.profile.role_title, "primary": True}]


def _profile(field: str) -> Read:
    return lambda user, _: getattr(user.profile, field)


def _custom(path: str, field: str, description: str) -> Attribute:
    write = _text(field, custom=True)
    return Attribute(path, description, write, _profile(field), "custom")


ATTRIBUTES: tuple[Attribute, ...] = (
    Attribute("externalId", "Accepted and not kept.", _ignore, lambda user, _: "", mutability="readOnly"),
    Attribute(
        "userName",
        "Username: at most 21 characters, unique among usernames and channel names.",
        _write_username,
        lambda user, _: user.username,
        required=True,
    ),
    Attribute("nickName", "The username once more.", _write_nickname, lambda user, _: user.username),
    Attribute("name.givenName", "First name.", _text("given_name", empty=""), _profile("given_name")),
    Attribute("name.familyName", "Last name.", _text("family_name", empty=""), _profile("family_name")),
    _custom("name.honorificPrefix", "honorific_prefix", "Honorific prefix."),
    Attribute(
        "displayName",
        "Display name: at most 80 characters.",
        _write_display_name,
        lambda user, _: user.display_name,
    ),
    Attribute(
        "profileUrl",
        "Profile URL: can be set at creation only.",
        _write_profile_url,
        lambda user, links: user.profile.profile_url or links.profile_url(user.username),
        type="reference",
        mutability="immutable",
    ),
    Attribute("title", "Title.", _text("title", empty=""), _profile("title")),
    Attribute("timezone", "Time zone.", _write_timezone, _profile("timezone")),
    Attribute(
        "active",
        "Whether the account is active; setting it deactivates and reactivates.",
        _write_active,
        lambda user, _: not user.deactivated,
        type="boolean",
    ),
    Attribute(
        "emails",
        "E-mail addresses: the primary and one more.",
        slots.write_emails,
        _emails,
        type="complex",
        multi_valued=True,
        required=True,
        sub_attributes=("value", "type", "primary"),
    ),
    Attribute(
        "photos",
        "Photo: a public URL or a data: URL.",
        slots.write_photo,
        _photos,
        type="complex",
        multi_valued=True,
        sub_attributes=("value", "type", "primary"),
    ),
    Attribute(
        "addresses",
        "Address.",
        slots.write_address,
        _addresses,
        "custom",
        "complex",
        multi_valued=True,
        sub_attributes=tuple(slots.ADDRESS_FIELDS),
    ),
    Attribute(
        "phoneNumbers",
        "Phone numbers: in a request, type mobile or primary is the primary phone, work the mobile phone.",
        slots.write_phones,
        _phones,
        "custom",
        "complex",
        multi_valued=True,
        sub_attributes=("value", "type", "primary"),
    ),
    _custom("userType", "user_type", "User type."),
    Attribute(
        "roles",
        "Role.",
        slots.write_role,
        _roles,
        "custom",
        "complex",
        multi_valued=True,
        sub_attributes=("value", "primary"),
    ),
    _custom("preferredLanguage", "preferred_language", "Preferred language."),
    _custom("locale", "locale", "Locale."),
    _custom("enterprise:employeeNumber", "employee_number", "Employee ID."),
    _custom("enterprise:costCenter", "cost_center", "Cost center."),
    _custom("enterprise:organization", "organization", "Organization."),
    _custom("enterprise:division", "division", "Division."),
    _custom("enterprise:department", "department", "Department."),
    Attribute(
        "enterprise:manager.managerId",
        "Manager: a Slack id, a primary e-mail address or a userName.",
        _write_manager,
        _profile("manager_id"),
        "custom",
    ),
    Attribute(
        "profile:startDate",
        "Start date, ISO 8601.",
        _write_start_date,
        lambda user, _: user.profile.start_date or None,
        "start_date",
        "dateTime",
    ),
    Attribute(
        "groups",
        "Groups: read-only.",
        slots.ignore_groups,
        None,
        type="complex",
        multi_valued=True,
        mutability="readOnly",
        sub_attributes=("value", "display"),
    ),
    Attribute(
        "guest:type",
        "Must be multi: a multi-channel guest (Enterprise).",
        _write_guest_type,
        lambda user, _: "multi",
        "guest",
        required=True,
    ),
    Attribute(
        "guest:expiration",
        "When the guest's account ends, ISO 8601.",
        _write_guest_expiration,
        lambda user, _: None if user.guest_expires is None else utc(user.guest_expires),
        "expiring",
        "dateTime",
    ),
    Attribute(
        "guest:channels",
        "Channels of the guest: read-only.",
        _ignore,
        None,
        "channels",
        "complex",
        multi_valued=True,
        mutability="readOnly",
        sub_attributes=("value", "display"),
    ),
    Attribute(
        "password",
        "Initial password: never returned, cannot be changed.",
        _write_password,
        shape="never",
        mutability="writeOnly",
    ),
)

BY_KEY: dict[tuple[str, str, str | None], Attribute] = {row.key: row for row in ATTRIBUTES}
# RFC 7643 §4.3 calls it manager.value; Entra and others send the manager as a bare string.
for _sub in ("value", None):
    BY_KEY["enterprise", "manager", _sub] = BY_KEY["enterprise", "manager", "managerid"]
