"""Webhooks: tell a URL of events, or no more. For owners."""

from __future__ import annotations

from rosterd.actions import webhooks as actions
from rosterd.dashboard.admin.frame import Done, Look, Shown, form, page
from rosterd.dashboard.admin.fresh import check_fresh, sign_in_again
from rosterd.dashboard.pages import Page
from rosterd.directory import trail
from rosterd.directory.errors import NotFound
from rosterd.directory.model import Role
from rosterd.directory.webhooks import Webhook
from rosterd.store import webhooks as store
from rosterd.store.engine import Tx


@page("admin", "apps", "webhooks", "new", role=Role.OWNER)
async def new_webhook(look: Look) -> Page:
    """A form: where to, and of what."""
    return sign_in_again(look) or look.render("new_webhook.html", categories=[*trail.CATEGORIES.items()])


@form("admin", "apps", "webhooks", "new", shown=new_webhook, role=Role.OWNER)
async def add_webhook(tx: Tx, look: Look) -> Shown:
    """A webhook; the secret that signs what it is sent is on the page that answers."""
    check_fresh(look)
    wanted = look.fields.get("actions", "").replace(",", " ").split()
    made = await actions.add(tx, look.org, look.fields.get("url", "").strip(), wanted, actor=look.actor)
    return Shown(lambda look: look.render("webhook_made.html", webhook=made))


@page("admin", "apps", "webhooks", "*", "remove", role=Role.OWNER)
async def ask_to_remove(look: Look, webhook_id: str) -> Page:
    """Which one it is, before it ends."""
    async with look.desk.store.read() as tx:
        return look.render("remove_webhook.html", webhook=await _used(tx, look, webhook_id))


@form("admin", "apps", "webhooks", "*", "remove", shown=ask_to_remove, role=Role.OWNER)
async def remove_webhook(tx: Tx, look: Look, webhook_id: str) -> Done:
    """The webhook ended."""
    await actions.remove(tx, look.org, webhook_id, actor=look.actor)
    return Done("/admin/apps", "The webhook is told of nothing more, not even of what waits.")


async def _used(tx: Tx, look: Look, webhook_id: str) -> Webhook:
    found = await store.find(tx, look.org.id, webhook_id)
    if found is None or found.removed is not None:
        raise NotFound("no_such_webhook", webhook=webhook_id)
    return found
