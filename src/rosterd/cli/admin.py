"""Commands for operators: organisations, people, tokens, the database. They work beside a running server."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import click
import msgspec

from rosterd import settings
from rosterd.actions import apps, orgs, users
from rosterd.cli.session import (
    database_option,
    find_org,
    find_user,
    operator,
    org_option,
    origin,
    run,
    show,
    user_option,
)
from rosterd.directory.model import Org, OrgId, Plan, Profile, Role, TeamId, TokenId, User
from rosterd.directory.users import UserChange
from rosterd.store import audit, fsck, migrate, tokens
from rosterd.store import orgs as org_rows
from rosterd.store import users as user_rows
from rosterd.store.engine import Store, StoreError


@click.group("org")
def org_group() -> None:
    """Organisations."""


@org_group.command("create")
@click.option("--name", required=True, help="Name of the organisation.")
@click.option("--domain", required=True, help="Its domain: letters, digits, hyphens; unique on this server.")
@click.option(
    "--plan", type=click.Choice([str(plan) for plan in Plan]), required=True, help="What it has bought."
)
@click.option("--owner-email", required=True, help="E-mail address of its primary owner.")
@database_option
def org_create(name: str, domain: str, plan: str, owner_email: str, database: str) -> None:
    """Create an organisation with its primary owner, and print their ids as JSON."""

    async def work(store: Store) -> dict[str, Any]:
        async with store.write() as tx:
            org, owner = await orgs.create(
                tx, name, domain, Plan(plan), owner_email, origin=origin("org create")
            )
        return {"org_id": org.id, "workspace_ids": [org.team_id], "owner_id": owner.id}

    show(run(database, work, create=True))


@org_group.command("list")
@database_option
def org_list(database: str) -> None:
    """Print every organisation, one JSON object a line."""

    async def work(store: Store) -> list[Org]:
        async with store.read() as tx:
            return await org_rows.every(tx)

    for org in run(database, work):
        show(org)


@org_group.command("set")
@org_option
@click.option(
    "--members-may-change-display-name",
    type=bool,
    required=True,
    help="Slack's “Allow users to change their display name”: SCIM updates may then not change it.",
)
@database_option
def org_set(org_name: str, members_may_change_display_name: bool, database: str) -> None:
    """Change a setting of an organisation."""

    async def work(store: Store) -> Org:
        async with store.write() as tx:
            org = await find_org(tx, org_name)
            actor = operator(org, "org set")
            return await orgs.set_display_name_change(tx, org, members_may_change_display_name, actor=actor)

    show(run(database, work))


@click.group("user")
def user_group() -> None:
    """People."""


_ROLES = click.Choice([str(role) for role in Role])


def _shown(user: User) -> dict[str, Any]:
    return {
        "user_id": user.id,
        "username": user.username,
        "email": user.email,
        "display_name": user.display_name,
        "role": user.role,
        "status": user.status,
    }


@user_group.command("create")
@org_option
@click.option("--email", required=True, help="E-mail address.")
@click.option("--username", help="Username; by default made from the address.")
@click.option("--given-name", default="", help="First name.")
@click.option("--family-name", default="", help="Last name.")
@click.option("--display-name", default="", help="Display name; by default the username.")
@click.option("--role", type=_ROLES, default=str(Role.MEMBER), show_default=True, help="Role.")
@click.option("--signed-in", is_flag=True, help="Active at once, as after a first sign-in; else invited.")
@database_option
def user_create(
    org_name: str,
    email: str,
    username: str | None,
    given_name: str,
    family_name: str,
    display_name: str,
    role: str,
    signed_in: bool,
    database: str,
) -> None:
    """Create a person and print them as JSON."""
    change = UserChange(
        username=username or email,
        email=email,
        display_name=display_name,
        profile=Profile(given_name=given_name, family_name=family_name),
    )

    async def work(store: Store) -> User:
        async with store.write() as tx:
            org = await find_org(tx, org_name)
            actor = operator(org, "user create")
            return await users.create(tx, org, change, role=Role(role), claimed=signed_in, actor=actor)

    show(_shown(run(database, work)))


@user_group.command("list")
@org_option
@database_option
def user_list(org_name: str, database: str) -> None:
    """Print every person in order of creation, one JSON object a line."""

    async def work(store: Store) -> None:
        async with store.scan() as tx:
            org = await find_org(tx, org_name)
            start = 1
            while found := (await user_rows.page(tx, org.id, None, start, 1_000))[0]:
                for user in found:
                    show(_shown(user))
                start += len(found)

    run(database, work)


@user_group.command("set-role")
@org_option
@user_option
@click.option("--role", type=_ROLES, required=True, help="The new role.")
@database_option
def user_set_role(org_name: str, user_name: str, role: str, database: str) -> None:
    """Give a person another role; a demoted person's tokens stop until the role is back."""

    async def work(store: Store) -> User:
        async with store.write() as tx:
            org = await find_org(tx, org_name)
            user = await find_user(tx, org, user_name)
            return await users.set_role(tx, org, user, Role(role), actor=operator(org, "user set-role"))

    show(_shown(run(database, work)))


