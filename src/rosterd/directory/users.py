"""Rules about people: what a change of a user may be, and what happened when it is made.

A `UserChange` says which fields are to be what; a field that is ``UNSET`` stays as it is. The
rules here refuse a change (``check_…``), complete a new user, and name the audit events that a
difference amounts to.

Source: Slack SCIM API reference, headings *User attributes*, *PATCH /Users*, *Errors*.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from rosterd.directory import access, names, plans, profiles
from rosterd.directory.errors import Invalid, NotAllowed
from rosterd.directory.events import Event
from rosterd.directory.model import Actor, Org, Profile, Role, Status, User


class UserChange(msgspec.Struct, frozen=True, kw_only=True):
    """What a request wants of one user. ``UNSET``: unchanged."""

    username: str | UnsetType = UNSET  # as sent: a plain name or an e-mail address
    email: str | UnsetType = UNSET
    display_name: str | UnsetType = UNSET
    active: bool | UnsetType = UNSET
    guest: bool | UnsetType = UNSET  # become a multi-channel guest, or a full member
    guest_expires: int | None | UnsetType = UNSET  # seconds
    manager: str | None | UnsetType = UNSET  # a user's id, primary e-mail address or username
    profile: Profile | UnsetType = UNSET  # the whole profile; its ``manager_id`` is not read
    refused_profile: Invalid | None = None  # at creation: why the custom fields were dropped


LAST_EXPIRY = 253_402_300_799
"""The end of the year 9999, in seconds: SCIM can say no later time."""


def check_expiry(expires: int, now: int) -> None:
    """Refuse to let a guest expire in the past, or after the end of time. Seconds."""
    if not now < expires <= LAST_EXPIRY:
        raise Invalid("invalid_expiration")


def has_expired(user: User, now: int) -> bool:
    """Whether somebody is a guest whose time is up. ``now``: seconds."""
    return user.role.is_guest and user.guest_expires is not None and user.guest_expires <= now


def is_invited(user: User) -> bool:
    """Whether somebody is behind the account who has yet to sign in: they get a mail of it."""
    return user.status is Status.INVITED and user.role is not Role.BOT


CUSTOM_FIELDS = {
    "honorific_prefix": "Honorific Prefix",
    "address": "Addresses",
    "primary_phone": "Phone",
    "mobile_phone": "Mobile Phone",
    "user_type": "UserType",
    "role_title": "Roles",
    "preferred_language": "Preferred Language",
    "locale": "Locale",
    "employee_number": "Employee ID",
    "cost_center": "Cost Center",
    "organization": "Organization",
    "division": "Division",
    "department": "Department",
    "manager_id": "Manager",
    "start_date": "Start Date",
}
"""The custom profile fields that SCIM creates on demand, with their labels (*Custom Profile Field*)."""


def without_custom(profile: Profile) -> Profile:
    """The profile without any custom field: what is left when one was invalid at creation.

    >>> without_custom(Profile(title="Dr", department="Sales", has_custom=True))
    Profile(given_name='', family_name='', title='Dr', timezone='America/Los_Angeles', profile_url=None, \
photo=None, secondary_email=None, has_custom=False, honorific_prefix=None, address=None, \
primary_phone=None, mobile_phone=None, user_type=None, role_title=None, preferred_language=None, \
locale=None, employee_number=None, cost_center=None, organization=None, division=None, \
department=None, manager_id=None, start_date=None)
    """
    cleared: dict[str, Any] = dict.fromkeys(CUSTOM_FIELDS)
    return msgspec.structs.replace(profile, has_custom=False, **cleared)


def completed(profile: Profile, email: str) -> Profile:
    """The profile with what follows from its fields, for someone whose primary address is ``email``.

    A second address is another one, and whoever has one, or a custom field, is shown with all of them.

    >>> completed(Profile(secondary_email="Ann@example.com"), "ann@example.com").secondary_email is None
    True
    """
    secondary = profile.secondary_email
    if secondary and names.account_key(secondary) == names.account_key(email):
        secondary = None
    has_custom = profile.has_custom or bool(secondary) or bool(custom_fields_of(profile))
    return msgspec.structs.replace(profile, secondary_email=secondary, has_custom=has_custom)


def named(profile: Profile, otherwise: str) -> Profile:
    """The profile of a new user: whoever has no name is called as they are shown.

    >>> named(Profile(), "ann").given_name, named(Profile(family_name="Lee"), "ann").given_name
    ('ann', '')
    """
    if profile.given_name or profile.family_name:
        return profile
    return msgspec.structs.replace(profile, given_name=otherwise)


def stored(user: User) -> User:
    """The user in the form in which the actions store one. Raises every error of a bad value.

    >>> from rosterd.directory.model import OrgId, UserId
    >>> values = "Ann", " a@b.c", "", Role.MEMBER, False, 1, 9, False, Profile()
    >>> ann = User(OrgId("E1"), UserId("W1"), 1, *values)
    >>> stored(ann).username, stored(ann).email, stored(ann).guest_expires
    ('ann', 'a@b.c', None)
    """
    user = user if user.role.is_guest else msgspec.structs.replace(user, guest_expires=None)
    if user.erased:
        return erased(user)
    check_names(user.profile)
    is_without = user.role is Role.BOT and not user.email
    email = "" if is_without else names.email_address(user.email)
    secondary = user.profile.secondary_email
    if secondary is not None:
        secondary = names.email_address(secondary)
    profile = msgspec.structs.replace(profiles.stored(user.profile), secondary_email=secondary)
    return msgspec.structs.replace(
        user,
        username=names.username_of(user.username),
        email=email,
        display_name=names.display_name(user.display_name, username=user.username),
        profile=completed(profile, email),
    )


def erased(user: User) -> User:
    """Who is left once everything personal about ``user`` is forgotten.

    >>> from rosterd.directory.model import OrgId, UserId
    >>> values = "ann", "a@b.c", "", Role.MEMBER, False, 1, None, False, Profile()
    >>> ann = User(OrgId("E1"), UserId("W1"), 1, *values)
    >>> erased(ann).username, erased(ann).email
    ('erased-w1', 'erased-w1@erased.invalid')
    """
    alias = names.ERASED_PREFIX + user.id.lower()
    return msgspec.structs.replace(
        user,
        username=alias,
        email=f"{alias}@{names.ERASED_DOMAIN}",
        display_name="",
        deactivated=True,
        erased=True,
        profile=Profile(),
    )


def custom_fields_of(profile: Profile) -> set[str]:
    """The names of the custom fields that this profile sets.

    >>> custom_fields_of(Profile(department="Sales", start_date=""))
    {'department'}
    """
    return {name for name in CUSTOM_FIELDS if getattr(profile, name)}


def check_changeable(actor: Actor, user: User) -> None:
    """Refuse to touch someone with more permissions, or someone whose data was forgotten."""
    access.check_target(actor, user.role)
    if user.erased:
        raise NotAllowed("cannot_modify_gdpr")


def check_deactivatable(user: User) -> None:
    """Refuse to deactivate the primary owner, and bots."""
    if user.role is Role.PRIMARY_OWNER:
        raise NotAllowed("cannot_disable_primary_owner")
    if user.role is Role.BOT:
        raise NotAllowed("cannot_disable_bot_user_with_scim")


def check_display_name_change(org: Org, user: User, desired: str) -> None:
    """Refuse a new display name where members choose their own: ``invalid_display_name``."""
    if org.display_name_change and desired != user.display_name:
        raise Invalid("invalid_display_name", user=user.username)


def check_names(profile: Profile) -> None:
    """Refuse emoji in a person's name: ``invalid_emoji_not_allowed``."""
    names.check_no_emoji(profile.given_name)
    names.check_no_emoji(profile.family_name)


