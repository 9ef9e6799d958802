"""A directory of one person in memory: what a `UserChange` makes of a user, without rules or store."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET

from rosterd.directory.model import Address, Profile, Role, User, UserId
from rosterd.directory.users import UserChange, completed, without_custom
from rosterd.provisioning.places import Site
from rosterd.scim.dialect import Dialect
from tests.directory.people import a_user

SITE = Site("https://scim.example.com", "acme")
BARE = a_user(display_name="Ann", profile=Profile(given_name="Ann"))
FULL = a_user(
    display_name="Ann L",
    profile=Profile(
        given_name="Ann",
        family_name="Lee",
        title="Cook",
        timezone="Europe/Paris",
        profile_url="https://example.com/ann",
        photo="https://example.com/ann.png",
        secondary_email="ann@home.example",
        has_custom=True,
        honorific_prefix="Dr",
        address=Address("1 Main St", "Lyon", "ARA", "69001", "France"),
        primary_phone="555-4444",
        mobile_phone="555-5555",
        user_type="Employee",
        role_title="Lead",
        preferred_language="fr",
        locale="fr-FR",
        employee_number="7",
        cost_center="4130",
        organization="Kitchens",
        division="Food",
        department="Pastry",
        manager_id=UserId("W0000000002"),
        start_date="2024-04-10T00:00:00+0000",
    ),
)
GUEST = a_user(Role.MULTI_CHANNEL_GUEST, guest_expires=1_796_083_199)
PEOPLE = (BARE, FULL, GUEST)


def applied(change: UserChange, user: User = BARE) -> User:
    """``user`` as the change leaves them; a reference to a manager counts as the id of one."""
    profile = user.profile if change.profile is UNSET else change.profile
    if change.manager is not UNSET:
        manager = None if change.manager is None else UserId(change.manager)
        profile = msgspec.structs.replace(profile, manager_id=manager)
    if change.refused_profile is not None:
        profile = without_custom(profile)
    said: dict[str, Any] = {
        "username": change.username,
        "email": change.email,
        "display_name": change.display_name,
        "guest_expires": change.guest_expires,
        "deactivated": UNSET if change.active is UNSET else not change.active,
        "role": {True: Role.MULTI_CHANNEL_GUEST, False: Role.MEMBER}.get(change.guest, UNSET),  # type: ignore[arg-type]
    }
    said = {name: value for name, value in said.items() if value is not UNSET}
    profile = completed(profile, said.get("email", user.email))
    return msgspec.structs.replace(user, profile=profile, **said)


def placed(path: str, value: Any, dialect: Dialect) -> dict[str, Any]:
    """``value`` at the place of an attribute's row in a resource."""
    extension, _, rest = path.rpartition(":")
    for step in reversed(rest.split(".")):
        value = {step: value}
    return {dialect.extensions[extension]: value} if extension else value


def at(path: str, resource: dict[str, Any], dialect: Dialect) -> Any:
    """What a resource has at the place of an attribute's row; None: nothing."""
    extension, _, rest = path.rpartition(":")
    place: Any = resource.get(dialect.extensions[extension], {}) if extension else resource
    for step in rest.split("."):
        place = place.get(step) if place else None
    return place
