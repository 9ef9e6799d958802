"""The command line: commands, and nothing else.

Exit codes: 0 done; 1 an error, with one clear line on stderr; 2 wrong usage.
"""

from __future__ import annotations

import sys

import click

from rosterd import __version__
from rosterd.cli import (
    admin,
    backup,
    database,
    deliveries,
    explain,
    local_admin,
    places,
    serve,
    signin,
    tokens,
)
from rosterd.cli.exchange import export, imports


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="rosterd")
def rosterd() -> None:
    """Provisioning, and the organisation behind it, as Slack's behave: rehearse, run, watch."""


rosterd.add_command(serve.serve)
for command in (
    *admin.COMMANDS,
    *tokens.COMMANDS,
    *places.COMMANDS,
    explain.explain,
    *signin.COMMANDS,
    *local_admin.COMMANDS,
    *database.COMMANDS,
    *backup.COMMANDS,
    *deliveries.COMMANDS,
    export.export,
    imports.import_command,
):
    rosterd.add_command(command)
admin.org_group.add_command(imports.discard)


def main() -> None:
    """The ``rosterd`` command."""
    try:
        rosterd()
    except Exception as error:  # noqa: BLE001 - one clear line, never a traceback
        click.echo(f"Error: {type(error).__name__}: {error}", err=True)
        sys.exit(1)
