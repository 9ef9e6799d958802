"""The directory: organisations, people, groups, tokens and the audit log.

A copy of what :mod:`rosterd.store.tables` was at this revision; what its columns mean is said there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision: str | None = None
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def _text(name: str, *, null: bool = False) -> sa.Column[Any]:
    return sa.Column(name, TEXT, nullable=null)


def _number(name: str, *, null: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.BigInteger(), nullable=null)


def _flag(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.SmallInteger(), nullable=False)


def upgrade() -> None:
    _orgs()
    _people()
    _groups()
    _access()
    _audit()
    if op.get_bind().dialect.name == "sqlite":
        _tell_sqlite_what_to_expect()


def downgrade() -> None:
    raise NotImplementedError("the first revision: there is nothing before it")


def _orgs() -> None:
    op.create_table(
        "orgs",
        _text("id"),
        _text("team_id"),
        _text("name"),
        _text("domain"),
        _text("plan"),
        _number("created"),
        _flag("display_name_change"),
        sa.PrimaryKeyConstraint("id", name="orgs_pk"),
        sa.UniqueConstraint("domain", name="orgs_domain"),
    )
    op.create_table(
        "workspaces",
        _text("org_id"),
        _text("id"),
        _text("name"),
        _text("domain"),
        _number("created"),
        sa.PrimaryKeyConstraint("org_id", "id", name="workspaces_pk"),
        sa.ForeignKeyConstraint(["org_id"], ["orgs.id"], name="workspaces_org"),
    )


def _people() -> None:
    op.create_table(
        "names",
        _text("org_id"),
        _text("name"),
        _text("kind"),
        _text("holder_id", null=True),
        sa.PrimaryKeyConstraint("org_id", "name", name="names_pk"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "users",
        _text("org_id"),
        _text("id"),
        _number("created"),
        _text("username"),
        _text("email"),
        _text("email_folded"),
        _text("display_name"),
        _text("display_folded"),
        _text("role"),
        _flag("deactivated"),
        _number("date_claimed", null=True),
        _number("guest_expires", null=True),
        _flag("erased"),
        _text("full_name"),
        _text("profile"),
        _text("card"),
        sa.PrimaryKeyConstraint("org_id", "id", name="users_pk"),
        sa.UniqueConstraint("org_id", "username", name="users_username"),
        sa.ForeignKeyConstraint(["org_id"], ["orgs.id"], name="users_org"),
        sa.ForeignKeyConstraint(
            ["org_id", "username"], ["names.org_id", "names.name"], name="users_name_held"
        ),
    )
    op.create_index("users_by_created", "users", ["org_id", "created", "id"])
    op.create_index("users_by_display", "users", ["org_id", "display_folded", "created", "id"])
    op.create_index("users_by_role", "users", ["org_id", "role", "created", "id"])
    op.create_index("users_by_active", "users", ["org_id", "deactivated", "created", "id"])
    is_primary_owner = sa.text("role = 'primary_owner'")
    op.create_index(
        "users_one_primary_owner",
        "users",
        ["org_id", "role"],
        unique=True,
        sqlite_where=is_primary_owner,
        postgresql_where=is_primary_owner,
    )
    op.create_table(
        "emails",
        _text("org_id"),
        _text("email"),
        _text("user_id"),
        sa.PrimaryKeyConstraint("org_id", "email", name="emails_pk"),
        sa.ForeignKeyConstraint(["org_id", "user_id"], ["users.org_id", "users.id"], name="emails_user"),
        sqlite_with_rowid=False,
    )


def _groups() -> None:
    op.create_table(
        "groups",
        _text("org_id"),
        _text("id"),
        _number("created"),
        _text("display_name"),
        _text("display_folded"),
        sa.PrimaryKeyConstraint("org_id", "id", name="groups_pk"),
        sa.UniqueConstraint("org_id", "display_folded", name="groups_display"),
        sa.ForeignKeyConstraint(["org_id"], ["orgs.id"], name="groups_org"),
    )
    op.create_index("groups_by_created", "groups", ["org_id", "created", "id"])
    op.create_table(
        "members",
        _text("org_id"),
        _text("group_id"),
        _text("user_id"),
        _number("added"),
        sa.PrimaryKeyConstraint("org_id", "group_id", "user_id", name="members_pk"),
        sa.ForeignKeyConstraint(["org_id", "group_id"], ["groups.org_id", "groups.id"], name="members_group"),
        sa.ForeignKeyConstraint(["org_id", "user_id"], ["users.org_id", "users.id"], name="members_user"),
        sqlite_with_rowid=False,
    )
    op.create_index("members_by_added", "members", ["org_id", "group_id", "added", "user_id"])
    op.create_index("members_by_user", "members", ["org_id", "user_id", "added", "group_id"])


def _access() -> None:
    op.create_table(
        "tokens",
        _text("hash"),
        _text("id"),
        _text("org_id"),
        _text("user_id"),
        _text("scopes"),
        _text("team_id", null=True),
        _text("allow_ips"),
        _number("created"),
        _number("expires", null=True),
        _number("last_used", null=True),
        _number("revoked", null=True),
        sa.PrimaryKeyConstraint("hash", name="tokens_pk"),
        sa.UniqueConstraint("org_id", "id", name="tokens_id"),
        sa.ForeignKeyConstraint(["org_id", "user_id"], ["users.org_id", "users.id"], name="tokens_user"),
    )
    op.create_index("tokens_by_user", "tokens", ["org_id", "user_id"])
    op.create_table(
        "profile_fields",
        _text("org_id"),
        _text("name"),
        _text("label"),
        _flag("is_scim"),
        _number("created"),
        sa.PrimaryKeyConstraint("org_id", "name", name="profile_fields_pk"),
        sa.ForeignKeyConstraint(["org_id"], ["orgs.id"], name="profile_fields_org"),
    )


def _audit() -> None:
    op.create_table(
        "audit_events",
        _text("org_id"),
        _text("id"),
        _number("created"),
        _text("action"),
        _text("actor_id"),
        _text("token_id", null=True),
        _text("entity_type"),
        _text("entity_id"),
        _text("request_id"),
        _text("client"),
        _text("ip_address", null=True),
        _text("details"),
        _text("subject_id", null=True),
        _text("personal_digest", null=True),
        _text("salt", null=True),
        _text("personal", null=True),
        sa.PrimaryKeyConstraint("org_id", "id", name="audit_events_pk"),
    )
    op.create_index("audit_events_by_entity", "audit_events", ["org_id", "entity_id"])
    op.create_table(
        "audit_unsealed",
        _text("org_id"),
        _text("event_id"),
        _text("leaf"),
        sa.PrimaryKeyConstraint("org_id", "event_id", name="audit_unsealed_pk"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "audit_seals",
        _text("org_id"),
        _number("n"),
        _text("events"),
        _text("hash"),
        _text("previous"),
        _number("sealed"),
        sa.PrimaryKeyConstraint("org_id", "n", name="audit_seals_pk"),
    )


# Table, index, and how many rows there are in all and for each value of its first column, its first
# two, and so on. A key declared with its table has a name of SQLite's, or the table's own.
EXPECTATIONS = (
    ("orgs", "sqlite_autoindex_orgs_1", "10 1"),
    ("orgs", "sqlite_autoindex_orgs_2", "10 1"),
    ("workspaces", "sqlite_autoindex_workspaces_1", "20 20 1"),
    ("names", "names", "100000 100000 1"),
    ("users", "sqlite_autoindex_users_1", "100000 100000 1"),
    ("users", "sqlite_autoindex_users_2", "100000 100000 1"),
    ("users", "users_by_created", "100000 100000 1 1"),
    ("users", "users_by_display", "100000 100000 2 1 1"),
    ("users", "users_by_role", "100000 100000 10000 1 1"),
    ("users", "users_by_active", "100000 100000 30000 1 1"),
    ("users", "users_one_primary_owner", "10 1 1"),
    ("emails", "emails", "150000 150000 1"),
    ("groups", "sqlite_autoindex_groups_1", "10000 10000 1"),
    ("groups", "sqlite_autoindex_groups_2", "10000 10000 1"),
    ("groups", "groups_by_created", "10000 10000 1 1"),
    ("members", "members", "1000000 1000000 100 1"),
    ("members", "members_by_added", "1000000 1000000 100 1 1"),
    ("members", "members_by_user", "1000000 1000000 10 1 1"),
    ("tokens", "sqlite_autoindex_tokens_1", "100 1"),
    ("tokens", "sqlite_autoindex_tokens_2", "100 100 1"),
    ("tokens", "tokens_by_user", "100 100 2"),
    ("profile_fields", "sqlite_autoindex_profile_fields_1", "50 50 1"),
    ("audit_events", "sqlite_autoindex_audit_events_1", "1000000 1000000 1"),
    ("audit_events", "audit_events_by_entity", "1000000 1000000 10"),
    ("audit_unsealed", "audit_unsealed", "1000 1000 1"),
    ("audit_seals", "sqlite_autoindex_audit_seals_1", "100000 100000 1"),
)


def _tell_sqlite_what_to_expect() -> None:
    """Statistics for SQLite's planner, before there is anything to measure.

    Without them it supposes that the first column of any index leaves ten rows. Here that is the
    organisation, which leaves them all, and the wrong index looks as good as the right one.
    https://sqlite.org/optoverview.html, heading "Manual Control Of Query Plans Using SQLITE_STAT Tables".
    """
    op.execute("ANALYZE sqlite_schema")  # makes the table; measures nothing
    expected = sa.table("sqlite_stat1", sa.column("tbl"), sa.column("idx"), sa.column("stat"))
    op.bulk_insert(expected, [dict(zip(("tbl", "idx", "stat"), row, strict=True)) for row in EXPECTATIONS])
