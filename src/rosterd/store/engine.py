"""Opening a store: from a URL to the engine that keeps it.

What the rest of the program needs of an engine (the protocols, the errors) is named here too, so
that callers import one module.
"""

from __future__ import annotations

from rosterd.store import migrate
from rosterd.store.contract import (
    CardOf,
    Conflict,
    Row,
    SchemaMismatch,
    Store,
    StoreError,
    StoreUnavailable,
    Tx,
    no_card,
)
from rosterd.store.engines.postgres import open_postgresql
from rosterd.store.engines.postgres_server import is_postgresql
from rosterd.store.engines.sqlite import open_sqlite

__all__ = [
    "Conflict",
    "Row",
    "SchemaMismatch",
    "Store",
    "StoreError",
    "StoreUnavailable",
    "Tx",
    "check_reachable",
    "open_store",
]


async def open_store(url: str, *, create: bool = False, card: CardOf = no_card) -> Store:
    """The store at ``sqlite:///FILE`` or ``postgresql://USER:PASSWORD@HOST/DATABASE``.

    The schema must be the one that this program works with. An empty database (for SQLite, also a
    missing file) is refused too, unless ``create`` is set: then its tables are made. ``card`` gives
    the text that is stored with each user that is written, for those who read it.

    Raises :class:`SchemaMismatch`, :class:`StoreUnavailable` where the server does not answer, and
    :class:`StoreError` for a URL of neither kind or a database that cannot be opened.
    """
    if not is_postgresql(url) and not url.startswith("sqlite:"):
        raise StoreError("the database URL must begin with sqlite:/// or postgresql://")
    found = await migrate.current(url)
    if found is None and create:
        _, found = await migrate.upgrade(url)
    migrate.check(found, migrate.revisions(), "" if is_postgresql(url) else f" at {url}")
    return await open_postgresql(url, card) if is_postgresql(url) else await open_sqlite(url, card)


async def check_reachable(store: Store) -> None:
    """Ask the database for a sign of life. Raises :class:`StoreUnavailable`."""
    async with store.read() as tx:
        await tx.one("SELECT 1")
