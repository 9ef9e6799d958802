"""Organisations and who is in them: names, people, groups."""

from __future__ import annotations

from sqlalchemy import ForeignKeyConstraint, Index, PrimaryKeyConstraint, Table, UniqueConstraint

from rosterd.store.tables.columns import flag, metadata, number, text_column, where

# Organisations. `domain` routes: it is unique in the whole installation.
orgs = Table(
    "orgs",
    metadata,
    text_column("id"),
    text_column("team_id"),  # the first workspace; on Business+ the only one
    text_column("name"),
    text_column("domain"),
    text_column("plan"),
    number("created"),
    flag("display_name_change"),  # members choose their own display names
    PrimaryKeyConstraint("id", name="orgs_pk"),
    UniqueConstraint("domain", name="orgs_domain"),
)

# Usernames, channel names, handles of groups and reserved words, one namespace: its key decides every race.
names = Table(
    "names",
    metadata,
    text_column("org_id"),
    text_column("name"),  # folded
    text_column("kind"),  # user, channel, group or reserved
    text_column("holder_id", null=True),  # no foreign key: the row is there before the user that needs it
    PrimaryKeyConstraint("org_id", "name", name="names_pk"),
    sqlite_with_rowid=False,
)

# People. What is not looked up by is in `profile`.
users = Table(
    "users",
    metadata,
    text_column("org_id"),
    text_column("id"),
    number("created"),
    text_column("username"),
    text_column("email"),  # primary, as given
    text_column("email_folded"),
    text_column("display_name"),
    text_column("display_folded"),
    text_column("role"),
    flag("deactivated"),
    number("date_claimed", null=True),  # the first sign-in; NULL: invited
    number("guest_expires", null=True),
    flag("erased"),
    text_column("full_name"),  # as groups show their members: follows from the rest
    text_column("profile"),  # JSON of rosterd.directory.model.Profile
    text_column("card"),  # the row laid out for readers: follows from the rest; long, hence last
    PrimaryKeyConstraint("org_id", "id", name="users_pk"),
    UniqueConstraint("org_id", "username", name="users_username"),
    ForeignKeyConstraint(["org_id"], ["orgs.id"], name="users_org"),
    ForeignKeyConstraint(["org_id", "username"], ["names.org_id", "names.name"], name="users_name_held"),
    Index("users_by_created", "org_id", "created", "id"),
    Index("users_by_display", "org_id", "display_folded", "created", "id"),
    Index("users_by_role", "org_id", "role", "created", "id"),
    Index("users_by_active", "org_id", "deactivated", "created", "id"),
    Index(
        "users_expiring",
        "org_id",
        "guest_expires",
        "id",
        **where("deactivated = 0 AND guest_expires IS NOT NULL"),
    ),
    Index("users_one_primary_owner", "org_id", "role", unique=True, **where("role = 'primary_owner'")),
)

# Every address, primary and secondary: its key gives it to one person.
emails = Table(
    "emails",
    metadata,
    text_column("org_id"),
    text_column("email"),  # folded
    text_column("user_id"),
    PrimaryKeyConstraint("org_id", "email", name="emails_pk"),
    ForeignKeyConstraint(["org_id", "user_id"], ["users.org_id", "users.id"], name="emails_user"),
    sqlite_with_rowid=False,
)

# User groups and IdP groups, without their members.
groups = Table(
    "groups",
    metadata,
    text_column("org_id"),
    text_column("id"),
    number("created"),
    text_column("display_name"),
    text_column("display_folded"),
    PrimaryKeyConstraint("org_id", "id", name="groups_pk"),
    UniqueConstraint("org_id", "display_folded", name="groups_display"),
    ForeignKeyConstraint(["org_id"], ["orgs.id"], name="groups_org"),
    Index("groups_by_created", "org_id", "created", "id"),
)

# Who is in which group.
members = Table(
    "members",
    metadata,
    text_column("org_id"),
    text_column("group_id"),
    text_column("user_id"),
    number("added"),  # when joined, plus one for each place in the request that did it
    PrimaryKeyConstraint("org_id", "group_id", "user_id", name="members_pk"),
    ForeignKeyConstraint(["org_id", "group_id"], ["groups.org_id", "groups.id"], name="members_group"),
    ForeignKeyConstraint(["org_id", "user_id"], ["users.org_id", "users.id"], name="members_user"),
    Index("members_by_added", "org_id", "group_id", "added", "user_id"),  # a group shown in slices
    Index("members_by_user", "org_id", "user_id", "added", "group_id"),  # a person's groups, in order
    sqlite_with_rowid=False,
)

# The custom profile fields that an organisation has.
profile_fields = Table(
    "profile_fields",
    metadata,
    text_column("org_id"),
    text_column("name"),
    text_column("label"),
    flag("is_scim"),  # made by provisioning
    number("created"),
    PrimaryKeyConstraint("org_id", "name", name="profile_fields_pk"),
    ForeignKeyConstraint(["org_id"], ["orgs.id"], name="profile_fields_org"),
)
