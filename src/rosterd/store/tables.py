"""The schema: every table, and what its odd columns mean. Migrations make it, nothing here runs.

Rules of this module:

1. ``org_id`` stands first in every primary key, unique key, foreign key and index, so that the
   schema can be sharded by organisation. The exceptions route a request to its organisation: the
   hash of a token and the domain of an organisation.
2. Text has the collation ``C`` on PostgreSQL, which is SQLite's own: comparing, ordering and
   ``prefix <= x < end`` mean the same on both. Folding is done before storing.
3. Times are as in :mod:`rosterd.directory.model`: microseconds since the epoch (``created``,
   ``added``, ``sealed``), else whole seconds. Flags are 0 and 1. JSON is text.
4. A table whose rows are hardly more than their key is stored as that key's tree on SQLite.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKeyConstraint,
    Index,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)

metadata = MetaData()

TEXT = Text().with_variant(Text(collation="C"), "postgresql")


def _text(name: str, *, null: bool = False) -> Column[Any]:
    return Column(name, TEXT, nullable=null)


def _number(name: str, *, null: bool = False) -> Column[Any]:
    return Column(name, BigInteger(), nullable=null)


def _flag(name: str) -> Column[Any]:
    return Column(name, SmallInteger(), nullable=False)


def _where(condition: str) -> dict[str, Any]:
    """That an index holds only the rows that fulfil this."""
    return {f"{engine}_where": text(condition) for engine in ("sqlite", "postgresql")}


# Organisations. `domain` routes: it is unique in the whole installation.
orgs = Table(
    "orgs",
    metadata,
    _text("id"),
    _text("team_id"),  # the first workspace; on Business+ the only one
    _text("name"),
    _text("domain"),
    _text("plan"),
    _number("created"),
    _flag("display_name_change"),  # members choose their own display names
    PrimaryKeyConstraint("id", name="orgs_pk"),
    UniqueConstraint("domain", name="orgs_domain"),
)

# Workspaces of an organisation.
workspaces = Table(
    "workspaces",
    metadata,
    _text("org_id"),
    _text("id"),
    _text("name"),
    _text("domain"),
    _number("created"),
    PrimaryKeyConstraint("org_id", "id", name="workspaces_pk"),
    ForeignKeyConstraint(["org_id"], ["orgs.id"], name="workspaces_org"),
)

# Usernames, channel names and reserved words, one namespace: its key decides every race for a name.
names = Table(
    "names",
    metadata,
    _text("org_id"),
    _text("name"),  # folded
    _text("kind"),  # user, channel or reserved
    _text("holder_id", null=True),  # no foreign key: the row is there before the user that needs it
    PrimaryKeyConstraint("org_id", "name", name="names_pk"),
    sqlite_with_rowid=False,
)

# People. What is not looked up by is in `profile`.
users = Table(
    "users",
    metadata,
    _text("org_id"),
    _text("id"),
    _number("created"),
    _text("username"),
    _text("email"),  # primary, as given
    _text("email_folded"),
    _text("display_name"),
    _text("display_folded"),
    _text("role"),
    _flag("deactivated"),
    _number("date_claimed", null=True),  # the first sign-in; NULL: invited
    _number("guest_expires", null=True),
    _flag("erased"),
    _text("full_name"),  # as groups show their members: follows from the rest
    _text("profile"),  # JSON of rosterd.directory.model.Profile
    _text("card"),  # the row laid out for readers: follows from the rest; long, hence last
    PrimaryKeyConstraint("org_id", "id", name="users_pk"),
    UniqueConstraint("org_id", "username", name="users_username"),
    ForeignKeyConstraint(["org_id"], ["orgs.id"], name="users_org"),
    ForeignKeyConstraint(["org_id", "username"], ["names.org_id", "names.name"], name="users_name_held"),
    Index("users_by_created", "org_id", "created", "id"),
    Index("users_by_display", "org_id", "display_folded", "created", "id"),
    Index("users_by_role", "org_id", "role", "created", "id"),
    Index("users_by_active", "org_id", "deactivated", "created", "id"),
    Index("users_one_primary_owner", "org_id", "role", unique=True, **_where("role = 'primary_owner'")),
)

# Every address, primary and secondary: its key gives it to one person.
emails = Table(
    "emails",
    metadata,
    _text("org_id"),
    _text("email"),  # folded
    _text("user_id"),
    PrimaryKeyConstraint("org_id", "email", name="emails_pk"),
    ForeignKeyConstraint(["org_id", "user_id"], ["users.org_id", "users.id"], name="emails_user"),
    sqlite_with_rowid=False,
)

# User groups and IdP groups, without their members.
groups = Table(
    "groups",
    metadata,
    _text("org_id"),
    _text("id"),
    _number("created"),
    _text("display_name"),
    _text("display_folded"),
    PrimaryKeyConstraint("org_id", "id", name="groups_pk"),
    UniqueConstraint("org_id", "display_folded", name="groups_display"),
    ForeignKeyConstraint(["org_id"], ["orgs.id"], name="groups_org"),
    Index("groups_by_created", "org_id", "created", "id"),
)

# Who is in which group.
members = Table(
    "members",
    metadata,
    _text("org_id"),
    _text("group_id"),
    _text("user_id"),
    _number("added"),  # when joined, plus one for each place in the request that did it
    PrimaryKeyConstraint("org_id", "group_id", "user_id", name="members_pk"),
    ForeignKeyConstraint(["org_id", "group_id"], ["groups.org_id", "groups.id"], name="members_group"),
    ForeignKeyConstraint(["org_id", "user_id"], ["users.org_id", "users.id"], name="members_user"),
    Index("members_by_added", "org_id", "group_id", "added", "user_id"),  # a group shown in slices
    Index("members_by_user", "org_id", "user_id", "added", "group_id"),  # a person's groups, in order
    sqlite_with_rowid=False,
)

# Tokens, found by the keyed hash of their secret, which is nowhere.
tokens = Table(
    "tokens",
    metadata,
    _text("hash"),
    _text("id"),
    _text("org_id"),
    _text("user_id"),
    _text("scopes"),  # JSON list
    _text("team_id", null=True),  # NULL: installed on the organisation
    _text("allow_ips"),  # JSON list of CIDR ranges; empty: from anywhere
    _number("created"),
    _number("expires", null=True),
    _number("last_used", null=True),
    _number("revoked", null=True),
    PrimaryKeyConstraint("hash", name="tokens_pk"),
    UniqueConstraint("org_id", "id", name="tokens_id"),
    ForeignKeyConstraint(["org_id", "user_id"], ["users.org_id", "users.id"], name="tokens_user"),
    Index("tokens_by_user", "org_id", "user_id"),
)

# The custom profile fields that an organisation has.
profile_fields = Table(
    "profile_fields",
    metadata,
    _text("org_id"),
    _text("name"),
    _text("label"),
    _flag("is_scim"),  # made by provisioning
    _number("created"),
    PrimaryKeyConstraint("org_id", "name", name="profile_fields_pk"),
    ForeignKeyConstraint(["org_id"], ["orgs.id"], name="profile_fields_org"),
)

# What happened. Rows are added and, but for forgetting what is personal, never changed. No foreign
# keys: the log outlives what it tells of, and every write adds to it.
audit_events = Table(
    "audit_events",
    metadata,
    _text("org_id"),
    _text("id"),  # UUIDv7: order of id is order of time
    _number("created"),
    _text("action"),
    _text("actor_id"),
    _text("token_id", null=True),  # NULL: at the command line
    _text("entity_type"),
    _text("entity_id"),
    _text("request_id"),
    _text("client"),
    _text("ip_address", null=True),
    _text("details"),  # JSON, nothing personal
    _text("subject_id", null=True),  # whose data `personal` is: the entity, or NULL
    _text("personal_digest", null=True),  # SHA-256 of salt and personal: what the seals cover
    _text("salt", null=True),  # so that a digest cannot be guessed once the rest is forgotten
    _text("personal", null=True),  # JSON; NULL: nothing personal, or forgotten
    PrimaryKeyConstraint("org_id", "id", name="audit_events_pk"),
    Index("audit_events_by_entity", "org_id", "entity_id"),
)

# Events that no seal covers yet.
audit_unsealed = Table(
    "audit_unsealed",
    metadata,
    _text("org_id"),
    _text("event_id"),
    _text("leaf"),  # what the seal will cover: rosterd.store.audit.leaf
    PrimaryKeyConstraint("org_id", "event_id", name="audit_unsealed_pk"),
    sqlite_with_rowid=False,
)

# The chain: each seal covers the one before and a batch of events. Its key keeps it from forking.
audit_seals = Table(
    "audit_seals",
    metadata,
    _text("org_id"),
    _number("n"),  # from 1
    _text("events"),  # JSON list of ids, in the order they are covered
    _text("hash"),
    _text("previous"),  # the hash of seal n - 1
    _number("sealed"),
    PrimaryKeyConstraint("org_id", "n", name="audit_seals_pk"),
)
