"""Commands for operators: administrators who can get in by a password when nothing else lets anybody in."""

from __future__ import annotations

import sys
from typing import Any

import click

from rosterd.cli.session import (
    database_option,
    find_org,
    find_user,
    operator,
    org_option,
    run,
    show,
    user_option,
    when,
)
from rosterd.store import users
from rosterd.store.doors import passwords as rows
from rosterd.store.engine import Store


@click.group("local-admin")
def local_admin_group() -> None:
    """Administrators with a password of this server's: for when nobody can sign in."""


@local_admin_group.command("set")
@org_option
@user_option
@click.option(
    "--password-stdin",
    is_flag=True,
    help="Read the password from the first line of standard input: 12 characters or more. Else one is made.",
)
@database_option
def local_admin_set(org_name: str, user_name: str, password_stdin: bool, database: str) -> None:
    """Give an admin or owner a password, and print it unless it was given: it is shown this once."""
    # Loaded here: other commands start faster without it.
    from rosterd.actions.doors import passwords

    password = _first_line() if password_stdin else passwords.make()

    async def work(store: Store) -> str:
        hashed = passwords.hashed(password)
        async with store.write() as tx:
            org = await find_org(tx, org_name)
            user = await find_user(tx, org, user_name)
            await passwords.set_password(tx, org, user, hashed, actor=operator(org, "local-admin set"))
            return org.domain

    domain = run(database, work)
    click.echo(f"note: the page to use it on is BASE_URL/signin/{domain}/local", err=True)
    if not password_stdin:
        click.echo(password)


@local_admin_group.command("remove")
@org_option
@user_option
@database_option
def local_admin_remove(org_name: str, user_name: str, database: str) -> None:
    """Forget an administrator's password. Who is signed in by it stays so: see session end."""
    from rosterd.actions.doors import passwords

    async def work(store: Store) -> dict[str, Any]:
        async with store.write() as tx:
            org = await find_org(tx, org_name)
            user = await find_user(tx, org, user_name)
            await passwords.remove_password(tx, org, user, actor=operator(org, "local-admin remove"))
        return {"user_id": user.id, "removed": True}

    show(run(database, work))


@local_admin_group.command("list")
@org_option
@database_option
def local_admin_list(org_name: str, database: str) -> None:
    """Print who has a password, one JSON object a line."""

    async def work(store: Store) -> list[dict[str, Any]]:
        async with store.read() as tx:
            org = await find_org(tx, org_name)
            since = {each.user_id: each.created for each in await rows.of_org(tx, org.id)}
            found = await users.find_many(tx, org.id, list(since))
        return [
            {"user_id": user.id, "username": user.username, "email": user.email, "role": user.role}
            | {"set": when(since[user.id] / 1e6)}
            for user in found
        ]

    for each in run(database, work):
        show(each)


def _first_line() -> str:
    try:
        return sys.stdin.readline().rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise click.ClickException("the password is no text") from error


COMMANDS = (local_admin_group,)
