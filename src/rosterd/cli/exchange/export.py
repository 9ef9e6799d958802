"""``rosterd export``: an organisation as JSON lines, from one snapshot, in constant memory."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

import click

from rosterd import __version__
from rosterd.cli.exchange import lines, values
from rosterd.cli.session import database_option, find_org, org_option, progress, run
from rosterd.directory.errors import NotFound
from rosterd.store.engine import Store
from rosterd.store.upkeep import copy, dump, whole_org

_SHOWN = (
    "workspaces", "profile_fields", "users", "groups", "user_groups", "channels", "members",
    "group_workspaces", "group_channels", "channel_allowlist", "workspace_members", "workspace_roles",
    "channel_members", "former_members",
)  # fmt: skip
_TRAIL = ("audit_events", "audit_seals", "activity")


@click.command("export")
@org_option
@click.option("--audit", "trail", is_flag=True, help="The audit trail, too, and who was active when.")
@click.argument("file", type=click.Path(dir_okay=False, allow_dash=True, path_type=Path), default="-")
@database_option
def export(org_name: str, trail: bool, file: Path, database: str) -> None:
    """Write an organisation as JSON lines.

    To FILE or stdout, without what lets somebody in or sends something out: tokens, apps, the identity
    provider, webhooks. `rosterd import` reads it, and so can your own programs.
    """

    async def work(store: Store) -> None:
        async with store.scan() as tx:
            org = await find_org(tx, org_name)
            if whole_org.is_unfinished(org):
                raise NotFound("no_such_org", org=org_name)
            counts = await copy.count(tx, org.id)
            total = sum(counts[table] for table in (*_SHOWN, *(_TRAIL if trail else ())))
            made = datetime.now(UTC)
            with _output(file) as out, progress("export", total) as bar:
                first = lines.ExportLine(lines.FORMAT, __version__, made.replace(microsecond=0))
                out.write(lines.written(first) + lines.written(values.line_of(org)))
                written = 2
                async for value in whole_org.everything(tx, org.id, trail=trail):
                    out.write(lines.written(values.line_of(value)))
                    written += 1
                    bar.update(1)
                out.write(lines.written(lines.EndLine(written)))

    run(database, work)


@contextmanager
def _output(file: Path) -> Iterator[BinaryIO]:
    if str(file) == "-":
        yield sys.stdout.buffer
        sys.stdout.flush()
    else:
        with dump.replacing(file) as out:
            yield out
