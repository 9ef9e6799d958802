"""Webhooks. One that is removed keeps its row: what was sent to it stays explicable."""

from __future__ import annotations

import msgspec

from rosterd.directory.model import OrgId
from rosterd.directory.webhooks import Webhook
from rosterd.store.contract import Row, Tx


async def insert(tx: Tx, webhook: Webhook) -> None:
    """Store a new webhook."""
    await tx.run(
        "INSERT INTO webhooks (org_id, id, url, secret, actions, created, removed)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7)",
        webhook.org_id, webhook.id, webhook.url, webhook.secret,
        msgspec.json.encode(webhook.actions).decode(), webhook.created, webhook.removed,
    )  # fmt: skip


async def of_org(tx: Tx, org: OrgId) -> list[Webhook]:
    """Those in use, in order of creation."""
    rows = await tx.all(
        f"SELECT {_COLUMNS} FROM webhooks t WHERE t.org_id = $1 AND t.removed IS NULL"
        " ORDER BY t.created, t.id",
        org,
    )
    return [_webhook(row) for row in rows]


async def find(tx: Tx, org: OrgId, id: str) -> Webhook | None:
    """The webhook, in use or removed."""
    row = await tx.one(f"SELECT {_COLUMNS} FROM webhooks t WHERE t.org_id = $1 AND t.id = $2", org, id)
    return None if row is None else _webhook(row)


async def remove(tx: Tx, org: OrgId, id: str, at: int) -> bool:
    """End a webhook at ``at`` (seconds). False: there is none, or it ended before."""
    sql = "UPDATE webhooks SET removed = $3 WHERE org_id = $1 AND id = $2 AND removed IS NULL"
    return await tx.run(sql, org, id, at) > 0


_COLUMNS = ", ".join(f"t.{name}" for name in Webhook.__struct_fields__)
_actions = msgspec.json.Decoder(tuple[str, ...])


def _webhook(row: Row) -> Webhook:
    org, id, url, secret, actions, created, removed = row
    return Webhook(org, id, url, secret, _actions.decode(actions), created, removed)
