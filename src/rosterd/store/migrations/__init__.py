"""The schema's history, run by Alembic: one file a revision, its number first in its name.

Rules of this package:

1. Revisions are numbered ``0001``, ``0002``, … and form one line; the number is Alembic's revision id.
2. A released revision never changes. It spells its tables out, so that a later change of
   :mod:`rosterd.store.tables` cannot rewrite history.
3. A revision runs on SQLite and PostgreSQL, in one transaction, and only forward: the way back is
   the backup.
"""
