"""Rules about channels: what they may be called, and what may be connected to one.

Source: Slack, *conversations.create* (heading *Naming*); *Managing users*, heading *IdP groups*.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rosterd.directory.errors import Invalid, LimitReached, NotAllowed, Taken
from rosterd.directory.events import Event
from rosterd.directory.model import Channel, GroupId, GroupWorkspace, Org, Plan, TeamId

NAME_LENGTH = 80
MAX_OF_GROUP = 100
"""Channels that a group may lead to (*admin.usergroups.addChannels*)."""
MAX_ALLOWLIST = 10
"""Groups on one channel's allowlist. Slack has a limit and does not say which; this is ours."""
GENERAL = "general"
"""The channel that every workspace begins with."""

_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-_")


def channel_name(text: str) -> str:
    """``text`` as a channel's name, without its #.

    Raises `Invalid`: ``invalid_name_required``, ``invalid_name_maxlength``, ``invalid_name_specials``,
    ``invalid_name_punctuation`` (nothing but that).

    >>> channel_name("#Team-Lunch")
    'team-lunch'
    >>> channel_name("a b")
    Traceback (most recent call last):
    rosterd.directory.errors.Invalid: invalid_name_specials
    """
    name = text.strip().removeprefix("#").lower()
    if not name:
        raise Invalid("invalid_name_required")
    if len(name) > NAME_LENGTH:
        raise Invalid("invalid_name_maxlength")
    # Letters of other scripts are allowed, as in Slack.
    if not all(c in _CHARACTERS or (not c.isascii() and c.isalnum() and c == c.lower()) for c in name):
        raise Invalid("invalid_name_specials")
    if not any(c.isalnum() for c in name):
        raise Invalid("invalid_name_punctuation")
    return name


def reachable_from(org: Org, led: Iterable[GroupWorkspace]) -> list[TeamId]:
    """The workspaces to whose channels a group may lead: on Enterprise those that it requires.

    Elsewhere everybody is in the one workspace, and a user group has default channels there
    (*usergroups.create*).
    """
    if org.plan is not Plan.ENTERPRISE:
        return [org.team_id]
    return [each.team_id for each in led if each.is_required]


def check_connectable(channel: Channel, homes: Iterable[TeamId], required: Iterable[TeamId]) -> None:
    """Refuse to lead a group to a channel that none of the workspaces has that it is reachable from."""
    if channel.is_archived:
        raise Invalid("is_archived", channel=channel.id)
    if not set(homes) & set(required):
        raise Invalid("channel_not_in_required_workspace", channel=channel.id)


def check_count(existing: Sequence[str], new: Iterable[str]) -> None:
    """Refuse to lead a group to more than `MAX_OF_GROUP` channels."""
    if len({*existing, *new}) > MAX_OF_GROUP:
        raise LimitReached("too_many_channels", limit=str(MAX_OF_GROUP))


def check_allowlist(
    channel: Channel, listed: Sequence[GroupId], group: GroupId, *, is_default: bool, size: int
) -> None:
    """Refuse a group on a channel's allowlist. ``size``: of the group, or any number above 0."""
    if not channel.is_private:
        raise Invalid("channel_is_not_private")
    if is_default:
        raise Invalid("default_channel_restricted")
    if group in listed:
        raise Taken("group_already_linked_to_channel")
    if len(listed) >= MAX_ALLOWLIST:
        raise LimitReached("cannot_add_more_groups_to_channel")
    if size == 0:
        raise Invalid("group_must_not_be_empty")


def check_changeable(channel: Channel) -> None:
    """Refuse to change who is in an archived channel: ``is_archived``."""
    if channel.is_archived:
        raise NotAllowed("is_archived", channel=channel.id)


def event_of(action: str, channel: Channel, **details: object) -> Event:
    """What happened to a channel. ``action`` follows ``public_channel_`` or ``private_channel_``."""
    privacy = "private" if channel.is_private else "public"
    return Event(f"{privacy}_channel_{action}", "channel", channel.id, {"name": channel.name, **details})