def role_after(org: Org, user: User, guest: bool | UnsetType) -> Role:
    """The role that a conversion to guest or to full member leads to.

    Raises ``permission_denied`` outside Enterprise, ``cannot_make_user_guest`` for administrators
    and owners. A single-channel guest stays one: SCIM knows only ``multi``.
    """
    if guest is UNSET or guest == user.role.is_guest:
        return user.role
    plans.check_guests(org.plan)
    if not guest:
        return Role.MEMBER
    if user.role is not Role.MEMBER:
        raise NotAllowed("cannot_make_user_guest")
    return Role.MULTI_CHANNEL_GUEST


_SHOWN = ("username", "email", "display_name", "role", "deactivated", "guest_expires")


def _values(user: User) -> dict[str, Any]:
    """A user's fields, flat, as audit events show them."""
    shown = {name: getattr(user, name) for name in _SHOWN}
    shown |= msgspec.structs.asdict(user.profile)
    del shown["has_custom"]  # follows from the others
    if user.profile.address is not None:
        shown["address"] = msgspec.to_builtins(user.profile.address)
    return shown


def differences(before: User, after: User) -> dict[str, tuple[Any, Any]]:
    """Field → (before, after), for all fields that differ."""
    old, new = _values(before), _values(after)
    return {
        name: (old.get(name), new.get(name))
        for name in dict.fromkeys((*old, *new))
        if old.get(name) != new.get(name)
    }


