"""Commands for operators: tokens of connectors and scripts."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import click

from rosterd import settings
from rosterd.actions.doors import apps
from rosterd.cli.session import (
    database_option,
    find_org,
    find_user,
    find_workspace,
    named,
    note_unknown,
    operator,
    org_option,
    run,
    show,
    user_option,
    when,
)
from rosterd.directory import access
from rosterd.directory.model import Token, TokenId
from rosterd.store.doors import tokens
from rosterd.store.engine import Store


@click.group("token")
def token_group() -> None:
    """Tokens of connectors and scripts."""


@token_group.command("create")
@org_option
@user_option
@click.option("--scopes", "--scope", required=True, help="Comma-separated scopes; SCIM needs admin.")
@click.option(
    "--workspace",
    "--team",
    "team",
    metavar="DOMAIN|ID",
    help="For one workspace only, which SCIM on Enterprise refuses.",
)
@click.option(
    "--allow-ip", multiple=True, metavar="CIDR", help="IPv4 range it may be used from; up to ten times."
)
@click.option(
    "--expires", metavar="WHEN", help="ISO 8601 date time (UTC unless it says otherwise), or like 90d, 12h."
)
@click.option("--name", default="", help="What it is for, such as “Okta production”.")
@database_option
def token_create(
    org_name: str,
    user_name: str,
    scopes: str,
    team: str | None,
    allow_ip: tuple[str, ...],
    expires: str | None,
    name: str,
    database: str,
) -> None:
    """Make a token of a person, and print it: it is shown this once."""
    wanted = [scope.strip() for scope in scopes.split(",") if scope.strip()]

    async def work(store: Store) -> str:
        key = settings.token_key(database)
        async with store.write() as tx:
            org = await find_org(tx, org_name)
            owner = await find_user(tx, org, user_name)
            _, text = await apps.create_token(
                tx,
                org,
                owner,
                wanted,
                key=key,
                team_id=await find_workspace(tx, org, team) if team else None,
                allow_ips=allow_ip,
                expires=_when(expires) if expires else None,
                name=name,
                actor=operator(org, "token create"),
            )
        return text

    text = run(database, work)
    note_unknown(wanted)
    if access.SCIM_SCOPE not in wanted:
        click.echo(f"note: without the scope {access.SCIM_SCOPE} SCIM refuses this token", err=True)
    click.echo(text)


def _lasting(text: str) -> timedelta | None:
    """A time like 90d or 12h; None: it is none."""
    match = re.fullmatch(r"([0-9]{1,5})([dh])", text)
    return timedelta(hours=int(match[1]) * (24 if match[2] == "d" else 1)) if match else None


def _when(text: str) -> int:
    if (lasting := _lasting(text)) is not None:
        return int((datetime.now(UTC) + lasting).timestamp())
    try:
        when = datetime.fromisoformat(text)
    except ValueError as error:
        raise click.BadParameter(
            f"{text!r} is neither a date time nor like 90d", param_hint="--expires"
        ) from error
    return int((when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp())


@token_group.command("rotate")
@click.argument("token_id", metavar="ID")
@org_option
@click.option(
    "--overlap",
    default="24h",
    show_default=True,
    metavar="TIME",
    help="How long the old one still works, like 7d or 24h; 0h: no more. At most 30d.",
)
@database_option
def token_rotate(token_id: str, org_name: str, overlap: str, database: str) -> None:
    """Make another token in place of one, alike in everything, and print it: it is shown this once."""
    lasting = _lasting(overlap)
    if lasting is None:
        raise click.BadParameter(f"{overlap!r} is not like 24h or 7d", param_hint="--overlap")

    async def work(store: Store) -> tuple[Token, str]:
        key = settings.token_key(database)
        async with store.write() as tx:
            org = await find_org(tx, org_name)
            return await apps.rotate_token(
                tx,
                org,
                TokenId(token_id),
                overlap_seconds=int(lasting.total_seconds()),
                key=key,
                actor=operator(org, "token rotate"),
            )

    token, text = run(database, work)
    ends = f"works for {overlap} more" if lasting else "is no longer valid"
    click.echo(f"note: this is {token.id}; {token_id} {ends}", err=True)
    click.echo(text)


@token_group.command("list")
@org_option
@database_option
def token_list(org_name: str, database: str) -> None:
    """Print every token, without its secret, one JSON object a line."""

    async def work(store: Store) -> list[Token]:
        async with store.read() as tx:
            return list(await tokens.of_org(tx, (await find_org(tx, org_name)).id))

    for token in run(database, work):
        times = {"created": when(token.created / 1e6), "expires": when(token.expires)}
        times |= {"last_used": when(token.last_used), "revoked": when(token.revoked)}
        show(named("token", token) | times)


@token_group.command("revoke")
@click.argument("token_id", metavar="ID")
@org_option
@database_option
def token_revoke(token_id: str, org_name: str, database: str) -> None:
    """End a token, at once and for good."""

    async def work(store: Store) -> None:
        async with store.write() as tx:
            org = await find_org(tx, org_name)
            await apps.revoke_token(tx, org, TokenId(token_id), actor=operator(org, "token revoke"))

    run(database, work)
    show({"token_id": token_id, "revoked": True})


COMMANDS = (token_group,)
