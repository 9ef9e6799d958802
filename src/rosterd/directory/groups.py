"""Rules about groups: who may be a member, how many, and what a change amounts to.

Source: Slack SCIM API reference, headings *POST /Groups*, *PATCH /Groups* and *Errors*.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Protocol

import msgspec
from msgspec import UNSET, UnsetType

from rosterd.directory import plans
from rosterd.directory.errors import Invalid, LimitReached, NotAllowed, no_such_members
from rosterd.directory.events import Event
from rosterd.directory.model import ChannelId, Group, Plan, Role, UserId


class Members(msgspec.Struct, frozen=True):
    """What a request wants of a group's members: first ``replace`` (if given), then the others.

    ``add`` and ``remove`` have no id in common. Order is the order of the request.
    """

    add: tuple[UserId, ...] = ()
    remove: tuple[UserId, ...] = ()
    replace: tuple[UserId, ...] | None = None

    def named(self) -> tuple[UserId, ...]:
        """Every id that the request names, once."""
        return tuple(dict.fromkeys((*(self.replace or ()), *self.add, *self.remove)))


class GroupChange(msgspec.Struct, frozen=True, kw_only=True):
    """What a request wants of one group. ``UNSET``: unchanged."""

    display_name: str | UnsetType = UNSET
    members: Members = Members()


class UserGroupChange(msgspec.Struct, frozen=True, kw_only=True):
    """What the Web API wants of one user group. ``UNSET``: unchanged."""

    name: str | UnsetType = UNSET
    handle: str | UnsetType = UNSET
    description: str | UnsetType = UNSET
    channels: tuple[ChannelId, ...] | UnsetType = UNSET  # all that its members are to be in


DESCRIPTION_LENGTH = 140
"""Of a user group, as clients have found it: Slack's page names the error only."""


class Brief(Protocol):
    """What must be known of a person to judge a membership."""

    @property
    def role(self) -> Role: ...
    @property
    def deactivated(self) -> bool: ...


def check_count(ids: Collection[UserId]) -> None:
    """Refuse more than 15,000 members in one call: ``too_many_users``."""
    if len(ids) > plans.MEMBERS_PER_CALL:
        raise LimitReached("too_many_users")


def check_known(ids: Iterable[UserId], people: Mapping[UserId, Brief]) -> None:
    """Refuse ids that are not users of the organisation, and name them."""
    if unknown := [id for id in ids if id not in people]:
        raise no_such_members(unknown)


def check_joiners(plan: Plan, people: Mapping[UserId, Brief], joining: Iterable[UserId]) -> None:
    """Refuse deactivated people, and guests where they may not be members.

    Multi-channel guests may join IdP groups (Enterprise); single-channel guests none.
    """
    allowed_guest = Role.MULTI_CHANNEL_GUEST if plans.RULES[plan].guests_by_scim else None
    refused = [
        id
        for id in joining
        if people[id].deactivated or (people[id].role.is_guest and people[id].role is not allowed_guest)
    ]
    if refused:
        raise Invalid("unable_to_add_deleted_or_guest_to_group", user=",".join(sorted(refused)))


def check_size(plan: Plan, size: int) -> None:
    """Refuse a user group of more than 5,000: ``group_member_max_exceeded``. IdP groups have no cap."""
    cap = plans.RULES[plan].group_cap
    if cap is not None and size > cap:
        raise LimitReached("group_member_max_exceeded")


def check_user_groups(plan: Plan) -> None:
    """Refuse to change an IdP group but through the identity provider: ``permission_denied``.

    Slack: *IdP groups can only be edited from your identity provider*. On Enterprise all groups are such.
    """
    if plan is Plan.ENTERPRISE:
        raise NotAllowed("permission_denied")


def check_no_bots(people: Mapping[UserId, Brief]) -> None:
    """Refuse bots as members (*usergroups.users.update*)."""
    if bots := [id for id, person in people.items() if person.role is Role.BOT]:
        raise Invalid("unable_to_add_deleted_or_guest_to_group", user=",".join(sorted(bots)))


def description(text: str) -> str:
    """``text`` as a user group's description. Raises ``description_too_long``.

    >>> description(" Who buys the bread ")
    'Who buys the bread'
    """
    said = text.strip()
    if len(said) > DESCRIPTION_LENGTH:
        raise Invalid("description_too_long")
    return said


def check_removals(count: int) -> None:
    """Refuse to take more than 1,000 people at once out of a group that leads to channels."""
    if count > plans.REMOVALS_FROM_LINKED:
        raise LimitReached("failed_to_remove_users_for_linked_subteam")


def events_of_members(group: Group, action: str, ids: Iterable[UserId]) -> list[Event]:
    """One event for each person who joined or left: ``user_added_to_usergroup`` or ``user_removed_…``."""
    return [Event(action, "user", id, {"usergroup": group.id}, {}, id) for id in ids]


def event_of_group(before: Group | None, after: Group | None, *, members: int | None = None) -> Event:
    """``usergroup_updated``: Slack's audit log has no name for a group's creation or deletion.

    ``members``: how many a deleted group had; they have no event each.
    """
    group = after or before
    assert group is not None
    details: dict[str, str | int | None] = {
        "before": before.display_name if before else None,
        "after": after.display_name if after else None,
    }
    if members is not None:
        details["idp_group_member_count"] = members
    return Event("usergroup_updated", "usergroup", group.id, details)
