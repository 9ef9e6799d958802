"""Alembic's entry point. It is given an open transaction by :mod:`rosterd.store.migrate`, its owner."""

from __future__ import annotations

from alembic import context

from rosterd.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,  # SQLite can, though Alembic assumes that it cannot
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
