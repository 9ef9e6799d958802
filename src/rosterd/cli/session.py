"""One command's work on a database: open, act, seal the audit trail, close; failures in one line."""

from __future__ import annotations

import asyncio
import secrets
import sys
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import AbstractContextManager, suppress
from datetime import UTC, datetime
from typing import Any, TypeVar

import click
import msgspec

from rosterd import settings
from rosterd.actions import orgs as org_actions
from rosterd.app import seal
from rosterd.directory.apps import SCOPES
from rosterd.directory.errors import DirectoryError, NotFound
from rosterd.directory.model import Actor, Org, Origin, TeamId, User, UserId
from rosterd.directory.names import account_key
from rosterd.provisioning.cards import card
from rosterd.store import orgs, users, workspaces
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
        store = await open_store(database, create=create, card=card)
        try:
            done = await work(store)
            with suppress(StoreError):  # the work is done; a server or the next command seals what waits
                await seal(store)
            return done
        finally:
            await store.close()

    return alone(session())


def alone(session: Coroutine[Any, Any, T]) -> T:
    """What ``session`` gives, which opens whatever it needs."""
    try:
        return asyncio.run(session)
    except DirectoryError as error:
        sentence = WORDS.get(error.code)
        raise click.ClickException(f"{error}: {sentence}" if sentence else str(error)) from error
    except (StoreError, settings.SettingsError) as error:
        raise click.ClickException(str(error)) from error


WORDS = {
    "account_inactive": "they are deactivated",
    "already_in_team": "they have signed in",
    "ambiguous_channel": "several channels are called so: name one by its id",
    "bad_email_address": "this is no e-mail address that can be stored",
    "bad_redirect_uri": "https, or http to this machine, without a fragment; at most 20",
    "cannot_disable_primary_owner": "make somebody else the primary owner first",
    "cannot_modify_gdpr": "they have been forgotten",
    "cannot_modify_owner": "make somebody else the primary owner first: user set-role --role primary_owner",
    "channel_is_not_private": "only private channels have an allowlist",
    "channel_not_in_required_workspace": "connect the group to a workspace that has the channel, first",
    "default_channel_restricted": "a default channel is for everybody in the workspace",
    "domain_reserved": "addresses of this server begin so: choose another, for an import with --as-domain",
    "domain_taken": "another organisation on this server has it",
    "email_taken": "an address belongs to one person, deactivated or not",
    "feature_not_enabled": "it takes the plan enterprise",
    "group_already_linked_to_channel": "it is on the allowlist already",
    "group_must_not_be_empty": "put somebody into it first: whoever is not in it leaves the channel",
    "idp_group_linked_to_channels": "take it off the allowlists first: rosterd group disconnect",
    "invalid_action": "no action of the audit trail; see /audit/v1/actions",
    "invalid_app_name": "1 to 80 characters that can be shown",
    "invalid_client": "the provider has given this server a client id and a secret: both are needed",
    "invalid_domain": "lower-case letters, digits and hyphens; at most 63, of a workspace 21",
    "invalid_expiration": "that time has passed",
    "invalid_ip_range": "an IPv4 address or a range such as 192.0.2.0/24",
    "invalid_issuer": "an https URL as the provider writes it, without query; http only to this machine",
    "invalid_name_specials": "lower-case letters, digits, hyphens and underscores",
    "invalid_scope": "words such as admin or users:read",
    "invalid_overlap": "30 days at most",
    "invalid_password": "12 to 256 characters",
    "invalid_token_name": "80 characters at most, all of which can be shown",
    "invalid_url": "http:// or https://, a host, and neither a password nor a part after #",
    "is_archived": "the channel is put away",
    "name_taken": "people, channels and reserved words share one namespace",
    "name_taken_in_org": "another workspace is called so",
    "no_primary_owner": "somebody in it must have that role",
    "no_such_app": "see: rosterd app list --org DOMAIN",
    "no_such_channel": "see: rosterd channel list --org DOMAIN",
    "no_such_group": "see: rosterd group list --org DOMAIN",
    "no_such_idp": "set one with: rosterd idp set",
    "no_such_org": "see: rosterd org list",
    "no_such_password": "see: rosterd local-admin list --org DOMAIN",
    "no_such_team": "see: rosterd workspace list --org DOMAIN",
    "no_such_token": "see: rosterd token list --org DOMAIN",
    "no_such_user": "see: rosterd user list --org DOMAIN",
    "no_such_webhook": "see: rosterd webhook list --org DOMAIN",
    "not_an_admin": "such a password is for admins and owners",
    "not_connected": "see: rosterd group list --org DOMAIN",
    "org_exists": "it is here already, under whatever domain: see rosterd org list",
    "org_finished": "only what an import has left unfinished can be discarded",
    "permission_denied": "only owners and admins may have a token with a scope of administrators",
    "primary_owner_exists": "give the role with: rosterd user set-role",
    "team_not_given": "say in which workspace: --workspace DOMAIN, or --org-wide",
    "token_ended": "it was revoked, or its time was up: make a new one",
    "token_rotated": "a newer token replaced it: rotate that one",
    "too_many_channels": "a group leads to 100 channels at most",
    "too_many_webhooks": "remove one first: rosterd webhook remove",
    "unable_to_create_team_profile_fields": "an organisation has at most 50 fields",
    "username_taken": "people, channels and reserved words share one namespace",
    "username_too_long": "a username has at most 21 characters",
}
"""What the commonest refusals mean, in a sentence."""


