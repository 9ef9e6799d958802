"""Commands about the database itself: its schema, its audit trail, whether it agrees with itself."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress

import click
import msgspec

from rosterd.actions.upkeep import indexing, verifications
from rosterd.cli.session import database_option, find_org, operator, org_option, run, show, when
from rosterd.directory.model import Org, OrgId
from rosterd.store import migrate
from rosterd.store import orgs as org_rows
from rosterd.store.engine import Store, StoreError
from rosterd.store.records import audit
from rosterd.store.upkeep import fsck, whole_org


@click.group("db")
def db_group() -> None:
    """The database itself."""


@db_group.command("upgrade")
@database_option
def db_upgrade(database: str) -> None:
    """Bring the database to this version's schema; an empty one is created."""
    try:
        before, after = asyncio.run(migrate.upgrade(database))
    except StoreError as error:
        raise click.ClickException(str(error)) from error
    show({"from": before, "to": after})


@db_group.command("reindex")
@click.option("--org", "org_name", metavar="DOMAIN|ID", help="One organisation; by default all.")
@database_option
def db_reindex(org_name: str | None, database: str) -> None:
    """Let the server make the dashboard's index of people anew, beside its other work."""

    async def work(store: Store) -> list[OrgId]:
        async with store.read() as tx:
            found = [await find_org(tx, org_name)] if org_name else await org_rows.every(tx)
        for org in found:
            await indexing.make_anew(store, org.id)
        return [org.id for org in found]

    show({"reindex": run(database, work)})


@click.group("audit")
def audit_group() -> None:
    """The audit trail."""


@audit_group.command("verify")
@click.option("--org", "org_name", metavar="DOMAIN|ID", help="One organisation; by default all.")
@database_option
def audit_verify(org_name: str | None, database: str) -> None:
    """Check the hash chain of every organisation; exit 1 if one is broken."""

    async def work(store: Store) -> list[tuple[OrgId, audit.Verdict]]:
        async with store.scan() as tx:
            found = [await find_org(tx, org_name)] if org_name else await org_rows.every(tx)
            whole = [org for org in found if not whole_org.is_unfinished(org)]
            verdicts = [(org, await audit.verify(tx, org.id)) for org in whole]
            began = tx.now
        with suppress(StoreError):  # a full disk, say: what was found is printed in any case
            await _keep(store, began, verdicts)
        return [(org.id, verdict) for org, verdict in verdicts]

    verdicts = run(database, work)
    for org_id, verdict in verdicts:
        oldest = verdict.oldest_unsealed
        times = {"oldest_unsealed": when(None if oldest is None else oldest / 1e6)}
        show({"org_id": org_id, "ok": verdict.ok} | msgspec.structs.asdict(verdict) | times)
    broken = [org_id for org_id, verdict in verdicts if not verdict.ok]
    if broken:
        raise click.ClickException(f"audit trail broken: {', '.join(broken)}")


async def _keep(store: Store, began: int, verdicts: Sequence[tuple[Org, audit.Verdict]]) -> None:
    """For the page of the Org Dashboard that says when the trail was last checked."""
    async with store.write() as tx:
        for org, verdict in verdicts:
            await verifications.keep(tx, org, began, verdict, actor=operator(org, "audit verify"))


@audit_group.command("list")
@org_option
@click.option("--about", "entity_id", metavar="ID", help="Only events about this user, group or token.")
@click.option("--limit", default=100, show_default=True, help="At most so many, the newest.")
@database_option
def audit_list(org_name: str, entity_id: str | None, limit: int, database: str) -> None:
    """Print what happened, the newest first, one JSON object a line."""

    async def work(store: Store) -> list[audit.Record]:
        async with store.scan() as tx:
            org = await find_org(tx, org_name)
            return await audit.page(tx, org.id, entity=entity_id, limit=limit)

    for record in run(database, work):
        event = msgspec.structs.asdict(record) | {"created": when(record.created / 1e6)}
        event["details"] = msgspec.json.decode(record.details)
        event["personal"] = record.personal and msgspec.json.decode(record.personal)
        show({name: value for name, value in event.items() if name not in ("salt", "personal_digest")})


@click.command("fsck")
@click.option("--org", "org_name", metavar="DOMAIN|ID", help="One organisation; by default all.")
@database_option
def fsck_command(org_name: str | None, database: str) -> None:
    """Look for rows that contradict each other; print each, and exit 1 if there are any."""

    async def work(store: Store) -> list[str]:
        async with store.scan() as tx:
            org_id = (await find_org(tx, org_name)).id if org_name else None
            return list(await fsck.check(tx, org_id))

    problems = run(database, work)
    for problem in problems:
        click.echo(problem)
    if problems:
        raise click.ClickException(f"{len(problems)} problem(s) found")
    click.echo("clean")


COMMANDS = (db_group, audit_group, fsck_command)
