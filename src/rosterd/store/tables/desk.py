"""What the Org Dashboard keeps beside the directory: an index of people, counts, what was refused, bulk runs,
checks of the audit trail.

The index and the counts follow from the rest (:mod:`rosterd.store.people.index`): they can be thrown away
and made anew, and are a moment behind.
"""

from __future__ import annotations

from sqlalchemy import ForeignKeyConstraint, Index, PrimaryKeyConstraint, Table

from rosterd.store.tables.columns import metadata, number, text_column

# The people of whom something is true, in order of creation.
facets = Table(
    "facets",
    metadata,
    text_column("org_id"),
    text_column("field"),  # as rosterd.directory.facets names it
    text_column("value"),  # of a word: folded
    number("created"),  # the person's
    text_column("user_id"),
    PrimaryKeyConstraint("org_id", "field", "value", "created", "user_id", name="facets_pk"),
    sqlite_with_rowid=False,
)

# How many they are, by status. Of words there are none.
facet_counts = Table(
    "facet_counts",
    metadata,
    text_column("org_id"),
    text_column("field"),
    text_column("value"),
    number("invited"),
    number("active"),
    number("deactivated"),
    number("total"),
    PrimaryKeyConstraint("org_id", "field", "value", name="facet_counts_pk"),
    Index("facet_counts_by_total", "org_id", "field", "total", "value"),
)

# What the index has of each person, in order of creation. No foreign key: on PostgreSQL whoever adds a row
# would wait for everybody who is changing that person.
indexed_people = Table(
    "indexed_people",
    metadata,
    text_column("org_id"),
    number("created"),
    text_column("user_id"),
    text_column("status"),
    text_column("facts"),  # JSON list of [field, value], in order
    PrimaryKeyConstraint("org_id", "created", "user_id", name="indexed_people_pk"),
    sqlite_with_rowid=False,
)

# How far the index is: changes are taken from the seals of the audit trail.
index_progress = Table(
    "index_progress",
    metadata,
    text_column("org_id"),
    number("version"),  # of what the index holds: another one means to make it anew
    number("writes"),  # how often it was written: another number says that somebody else was faster
    number("seal"),  # the last one whose events are counted
    number("read_after"),  # a seal: people were read after it, so that up to it there is but to count
    text_column("filled_to", null=True),  # while it is made: whom it has; NULL: everybody
    PrimaryKeyConstraint("org_id", name="index_progress_pk"),
    ForeignKeyConstraint(["org_id"], ["orgs.id"], name="index_progress_org"),
)

# How many events of each kind a day had.
day_counts = Table(
    "day_counts",
    metadata,
    text_column("org_id"),
    number("day"),  # days since 1970-01-01 UTC
    text_column("action"),  # of the trail; or "request_refused"
    number("events"),
    PrimaryKeyConstraint("org_id", "day", "action", name="day_counts_pk"),
    ForeignKeyConstraint(["org_id"], ["orgs.id"], name="day_counts_org"),
    sqlite_with_rowid=False,
)

# Requests of programs that came to nothing, for thirty days. What changed something is in the audit trail.
requests = Table(
    "requests",
    metadata,
    text_column("org_id"),
    text_column("id"),  # UUIDv7: order of id is order of time
    text_column("request_id"),
    text_column("method"),
    text_column("route"),  # with {id} for an id
    text_column("target_id"),  # U…, W…, S…, …; '': nobody in particular
    number("status"),
    text_column("code"),  # the error's
    text_column("detail"),  # what the client was told
    text_column("token_id"),
    text_column("actor_id"),
    text_column("client"),
    text_column("ip_address", null=True),
    number("times"),  # how many such requests this row stands for
    PrimaryKeyConstraint("org_id", "id", name="requests_pk"),
    Index("requests_by_target", "org_id", "target_id", "id"),
)

# Forms that were taken: each counts once.
submissions = Table(
    "submissions",
    metadata,
    text_column("org_id"),
    text_column("key"),
    text_column("user_id"),
    number("created"),
    PrimaryKeyConstraint("org_id", "key", name="submissions_pk"),
    Index("submissions_by_created", "org_id", "created"),
    sqlite_with_rowid=False,
)

# When the chain of the audit trail was checked, and what was found.
verifications = Table(
    "verifications",
    metadata,
    text_column("org_id"),
    number("began"),  # microseconds
    number("seen"),  # microseconds: when it was last heard of
    number("ended", null=True),  # microseconds; NULL: it is under way, or came to no end
    number("seals"),  # so far
    number("events"),  # under these seals
    number("unsealed"),
    text_column("head"),  # the hash of the newest seal
    text_column("problem", null=True),  # the first that was found; NULL: none
    PrimaryKeyConstraint("org_id", "began", name="verifications_pk"),
    ForeignKeyConstraint(["org_id"], ["orgs.id"], name="verifications_org"),
)

# What was done, or is to be done, to many people at once.
batches = Table(
    "batches",
    metadata,
    text_column("org_id"),
    text_column("id"),  # UUIDv7
    number("created"),
    text_column("actor_id"),
    text_column("action"),  # as rosterd.directory.bulk names it
    text_column("arguments"),  # JSON
    text_column("state"),  # a State of it
    number("people"),
    number("looked"),  # how many of them the preview has looked at
    number("deactivations"),  # whom it would deactivate
    number("done"),
    number("unchanged"),  # nothing was to be done
    number("failed"),  # refused
    text_column("undoes", null=True),  # the batch that this one takes back
    number("ended", null=True),  # microseconds
    PrimaryKeyConstraint("org_id", "id", name="batches_pk"),
    ForeignKeyConstraint(["org_id"], ["orgs.id"], name="batches_org"),
)

# Whom a batch is about, and what became of each.
batch_people = Table(
    "batch_people",
    metadata,
    text_column("org_id"),
    text_column("batch_id"),
    number("n"),  # from 1
    text_column("user_id"),
    text_column("outcome"),  # '': still to be done; done; unchanged; else an error's code
    text_column("before", null=True),  # JSON: a Standing of rosterd.directory.bulk
    text_column("after", null=True),  # the same: what is, or was, made of it
    PrimaryKeyConstraint("org_id", "batch_id", "n", name="batch_people_pk"),
    ForeignKeyConstraint(["org_id", "batch_id"], ["batches.org_id", "batches.id"], name="batch_people_batch"),
    ForeignKeyConstraint(["org_id", "user_id"], ["users.org_id", "users.id"], name="batch_people_user"),
    sqlite_with_rowid=False,
)
