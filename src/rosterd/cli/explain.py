"""The command that says where somebody is, and why."""

from __future__ import annotations

import click
import msgspec

from rosterd.cli.session import database_option, find_org, find_user, org_option, run, show
from rosterd.directory.model import User
from rosterd.directory.whereabouts import WORDS, Whereabouts, sentence
from rosterd.store.belonging import whereabouts
from rosterd.store.engine import Store


@click.command("explain")
@click.argument("user_name", metavar="EMAIL|ID")
@org_option
@click.option("--json", "as_json", is_flag=True, help="As one JSON object.")
@database_option
def explain(user_name: str, org_name: str, as_json: bool, database: str) -> None:
    """Say where somebody is and why, and why they are not where a group of theirs leads."""

    async def work(store: Store) -> tuple[User, Whereabouts]:
        async with store.scan() as tx:
            org = await find_org(tx, org_name)
            user = await find_user(tx, org, user_name, lock=False)
            return user, await whereabouts.of_person(tx, org.id, user)

    user, found = run(database, work)
    if as_json:
        whole = {"user_id": user.id, "username": user.username, "email": user.email, "role": user.role}
        show(whole | msgspec.to_builtins(found))
        return
    click.echo(f"{user.username} <{user.email}> {user.id}: {found.status}")
    if not found.stays:
        click.echo("in no workspace and no channel")
    for stay in found.stays:
        click.echo(_named(stay.place_id, stay.name))
        for why in stay.reasons:
            click.echo(f"  {sentence(why)}")
        for group in stay.allowed_by:
            click.echo(f"  allowed by the group “{group.display_name}”")
    for absence in found.absences:
        click.echo(f"not in {_named(absence.place_id, absence.name)}")
        click.echo(f"  the group “{absence.group.display_name}” leads there, but {WORDS[absence.why]}")


def _named(id: str, name: str) -> str:
    return f"workspace “{name}” ({id})" if id.startswith("T") else f"channel #{name} ({id})"
