"""What can be done with webhooks: subscribe one to an organisation's events, remove it, tell it of events."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from urllib.parse import urlsplit

import msgspec

from rosterd.directory import access, trail
from rosterd.directory import webhooks as rules
from rosterd.directory.errands import Errand, Kind
from rosterd.directory.errors import LimitReached, NotFound
from rosterd.directory.events import Event
from rosterd.directory.ids import SPAN, slack_id
from rosterd.directory.model import Actor, Org, OrgId
from rosterd.directory.webhooks import Webhook
from rosterd.store import outbox
from rosterd.store import webhooks as store
from rosterd.store.engine import Tx
from rosterd.store.records import audit


async def add(tx: Tx, org: Org, url: str, actions: Sequence[str] = (), *, actor: Actor) -> Webhook:
    """A new webhook with a signing secret of its own. ``actions``: those it wants to hear of; none: all.

    Owners only. Raises ``invalid_url``, ``invalid_action`` and ``too_many_webhooks``.
    """
    access.check_owns(actor)
    rules.check_url(url)
    wanted = tuple(dict.fromkeys(actions))
    rules.check_actions(wanted)
    if len(await store.of_org(tx, org.id)) >= rules.MOST_WEBHOOKS:
        raise LimitReached("too_many_webhooks", limit=str(rules.MOST_WEBHOOKS))
    id = slack_id("H", secrets.randbelow(SPAN))
    webhook = Webhook(org.id, id, url, secrets.token_hex(16), wanted, tx.now)
    await store.insert(tx, webhook)
    # Of the URL the host alone: the rest of it may be a secret.
    details = {"webhook": id, "host": urlsplit(url).hostname, "actions": list(wanted)}
    await audit.append(tx, [Event("webhook_added", "enterprise", org.id, details)], actor)
    return webhook


async def remove(tx: Tx, org: Org, id: str, *, actor: Actor) -> None:
    """The webhook ended: nothing more is sent to it. Raises ``no_such_webhook``."""
    access.check_owns(actor)
    if not await store.remove(tx, org.id, id, tx.now // 1_000_000):
        raise NotFound("no_such_webhook", webhook=id[:80])
    await audit.append(tx, [Event("webhook_removed", "enterprise", org.id, {"webhook": id})], actor)


async def announce(tx: Tx, org_id: OrgId, event_ids: Sequence[str]) -> None:
    """Leave an errand for each of these events and each webhook that wants it.

    Called as events are sealed, which is once for each: so every event reaches every webhook, and the
    requests that cause events do not pay for it. What the Audit Logs API does not show is not told either.
    """
    subscribed = await store.of_org(tx, org_id) if event_ids else ()
    if not subscribed:
        return
    errands = []
    for record in await audit.find_many(tx, org_id, event_ids):
        action = trail.shown(record.action)
        if action is None:
            continue
        sent = rules.envelope(
            org_id, record.id, record.created // 1_000_000, action, record.actor_id,
            (record.entity_type, record.entity_id), msgspec.json.decode(record.details),
        )  # fmt: skip
        wanted_by = [each for each in subscribed if each.wants(action, record.created)]
        errands += [Errand(Kind.WEBHOOK, each.id, sent) for each in wanted_by]
    await outbox.add(tx, org_id, errands)
