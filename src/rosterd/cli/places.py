"""Commands for operators: workspaces and channels, and where groups lead."""

from __future__ import annotations

from typing import Any

import click

from rosterd.actions import channels, connections, workspaces
from rosterd.cli.session import (
    database_option,
    find_org,
    find_workspace,
    operator,
    org_option,
    run,
    show,
    when,
)
from rosterd.directory.channels import channel_name
from rosterd.directory.errors import Invalid, NotFound
from rosterd.directory.model import (
    Actor,
    Channel,
    ChannelId,
    Discoverability,
    Group,
    GroupId,
    GroupWorkspace,
    Org,
    Workspace,
)
from rosterd.store import channels as channel_rows
from rosterd.store import groups
from rosterd.store import workspaces as workspace_rows
from rosterd.store.belonging import connections as connection_rows
from rosterd.store.belonging import places
from rosterd.store.belonging.places import CHANNEL, WORKSPACE
from rosterd.store.engine import Store, Tx

_PAGE = 1_000

_workspace_option = click.option("--workspace", "team", metavar="DOMAIN|ID", help="A workspace.")
_group_option = click.option("--group", "group_name", metavar="NAME|ID", required=True, help="The group.")


@click.group("workspace")
def workspace_group() -> None:
    """Workspaces: many on Enterprise, else one."""


@workspace_group.command("create")
@org_option
@click.option("--domain", required=True, help="Its domain: up to 21 letters, digits and hyphens.")
@click.option("--name", help="Its name; by default the domain.")
@click.option("--description", default="", help="What it is for.")
@click.option(
    "--discoverability",
    type=click.Choice([str(each) for each in Discoverability]),
    default=str(Discoverability.INVITE_ONLY),
    show_default=True,
    help="Who may join it.",
)
@database_option
def workspace_create(
    org_name: str, domain: str, name: str | None, description: str, discoverability: str, database: str
) -> None:
    """Create a workspace with its #general, and print it as JSON."""

    async def work(store: Store) -> Workspace:
        async with store.write() as tx:
            org = await find_org(tx, org_name)
            return await workspaces.create(
                tx,
                org,
                domain,
                name or "",
                description=description,
                discoverability=Discoverability(discoverability),
                actor=operator(org, "workspace create"),
            )

    show(_workspace(run(database, work)))


@workspace_group.command("list")
@org_option
@database_option
def workspace_list(org_name: str, database: str) -> None:
    """Print every workspace with the number of its members, one JSON object a line."""

    async def work(store: Store) -> None:
        async with store.scan() as tx:
            org = await find_org(tx, org_name)
            found = await workspace_rows.every(tx, org.id)
            sizes = await places.count(tx, WORKSPACE, org.id, [team.id for team in found])
        for team in found:
            show(_workspace(team) | {"members": sizes[team.id]})

    run(database, work)


def _workspace(team: Workspace) -> dict[str, Any]:
    return {
        "workspace_id": team.id,
        "domain": team.domain,
        "name": team.name,
        "description": team.description,
        "discoverability": team.discoverability,
        "created": when(team.created / 1e6),
    }


@click.group("channel")
def channel_group() -> None:
    """Channels."""


@channel_group.command("create")
@org_option
@click.option("--name", required=True, help="Its name: lower-case letters, digits, hyphens, underscores.")
@click.option(
    "--workspace",
    "teams",
    multiple=True,
    metavar="DOMAIN|ID",
    help="A workspace that has it; several times for several. By default the organisation's only one.",
)
@click.option("--private", "is_private", is_flag=True, help="For whoever is invited.")
@click.option("--org-wide", "is_org_wide", is_flag=True, help="In every workspace, those to come as well.")
@click.option("--default", "is_default", is_flag=True, help="Whoever joins its workspace joins it.")
@click.option("--purpose", default="", help="What it is for.")
@database_option
def channel_create(
    org_name: str,
    name: str,
    teams: tuple[str, ...],
    is_private: bool,
    is_org_wide: bool,
    is_default: bool,
    purpose: str,
    database: str,
) -> None:
    """Create a channel, which nobody is in yet, and print it as JSON."""

    async def work(store: Store) -> dict[str, Any]:
        async with store.write() as tx:
            org = await find_org(tx, org_name)
            within = [await find_workspace(tx, org, each) for each in teams]
            known = await workspace_rows.every(tx, org.id)
            if not within and not is_org_wide and len(known) == 1:
                within = [known[0].id]
            made = await channels.create(
                tx,
                org,
                name,
                within,
                is_private=is_private,
                is_org_wide=is_org_wide,
                is_default=is_default,
                purpose=purpose,
                actor=operator(org, "channel create"),
            )
            return _channel(made, (await channel_rows.homes(tx, org.id, [made.id]))[made.id])

    show(run(database, work))


@channel_group.command("list")
@org_option
@_workspace_option
@database_option
def channel_list(org_name: str, team: str | None, database: str) -> None:
    """Print every channel, or those of one workspace, with the number of members, one JSON object a line."""

    async def work(store: Store) -> None:
        async with store.scan() as tx:
            org = await find_org(tx, org_name)
            within = await find_workspace(tx, org, team) if team else None
            after = (0, "")
            while found := await channel_rows.page(tx, org.id, within, after=after, limit=_PAGE):
                ids = [channel.id for channel in found]
                homes = await channel_rows.homes(tx, org.id, ids)
                sizes = await places.count(tx, CHANNEL, org.id, ids)
                for channel in found:
                    show(_channel(channel, homes[channel.id]) | {"members": sizes[channel.id]})
                after = found[-1].created, found[-1].id

    run(database, work)


