"""Sealing: the server's bookkeeping of its audit trail, and what follows from a seal."""

from __future__ import annotations

from rosterd.actions import webhooks
from rosterd.directory.model import OrgId
from rosterd.store.engine import Store
from rosterd.store.records import audit


async def seal_some(store: Store, org_id: OrgId) -> int:
    """Seal up to `audit.BATCH` events of an organisation, and leave webhooks word of them. How many it were.

    None, too, if somebody else was faster.
    """
    async with store.write() as tx:
        sealed = await audit.seal(tx, org_id)
        await webhooks.announce(tx, org_id, sealed)
    return len(sealed)
