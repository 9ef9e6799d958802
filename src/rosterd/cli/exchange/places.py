"""Lines about workspaces, channels, who is in them, and what groups lead to: from values and back.

As :mod:`rosterd.cli.exchange.values`, which takes these tables up. That the lines fit each other is for
``fsck`` to check, once all are here: a person is in the workspace of a channel, a reason holds, the plan
includes it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from rosterd.actions.consequences import Task
from rosterd.cli.exchange.forms import (
    check_unchanged,
    checked_id,
    created_of,
    day_of,
    microseconds_of,
    number_of,
    seconds_of,
    short,
    time_of,
)
from rosterd.cli.exchange.lines import (
    ActiveLine,
    AllowlistLine,
    BadLine,
    ChannelLine,
    ChannelMemberLine,
    FormerMemberLine,
    GroupChannelLine,
    GroupWorkspaceLine,
    HomeLine,
    Line,
    TaskLine,
    UserGroupLine,
    WorkspaceLine,
    WorkspaceMemberLine,
    WorkspaceRoleLine,
)
from rosterd.directory import channels as rules
from rosterd.directory import groups, names
from rosterd.directory.model import (
    DIRECTLY,
    Channel,
    ChannelId,
    Discoverability,
    GroupId,
    Org,
    TeamId,
    UserId,
)
from rosterd.store.channels import Home
from rosterd.store.upkeep.whole_org import (
    Active,
    Allowed,
    InChannel,
    InWorkspace,
    LeadsToChannel,
    LeadsToWorkspace,
    RoleInWorkspace,
    Settled,
    UserGroup,
    Value,
    Waiting,
    WasThere,
    Workspace,
)


def _workspace(line: WorkspaceLine, _: Org) -> Workspace:
    names.check_domain(line.domain)
    check_unchanged(line.name, lambda text: text.strip() or line.domain)
    return Workspace(
        TeamId(checked_id(line.id, "T")),
        line.name,
        line.domain,
        microseconds_of(line.created),
        line.description,
        str(line.discoverability),
    )


def _channel_line(value: Settled) -> ChannelLine:
    channel = value.channel
    return ChannelLine(
        id=channel.id,
        name=channel.name,
        created=time_of(channel.created),
        creator=channel.creator_id,
        private=channel.is_private,
        archived=channel.is_archived,
        in_all_workspaces=channel.is_org_wide,
        topic=channel.topic,
        purpose=channel.purpose,
        workspaces=[
            HomeLine(id=home.team_id, default=home.is_default, general=home.is_general)
            for home in value.homes
        ],
    )


def _channel(line: ChannelLine, org: Org) -> Settled:
    check_unchanged(line.name, rules.channel_name)
    for text in (line.topic, line.purpose):
        check_unchanged(text, str.strip)
    channel = Channel(
        org_id=org.id,
        id=ChannelId(checked_id(line.id, "C")),
        created=created_of(line.created),
        name=line.name,
        creator_id=UserId(checked_id(line.creator, "UW")) if line.creator != _OPERATOR else _OPERATOR,
        is_private=line.private,
        is_archived=line.archived,
        is_org_wide=line.in_all_workspaces,
        topic=line.topic,
        purpose=line.purpose,
    )
    homes = [Home(TeamId(checked_id(home.id, "T")), home.default, home.general) for home in line.workspaces]
    if not homes:
        raise BadLine("a channel is in a workspace")
    if line.private and any(home.is_default for home in homes):
        raise BadLine("a default channel is public")
    return Settled(channel, homes)


_OPERATOR = UserId("USLACKUSER")


def _user_group(line: UserGroupLine, _: Org) -> UserGroup:
    check_unchanged(line.handle, names.handle)
    check_unchanged(line.description, groups.description)
    disabled = None if line.disabled is None else seconds_of(line.disabled)
    return UserGroup(
        GroupId(checked_id(line.group, "S")),
        line.handle,
        line.description,
        line.created_by,
        line.updated_by,
        seconds_of(line.updated),
        disabled,
    )


def _user_group_line(value: UserGroup) -> UserGroupLine:
    disabled = None if value.disabled is None else time_of(value.disabled * 1_000_000)
    return UserGroupLine(
        group=value.group_id,
        handle=value.handle,
        description=value.description,
        created_by=value.created_by,
        updated_by=value.updated_by,
        updated=time_of(value.updated * 1_000_000),
        disabled=disabled,
    )


def _leads_to_workspace(line: GroupWorkspaceLine, _: Org) -> LeadsToWorkspace:
    group, team = GroupId(checked_id(line.group, "S")), TeamId(checked_id(line.workspace, "T"))
    created = microseconds_of(line.created)
    return LeadsToWorkspace(group, team, int(line.required), int(line.auto_provision), created)


def _leads_to_channel(line: GroupChannelLine, _: Org) -> LeadsToChannel:
    group, channel = GroupId(checked_id(line.group, "S")), ChannelId(checked_id(line.channel, "C"))
    return LeadsToChannel(group, channel, microseconds_of(line.created))


def _allowed(line: AllowlistLine, _: Org) -> Allowed:
    channel, group = ChannelId(checked_id(line.channel, "C")), GroupId(checked_id(line.group, "S"))
    return Allowed(channel, group, microseconds_of(line.created))


def _in_workspace(line: WorkspaceMemberLine, _: Org) -> InWorkspace:
    team, user = TeamId(checked_id(line.workspace, "T")), UserId(checked_id(line.user, "UW"))
    source = _source(line.because_of, "S")
    return InWorkspace(team, user, source, int(line.kept), microseconds_of(line.joined))


def _role(line: WorkspaceRoleLine, _: Org) -> RoleInWorkspace:
    team, user = TeamId(checked_id(line.workspace, "T")), UserId(checked_id(line.user, "UW"))
    return RoleInWorkspace(team, user, line.role)


def _in_channel(line: ChannelMemberLine, _: Org) -> InChannel:
    channel, user = ChannelId(checked_id(line.channel, "C")), UserId(checked_id(line.user, "UW"))
    source = _source(line.because_of, "ST")
    return InChannel(channel, user, source, int(line.kept), microseconds_of(line.joined))


def _was_there(line: FormerMemberLine, _: Org) -> WasThere:
    user, place = UserId(checked_id(line.user, "UW")), checked_id(line.place, "TC")
    return WasThere(user, place, _source(line.because_of, "ST"), int(line.kept))


def _source(because_of: str | None, prefixes: str) -> str:
    return DIRECTLY if because_of is None else checked_id(because_of, prefixes)


def _task(line: TaskLine, org: Org) -> Waiting:
    try:
        task = msgspec.convert(line.arguments, Task)
    except msgspec.ValidationError as error:
        raise BadLine(f"arguments: {error}") from error
    if task.actor.org_id != org.id or task.group_id != line.group:
        raise BadLine("the arguments are about another organisation or group")
    if line.arguments != msgspec.json.decode(msgspec.json.encode(task)):
        raise BadLine(f"{short(line.arguments)} is no task as rosterd writes one")
    arguments = msgspec.json.encode(line.arguments).decode()
    return Waiting(line.id, microseconds_of(line.created), GroupId(checked_id(line.group, "S")), arguments)


def _active(line: ActiveLine, _: Org) -> Active:
    user = UserId(checked_id(line.user, "UW"))
    return Active(number_of(line.day), user, int(line.signed_in), int(line.by_app))


LINES: dict[type[Any], Callable[[Any], Line]] = {
    Workspace: lambda w: WorkspaceLine(
        id=w.id,
        name=w.name,
        domain=w.domain,
        created=time_of(w.created),
        description=w.description,
        discoverability=Discoverability(w.discoverability),
    ),
    Settled: _channel_line,
    UserGroup: _user_group_line,
    LeadsToWorkspace: lambda to: GroupWorkspaceLine(
        group=to.group_id,
        workspace=to.team_id,
        required=bool(to.is_required),
        auto_provision=bool(to.auto_provision),
        created=time_of(to.created),
    ),
    LeadsToChannel: lambda to: GroupChannelLine(
        group=to.group_id, channel=to.channel_id, created=time_of(to.created)
    ),
    Allowed: lambda each: AllowlistLine(
        channel=each.channel_id, group=each.group_id, created=time_of(each.created)
    ),
    InWorkspace: lambda m: WorkspaceMemberLine(
        workspace=m.team_id,
        user=m.user_id,
        because_of=m.source_id or None,
        kept=bool(m.kept),
        joined=time_of(m.added),
    ),
    RoleInWorkspace: lambda r: WorkspaceRoleLine(workspace=r.team_id, user=r.user_id, role=r.role),
    InChannel: lambda m: ChannelMemberLine(
        channel=m.channel_id,
        user=m.user_id,
        because_of=m.source_id or None,
        kept=bool(m.kept),
        joined=time_of(m.added),
    ),
    WasThere: lambda m: FormerMemberLine(
        user=m.user_id, place=m.place_id, because_of=m.source_id or None, kept=bool(m.kept)
    ),
    Waiting: lambda task: TaskLine(
        id=task.id,
        group=task.subject_id,
        created=time_of(task.created),
        arguments=msgspec.json.decode(task.arguments),
    ),
    Active: lambda each: ActiveLine(
        day=day_of(each.day), user=each.user_id, signed_in=bool(each.signed_in), by_app=bool(each.by_app)
    ),
}

VALUES: dict[type[Any], Callable[[Any, Org], Value]] = {
    WorkspaceLine: _workspace,
    ChannelLine: _channel,
    UserGroupLine: _user_group,
    GroupWorkspaceLine: _leads_to_workspace,
    GroupChannelLine: _leads_to_channel,
    AllowlistLine: _allowed,
    WorkspaceMemberLine: _in_workspace,
    WorkspaceRoleLine: _role,
    ChannelMemberLine: _in_channel,
    FormerMemberLine: _was_there,
    TaskLine: _task,
    ActiveLine: _active,
}