def when(seconds: float | None) -> str | None:
    """A time as commands print it: ISO 8601, UTC.

    >>> when(0), when(None)
    ('1970-01-01T00:00:00Z', None)
    """
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


def origin(command: str) -> Origin:
    """Where a change by this command comes from."""
    return Origin(secrets.token_hex(8), f"rosterd {command}")


async def find_org(tx: Tx, name: str) -> Org:
    """The organisation of this domain or id. Raises ``no_such_org``."""
    org = await orgs.find(tx, name) or await orgs.find(tx, name.lower())
    if org is None:
        raise NotFound("no_such_org", org=name)
    return org


async def find_user(tx: Tx, org: Org, name: str, *, lock: bool = True) -> User:
    """The person with this e-mail address or id. Raises ``no_such_user``."""
    user_id = await users.find_by_email(tx, org.id, account_key(name)) if "@" in name else UserId(name)
    user = await users.find(tx, org.id, user_id, lock=lock) if user_id else None
    if user is None:
        raise NotFound("no_such_user", user=name)
    return user


async def find_workspace(tx: Tx, org: Org, name: str) -> TeamId:
    """The workspace with this domain or id. Raises ``no_such_team``."""
    team = await workspaces.find(tx, org.id, TeamId(name)) or await workspaces.find_by_domain(
        tx, org.id, name.lower()
    )
    if team is None:
        raise NotFound("no_such_team", team=name)
    return team.id


def operator(org: Org, command: str) -> Actor:
    return org_actions.operator(org.id, origin(command))


def named(noun: str, value: Any) -> dict[str, Any]:
    """The fields of a struct as commands print them: of a person, say, ``id`` as ``user_id``."""
    return {
        f"{noun}_id" if name == "id" else name: each for name, each in msgspec.structs.asdict(value).items()
    }


def note_unknown(scopes: Sequence[str]) -> None:
    """Say on stderr which of these scopes nothing here asks for: they may be misspelt."""
    if unknown := [scope for scope in scopes if scope not in SCOPES]:
        click.echo(f"note: nothing here asks for the scope {', '.join(unknown)}", err=True)


def show(value: Any) -> None:
    """One JSON object on a line of stdout."""
    click.echo(msgspec.json.encode(value).decode())


def progress(label: str, length: int) -> AbstractContextManager[Any]:
    """click's progress bar, on stderr and only where somebody watches."""
    hidden = not sys.stderr.isatty()
    return click.progressbar(length=max(length, 1), label=label, file=sys.stderr, hidden=hidden)
