"""Commands for operators: organisations and people. They work beside a running server."""

from __future__ import annotations

from typing import Any

import click

from rosterd.actions import erasure, invitations, orgs, users
from rosterd.cli.session import (
    database_option,
    find_org,
    find_user,
    named,
    operator,
    org_option,
    origin,
    run,
    show,
    user_option,
    when,
)
from rosterd.directory.model import Org, Plan, Profile, Role, User
from rosterd.directory.users import UserChange
from rosterd.store import orgs as org_rows
from rosterd.store import users as user_rows
from rosterd.store.engine import Store


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
        shown = named("org", org)
        shown["members_may_change_display_name"] = shown.pop("display_name_change")
        show(shown | {"created": when(org.created / 1e6)})


@org_group.command("set")
@org_option
@click.option(
    "--members-may-change-display-name",
    type=click.Choice(["true", "false"]),
    required=True,
    help="Slack's “Allow users to change their display name”: if true, SCIM updates cannot change it.",
)
@database_option
def org_set(org_name: str, members_may_change_display_name: str, database: str) -> None:
    """Change a setting of an organisation."""

    async def work(store: Store) -> Org:
        async with store.write() as tx:
            org = await find_org(tx, org_name)
            actor = operator(org, "org set")
            return await orgs.set_display_name_change(
                tx, org, members_may_change_display_name == "true", actor=actor
            )

    org = run(database, work)
    show({"org_id": org.id, "members_may_change_display_name": org.display_name_change})


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
                for user in await user_rows.find_many(tx, org.id, [card.id for card in found]):
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


@user_group.command("invite")
@org_option
@user_option
@database_option
def user_invite(org_name: str, user_name: str, database: str) -> None:
    """Send somebody who has not signed in yet another invitation."""

    async def work(store: Store) -> User:
        async with store.write() as tx:
            org = await find_org(tx, org_name)
            user = await find_user(tx, org, user_name)
            await invitations.invite_again(tx, org, user, actor=operator(org, "user invite"))
            return user

    show({"user_id": run(database, work).id, "invited": True})


@user_group.command("erase")
@org_option
@user_option
@click.option("--yes", is_flag=True, help="Do not ask.")
@database_option
def user_erase(org_name: str, user_name: str, yes: bool, database: str) -> None:
    """Forget everything personal about a person, in the directory and in the audit trail."""

    async def whom(store: Store) -> User:
        async with store.read() as tx:
            return await find_user(tx, await find_org(tx, org_name), user_name)

    async def work(store: Store) -> User:
        async with store.write() as tx:
            org = await find_org(tx, org_name)
            user = await find_user(tx, org, user_name)
            return await erasure.erase(tx, org, user, actor=operator(org, "user erase"))

    if not yes:
        user = run(database, whom)
        _confirm(f"Forget {user.username} ({user.email}, {user.id}) in {org_name}? This cannot be undone.")
    show({"user_id": run(database, work).id, "erased": True})


def _confirm(question: str) -> None:
    try:
        agreed = click.confirm(question, err=True)
    except click.Abort:  # nobody is there to answer
        click.echo(err=True)
        agreed = False
    if not agreed:
        raise click.ClickException("nothing was done")


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


COMMANDS = (org_group, user_group, field_group)