def _channel(channel: Channel, homes: list[channel_rows.Home]) -> dict[str, Any]:
    return {
        "channel_id": channel.id,
        "name": channel.name,
        "private": channel.is_private,
        "archived": channel.is_archived,
        "org_wide": channel.is_org_wide,
        "workspace_ids": [home.team_id for home in homes],
        "default_in": [home.team_id for home in homes if home.is_default],
        "created": when(channel.created / 1e6),
    }


@click.group("group")
def group_group() -> None:
    """Groups, and where they lead."""


@group_group.command("list")
@org_option
@database_option
def group_list(org_name: str, database: str) -> None:
    """Print every group with where it leads, one JSON object a line."""

    async def work(store: Store) -> None:
        async with store.scan() as tx:
            org = await find_org(tx, org_name)
            start = 1
            while found := (await groups.page(tx, org.id, None, start, _PAGE))[0]:
                for group in found:
                    led = await connection_rows.of_group(tx, org.id, group.id)
                    size = await groups.count_members(tx, org.id, group.id)
                    show(_group(group, led) | {"members": size})
                start += len(found)

    run(database, work)


def _group(group: Group, led: connection_rows.Connections) -> dict[str, Any]:
    return {
        "group_id": group.id,
        "name": group.display_name,
        "workspaces": [
            {
                "workspace_id": to.team_id,
                "required": to.is_required,
                "auto_provision": to.auto_provision,
            }
            for to in led.workspaces
        ],
        "channel_ids": list(led.channels),
        "allowlist_channel_ids": list(led.allowlists),
    }


_to_options = (
    _workspace_option,
    click.option("--channel", metavar="NAME|ID", help="A channel that members are put into."),
    click.option("--allowlist", metavar="NAME|ID", help="A private channel that only such groups may be in."),
)


def _to(command: Any) -> Any:
    for option in reversed(_to_options):
        command = option(command)
    return command


@group_group.command("connect")
@org_option
@_group_option
@_to
@click.option("--not-required", is_flag=True, help="Whoever leaves the group stays in the workspace.")
@click.option("--no-auto-provision", is_flag=True, help="Members join when they, or an administrator, want.")
@database_option
def group_connect(
    org_name: str,
    group_name: str,
    team: str | None,
    channel: str | None,
    allowlist: str | None,
    not_required: bool,
    no_auto_provision: bool,
    database: str,
) -> None:
    """Lead a group to a workspace or a channel, or put it on a private channel's allowlist.

    A large group follows a little later, as a job of the server.
    """
    _check_one(team, channel, allowlist)

    async def work(store: Store) -> dict[str, Any]:
        async with store.write() as tx:
            org = await find_org(tx, org_name)
            actor = operator(org, "group connect")
            group = await _find_group(tx, org, group_name)
            if team:
                to = GroupWorkspace(
                    await find_workspace(tx, org, team), not not_required, not no_auto_provision
                )
                await connections.connect_workspaces(tx, org, group.id, [to], actor=actor)
            elif channel:
                id = await _find_channel(tx, org, channel)
                await connections.connect_channels(tx, org, group.id, [id], actor=actor)
            else:
                id = await _find_channel(tx, org, allowlist or "")
                await connections.allow(tx, org, id, group.id, actor=actor)
            return _group(group, await connection_rows.of_group(tx, org.id, group.id))

    show(run(database, work))


@group_group.command("disconnect")
@org_option
@_group_option
@_to
@database_option
def group_disconnect(
    org_name: str,
    group_name: str,
    team: str | None,
    channel: str | None,
    allowlist: str | None,
    database: str,
) -> None:
    """End that a group leads to a workspace or a channel, or take it off an allowlist."""
    _check_one(team, channel, allowlist)

    async def work(store: Store) -> dict[str, Any]:
        async with store.write() as tx:
            org = await find_org(tx, org_name)
            group = await _find_group(tx, org, group_name)
            await _disconnect(
                tx, org, group.id, team, channel, allowlist, actor=operator(org, "group disconnect")
            )
            return _group(group, await connection_rows.of_group(tx, org.id, group.id))

    show(run(database, work))


async def _disconnect(
    tx: Tx,
    org: Org,
    group: GroupId,
    team: str | None,
    channel: str | None,
    allowlist: str | None,
    *,
    actor: Actor,
) -> None:
    if team:
        id = await find_workspace(tx, org, team)
        await connections.disconnect_workspace(tx, org, group, id, actor=actor)
    elif channel:
        found = await _find_channel(tx, org, channel)
        await connections.disconnect_channels(tx, org, group, [found], actor=actor)
    else:
        found = await _find_channel(tx, org, allowlist or "")
        await connections.disallow(tx, org, found, group, actor=actor)


def _check_one(*named: str | None) -> None:
    if sum(name is not None for name in named) != 1:
        raise click.UsageError("say one of --workspace, --channel and --allowlist")


async def _find_channel(tx: Tx, org: Org, name: str) -> ChannelId:
    """By id, or by a name that one channel has. Raises ``no_such_channel`` and ``ambiguous_channel``."""
    if await channel_rows.find(tx, org.id, ChannelId(name)) is not None:
        return ChannelId(name)
    wanted = channel_name(name)
    teams = await workspace_rows.every(tx, org.id)
    found = {await channel_rows.named(tx, org.id, team.id, wanted) for team in teams} - {None}
    if len(found) > 1:
        raise Invalid("ambiguous_channel", channel=name)
    for id in found:
        assert id is not None
        return id
    raise NotFound("no_such_channel", channel=name)


async def _find_group(tx: Tx, org: Org, name: str) -> Group:
    """By id or by name, in any case. Raises ``no_such_group``."""
    group = await groups.find(tx, org.id, GroupId(name)) or await groups.find_by_name(tx, org.id, name)
    if group is None:
        raise NotFound("no_such_group", group=name)
    return group


COMMANDS = (workspace_group, channel_group, group_group)
