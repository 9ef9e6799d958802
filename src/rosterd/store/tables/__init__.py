"""The schema: every table, and what its odd columns mean. Migrations make it, nothing here runs.

Rules of this module:

1. ``org_id`` stands first in every primary key, unique key, foreign key and index, so that the
   schema can be sharded by organisation. The exceptions route a request to its organisation: the
   domain of an organisation, the id of an app, and the hash of a token, a session, a code or a link.
2. Text has the collation ``C`` on PostgreSQL, which is SQLite's own: comparing, ordering and
   ``prefix <= x < end`` mean the same on both. Folding is done before storing.
3. Times are as in :mod:`rosterd.directory.model`: microseconds since the epoch (``created``,
   ``added``, ``sealed``), else whole seconds. Flags are 0 and 1. JSON is text.
4. A table whose rows are hardly more than their key is stored as that key's tree on SQLite.
"""

from rosterd.store.tables import access, desk, people, places, records
from rosterd.store.tables.columns import metadata

__all__ = ["access", "desk", "metadata", "people", "places", "records"]
