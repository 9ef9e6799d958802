"""The organisation behind the directory: workspaces, channels, what groups lead to, sign-in, the outbox.

A copy of what :mod:`rosterd.store.tables` was at this revision; what its columns mean is said there.

Who is there already gets what a new organisation would have: every workspace its #general, and whoever
belongs in the first workspace a place in both. No mail and no event tells of it.
"""

from __future__ import annotations

import itertools
import secrets
import string
import time
from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision: str | None = "0001"
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
    _people()
    _workspaces()
    op.add_column("tokens", _text("app_id", null=True))
    _places()
    _connections()
    _outbox()
    _signing_in()
    _trail()
    _settle()
    if op.get_bind().dialect.name == "sqlite":
        _tell_sqlite_what_to_expect()


def downgrade() -> None:
    raise NotImplementedError("the way back is the backup")


def _people() -> None:
    is_expiring = sa.text("deactivated = 0 AND guest_expires IS NOT NULL")
    op.create_index(
        "users_expiring",
        "users",
        ["org_id", "guest_expires", "id"],
        sqlite_where=is_expiring,
        postgresql_where=is_expiring,
    )


def _workspaces() -> None:
    """Made anew, since SQLite adds neither a key nor a column that must have a value."""
    found = [dict(row) for row in op.get_bind().execute(sa.text("SELECT * FROM workspaces")).mappings()]
    op.drop_table("workspaces")
    made = op.create_table(
        "workspaces",
        _text("org_id"),
        _text("id"),
        _text("name"),
        _text("domain"),
        _number("created"),
        _text("description"),
        _text("discoverability"),
        sa.PrimaryKeyConstraint("org_id", "id", name="workspaces_pk"),
        sa.UniqueConstraint("org_id", "domain", name="workspaces_domain"),
        sa.ForeignKeyConstraint(["org_id"], ["orgs.id"], name="workspaces_org"),
    )
    op.bulk_insert(made, [row | {"description": "", "discoverability": "invite_only"} for row in found])


def _places() -> None:
    by_group = sa.text("source_id >= 'S' AND source_id < 'T'")
    op.create_table(
        "workspace_members",
        _text("org_id"),
        _text("team_id"),
        _text("user_id"),
        _text("source_id"),
        _flag("kept"),
        _number("added"),
        sa.PrimaryKeyConstraint("org_id", "team_id", "user_id", "source_id", name="workspace_members_pk"),
        sa.ForeignKeyConstraint(
            ["org_id", "team_id"], ["workspaces.org_id", "workspaces.id"], name="workspace_members_team"
        ),
        sa.ForeignKeyConstraint(
            ["org_id", "user_id"], ["users.org_id", "users.id"], name="workspace_members_user"
        ),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "workspace_members_by_user", "workspace_members", ["org_id", "user_id", "team_id", "source_id"]
    )
    op.create_index(
        "workspace_members_by_group",
        "workspace_members",
        ["org_id", "source_id", "team_id", "user_id"],
        sqlite_where=by_group,
        postgresql_where=by_group,
    )
    op.create_table(
        "workspace_roles",
        _text("org_id"),
        _text("team_id"),
        _text("user_id"),
        _text("role"),
        sa.PrimaryKeyConstraint("org_id", "team_id", "user_id", name="workspace_roles_pk"),
        sa.ForeignKeyConstraint(
            ["org_id", "team_id"], ["workspaces.org_id", "workspaces.id"], name="workspace_roles_team"
        ),
        sa.ForeignKeyConstraint(
            ["org_id", "user_id"], ["users.org_id", "users.id"], name="workspace_roles_user"
        ),
        sqlite_with_rowid=False,
    )
    op.create_index("workspace_roles_by_user", "workspace_roles", ["org_id", "user_id"])
    op.create_table(
        "channels",
        _text("org_id"),
        _text("id"),
        _number("created"),
        _text("name"),
        _text("creator_id"),
        _flag("is_private"),
        _flag("is_archived"),
        _flag("is_org_wide"),
        _text("topic"),
        _text("purpose"),
        sa.PrimaryKeyConstraint("org_id", "id", name="channels_pk"),
        sa.ForeignKeyConstraint(
            ["org_id", "name"], ["names.org_id", "names.name"], name="channels_name_held"
        ),
    )
    op.create_index("channels_by_created", "channels", ["org_id", "created", "id"])
    op.create_table(
        "channel_workspaces",
        _text("org_id"),
        _text("channel_id"),
        _text("team_id"),
        _text("name"),
        _flag("is_default"),
        _flag("is_general"),
        sa.PrimaryKeyConstraint("org_id", "channel_id", "team_id", name="channel_workspaces_pk"),
        sa.UniqueConstraint("org_id", "team_id", "name", name="channel_workspaces_name"),
        sa.ForeignKeyConstraint(
            ["org_id", "channel_id"], ["channels.org_id", "channels.id"], name="channel_workspaces_channel"
        ),
        sa.ForeignKeyConstraint(
            ["org_id", "team_id"], ["workspaces.org_id", "workspaces.id"], name="channel_workspaces_team"
        ),
    )
    op.create_table(
        "channel_members",
        _text("org_id"),
        _text("channel_id"),
        _text("user_id"),
        _text("source_id"),
        _flag("kept"),
        _number("added"),
        sa.PrimaryKeyConstraint("org_id", "channel_id", "user_id", "source_id", name="channel_members_pk"),
        sa.ForeignKeyConstraint(
            ["org_id", "channel_id"], ["channels.org_id", "channels.id"], name="channel_members_channel"
        ),
        sa.ForeignKeyConstraint(
            ["org_id", "user_id"], ["users.org_id", "users.id"], name="channel_members_user"
        ),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "channel_members_by_user", "channel_members", ["org_id", "user_id", "channel_id", "source_id"]
    )
    op.create_index(
        "channel_members_by_group",
        "channel_members",
        ["org_id", "source_id", "channel_id", "user_id"],
        sqlite_where=by_group,
        postgresql_where=by_group,
    )
    op.create_table(
        "former_members",
        _text("org_id"),
        _text("user_id"),
        _text("place_id"),
        _text("source_id"),
        _flag("kept"),
        sa.PrimaryKeyConstraint("org_id", "user_id", "place_id", "source_id", name="former_members_pk"),
        sa.ForeignKeyConstraint(
            ["org_id", "user_id"], ["users.org_id", "users.id"], name="former_members_user"
        ),
        sqlite_with_rowid=False,
    )


