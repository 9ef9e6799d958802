"""SQLite and PostgreSQL, each behind the same :class:`~rosterd.store.contract.Store`.

Rules of this package:

1. Nothing outside of :mod:`rosterd.store` knows which engine it has: :func:`rosterd.store.engine.open_store`
   chooses by the URL.
2. An engine promises durability before it answers, and no statement without an end: a time is up, or it is
   cancelled.
3. Nothing here knows a table, but for the names of those that `Tx.known` is about.
"""
