"""One command's work on a database: open, act, seal the audit trail, close; failures in one line."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import click
import msgspec

from rosterd import settings
from rosterd.actions import orgs as org_actions
from rosterd.app import seal
from rosterd.directory.errors import DirectoryError, NotFound
from rosterd.directory.model import Actor, Org, Origin, User, UserId
from rosterd.directory.names import account_key
from rosterd.store import orgs, users
from rosterd.store.engine import Store, StoreError, Tx, open_store

T = TypeVar("T")

database_option = click.option(
    "--database",
    metavar="URL",
    default=lambda: settings.environment("database") or settings.DEFAULT_DATABASE,
    show_default=settings.DEFAULT_DATABASE,
    help="sqlite:///FILE or postgresql://USER@HOST/NAME; also ROSTERD_DATABASE.",
)
org_option = click.option("--org", "org_name", metavar="DOMAIN|ID", required=True, help="The organisation.")
user_option = click.option("--user", "user_name", metavar="EMAIL|ID", required=True, help="The person.")


def run(database: str, work: Callable[[Store], Awaitable[T]], *, create: bool = False) -> T:
    """What ``work`` gives for the open store. ``create``: an empty database is made ready first."""

    async def session() -> T:
        store = await open_store(database, create=create)
        try:
            done = await work(store)
            await seal(store)
            return done
        finally:
            await store.close()

    try:
        return asyncio.run(session())
    except (DirectoryError, StoreError, settings.SettingsError) as error:
        raise click.ClickException(str(error)) from error


def origin(command: str) -> Origin:
    """Where a change by this command comes from."""
    return Origin(secrets.token_hex(8), f"rosterd {command}")


async def find_org(tx: Tx, name: str) -> Org:
    """The organisation of this domain or id. Raises ``no_such_org``."""
    org = await orgs.find(tx, name) or await orgs.find(tx, name.lower())
    if org is None:
        raise NotFound("no_such_org", org=name)
    return org


async def find_user(tx: Tx, org: Org, name: str) -> User:
    """The person with this e-mail address or id. Raises ``no_such_user``."""
    user_id = await users.find_by_email(tx, org.id, account_key(name)) if "@" in name else UserId(name)
    user = await users.find(tx, org.id, user_id, lock=True) if user_id else None
    if user is None:
        raise NotFound("no_such_user", user=name)
    return user


def operator(org: Org, command: str) -> Actor:
    return org_actions.operator(org.id, origin(command))


def show(value: Any) -> None:
    """One JSON object on a line of stdout."""
    click.echo(msgspec.json.encode(value).decode())
