"""Commands about what leaves the server: webhooks, and the outbox that mails and webhooks wait in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from rosterd.actions import webhooks
from rosterd.cli.session import database_option, find_org, named, operator, org_option, run, show, when
from rosterd.directory.webhooks import Webhook
from rosterd.store import outbox
from rosterd.store import webhooks as webhook_rows
from rosterd.store.engine import Store, Tx
from rosterd.store.outbox import Entry


@click.group("webhook")
def webhook_group() -> None:
    """Webhooks: who is told of an organisation's events."""


@webhook_group.command("add")
@org_option
@click.option("--url", required=True, help="Where events are sent, http:// or https://.")
@click.option(
    "--action",
    "actions",
    multiple=True,
    metavar="NAME",
    help="An audit action to be told of, such as user_created; any number of times. By default all.",
)
@database_option
def webhook_add(org_name: str, url: str, actions: tuple[str, ...], database: str) -> None:
    """Tell a URL of events, and print the secret that signs them: it is shown this once."""

    async def work(store: Store) -> Webhook:
        async with store.write() as tx:
            org = await find_org(tx, org_name)
            return await webhooks.add(tx, org, url, actions, actor=operator(org, "webhook add"))

    made = run(database, work)
    show({"webhook_id": made.id, "signing_secret": made.secret})


@webhook_group.command("list")
@org_option
@database_option
def webhook_list(org_name: str, database: str) -> None:
    """Print every webhook in use, without its secret, one JSON object a line."""

    async def work(store: Store) -> list[Webhook]:
        async with store.read() as tx:
            return await webhook_rows.of_org(tx, (await find_org(tx, org_name)).id)

    for each in run(database, work):
        shown = {"webhook_id": each.id, "url": each.url, "actions": each.actions}
        show(shown | {"created": when(each.created / 1e6)})


@webhook_group.command("remove")
@click.argument("webhook_id", metavar="ID")
@org_option
@database_option
def webhook_remove(webhook_id: str, org_name: str, database: str) -> None:
    """Send a webhook nothing more, not even what waits."""

    async def work(store: Store) -> None:
        async with store.write() as tx:
            org = await find_org(tx, org_name)
            await webhooks.remove(tx, org, webhook_id, actor=operator(org, "webhook remove"))

    run(database, work)
    show({"webhook_id": webhook_id, "removed": True})


@click.group("outbox")
def outbox_group() -> None:
    """The outbox: mails, webhooks and jobs that are still to be done."""


@outbox_group.command("list")
@org_option
@click.option("--dead", is_flag=True, help="Those that were given up, instead of those that are to be done.")
@database_option
def outbox_list(org_name: str, dead: bool, database: str) -> None:
    """Print errands in order of creation, one JSON object a line."""

    async def work(store: Store) -> None:
        async with store.scan() as tx:
            org, after = await find_org(tx, org_name), ""
            while found := await outbox.page(tx, org.id, dead=dead, after=after):
                for entry in found:
                    show(_shown(entry))
                after = found[-1].id

    run(database, work)


def _shown(entry: Entry) -> dict[str, Any]:
    """Without the arguments: they may be what somebody wrote."""
    shown = named("errand", entry)
    for name in ("org_id", "arguments", "dead"):
        del shown[name]
    return shown | {"created": when(entry.created / 1e6), "due": when(entry.due / 1e6)}


_ids_argument = click.argument("ids", nargs=-1, metavar="[ID]...")
_all_option = click.option("--all-dead", is_flag=True, help="Every one that was given up.")


@outbox_group.command("retry")
@_ids_argument
@org_option
@_all_option
@database_option
def outbox_retry(ids: tuple[str, ...], org_name: str, all_dead: bool, database: str) -> None:
    """Try errands again now, from the first attempt on."""
    show({"retried": _do_to(ids, org_name, all_dead, database, outbox.retry)})


@outbox_group.command("drop")
@_ids_argument
@org_option
@_all_option
@database_option
def outbox_drop(ids: tuple[str, ...], org_name: str, all_dead: bool, database: str) -> None:
    """Forget errands: nobody gets them any more."""
    show({"dropped": _do_to(ids, org_name, all_dead, database, outbox.drop)})


def _do_to(ids: Sequence[str], org_name: str, all_dead: bool, database: str, what: Any) -> int:
    """Do this to errands by id, or to all that are dead. Gives how many there were."""
    if bool(ids) is all_dead:
        raise click.UsageError("give the ids of errands, or --all-dead")

    async def work(store: Store) -> int:
        count = 0
        async with store.write() as tx:
            org = await find_org(tx, org_name)
            for chosen in [ids] if ids else await _dead(tx, org.id):
                count += await what(tx, org.id, chosen)
        return count

    count = run(database, work)
    if ids and not count:
        raise click.ClickException("no such errand: see rosterd outbox list")
    return count


async def _dead(tx: Tx, org: Any) -> list[list[str]]:
    pages: list[list[str]] = []
    while found := await outbox.page(tx, org, dead=True, after=pages[-1][-1] if pages else ""):
        pages.append([entry.id for entry in found])
    return pages


COMMANDS = (webhook_group, outbox_group)