@user_group.command("erase")
@org_option
@user_option
@click.confirmation_option("--yes", prompt="This cannot be undone. Forget this person?", help="Do not ask.")
@database_option
def user_erase(org_name: str, user_name: str, database: str) -> None:
    """Forget everything personal about a person, in the directory and in the audit trail."""

    async def work(store: Store) -> User:
        async with store.write() as tx:
            org = await find_org(tx, org_name)
            user = await find_user(tx, org, user_name)
            return await users.erase(tx, org, user, actor=operator(org, "user erase"))

    show({"user_id": run(database, work).id, "erased": True})


@click.group("token")
def token_group() -> None:
    """Tokens of connectors and scripts."""


@token_group.command("create")
@org_option
@user_option
@click.option("--scopes", required=True, help="Comma-separated scopes; SCIM needs admin.")
@click.option("--team", metavar="ID", help="Install on one workspace only, which SCIM on Enterprise refuses.")
@click.option(
    "--allow-ip", multiple=True, metavar="CIDR", help="IPv4 range it may be used from; up to ten times."
)
@click.option(
    "--expires", metavar="WHEN", help="ISO 8601 date time (UTC unless it says otherwise), or like 90d, 12h."
)
@database_option
def token_create(
    org_name: str,
    user_name: str,
    scopes: str,
    team: str | None,
    allow_ip: tuple[str, ...],
    expires: str | None,
    database: str,
) -> None:
    """Make a token of a person, and print it: it is shown this once."""

    async def work(store: Store) -> str:
        key = settings.token_key(database)
        async with store.write() as tx:
            org = await find_org(tx, org_name)
            owner = await find_user(tx, org, user_name)
            _, text = await apps.create_token(
                tx,
                org,
                owner,
                [scope.strip() for scope in scopes.split(",") if scope.strip()],
                key=key,
                team_id=TeamId(team) if team else None,
                allow_ips=allow_ip,
                expires=_when(expires) if expires else None,
                actor=operator(org, "token create"),
            )
        return text

    click.echo(run(database, work))


def _when(text: str) -> int:
    if match := re.fullmatch(r"([0-9]{1,5})([dh])", text):
        hours = int(match[1]) * (24 if match[2] == "d" else 1)
        return int((datetime.now(UTC) + timedelta(hours=hours)).timestamp())
    try:
        when = datetime.fromisoformat(text)
    except ValueError as error:
        raise click.BadParameter(
            f"{text!r} is neither a date time nor like 90d", param_hint="--expires"
        ) from error
    return int((when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp())


@token_group.command("list")
@org_option
@database_option
def token_list(org_name: str, database: str) -> None:
    """Print every token, without its secret, one JSON object a line."""

    async def work(store: Store) -> list[Any]:
        async with store.read() as tx:
            return list(await tokens.of_org(tx, (await find_org(tx, org_name)).id))

    for token in run(database, work):
        show(token)


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


@click.group("profile-field")
def field_group() -> None:
    """Custom profile fields."""


@field_group.command("add")
@org_option
@click.option("--name", required=True, help="Short name: letters, digits and underscores.")
@click.option("--label", help="What people see; by default the name.")
@database_option
def field_add(org_name: str, name: str, label: str | None, database: str) -> None:
    """Add a custom profile field; an organisation has at most 50, those of SCIM included."""

    async def work(store: Store) -> None:
        async with store.write() as tx:
            org = await find_org(tx, org_name)
            actor = operator(org, "profile-field add")
            await orgs.add_profile_field(tx, org, name, label or name, actor=actor)

    run(database, work)
    show({"name": name, "label": label or name})


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
            return [(org.id, await audit.verify(tx, org.id)) for org in found]

    verdicts = run(database, work)
    for org_id, verdict in verdicts:
        show({"org_id": org_id, "ok": verdict.ok, **msgspec.to_builtins(verdict)})
    broken = [org_id for org_id, verdict in verdicts if not verdict.ok]
    if broken:
        raise click.ClickException(f"audit trail broken: {', '.join(broken)}")


@click.command("fsck")
@database_option
def fsck_command(database: str) -> None:
    """Look for rows that contradict each other; print each, and exit 1 if there are any."""

    async def work(store: Store) -> list[str]:
        async with store.scan() as tx:
            return list(await fsck.check(tx))

    problems = run(database, work)
    for problem in problems:
        click.echo(problem)
    if problems:
        raise click.ClickException(f"{len(problems)} problem(s) found")
    click.echo("clean")


COMMANDS = (org_group, user_group, token_group, field_group, db_group, audit_group, fsck_command)
