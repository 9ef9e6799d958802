"""Workspaces and channels: who is in them and why, and what groups lead to."""

from __future__ import annotations

from sqlalchemy import ForeignKeyConstraint, Index, PrimaryKeyConstraint, Table, UniqueConstraint

from rosterd.store.tables.columns import flag, metadata, number, text_column, where

_BY_GROUP = where("source_id >= 'S' AND source_id < 'T'")  # not the many who are somewhere for another reason

# Workspaces of an organisation.
workspaces = Table(
    "workspaces",
    metadata,
    text_column("org_id"),
    text_column("id"),
    text_column("name"),
    text_column("domain"),
    number("created"),
    text_column("description"),
    text_column("discoverability"),  # open, closed, invite_only or unlisted
    PrimaryKeyConstraint("org_id", "id", name="workspaces_pk"),
    UniqueConstraint("org_id", "domain", name="workspaces_domain"),
    ForeignKeyConstraint(["org_id"], ["orgs.id"], name="workspaces_org"),
)

# Why somebody is in a workspace: one row for each reason, and no row for whoever is not in it.
workspace_members = Table(
    "workspace_members",
    metadata,
    text_column("org_id"),
    text_column("team_id"),
    text_column("user_id"),
    text_column("source_id"),  # '': directly; S…: by this group
    flag("kept"),  # the group is no reason any more, and nobody took them out
    number("added"),
    PrimaryKeyConstraint("org_id", "team_id", "user_id", "source_id", name="workspace_members_pk"),
    ForeignKeyConstraint(
        ["org_id", "team_id"], ["workspaces.org_id", "workspaces.id"], name="workspace_members_team"
    ),
    ForeignKeyConstraint(["org_id", "user_id"], ["users.org_id", "users.id"], name="workspace_members_user"),
    Index("workspace_members_by_user", "org_id", "user_id", "team_id", "source_id"),
    Index("workspace_members_by_group", "org_id", "source_id", "team_id", "user_id", **_BY_GROUP),
    sqlite_with_rowid=False,
)

# Who is more than a member in a workspace of an Enterprise organisation. Elsewhere `users.role` says it.
workspace_roles = Table(
    "workspace_roles",
    metadata,
    text_column("org_id"),
    text_column("team_id"),
    text_column("user_id"),
    text_column("role"),  # owner or admin
    PrimaryKeyConstraint("org_id", "team_id", "user_id", name="workspace_roles_pk"),
    ForeignKeyConstraint(
        ["org_id", "team_id"], ["workspaces.org_id", "workspaces.id"], name="workspace_roles_team"
    ),
    ForeignKeyConstraint(["org_id", "user_id"], ["users.org_id", "users.id"], name="workspace_roles_user"),
    Index("workspace_roles_by_user", "org_id", "user_id"),
    sqlite_with_rowid=False,
)

# Channels, without the workspaces that they are in.
channels = Table(
    "channels",
    metadata,
    text_column("org_id"),
    text_column("id"),
    number("created"),
    text_column("name"),  # held in `names`, perhaps for several channels: it is unique in a workspace
    text_column("creator_id"),
    flag("is_private"),
    flag("is_archived"),
    flag("is_org_wide"),  # in every workspace, those to come as well
    text_column("topic"),
    text_column("purpose"),
    PrimaryKeyConstraint("org_id", "id", name="channels_pk"),
    ForeignKeyConstraint(["org_id", "name"], ["names.org_id", "names.name"], name="channels_name_held"),
    Index("channels_by_created", "org_id", "created", "id"),
    Index("channels_by_name", "org_id", "name", "id"),
)

# Which channels a workspace has.
channel_workspaces = Table(
    "channel_workspaces",
    metadata,
    text_column("org_id"),
    text_column("channel_id"),
    text_column("team_id"),
    text_column("name"),  # the channel's
    flag("is_default"),  # whoever joins the workspace joins the channel
    flag("is_general"),  # the one that a workspace begins with, and nobody leaves
    PrimaryKeyConstraint("org_id", "channel_id", "team_id", name="channel_workspaces_pk"),
    UniqueConstraint("org_id", "team_id", "name", name="channel_workspaces_name"),
    ForeignKeyConstraint(
        ["org_id", "channel_id"], ["channels.org_id", "channels.id"], name="channel_workspaces_channel"
    ),
    ForeignKeyConstraint(
        ["org_id", "team_id"], ["workspaces.org_id", "workspaces.id"], name="channel_workspaces_team"
    ),
)