def _connections() -> None:
    op.create_table(
        "group_workspaces",
        _text("org_id"),
        _text("group_id"),
        _text("team_id"),
        _flag("is_required"),
        _flag("auto_provision"),
        _number("created"),
        sa.PrimaryKeyConstraint("org_id", "group_id", "team_id", name="group_workspaces_pk"),
        sa.ForeignKeyConstraint(
            ["org_id", "group_id"], ["groups.org_id", "groups.id"], name="group_workspaces_group"
        ),
        sa.ForeignKeyConstraint(
            ["org_id", "team_id"], ["workspaces.org_id", "workspaces.id"], name="group_workspaces_team"
        ),
        sqlite_with_rowid=False,
    )
    op.create_index("group_workspaces_by_team", "group_workspaces", ["org_id", "team_id", "group_id"])
    op.create_table(
        "group_channels",
        _text("org_id"),
        _text("group_id"),
        _text("channel_id"),
        _number("created"),
        sa.PrimaryKeyConstraint("org_id", "group_id", "channel_id", name="group_channels_pk"),
        sa.ForeignKeyConstraint(
            ["org_id", "group_id"], ["groups.org_id", "groups.id"], name="group_channels_group"
        ),
        sa.ForeignKeyConstraint(
            ["org_id", "channel_id"], ["channels.org_id", "channels.id"], name="group_channels_channel"
        ),
        sqlite_with_rowid=False,
    )
    op.create_index("group_channels_by_channel", "group_channels", ["org_id", "channel_id", "group_id"])
    op.create_table(
        "channel_allowlist",
        _text("org_id"),
        _text("channel_id"),
        _text("group_id"),
        _number("created"),
        sa.PrimaryKeyConstraint("org_id", "channel_id", "group_id", name="channel_allowlist_pk"),
        sa.ForeignKeyConstraint(
            ["org_id", "channel_id"], ["channels.org_id", "channels.id"], name="channel_allowlist_channel"
        ),
        sa.ForeignKeyConstraint(
            ["org_id", "group_id"], ["groups.org_id", "groups.id"], name="channel_allowlist_group"
        ),
        sqlite_with_rowid=False,
    )
    op.create_index("channel_allowlist_by_group", "channel_allowlist", ["org_id", "group_id", "channel_id"])
    op.create_table(
        "user_groups",
        _text("org_id"),
        _text("group_id"),
        _text("handle"),
        _text("description"),
        _text("created_by"),
        _text("updated_by"),
        _number("updated"),
        _number("disabled", null=True),
        sa.PrimaryKeyConstraint("org_id", "group_id", name="user_groups_pk"),
        sa.ForeignKeyConstraint(
            ["org_id", "group_id"], ["groups.org_id", "groups.id"], name="user_groups_group"
        ),
        sqlite_with_rowid=False,
    )


