"""The only SQL. One set of statements for SQLite and PostgreSQL.

Rules of this package:

1. Everything takes an open transaction (:class:`~rosterd.store.engine.Tx`) first, and every query of
   an organisation's rows takes the organisation.
2. What differs between the engines lives in :mod:`~rosterd.store.engines`; the nouns do not know which one
   they speak to.
3. Verbs are few: ``find`` (or None), ``page``, ``insert``, ``update``, ``delete``, ``add_``,
   ``remove_``, ``append``. Sets of rows are changed by one statement, never in a loop.
4. Rows are the truth; folded columns and indexes follow from them, which
   :mod:`~rosterd.store.upkeep.fsck` checks.
"""
