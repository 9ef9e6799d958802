"""What the Org Dashboard keeps: an index of people, counts, refused requests, bulk runs, passwords.

A copy of what :mod:`rosterd.store.tables` was at this revision; what its columns mean is said there. The
index is empty, so that the next start makes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision: str | None = "0002"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def _text(name: str, *, null: bool = False) -> sa.Column[Any]:
    return sa.Column(name, TEXT, nullable=null)


def _number(name: str, *, null: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.BigInteger(), nullable=null)


def upgrade() -> None:
    op.create_index("channels_by_name", "channels", ["org_id", "name", "id"])
    op.add_column("tokens", sa.Column("name", TEXT, nullable=False, server_default=""))
    op.add_column("tokens", _text("replaced_by", null=True))
    op.add_column("sessions", _number("proved", null=True))
    op.create_table(
        "passwords",
        _text("org_id"),
        _text("user_id"),
        _text("hash"),
        _number("created"),
        sa.PrimaryKeyConstraint("org_id", "user_id", name="passwords_pk"),
        sa.ForeignKeyConstraint(["org_id", "user_id"], ["users.org_id", "users.id"], name="passwords_user"),
    )
    _index()
    _happenings()
    _forms()
    if op.get_bind().dialect.name == "sqlite":
        expected = sa.table("sqlite_stat1", sa.column("tbl"), sa.column("idx"), sa.column("stat"))
        op.bulk_insert(
            expected, [dict(zip(("tbl", "idx", "stat"), row, strict=True)) for row in EXPECTATIONS]
        )


def _index() -> None:
    """The index of people, and how many they are."""
    op.create_table(
        "facets",
        _text("org_id"),
        _text("field"),
        _text("value"),
        _number("created"),
        _text("user_id"),
        sa.PrimaryKeyConstraint("org_id", "field", "value", "created", "user_id", name="facets_pk"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "facet_counts",
        _text("org_id"),
        _text("field"),
        _text("value"),
        _number("invited"),
        _number("active"),
        _number("deactivated"),
        _number("total"),
        sa.PrimaryKeyConstraint("org_id", "field", "value", name="facet_counts_pk"),
    )
    op.create_index("facet_counts_by_total", "facet_counts", ["org_id", "field", "total", "value"])
    op.create_table(
        "indexed_people",
        _text("org_id"),
        _number("created"),
        _text("user_id"),
        _text("status"),
        _text("facts"),
        sa.PrimaryKeyConstraint("org_id", "created", "user_id", name="indexed_people_pk"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "index_progress",
        _text("org_id"),
        _number("version"),
        _number("writes"),
        _number("seal"),
        _number("read_after"),
        _text("filled_to", null=True),
        sa.PrimaryKeyConstraint("org_id", name="index_progress_pk"),
        sa.ForeignKeyConstraint(["org_id"], ["orgs.id"], name="index_progress_org"),
    )


def _happenings() -> None:
    """What a day had, what was refused, and whether the trail holds."""
    op.create_table(
        "day_counts",
        _text("org_id"),
        _number("day"),
        _text("action"),
        _number("events"),
        sa.PrimaryKeyConstraint("org_id", "day", "action", name="day_counts_pk"),
        sa.ForeignKeyConstraint(["org_id"], ["orgs.id"], name="day_counts_org"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "requests",
        _text("org_id"),
        _text("id"),
        _text("request_id"),
        _text("method"),
        _text("route"),
        _text("target_id"),
        _number("status"),
        _text("code"),
        _text("detail"),
        _text("token_id"),
        _text("actor_id"),
        _text("client"),
        _text("ip_address", null=True),
        _number("times"),
        sa.PrimaryKeyConstraint("org_id", "id", name="requests_pk"),
    )
    op.create_index("requests_by_target", "requests", ["org_id", "target_id", "id"])
    op.create_table(
        "verifications",
        _text("org_id"),
        _number("began"),
        _number("seen"),
        _number("ended", null=True),
        _number("seals"),
        _number("events"),
        _number("unsealed"),
        _text("head"),
        _text("problem", null=True),
        sa.PrimaryKeyConstraint("org_id", "began", name="verifications_pk"),
        sa.ForeignKeyConstraint(["org_id"], ["orgs.id"], name="verifications_org"),
    )


def _forms() -> None:
    """Forms that were taken, and what is done to many people."""
    op.create_table(
        "submissions",
        _text("org_id"),
        _text("key"),
        _text("user_id"),
        _number("created"),
        sa.PrimaryKeyConstraint("org_id", "key", name="submissions_pk"),
        sqlite_with_rowid=False,
    )
    op.create_index("submissions_by_created", "submissions", ["org_id", "created"])
    op.create_table(
        "batches",
        _text("org_id"),
        _text("id"),
        _number("created"),
        _text("actor_id"),
        _text("action"),
        _text("arguments"),
        _text("state"),
        _number("people"),
        _number("looked"),
        _number("deactivations"),
        _number("done"),
        _number("unchanged"),
        _number("failed"),
        _text("undoes", null=True),
        _number("ended", null=True),
        sa.PrimaryKeyConstraint("org_id", "id", name="batches_pk"),
        sa.ForeignKeyConstraint(["org_id"], ["orgs.id"], name="batches_org"),
    )
    op.create_table(
        "batch_people",
        _text("org_id"),
        _text("batch_id"),
        _number("n"),
        _text("user_id"),
        _text("outcome"),
        _text("before", null=True),
        _text("after", null=True),
        sa.PrimaryKeyConstraint("org_id", "batch_id", "n", name="batch_people_pk"),
        sa.ForeignKeyConstraint(
            ["org_id", "batch_id"], ["batches.org_id", "batches.id"], name="batch_people_batch"
        ),
        sa.ForeignKeyConstraint(
            ["org_id", "user_id"], ["users.org_id", "users.id"], name="batch_people_user"
        ),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    raise NotImplementedError("the way back is the backup")


EXPECTATIONS = (
    ("channels", "channels_by_name", "10000 10000 10 1"),
    ("passwords", "sqlite_autoindex_passwords_1", "10 10 1"),
    ("facets", "facets", "10000000 10000000 1000000 1000 1 1"),
    ("facet_counts", "sqlite_autoindex_facet_counts_1", "50000 50000 5000 1"),
    ("facet_counts", "facet_counts_by_total", "50000 50000 5000 10 1"),
    ("indexed_people", "indexed_people", "1000000 1000000 1 1"),
    ("index_progress", "sqlite_autoindex_index_progress_1", "10 1"),
    ("day_counts", "day_counts", "10000 10000 30 1"),
    ("requests", "sqlite_autoindex_requests_1", "100000 100000 1"),
    ("requests", "requests_by_target", "100000 100000 10 1"),
    ("submissions", "submissions", "1000 1000 1"),
    ("submissions", "submissions_by_created", "1000 1000 1"),
    ("verifications", "sqlite_autoindex_verifications_1", "1000 100 1"),
    ("batches", "sqlite_autoindex_batches_1", "1000 1000 1"),
    ("batch_people", "batch_people", "100000 100000 100 1"),
)
"""What SQLite's planner expects, rows in all and rows that agree in so many first columns, as in 0001."""