# Why somebody is in a channel, as `workspace_members` of a workspace.
channel_members = Table(
    "channel_members",
    metadata,
    text_column("org_id"),
    text_column("channel_id"),
    text_column("user_id"),
    text_column("source_id"),  # '': directly; S…: by this group; T…: as a default channel of this workspace
    flag("kept"),
    number("added"),
    PrimaryKeyConstraint("org_id", "channel_id", "user_id", "source_id", name="channel_members_pk"),
    ForeignKeyConstraint(
        ["org_id", "channel_id"], ["channels.org_id", "channels.id"], name="channel_members_channel"
    ),
    ForeignKeyConstraint(["org_id", "user_id"], ["users.org_id", "users.id"], name="channel_members_user"),
    Index("channel_members_by_user", "org_id", "user_id", "channel_id", "source_id"),
    Index("channel_members_by_group", "org_id", "source_id", "channel_id", "user_id", **_BY_GROUP),
    sqlite_with_rowid=False,
)

# What comes back to somebody deactivated when they are reactivated: where they were not by a group alone.
former_members = Table(
    "former_members",
    metadata,
    text_column("org_id"),
    text_column("user_id"),
    text_column("place_id"),  # T… or C…
    text_column("source_id"),
    flag("kept"),
    PrimaryKeyConstraint("org_id", "user_id", "place_id", "source_id", name="former_members_pk"),
    ForeignKeyConstraint(["org_id", "user_id"], ["users.org_id", "users.id"], name="former_members_user"),
    sqlite_with_rowid=False,
)

# The workspaces that a group leads to.
group_workspaces = Table(
    "group_workspaces",
    metadata,
    text_column("org_id"),
    text_column("group_id"),
    text_column("team_id"),
    flag("is_required"),  # whoever leaves the group leaves the workspace
    flag("auto_provision"),  # members join at once; else when they, or an administrator, want it
    number("created"),
    PrimaryKeyConstraint("org_id", "group_id", "team_id", name="group_workspaces_pk"),
    ForeignKeyConstraint(
        ["org_id", "group_id"], ["groups.org_id", "groups.id"], name="group_workspaces_group"
    ),
    ForeignKeyConstraint(
        ["org_id", "team_id"], ["workspaces.org_id", "workspaces.id"], name="group_workspaces_team"
    ),
    Index("group_workspaces_by_team", "org_id", "team_id", "group_id"),
    sqlite_with_rowid=False,
)

# The channels that a group leads to.
group_channels = Table(
    "group_channels",
    metadata,
    text_column("org_id"),
    text_column("group_id"),
    text_column("channel_id"),
    number("created"),
    PrimaryKeyConstraint("org_id", "group_id", "channel_id", name="group_channels_pk"),
    ForeignKeyConstraint(["org_id", "group_id"], ["groups.org_id", "groups.id"], name="group_channels_group"),
    ForeignKeyConstraint(
        ["org_id", "channel_id"], ["channels.org_id", "channels.id"], name="group_channels_channel"
    ),
    Index("group_channels_by_channel", "org_id", "channel_id", "group_id"),
    sqlite_with_rowid=False,
)

# The groups whose members alone may be in a private channel.
channel_allowlist = Table(
    "channel_allowlist",
    metadata,
    text_column("org_id"),
    text_column("channel_id"),
    text_column("group_id"),
    number("created"),
    PrimaryKeyConstraint("org_id", "channel_id", "group_id", name="channel_allowlist_pk"),
    ForeignKeyConstraint(
        ["org_id", "channel_id"], ["channels.org_id", "channels.id"], name="channel_allowlist_channel"
    ),
    ForeignKeyConstraint(
        ["org_id", "group_id"], ["groups.org_id", "groups.id"], name="channel_allowlist_group"
    ),
    Index("channel_allowlist_by_group", "org_id", "group_id", "channel_id"),
    sqlite_with_rowid=False,
)

# What the Web API keeps of a user group beside what SCIM knows. No row: nothing.
user_groups = Table(
    "user_groups",
    metadata,
    text_column("org_id"),
    text_column("group_id"),
    text_column("handle"),  # held in `names`; '': none
    text_column("description"),
    text_column("created_by"),
    text_column("updated_by"),
    number("updated"),  # seconds
    number("disabled", null=True),  # seconds; NULL: it is in use
    PrimaryKeyConstraint("org_id", "group_id", name="user_groups_pk"),
    ForeignKeyConstraint(["org_id", "group_id"], ["groups.org_id", "groups.id"], name="user_groups_group"),
    sqlite_with_rowid=False,
)
