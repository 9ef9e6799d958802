"""What happened, and what is still to be done because of it."""

from __future__ import annotations

from sqlalchemy import ForeignKeyConstraint, Index, PrimaryKeyConstraint, Table

from rosterd.store.tables.columns import flag, metadata, number, text_column

# What happened. Rows are added and, but for forgetting what is personal, never changed. No foreign
# keys: the log outlives what it tells of, and every write adds to it.
audit_events = Table(
    "audit_events",
    metadata,
    text_column("org_id"),
    text_column("id"),  # UUIDv7: order of id is order of time
    number("created"),
    text_column("action"),
    text_column("actor_id"),
    text_column("token_id", null=True),  # NULL: at the command line
    text_column("entity_type"),
    text_column("entity_id"),
    text_column("request_id"),
    text_column("client"),
    text_column("ip_address", null=True),
    text_column("details"),  # JSON, nothing personal
    text_column("subject_id", null=True),  # whose data `personal` is: the entity, or NULL
    text_column("personal_digest", null=True),  # SHA-256 of salt and personal: what the seals cover
    text_column("salt", null=True),  # so that a digest cannot be guessed once the rest is forgotten
    text_column("personal", null=True),  # JSON; NULL: nothing personal, or forgotten
    PrimaryKeyConstraint("org_id", "id", name="audit_events_pk"),
    Index("audit_events_by_entity", "org_id", "entity_id", "id"),
)

# Events that no seal covers yet.
audit_unsealed = Table(
    "audit_unsealed",
    metadata,
    text_column("org_id"),
    text_column("event_id"),
    text_column("leaf"),  # what the seal will cover: rosterd.store.records.audit.leaf
    PrimaryKeyConstraint("org_id", "event_id", name="audit_unsealed_pk"),
    sqlite_with_rowid=False,
)

# The chain: each seal covers the one before and a batch of events. Its key keeps it from forking.
audit_seals = Table(
    "audit_seals",
    metadata,
    text_column("org_id"),
    number("n"),  # from 1
    text_column("events"),  # JSON list of ids, in the order they are covered
    text_column("hash"),
    text_column("previous"),  # the hash of seal n - 1
    number("sealed"),
    PrimaryKeyConstraint("org_id", "n", name="audit_seals_pk"),
)

# What is still to be done because of a change: mails, webhooks, consequences too many for its transaction.
outbox = Table(
    "outbox",
    metadata,
    text_column("org_id"),
    text_column("id"),  # UUIDv7
    number("created"),
    text_column("kind"),  # as rosterd.directory.errands names it
    text_column("subject_id"),  # whom or what it is for: U…, W…, S…, or a webhook's id
    text_column("arguments"),  # JSON
    number("due"),  # microseconds: not before; while somebody is at it, when others may try again
    number("attempts"),
    text_column("problem", null=True),  # why the last attempt failed
    flag("dead"),  # given up: waits for an operator
    PrimaryKeyConstraint("org_id", "id", name="outbox_pk"),
    Index("outbox_by_due", "org_id", "dead", "kind", "due", "id"),
)

# Who is told of events.
webhooks = Table(
    "webhooks",
    metadata,
    text_column("org_id"),
    text_column("id"),
    text_column("url"),
    text_column("secret"),  # signs what is sent
    text_column("actions"),  # JSON list of audit actions; empty: all of the directory
    number("created"),
    number("removed", null=True),  # seconds
    PrimaryKeyConstraint("org_id", "id", name="webhooks_pk"),
    ForeignKeyConstraint(["org_id"], ["orgs.id"], name="webhooks_org"),
)

# On which days somebody signed in or used a token.
activity = Table(
    "activity",
    metadata,
    text_column("org_id"),
    number("day"),  # days since 1970-01-01 UTC
    text_column("user_id"),
    flag("signed_in"),
    flag("by_app"),
    PrimaryKeyConstraint("org_id", "day", "user_id", name="activity_pk"),
    ForeignKeyConstraint(["org_id", "user_id"], ["users.org_id", "users.id"], name="activity_user"),
    Index("activity_by_user", "org_id", "user_id", "day"),
    sqlite_with_rowid=False,
)
