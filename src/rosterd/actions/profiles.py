"""What becomes of a person's profile when they are created or changed: custom fields, the manager."""

from __future__ import annotations

import msgspec
from msgspec import UNSET

from rosterd.directory import names, plans
from rosterd.directory import users as rules
from rosterd.directory.errors import Invalid, InvalidProfile, LimitReached
from rosterd.directory.ids import is_slack_id
from rosterd.directory.model import Org, OrgId, Profile, User, UserId
from rosterd.directory.users import UserChange
from rosterd.store import profile_fields
from rosterd.store import users as store
from rosterd.store.engine import Tx


async def new(tx: Tx, org: Org, change: UserChange) -> tuple[Profile, Invalid | None]:
    """The profile of a new user, and why its custom fields were dropped, if they were."""
    profile = _checked_names(change.profile or Profile())
    if change.refused_profile is not None:
        return rules.without_custom(profile), change.refused_profile
    try:
        profile = await _with_manager(tx, org.id, profile, change)
        await _ensure_fields(tx, org.id, profile)
    except (InvalidProfile, LimitReached) as error:
        return rules.without_custom(profile), Invalid(error.code)
    return profile, None


async def after(tx: Tx, org: Org, user: User, email: str, change: UserChange) -> Profile:
    """A user's profile once they are changed so. ``email``: their address then."""
    profile = user.profile
    if change.profile is not UNSET and change.profile != profile:
        profile = _checked_names(change.profile)
    profile = await _with_manager(tx, org.id, profile, change)
    profile = rules.completed(profile, email)
    if profile != user.profile:
        await _ensure_fields(tx, org.id, profile)
    return profile


def _checked_names(profile: Profile) -> Profile:
    rules.check_names(profile)
    if profile.secondary_email:
        address = names.email_address(profile.secondary_email)
        return msgspec.structs.replace(profile, secondary_email=address)
    return profile


async def _with_manager(tx: Tx, org_id: OrgId, profile: Profile, change: UserChange) -> Profile:
    """The profile with the manager that the change names: by id, e-mail address or username."""
    reference = change.manager
    if reference is UNSET:
        return profile
    if reference is None:
        return msgspec.structs.replace(profile, manager_id=None)
    manager: UserId | None = None
    if is_slack_id(reference, "UW"):
        known = await store.briefs(tx, org_id, [UserId(reference)])
        manager = next(iter(known), None)
    if manager is None and "@" in reference:
        manager = await store.find_by_email(tx, org_id, names.account_key(reference))
    if manager is None:
        manager = await store.find_by_username(tx, org_id, names.account_key(reference))
    if manager is None:
        raise InvalidProfile("unknown_user", user=reference[:80])
    return msgspec.structs.replace(profile, manager_id=manager)


async def _ensure_fields(tx: Tx, org_id: OrgId, profile: Profile) -> None:
    """Make the custom profile fields that this profile is the first to use; at most 50 in all."""
    needed = rules.custom_fields_of(profile)
    if needed <= await profile_fields.known(tx, org_id):
        return
    existing_fields = await profile_fields.names(tx, org_id)
    missing = needed - existing_fields
    if len(existing_fields) + len(missing) > plans.PROFILE_FIELD_CAP:
        raise LimitReached("unable_to_create_team_profile_fields")
    for name in sorted(missing):
        await profile_fields.add(tx, org_id, name, rules.CUSTOM_FIELDS[name], is_scim=True)