def events_of_creation(user: User, refused_profile: Invalid | None = None) -> Iterator[Event]:
    """``user_created`` or ``guest_created``, and the deactivation of one created inactive.

    ``refused_profile`` is why the custom profile was dropped, if it was.
    """
    action = "guest_created" if user.role.is_guest else "user_created"
    after = {name: value for name, value in _values(user).items() if value}
    details = {"role": str(user.role)} | (
        {"profile_dropped": refused_profile.code} if refused_profile else {}
    )
    yield _event(action, user, details, {"before": None, "after": after})
    if user.deactivated:
        yield _event(_deactivation(user), user, {}, {})


_CHANGES: tuple[tuple[str, frozenset[str]], ...] = (
    ("user_email_updated", frozenset({"email", "secondary_email"})),
    ("user_username_updated", frozenset({"username"})),
)


def events_of_change(before: User, after: User) -> Iterator[Event]:
    """What a change amounts to, in Slack's audit vocabulary. Nothing changed: no event."""
    changed = differences(before, after)
    if changed.pop("deactivated", None):
        action = _deactivation(after) if after.deactivated else _reactivation(after)
        yield _event(action, after, {}, {})
    if roles := changed.pop("role", None):
        action = "role_change_to_guest" if after.role.is_guest else f"role_change_to_{role_word(after.role)}"
        yield _event(action, after, {"before": str(roles[0]), "after": str(roles[1])}, {})
    if expiry := changed.pop("guest_expires", None):
        action = "guest_expiration_cleared" if expiry[1] is None else "guest_expiration_set"
        yield _event(action, after, {"before": expiry[0], "after": expiry[1]}, {})
    for action, fields in _CHANGES:
        if part := {name: changed.pop(name) for name in fields & changed.keys()}:
            yield _event(action, after, {}, _before_after(part))
    if changed:
        yield _event("user_profile_updated", after, {"fields": sorted(changed)}, _before_after(changed))


def event_of_expiry(user: User) -> Event:
    """A guest was deactivated because their time was up."""
    return _event("guest_expired", user, {"expired": user.guest_expires}, {})


def role_word(role: Role) -> str:
    """The role as ``role_change_to_…`` names it: admin, guest, owner or user.

    >>> role_word(Role.PRIMARY_OWNER), role_word(Role.MEMBER)
    ('owner', 'user')
    """
    if role.is_guest:
        return "guest"
    return {Role.ADMIN: "admin", Role.OWNER: "owner", Role.PRIMARY_OWNER: "owner"}.get(role, "user")


def _deactivation(user: User) -> str:
    return "guest_deactivated" if user.role.is_guest else "user_deactivated"


def _reactivation(user: User) -> str:
    return "guest_reactivated" if user.role.is_guest else "user_reactivated"


def _before_after(changed: dict[str, tuple[Any, Any]]) -> dict[str, Any]:
    return {
        "before": {name: pair[0] for name, pair in changed.items()},
        "after": {name: pair[1] for name, pair in changed.items()},
    }


def _event(action: str, user: User, details: dict[str, Any], personal: dict[str, Any]) -> Event:
    return Event(action, "user", user.id, details, personal, user.id)
