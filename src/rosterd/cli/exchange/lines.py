"""The lines of an export: one JSON object each, its ``kind`` first. ``docs/export-format.md`` describes them.

Rules of this module:

1. A line says what an administrator would: e-mail addresses stand with their person, times are
   ISO 8601 in UTC. What follows from other fields (folded names, keys) is not in it.
2. Types and shape are checked here, unknown fields are refused; what the words mean is the business
   of :mod:`rosterd.cli.exchange.values`.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Raw

from rosterd.directory.model import Discoverability, Plan, Role

FORMAT = 2
"""To be raised when an older program could not read what this one writes."""

When = Annotated[datetime, msgspec.Meta(tz=True)]


class BadLine(Exception):
    """A line that cannot be: the text says why."""


class ExportLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="export", tag_field="kind"):
    """The first line."""

    format: int
    rosterd: str
    made: When


class OrgLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="org", tag_field="kind"):
    """The second line."""

    id: str
    team_id: str
    name: str
    domain: str
    plan: Plan
    created: When
    members_may_change_display_name: bool


class WorkspaceLine(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="workspace", tag_field="kind"
):
    id: str
    name: str
    domain: str
    created: When
    description: str
    discoverability: Discoverability


class NameLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="name", tag_field="kind"):
    name: str
    held_by: Literal["channel", "group", "reserved"]
    holder: str | None


class ProfileFieldLine(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="profile_field", tag_field="kind"
):
    name: str
    label: str
    made_by_scim: bool
    created: When


class UserLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="user", tag_field="kind"):
    id: str
    username: str
    emails: Annotated[list[str], msgspec.Meta(max_length=2)]  # primary, secondary
    display_name: str
    role: Role
    active: bool
    created: When
    signed_in: When | None  # first; None: invited
    guest_expires: When | None
    erased: bool
    profile: dict[str, Any]


class GroupLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="group", tag_field="kind"):
    id: str
    name: str
    created: When


class UserGroupLine(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="user_group", tag_field="kind"
):
    """What a group has beside what SCIM knows."""

    group: str
    handle: str
    description: str
    created_by: str
    updated_by: str
    updated: When
    disabled: When | None


class HomeLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A workspace that has a channel: no line of its own."""

    id: str
    default: bool
    general: bool


class ChannelLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="channel", tag_field="kind"):
    id: str
    name: str
    created: When
    creator: str
    private: bool
    archived: bool
    in_all_workspaces: bool
    topic: str
    purpose: str
    workspaces: list[HomeLine]


class MemberLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="member", tag_field="kind"):
    group: str
    user: str
    joined: When


class GroupWorkspaceLine(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="group_workspace", tag_field="kind"
):
    """A group leads to a workspace."""

    group: str
    workspace: str
    required: bool
    auto_provision: bool
    created: When


class GroupChannelLine(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="group_channel", tag_field="kind"
):
    """A group leads to a channel."""

    group: str
    channel: str
    created: When


class AllowlistLine(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="allowlist", tag_field="kind"
):
    """A group is on a private channel's allowlist."""

    channel: str
    group: str
    created: When


class WorkspaceMemberLine(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="workspace_member", tag_field="kind"
):
    """One of the reasons why somebody is in a workspace."""

    workspace: str
    user: str
    because_of: str | None  # a group; None: directly
    kept: bool
    joined: When


class WorkspaceRoleLine(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="workspace_role", tag_field="kind"
):
    workspace: str
    user: str
    role: Literal["owner", "admin"]


class ChannelMemberLine(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="channel_member", tag_field="kind"
):
    """One of the reasons why somebody is in a channel."""

    channel: str
    user: str
    because_of: str | None  # a group, or a workspace of which it is a default channel
    kept: bool
    joined: When


class FormerMemberLine(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="former_member", tag_field="kind"
):
    """Where somebody comes back to when they are reactivated."""

    user: str
    place: str
    because_of: str | None
    kept: bool


class TaskLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="task", tag_field="kind"):
    """What is still to be done for the people of a group."""

    id: str
    group: str
    created: When
    arguments: dict[str, Any]


class ActiveLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="active", tag_field="kind"):
    """Somebody did something on a day."""

    day: date
    user: str
    signed_in: bool
    by_app: bool


class EventLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="event", tag_field="kind"):
    id: str
    created: When
    action: str
    actor: str
    token: str | None
    entity_type: str
    entity: str
    request: str
    client: str
    ip_address: str | None
    details: Raw  # to the byte: the seals cover it
    subject: str | None
    personal_digest: str | None
    salt: str | None
    personal: Raw  # to the byte: the digest covers it
    sealed: bool


class SealLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="seal", tag_field="kind"):
    n: Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)]  # as the store counts
    events: list[str]
    hash: str
    previous: str
    sealed: When


class EndLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="end", tag_field="kind"):
    """The last line: how many there are before it."""

    lines: int


Line = (
    ExportLine | OrgLine | WorkspaceLine | NameLine | ProfileFieldLine | UserLine | GroupLine | UserGroupLine
    | ChannelLine | MemberLine | GroupWorkspaceLine | GroupChannelLine | AllowlistLine | WorkspaceMemberLine
    | WorkspaceRoleLine | ChannelMemberLine | FormerMemberLine | TaskLine | EventLine | SealLine | ActiveLine
    | EndLine
)  # fmt: skip

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Line).decode


def written(line: Line) -> bytes:
    """A line as it stands in the file.

    >>> written(EndLine(lines=7))
    b'{"kind":"end","lines":7}\\n'
    """
    return _encode(line) + b"\n"


def read(text: bytes) -> Line:
    """The line that this is, by type and shape alone. Raises `BadLine`.

    >>> read(b'{"kind": "end", "lines": "7"}')
    Traceback (most recent call last):
    rosterd.cli.exchange.lines.BadLine: Expected `int`, got `str` - at `$.lines`
    """
    if rb"\u0000" in text:
        raise BadLine("a text holds the character NUL")  # PostgreSQL cannot store it
    try:
        line: Line = _decode(text)
    except msgspec.MsgspecError as error:
        raise BadLine(str(error)) from error
    return line
