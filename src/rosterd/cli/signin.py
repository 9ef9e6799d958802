"""Commands for operators: how members sign in, and which apps may be installed."""

from __future__ import annotations

from typing import Any, TextIO

import click
import msgspec

from rosterd import settings
from rosterd.actions.doors import apps, signin
from rosterd.cli.session import (
    database_option,
    find_org,
    find_user,
    named,
    note_unknown,
    operator,
    org_option,
    run,
    show,
    user_option,
    when,
)
from rosterd.directory.apps import App, listed
from rosterd.directory.errors import NotFound
from rosterd.directory.signin import LINK_SECONDS, IdentityProvider, Session
from rosterd.store.doors import apps as app_rows
from rosterd.store.doors import idps, sessions
from rosterd.store.engine import Store


@click.group("idp")
def idp_group() -> None:
    """The identity provider at which the members of an organisation sign in."""


@idp_group.command("set")
@org_option
@click.option("--issuer", required=True, metavar="URL", help="Its issuer, as in its own description.")
@click.option("--client-id", required=True, help="The client id that it has given this server.")
@click.option(
    "--client-secret-file",
    type=click.File(),
    required=True,
    help="File with the client secret; - reads it from standard input.",
)
@click.option(
    "--accept-unverified-email",
    is_flag=True,
    help="Believe addresses that it does not call verified: only where it sets them itself.",
)
@database_option
def idp_set(
    org_name: str,
    issuer: str,
    client_id: str,
    client_secret_file: TextIO,
    accept_unverified_email: bool,
    database: str,
) -> None:
    """Let members sign in by OpenID Connect; another provider set before is replaced."""
    secret = client_secret_file.read()

    async def work(store: Store) -> dict[str, Any]:
        async with store.write() as tx:
            org = await find_org(tx, org_name)
            idp = await signin.set_idp(
                tx,
                org,
                issuer,
                client_id,
                secret,
                accepts_unverified=accept_unverified_email,
                actor=operator(org, "idp set"),
            )
        return _shown_idp(idp)

    show(run(database, work))


@idp_group.command("show")
@org_option
@database_option
def idp_show(org_name: str, database: str) -> None:
    """Print the provider, without its secret."""

    async def work(store: Store) -> dict[str, Any]:
        async with store.read() as tx:
            idp = await idps.find(tx, (await find_org(tx, org_name)).id)
        if idp is None:
            raise NotFound("no_such_idp")
        return _shown_idp(idp)

    show(run(database, work))


@idp_group.command("remove")
@org_option
@database_option
def idp_remove(org_name: str, database: str) -> None:
    """No provider any more: members sign in by links. Who is signed in stays so."""

    async def work(store: Store) -> dict[str, Any]:
        async with store.write() as tx:
            org = await find_org(tx, org_name)
            await signin.remove_idp(tx, org, actor=operator(org, "idp remove"))
        return {"org_id": org.id, "removed": True}

    show(run(database, work))


def _shown_idp(idp: IdentityProvider) -> dict[str, Any]:
    shown = msgspec.structs.asdict(idp)
    del shown["client_secret"]
    return shown | {"created": when(idp.created / 1e6)}


@click.command("signin-link")
@org_option
@user_option
@click.option(
    "--base-url",
    metavar="URL",
    default=lambda: settings.environment("base_url") or "http://127.0.0.1:8080",
    show_default="http://127.0.0.1:8080",
    help="Under which browsers reach the server; also ROSTERD_BASE_URL.",
)
@database_option
def signin_link(org_name: str, user_name: str, base_url: str, database: str) -> None:
    """Print a link by which a person signs in once, within fifteen minutes."""

    async def work(store: Store) -> str:
        key = settings.token_key(database)
        async with store.write() as tx:
            org = await find_org(tx, org_name)
            user = await find_user(tx, org, user_name)
            secret = await signin.mint_link(tx, org, user, key=key)
        return signin.link_path(org, secret)

    path = run(database, work)
    click.echo(f"note: good once, for {LINK_SECONDS // 60} minutes", err=True)
    click.echo(base_url.rstrip("/") + path)


@click.group("session")
def session_group() -> None:
    """Who is signed in."""


@session_group.command("list")
@org_option
@user_option
@database_option
def session_list(org_name: str, user_name: str, database: str) -> None:
    """Print a person's sessions that have not been ended, one JSON object a line."""

    async def work(store: Store) -> list[Session]:
        async with store.read() as tx:
            org = await find_org(tx, org_name)
            user = await find_user(tx, org, user_name)
            return await sessions.of_user(tx, org.id, user.id)

    for session in run(database, work):
        times = {"created": when(session.created / 1e6), "last_used": when(session.last_used)}
        show(named("session", session) | times | {"expires": when(session.expires)})


@session_group.command("end")
@org_option
@user_option
@database_option
def session_end(org_name: str, user_name: str, database: str) -> None:
    """Sign a person out everywhere; links that they still have lead nowhere."""

    async def work(store: Store) -> dict[str, Any]:
        async with store.write() as tx:
            org = await find_org(tx, org_name)
            user = await find_user(tx, org, user_name)
            ended = await signin.end_sessions_of(tx, org, user, actor=operator(org, "session end"))
        return {"user_id": user.id, "ended": len(ended)}

    show(run(database, work))


@click.group("app")
def app_group() -> None:
    """Apps that members may install by OAuth."""


@app_group.command("create")
@org_option
@click.option("--name", required=True, help="What people are shown when they are asked to consent.")
@click.option(
    "--redirect-uri",
    "redirect_uris",
    multiple=True,
    required=True,
    metavar="URL",
    help="Where codes may be sent: https, or http to this machine. Several times for several.",
)
@click.option(
    "--scope",
    "--scopes",
    "scopes",
    multiple=True,
    required=True,
    help="What it may ask for, such as admin. Several times, or with commas.",
)
@database_option
def app_create(
    org_name: str, name: str, redirect_uris: tuple[str, ...], scopes: tuple[str, ...], database: str
) -> None:
    """Register an app, and print its client id and secret: the secret is shown this once."""
    wanted = listed(" ".join(scopes))

    async def work(store: Store) -> dict[str, Any]:
        key = settings.token_key(database)
        async with store.write() as tx:
            org = await find_org(tx, org_name)
            app, secret = await apps.create_app(
                tx,
                org,
                name,
                redirect_uris,
                wanted,
                key=key,
                actor=operator(org, "app create"),
            )
        return {"app_id": app.id, "client_id": app.client_id, "client_secret": secret}

    made = run(database, work)
    note_unknown(wanted)
    show(made)


@app_group.command("list")
@org_option
@database_option
def app_list(org_name: str, database: str) -> None:
    """Print every app, without its secret, one JSON object a line."""

    async def work(store: Store) -> list[App]:
        async with store.read() as tx:
            return await app_rows.of_org(tx, (await find_org(tx, org_name)).id)

    for app in run(database, work):
        times = {"created": when(app.created / 1e6), "revoked": when(app.revoked)}
        show(named("app", app) | times)


@app_group.command("revoke")
@click.argument("app_id", metavar="ID")
@org_option
@database_option
def app_revoke(app_id: str, org_name: str, database: str) -> None:
    """End an app and every token that it was given, at once and for good."""

    async def work(store: Store) -> dict[str, Any]:
        async with store.write() as tx:
            org = await find_org(tx, org_name)
            await apps.revoke_app(tx, org, app_id, actor=operator(org, "app revoke"))
        return {"app_id": app_id, "revoked": True}

    show(run(database, work))


COMMANDS = (idp_group, signin_link, session_group, app_group)
