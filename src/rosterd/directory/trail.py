"""What of the audit trail its readers see: the actions of Slack's Audit Logs API, and ours in its words.

Rules of this module:

1. `CATEGORIES` is the one list of what can appear. An action of ours that Slack has no name for is shown by
   the nearest name (`NEAREST`), or not at all (`UNSHOWN`); in the trail itself it stands in any case.
2. A test holds the three against every event that the code can write.

Source: Slack's page *Audit Logs API methods & actions*, heading *Actions*; categories as observed in
answers of ``GET /audit/v1/actions``.
"""

from __future__ import annotations

from collections.abc import Mapping

CATEGORIES: Mapping[str, tuple[str, ...]] = {
    "workspace_or_org": (
        "workspace_created",
        "workspace_deleted",
        "organization_created",
        "organization_renamed",
        "organization_domain_changed",
        "domain_created",
        "domain_verified",
        "domain_deleted",
        "idp_configuration_added",
        "idp_configuration_deleted",
        "idp_prod_configuration_updated",
        "pref.enterprise_default_channels",
        "pref.uneditable_user_profile_fields",
        "prefs_setting_changed",
    ),
    "user": (
        "guest_created",
        "guest_deactivated",
        "guest_reactivated",
        "guest_expiration_set",
        "guest_expiration_cleared",
        "guest_expired",
        "guest_joined_workspace",
        "owner_transferred",
        "role_change_to_admin",
        "role_change_to_guest",
        "role_change_to_owner",
        "role_change_to_user",
        "user_created",
        "user_deactivated",
        "user_reactivated",
        "user_email_updated",
        "user_username_updated",
        "user_profile_updated",
        "user_profile_deleted",
        "user_joined_workspace",
        "user_left_workspace",  # ours: an administrator looks for it here
        "user_login",
        "user_login_failed",
        "user_logout",
        "user_session_invalidated",
        "user_session_reset_by_admin",
    ),
    "channel": (
        "user_channel_join",
        "user_channel_leave",
        "guest_channel_join",
        "guest_channel_leave",
        "public_channel_created",
        "private_channel_created",
        "public_channel_archive",
        "private_channel_archive",
        "public_channel_unarchive",
        "private_channel_unarchive",
        "public_channel_converted_to_private",
        "private_channel_converted_to_public",
        "public_channel_deleted",
        "private_channel_deleted",
        "channel_renamed",
        "channel_workspaces_updated",
    ),
    "app": (
        "app_manifest_created",
        "app_deleted",
        "app_installed",
        "app_uninstalled",
        "app_scopes_expanded",
    ),
    "subteam": (
        "user_added_to_usergroup",
        "user_removed_from_usergroup",
        "user_add_to_usergroup_failed",
        "default_channel_added_to_usergroup",
        "default_channel_removed_from_usergroup",
        "usergroup_added_to_team",
        "usergroup_removed_from_team",
        "usergroup_add_to_team_enqueued",
        "usergroup_remove_from_team_enqueued",
        "usergroup_updated",
        "usergroup_update_enqueued",
    ),
}
"""Slack's category → the actions of it that can appear here, in Slack's names where it has one."""

NEAREST: Mapping[str, str] = {
    "channel_restricted_to_usergroup": "usergroup_updated",
    "channel_unrestricted_from_usergroup": "usergroup_updated",
    "pref.allow_users_to_change_display_name": "prefs_setting_changed",
}
"""Ours → the name under which it is shown."""

UNSHOWN = frozenset(
    {
        "bulk_change_completed",  # what it did to each person is shown
        "custom_profile_field_added",
        "local_password_removed",
        "local_password_set",
        "organization_imported",
        "token_expiration_set",
        "token_updated",
        "user_invited",
        "webhook_added",
        "webhook_removed",
    }
)
"""What Slack has nothing for: mostly an operator's doings."""

MENTIONS: Mapping[str, str] = {
    "team": "workspace",
    "usergroup": "usergroup",
    "group": "usergroup",
    "channel": "channel",
}
"""A field of an event's details that has an id → the kind of thing that it is of."""

ACTIONS = frozenset(name for names in CATEGORIES.values() for name in names)


def shown(action: str) -> str | None:
    """The name under which an action of the trail is shown; None: it is not.

    >>> shown("user_created"), shown("organization_imported")
    ('user_created', None)
    >>> shown("pref.allow_users_to_change_display_name")
    'prefs_setting_changed'
    """
    name = NEAREST.get(action, action)
    return name if name in ACTIONS else None


def stored(name: str) -> tuple[str, ...]:
    """The actions of the trail that are shown under a name; none: there is no such name.

    >>> stored("prefs_setting_changed"), stored("file_uploaded")
    (('prefs_setting_changed', 'pref.allow_users_to_change_display_name'), ())
    """
    if name not in ACTIONS:
        return ()
    return name, *(ours for ours, nearest in NEAREST.items() if nearest == name)


EVERYTHING: tuple[str, ...] = tuple(sorted({*ACTIONS, *NEAREST}))
"""All actions of the trail that are shown."""


def mentioned(details: object) -> list[tuple[str, str]]:
    """Kind and id of what an event speaks of, beside what it is about.

    >>> mentioned({"team": "T1", "first": True, "channel": None}), mentioned([])
    ([('workspace', 'T1')], [])
    """
    said = details if isinstance(details, dict) else {}
    return [(MENTIONS[field], id) for field, id in said.items() if field in MENTIONS and isinstance(id, str)]