def _outbox() -> None:
    op.create_table(
        "outbox",
        _text("org_id"),
        _text("id"),
        _number("created"),
        _text("kind"),
        _text("subject_id"),
        _text("arguments"),
        _number("due"),
        _number("attempts"),
        _text("problem", null=True),
        _flag("dead"),
        sa.PrimaryKeyConstraint("org_id", "id", name="outbox_pk"),
    )
    op.create_index("outbox_by_due", "outbox", ["org_id", "dead", "kind", "due", "id"])
    op.create_table(
        "webhooks",
        _text("org_id"),
        _text("id"),
        _text("url"),
        _text("secret"),
        _text("actions"),
        _number("created"),
        _number("removed", null=True),
        sa.PrimaryKeyConstraint("org_id", "id", name="webhooks_pk"),
        sa.ForeignKeyConstraint(["org_id"], ["orgs.id"], name="webhooks_org"),
    )
    op.create_table(
        "activity",
        _text("org_id"),
        _number("day"),
        _text("user_id"),
        _flag("signed_in"),
        _flag("by_app"),
        sa.PrimaryKeyConstraint("org_id", "day", "user_id", name="activity_pk"),
        sa.ForeignKeyConstraint(["org_id", "user_id"], ["users.org_id", "users.id"], name="activity_user"),
        sqlite_with_rowid=False,
    )
    op.create_index("activity_by_user", "activity", ["org_id", "user_id", "day"])


def _signing_in() -> None:
    op.create_table(
        "apps",
        _text("client_id"),
        _text("org_id"),
        _text("id"),
        _text("name"),
        _text("secret_hash"),
        _text("redirect_uris"),
        _text("scopes"),
        _number("created"),
        _number("revoked", null=True),
        sa.PrimaryKeyConstraint("client_id", name="apps_pk"),
        sa.UniqueConstraint("org_id", "id", name="apps_id"),
        sa.ForeignKeyConstraint(["org_id"], ["orgs.id"], name="apps_org"),
    )
    op.create_table(
        "oauth_codes",
        _text("hash"),
        _text("org_id"),
        _text("client_id"),
        _text("user_id"),
        _text("team_id", null=True),
        _text("scopes"),
        _text("redirect_uri"),
        _text("challenge", null=True),
        _number("expires"),
        _text("token_id", null=True),
        sa.PrimaryKeyConstraint("hash", name="oauth_codes_pk"),
        sa.ForeignKeyConstraint(["org_id", "user_id"], ["users.org_id", "users.id"], name="oauth_codes_user"),
    )
    op.create_index("oauth_codes_by_expiry", "oauth_codes", ["org_id", "expires"])
    op.create_table(
        "sessions",
        _text("hash"),
        _text("org_id"),
        _text("id"),
        _text("user_id"),
        _text("means"),
        _text("client"),
        _text("ip_address", null=True),
        _number("created"),
        _number("last_used"),
        _number("expires"),
        _number("ended", null=True),
        sa.PrimaryKeyConstraint("hash", name="sessions_pk"),
        sa.UniqueConstraint("org_id", "id", name="sessions_id"),
        sa.ForeignKeyConstraint(["org_id", "user_id"], ["users.org_id", "users.id"], name="sessions_user"),
    )
    op.create_index("sessions_by_user", "sessions", ["org_id", "user_id"])
    op.create_table(
        "signin_links",
        _text("hash"),
        _text("org_id"),
        _text("user_id"),
        _number("created"),
        _number("expires"),
        _number("used", null=True),
        sa.PrimaryKeyConstraint("hash", name="signin_links_pk"),
        sa.ForeignKeyConstraint(
            ["org_id", "user_id"], ["users.org_id", "users.id"], name="signin_links_user"
        ),
    )
    op.create_index("signin_links_by_user", "signin_links", ["org_id", "user_id"])
    op.create_table(
        "idps",
        _text("org_id"),
        _text("issuer"),
        _text("client_id"),
        _text("client_secret"),
        _flag("accepts_unverified"),
        _number("created"),
        sa.PrimaryKeyConstraint("org_id", name="idps_pk"),
        sa.ForeignKeyConstraint(["org_id"], ["orgs.id"], name="idps_org"),
    )


