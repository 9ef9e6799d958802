"""What would become of people if something led them elsewhere: the numbers, and some of the names.

Source: Slack, *Connect identity provider groups to your Enterprise org*; *Managing users*, heading
*IdP groups*.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from rosterd.directory.model import ChannelId, UserId


class Fate(StrEnum):
    """What would become of somebody at one place, the most telling first."""

    JOIN = "join"
    LEAVE = "leave"
    KEPT = "kept"  # they stay, though the group is no reason any more
    # They are there before and after, because of:
    THERE = "there"  # whatever it is
    DIRECTLY = "directly"
    BY_GROUP = "by_group"
    BY_DEFAULT = "by_default"
    KEPT_BEFORE = "kept_before"
    ALLOWED = "allowed"  # a group of theirs is on the allowlist
    # They are not there, neither before nor after, because:
    NOT_AT_ONCE = "not_at_once"
    SINGLE_CHANNEL_GUEST = "single_channel_guest"
    DEACTIVATED = "deactivated"
    ARCHIVED = "archived"
    NOT_LED = "not_led"  # no group of theirs leads there
    NOT_IN_WORKSPACE = "not_in_workspace"
    NOT_ALLOWED = "not_allowed"  # no group of theirs is on the allowlist

    @property
    def is_change(self) -> bool:
        return self in (Fate.JOIN, Fate.LEAVE)


WORDS = {
    Fate.JOIN: "would join",
    Fate.LEAVE: "would leave",
    Fate.KEPT: "would stay, though the group no longer leads them there",
    Fate.THERE: "are there already",
    Fate.DIRECTLY: "would stay: somebody put them there",
    Fate.BY_GROUP: "would stay: another group of theirs leads there",
    Fate.BY_DEFAULT: "would stay: it is a default channel of a workspace of theirs",
    Fate.KEPT_BEFORE: "would stay, as they stayed before",
    Fate.ALLOWED: "would stay: a group of theirs is on the allowlist",
    Fate.NOT_AT_ONCE: "would not join at once: they, or an administrator, may decide it",
    Fate.SINGLE_CHANNEL_GUEST: "would not join: single-channel guests are in one channel alone",
    Fate.DEACTIVATED: "would not join: they are deactivated",
    Fate.ARCHIVED: "would not join: the channel is archived",
    Fate.NOT_LED: "would not join by themselves: no group of theirs leads there",
    Fate.NOT_IN_WORKSPACE: "would not join: they are in no workspace that has the channel",
    Fate.NOT_ALLOWED: "would not join: they are in no group on the channel's allowlist",
}
"""What is said of some people of whom this is true."""


class Named(msgspec.Struct, frozen=True):
    """Somebody, as they are shown."""

    id: UserId
    name: str


class Crowd(msgspec.Struct, frozen=True):
    """Of how many people something is true, and who some of them are."""

    fate: Fate
    number: int
    some: tuple[Named, ...]  # in order of id


class Effect(msgspec.Struct, frozen=True):
    """What would happen at one place. Of whom nothing is said, nothing changes for them there."""

    place_id: str  # T… or C…
    name: str
    crowds: tuple[Crowd, ...]  # in order of fate; none of nobody

    def number(self, fate: Fate) -> int:
        """How many people this would become of."""
        return next((crowd.number for crowd in self.crowds if crowd.fate == fate), 0)


class Preview(msgspec.Struct, frozen=True):
    """What would happen: at the places that are asked about, and in channels because of that."""

    asked: tuple[Effect, ...]  # in the order asked
    following: tuple[Effect, ...] = ()  # in order of name
    lost: tuple[ChannelId, ...] = ()  # the group would lead there no more
    is_counted: bool = True  # False: of the places asked about not everybody was looked at
    is_followed: bool = True  # False: of the channels that follow not everybody was

    @property
    def changes_nothing(self) -> bool:
        """Whether nobody would join or leave anything, as far as that was looked at."""
        effects = (*self.asked, *self.following)
        return not any(crowd.fate.is_change for effect in effects for crowd in effect.crowds)
