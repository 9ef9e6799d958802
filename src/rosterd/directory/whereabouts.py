"""Where somebody is and why, and why not where a group of theirs leads: the facts, and the words for them.

Source: Slack, *Connect identity provider groups to your Enterprise org*; *Managing users*, heading
*IdP groups*.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from rosterd.directory.model import DIRECTLY, GroupRef, Role, Status


class Why(msgspec.Struct, frozen=True):
    """A reason to be in a place."""

    source_id: str  # `DIRECTLY`, S… or T…
    name: str  # of the group or workspace; "": there is no such group any more
    is_kept: bool  # it is no reason any more, and nobody took them out
    is_required: bool  # by a group that requires its members there


class Stay(msgspec.Struct, frozen=True):
    """A place that somebody is in."""

    place_id: str  # T… or C…
    name: str
    reasons: tuple[Why, ...]
    allowed_by: tuple[GroupRef, ...] = ()  # of a channel with an allowlist: their groups on it


class WhyNot(StrEnum):
    """Why somebody is not where a group of theirs leads."""

    DEACTIVATED = "deactivated"
    ARCHIVED = "archived"
    SINGLE_CHANNEL_GUEST = "single_channel_guest"
    NOT_AT_ONCE = "not_at_once"
    NOT_IN_WORKSPACE = "not_in_workspace"
    ALLOWLIST = "allowlist"
    WAITING = "waiting"
    TAKEN_OUT = "taken_out"


class Absence(msgspec.Struct, frozen=True):
    """A place that somebody is not in, though this group of theirs leads there."""

    place_id: str
    name: str
    group: GroupRef
    why: WhyNot


class Whereabouts(msgspec.Struct, frozen=True):
    """All of it, for one person: workspaces before channels, each in order of creation."""

    status: Status
    stays: tuple[Stay, ...]
    absences: tuple[Absence, ...]


def why_not(
    status: Status,
    role: Role,
    *,
    at_once: bool = True,
    archived: bool = False,
    reachable: bool = True,
    allowed: bool = True,
    waiting: bool = False,
) -> WhyNot:
    """Why somebody is not where a group leads, the reason that would have to go first.

    >>> str(why_not(Status.ACTIVE, Role.MEMBER)), str(why_not(Status.ACTIVE, Role.MEMBER, waiting=True))
    ('taken_out', 'waiting')
    """
    for holds, word in (
        (status is Status.DEACTIVATED, WhyNot.DEACTIVATED),
        (archived, WhyNot.ARCHIVED),
        (role is Role.SINGLE_CHANNEL_GUEST, WhyNot.SINGLE_CHANNEL_GUEST),
        (not at_once, WhyNot.NOT_AT_ONCE),
        (waiting, WhyNot.WAITING),
        (not reachable, WhyNot.NOT_IN_WORKSPACE),
        (not allowed, WhyNot.ALLOWLIST),
    ):
        if holds:
            return word
    return WhyNot.TAKEN_OUT


def sentence(why: Why) -> str:
    """A reason in words.

    >>> sentence(Why("S1", "Sales", False, True)), sentence(Why("S1", "Sales", True, False))
    ('by the group “Sales” (required)', 'kept, once because of the group “Sales”')
    >>> sentence(Why("", "", False, False)), sentence(Why("T1", "Acme", False, False))
    ('directly', 'as a default channel of the workspace “Acme”')
    """
    if why.source_id == DIRECTLY:
        return "directly"
    if why.source_id.startswith("T"):
        return f"as a default channel of the workspace “{why.name}”"
    group = f"the group “{why.name}”" if why.name else f"a group that is gone ({why.source_id})"
    if why.is_kept:
        return f"kept, once because of {group}"
    return f"by {group}" + (" (required)" if why.is_required else "")


WORDS = {
    WhyNot.DEACTIVATED: "whoever is deactivated is nowhere",
    WhyNot.ARCHIVED: "the channel is archived",
    WhyNot.SINGLE_CHANNEL_GUEST: "a single-channel guest is in one channel alone",
    WhyNot.NOT_AT_ONCE: "it puts nobody there by itself: they, or an administrator, may",
    WhyNot.NOT_IN_WORKSPACE: "they are in no workspace that has the channel",
    WhyNot.ALLOWLIST: "they are in no group on the channel's allowlist",
    WhyNot.WAITING: "a job that puts its members there has not got to them yet",
    WhyNot.TAKEN_OUT: "they left, or somebody took them out",
}
"""Why somebody is not where a group of theirs leads, as an end to “the group “…” leads there, but ”."""
