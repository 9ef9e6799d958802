"""A form counts once, however often it is sent: a page puts a random key into it.

Taken in the transaction of what the form asks for, so that a form that was refused may be sent again.
"""

from __future__ import annotations

import re

from rosterd.directory.errors import Invalid, Taken
from rosterd.directory.model import Actor, Org
from rosterd.store.doors import submissions as store
from rosterd.store.engine import Tx

KEEP_SECONDS = 24 * 3600
"""How long it is known that a form was taken."""

_KEY = re.compile(r"[A-Za-z0-9_-]{16,64}")


async def take(tx: Tx, org: Org, key: str, *, actor: Actor) -> None:
    """Take the form with this key, once.

    Raises ``already_submitted``, and ``invalid_form_data`` for what is no key.
    """
    if not _KEY.fullmatch(key):
        raise Invalid("invalid_form_data")
    if not await store.add(tx, org.id, key, actor.user_id):
        raise Taken("already_submitted")


async def waiting(tx: Tx, org: Org) -> bool:
    """Whether there is a form to forget."""
    oldest = await store.oldest(tx, org.id)
    return oldest is not None and oldest < tx.now - KEEP_SECONDS * 1_000_000


async def prune(tx: Tx, org: Org) -> int:
    """Forget forms that were taken more than a day ago. Returns how many."""
    return await store.prune(tx, org.id, tx.now - KEEP_SECONDS * 1_000_000)
