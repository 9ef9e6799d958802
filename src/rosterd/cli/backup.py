"""Commands about the database as a whole: back it up, restore it, move it to another engine."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from rosterd import __version__
from rosterd.cli.session import alone, database_option, progress, run, show
from rosterd.settings import key_file
from rosterd.store import orgs
from rosterd.store.engine import Store, Tx
from rosterd.store.records import audit
from rosterd.store.upkeep import copy, dump, fill, fsck, whole_org
from rosterd.store.upkeep.copy import Slice


@click.command("backup")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--verify", is_flag=True, help="First check the database, as fsck and audit verify do.")
@database_option
def backup(file: Path, verify: bool, database: str) -> None:
    """Copy the whole database into FILE.

    It is the database as it is at this moment; a server may go on writing. FILE replaces one of that
    name when it is complete and has been read back.
    """

    async def work(store: Store) -> dump.Header:
        async with store.scan() as tx:
            if verify:
                _refuse(await _problems(tx), "no backup was made")
            made = datetime.now(UTC).isoformat(timespec="seconds")
            header = dump.header(__version__, made, await copy.count(tx))
            with progress("backup", header.total) as bar:
                await dump.write(file, header, _counted(copy.slices(tx), bar))
        return header

    header = run(database, work)
    show({"file": str(file), "bytes": file.stat().st_size, "schema": header.schema, "rows": header.total})
    _remind(f"tokens are void without their key, which is not in the backup: keep {_key_of(database)}, too")


@click.command("restore")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@database_option
def restore(file: Path, database: str) -> None:
    """Fill an empty database from a backup.

    Wholly or not at all, and then it is checked. Empty is, for SQLite, a file that is not there yet,
    for PostgreSQL a database without rows.
    """

    async def copied() -> dict[str, int]:
        with dump.opened(file) as backup, progress("restore", backup.header.total) as bar:
            backup.check_schema()
            return await fill.fill(database, _counted(backup.slices(), bar))

    rows = alone(copied())
    _refuse(run(database, _checked), "everything was restored, and so was what is wrong in the backup")
    show({"rows": sum(rows.values()), "orgs": rows["orgs"], "users": rows["users"], "groups": rows["groups"]})
    _remind(f"tokens are void without the key they were made with: it belongs into {_key_of(database)}")


@click.command("move")
@click.option("--from", "source", metavar="URL", required=True, help="The database to copy.")
@click.option("--to", "target", metavar="URL", required=True, help="An empty one, of either kind.")
def move(source: str, target: str) -> None:
    """Copy a database into an empty one.

    Everything goes, tokens and audit trail too, and is checked there. Stop the server first: what it
    writes meanwhile would stay behind. The source is not changed.
    """

    async def work(store: Store) -> tuple[dict[str, int], bool]:
        async with store.scan() as tx:
            found = await copy.count(tx)
            with progress("move", sum(found.values())) as bar:
                rows = await fill.fill(target, _counted(copy.slices(tx), bar))
        async with store.scan() as tx:
            later = await copy.count(tx)
        return rows, later["audit_events"] != found["audit_events"]

    rows, written = run(source, work)
    _refuse(run(target, _checked), "everything was moved, and so was what is wrong in the source")
    show({"rows": sum(rows.values()), "orgs": rows["orgs"], "users": rows["users"], "groups": rows["groups"]})
    if written:
        click.echo("warning: the source was written to meanwhile, and that was left behind", err=True)
    _remind(f"tokens are void without the source's key, {_key_of(source)}: it belongs into {_key_of(target)}")


async def _counted(slices: AsyncIterator[Slice], bar: Any) -> AsyncIterator[Slice]:
    async for some in slices:
        yield some
        bar.update(len(some.rows))


async def _checked(store: Store) -> list[str]:
    async with store.scan() as tx:
        return await _problems(tx)


async def _problems(tx: Tx) -> list[str]:
    """What fsck and a look at every audit trail find."""
    found = list(await fsck.check(tx))
    for org in await orgs.every(tx):
        verdict = await audit.verify(tx, org.id)
        if verdict.problem and not whole_org.is_unfinished(org):
            found.append(f"{org.id}: audit trail: {verdict.problem}")
    return found


def _refuse(problems: list[str], what: str) -> None:
    for problem in problems:
        click.echo(problem, err=True)
    if problems:
        raise click.ClickException(f"{len(problems)} problem(s) found; {what}")


def _key_of(database: str) -> str:
    """Where the key of a database's tokens is, or has to be."""
    return str(key_file(database) or "ROSTERD_SECRET")


def _remind(text: str) -> None:
    click.echo(f"note: {text}", err=True)


COMMANDS = (backup, restore, move)
