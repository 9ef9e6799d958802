"""The only writers. One function for each thing that an administrator can do.

Rules of this package:

1. ``f(tx, org, …, *, actor) -> value``. The transaction is the caller's: whatever raises here leaves
   nothing behind.
2. Every function first asks :mod:`rosterd.directory.access` whether the actor may do this *to this
   target*, so that no path to a target can forget it.
3. Every change writes its audit event in the same transaction; no change, no event.
4. Time is the transaction's. Only new ids and tokens are made up here.
"""