def _trail() -> None:
    """What happened to one thing is read newest first, page by page."""
    op.drop_index("audit_events_by_entity", "audit_events")
    op.create_index("audit_events_by_entity", "audit_events", ["org_id", "entity_id", "id"])


def _settle() -> None:
    """Put those who are there already where they belong."""
    now = {"now": time.time_ns() // 1000}
    for org, team, created in op.get_bind().execute(sa.text(_WORKSPACES)).all():
        _begin(org, team, created)
    for sql in (_IN_WORKSPACE, _IN_GENERAL):
        op.get_bind().execute(sa.text(sql), now)
    for sql in (_WAS_IN_WORKSPACE, _WAS_IN_GENERAL):
        op.get_bind().execute(sa.text(sql))


def _begin(org: str, team: str, created: int) -> None:
    """Give a workspace its #general, or #general2 if a person has that name."""
    held: dict[str, str] = dict(op.get_bind().execute(sa.text(_HELD), {"org": org}).all())
    name = next(n for n in _numbered() if held.get(n, "channel") == "channel")
    channel = "C0" + "".join(secrets.choice(string.digits + string.ascii_uppercase) for _ in range(9))
    row = {"org": org, "team": team, "created": created, "name": name, "channel": channel}
    for sql in (*([] if name in held else [_HOLD]), _CHANNEL, _HOME):
        op.get_bind().execute(sa.text(sql), row)


def _numbered() -> Iterator[str]:
    yield "general"
    yield from (f"general{number}" for number in itertools.count(2))


_WORKSPACES = "SELECT org_id, id, created FROM workspaces ORDER BY org_id, created, id"
_HELD = "SELECT name, kind FROM names WHERE org_id = :org AND name >= 'general' AND name < 'generam'"
_HOLD = "INSERT INTO names (org_id, name, kind, holder_id) VALUES (:org, :name, 'channel', :channel)"
_CHANNEL = (
    "INSERT INTO channels (org_id, id, created, name, creator_id, is_private, is_archived, is_org_wide,"
    " topic, purpose) VALUES (:org, :channel, :created, :name, 'USLACKUSER', 0, 0, 0, '', '')"
)
_HOME = (
    "INSERT INTO channel_workspaces (org_id, channel_id, team_id, name, is_default, is_general)"
    " VALUES (:org, :channel, :team, :name, 1, 1)"
)
# An Enterprise organisation says who is in its workspaces; elsewhere everybody is in the only one.
_IN_WORKSPACE = (
    "INSERT INTO workspace_members (org_id, team_id, user_id, source_id, kept, added)"
    " SELECT u.org_id, w.id, u.id, '', 0, CAST(:now AS BIGINT) FROM users u JOIN orgs o ON o.id = u.org_id"
    " JOIN workspaces w ON w.org_id = o.id AND w.id = o.team_id"
    " WHERE u.deactivated = 0 AND u.role <> 'bot' AND (o.plan <> 'enterprise' OR u.role = 'primary_owner')"
)
_IN_GENERAL = (
    "INSERT INTO channel_members (org_id, channel_id, user_id, source_id, kept, added)"
    " SELECT m.org_id, h.channel_id, m.user_id, m.team_id, 0, CAST(:now AS BIGINT) FROM workspace_members m"
    " JOIN channel_workspaces h ON h.org_id = m.org_id AND h.team_id = m.team_id"
    " JOIN users u ON u.org_id = m.org_id AND u.id = m.user_id"
    " WHERE u.role NOT IN ('multi_channel_guest', 'single_channel_guest')"
)
_WAS_IN_WORKSPACE = (
    "INSERT INTO former_members (org_id, user_id, place_id, source_id, kept)"
    " SELECT u.org_id, u.id, w.id, '', 0 FROM users u JOIN orgs o ON o.id = u.org_id"
    " JOIN workspaces w ON w.org_id = o.id AND w.id = o.team_id"
    " WHERE u.deactivated = 1 AND u.erased = 0 AND u.role <> 'bot' AND o.plan <> 'enterprise'"
)
_WAS_IN_GENERAL = (
    "INSERT INTO former_members (org_id, user_id, place_id, source_id, kept)"
    " SELECT m.org_id, m.user_id, h.channel_id, m.place_id, 0 FROM former_members m"
    " JOIN channel_workspaces h ON h.org_id = m.org_id AND h.team_id = m.place_id"
    " JOIN users u ON u.org_id = m.org_id AND u.id = m.user_id"
    " WHERE u.role NOT IN ('multi_channel_guest', 'single_channel_guest')"
)


# As in revision 0001: table, index, and how many rows there are for each value of its first columns.
EXPECTATIONS = (
    ("workspaces", "sqlite_autoindex_workspaces_1", "20 20 1"),
    ("workspaces", "sqlite_autoindex_workspaces_2", "20 20 1"),
    ("users", "users_expiring", "1000 1000 1 1"),
    ("audit_events", "audit_events_by_entity", "1000000 1000000 10 1"),
    ("workspace_members", "workspace_members", "200000 200000 10000 1 1"),
    ("workspace_members", "workspace_members_by_user", "200000 200000 2 1 1"),
    ("workspace_members", "workspace_members_by_group", "100000 100000 5000 1000 1"),
    ("workspace_roles", "workspace_roles", "100 100 5 1"),
    ("workspace_roles", "workspace_roles_by_user", "100 100 1"),
    ("channels", "sqlite_autoindex_channels_1", "10000 10000 1"),
    ("channels", "channels_by_created", "10000 10000 1 1"),
    ("channel_workspaces", "sqlite_autoindex_channel_workspaces_1", "10000 10000 1 1"),
    ("channel_workspaces", "sqlite_autoindex_channel_workspaces_2", "10000 10000 500 1"),
    ("channel_members", "channel_members", "1000000 1000000 100 1 1"),
    ("channel_members", "channel_members_by_user", "1000000 1000000 10 1 1"),
    ("channel_members", "channel_members_by_group", "500000 500000 5000 500 1"),
    ("former_members", "former_members", "10000 10000 5 1 1"),
    ("group_workspaces", "group_workspaces", "1000 1000 5 1"),
    ("group_workspaces", "group_workspaces_by_team", "1000 1000 50 1"),
    ("group_channels", "group_channels", "2000 2000 10 1"),
    ("group_channels", "group_channels_by_channel", "2000 2000 2 1"),
    ("channel_allowlist", "channel_allowlist", "100 100 2 1"),
    ("channel_allowlist", "channel_allowlist_by_group", "100 100 2 1"),
    ("user_groups", "user_groups", "1000 1000 1"),
    ("outbox", "sqlite_autoindex_outbox_1", "1000 1000 1"),
    ("outbox", "outbox_by_due", "1000 1000 500 100 2 1"),
    ("webhooks", "sqlite_autoindex_webhooks_1", "10 10 1"),
    ("activity", "activity", "1000000 1000000 10000 1"),
    ("activity", "activity_by_user", "1000000 1000000 100 1"),
    ("apps", "sqlite_autoindex_apps_1", "10 1"),
    ("apps", "sqlite_autoindex_apps_2", "10 10 1"),
    ("oauth_codes", "sqlite_autoindex_oauth_codes_1", "100 1"),
    ("oauth_codes", "oauth_codes_by_expiry", "100 100 1"),
    ("sessions", "sqlite_autoindex_sessions_1", "10000 1"),
    ("sessions", "sqlite_autoindex_sessions_2", "10000 10000 1"),
    ("sessions", "sessions_by_user", "10000 10000 2"),
    ("signin_links", "sqlite_autoindex_signin_links_1", "1000 1"),
    ("signin_links", "signin_links_by_user", "1000 1000 2"),
    ("idps", "sqlite_autoindex_idps_1", "10 1"),
)


def _tell_sqlite_what_to_expect() -> None:
    expected = sa.table("sqlite_stat1", sa.column("tbl"), sa.column("idx"), sa.column("stat"))
    op.bulk_insert(expected, [dict(zip(("tbl", "idx", "stat"), row, strict=True)) for row in EXPECTATIONS])
