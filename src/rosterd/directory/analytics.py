"""Analytics: which days there are, who counts, and what a row of a day says of a person or a channel.

rosterd knows who signed in and whose token was used on a day, and who is in which channel. What Slack counts
beyond that (messages, calls, devices) is 0 or false here.

Source: Slack's page *admin.analytics.getFile*, headings *Usage info*, *Member analytics*, *Conversation
analytics fields*, *Public channel metadata*; 13 months: *As of
February 2023, analytics data is available on a rolling 13-month basis*.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from datetime import date
from enum import Enum
from typing import Any

import msgspec

from rosterd.directory.model import Org, Plan, Role, UserId

_EPOCH = date(1970, 1, 1).toordinal()
_MONTHS = 13
_SECONDS = 86_400  # of a day


class MemberDay(msgspec.Struct, frozen=True, gc=False):
    """What is known of a person on a day. The rest of the person is as today."""

    id: UserId
    email: str
    role: Role
    date_claimed: int | None  # seconds
    employee_number: str | None
    signed_in: bool
    by_app: bool
    deactivated_on: int | None  # a day; None: they are active


class Availability(Enum):
    """Whether there is a file of a day."""

    READY = "ready"
    NOT_YET = "not yet"  # the day is not over
    GONE = "gone"  # older than what is kept
    BEFORE = "before"  # the organisation was not here


def day_of(text: str) -> int | None:
    """The day that ``YYYY-MM-DD`` names; None: it names none.

    >>> day_of("1970-01-02"), day_of("2026-02-30"), day_of("19700102")
    (1, None, None)
    """
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        return None
    try:
        return date.fromisoformat(text).toordinal() - _EPOCH
    except ValueError:
        return None


def text_of(day: int) -> str:
    """A day as ``YYYY-MM-DD``.

    >>> text_of(20_000)
    '2024-10-04'
    """
    return date.fromordinal(day + _EPOCH).isoformat()


def first_kept(today: int) -> int:
    """The first of the days that there are files of: 13 months ago.

    >>> text_of(first_kept(day_of("2026-11-28"))), text_of(first_kept(day_of("2027-03-31")))
    ('2025-10-28', '2026-02-28')
    """
    now = date.fromordinal(today + _EPOCH)
    months = now.year * 12 + now.month - 1 - _MONTHS
    year, month = divmod(months, 12)
    for last in range(now.day, 0, -1):  # the month may be shorter
        try:
            return date(year, month + 1, last).toordinal() - _EPOCH
        except ValueError:
            continue
    raise AssertionError("every month has a first day")


def availability(day: int, today: int, founded: int) -> Availability:
    """Whether there is a file of ``day``, for an organisation that is here since the day ``founded``.

    >>> [availability(day, 20_000, 19_990).name for day in (20_000, 19_999, 19_990, 19_989, 19_000)]
    ['NOT_YET', 'READY', 'READY', 'BEFORE', 'BEFORE']
    >>> availability(19_000, 20_000, 18_000).name
    'GONE'
    """
    if day >= today:
        return Availability.NOT_YET
    if day < founded:
        return Availability.BEFORE
    return Availability.GONE if day < first_kept(today) else Availability.READY


def counts(member: MemberDay, day: int) -> bool:
    """Whether somebody was a member on ``day``: they are none from the day after their deactivation on."""
    return member.deactivated_on is None or member.deactivated_on >= day


def is_billable(role: Role, date_claimed: int | None, day: int) -> bool:
    """Whether a member takes a seat on a day: from the first sign-in on; single-channel guests are free."""
    return role not in (Role.SINGLE_CHANNEL_GUEST, Role.BOT) and is_claimed(date_claimed, day)


def is_claimed(date_claimed: int | None, day: int) -> bool:
    """Whether the first sign-in, in seconds, was on a day or before it."""
    return date_claimed is not None and date_claimed // _SECONDS <= day


_NOT_KNOWN: Mapping[str, int | bool] = {
    "is_active_ios": False,
    "is_active_android": False,
    "is_active_desktop": False,
    "reactions_added_count": 0,
    "messages_posted_count": 0,
    "channel_messages_posted_count": 0,
    "files_added_count": 0,
    "is_active_apps": False,
    "is_active_workflows": False,
    "is_active_slack_connect": False,
    "total_calls_count": 0,
    "slack_calls_count": 0,
    "slack_huddles_count": 0,
    "search_count": 0,
}


def member_row(org: Org, member: MemberDay, day: int) -> dict[str, Any]:
    """One line of a day's file. Outside Enterprise ``enterprise_id`` is "0", as in Slack's other files."""
    is_enterprise = org.plan is Plan.ENTERPRISE
    return {
        "date": text_of(day),
        "enterprise_id": org.id if is_enterprise else "0",
        "enterprise_user_id": member.id if is_enterprise else "",
        "team_id": org.id,
        "user_id": member.id,
        "email_address": member.email,
        "enterprise_employee_number": member.employee_number or "",
        "is_guest": member.role.is_guest,
        "is_billable_seat": is_billable(member.role, member.date_claimed, day),
        "is_active": member.signed_in or member.by_app,
        **_NOT_KNOWN,
        "is_active_apps": member.by_app,
        "date_claimed": member.date_claimed if is_claimed(member.date_claimed, day) else 0,
    }


class ChannelDay(msgspec.Struct, frozen=True, gc=False):
    """A public channel and who is in it, as today."""

    id: str
    created: int  # microseconds
    name: str
    topic: str
    purpose: str
    is_org_wide: bool
    homes: tuple[tuple[str, str], ...]  # workspaces: id and name
    members: int
    guests: int  # of the members


def channel_row(org: Org, channel: ChannelDay, day: int) -> dict[str, Any]:
    """One line of a day's file about public channels. Messages are none: nobody has viewed or posted any."""
    whole = {"team_id": str(org.id), "name": org.name}
    homes = [{"team_id": id, "name": name} for id, name in channel.homes]
    is_alone = len(homes) == 1 and not channel.is_org_wide
    kind = "org_wide" if channel.is_org_wide else "single_workspace" if is_alone else "multi_workspace"
    return {
        "enterprise_id": org.id if org.plan is Plan.ENTERPRISE else "0",
        "team_id": org.id,
        "originating_team": homes[0] if is_alone else whole,
        "channel_id": channel.id,
        "date_created": channel.created // 1_000_000,
        "date_last_active": channel.created // 1_000_000,
        "total_members_count": channel.members,
        "full_members_count": channel.members - channel.guests,
        "guest_member_count": channel.guests,
        "messages_posted_count": 0,
        "messages_posted_by_members_count": 0,
        "members_who_viewed_count": 0,
        "members_who_posted_count": 0,
        "reactions_added_count": 0,
        "visibility": "public",
        "channel_type": f"{kind}_channel",
        "is_shared_externally": False,
        "shared_with": [] if is_alone else [*homes, whole],
        "externally_shared_with_organizations": [],
        "date": text_of(day),
    }


def channel_metadata(channel: ChannelDay, day: int) -> dict[str, Any]:
    """One line of what channels are called. ``day``: today."""
    return {
        "channel_id": channel.id,
        "name": channel.name,
        "topic": channel.topic,
        "description": channel.purpose,
        "date": text_of(day),
    }


MEMBER_TYPES: Mapping[str, Collection[Role]] = {
    "regular_members": (Role.MEMBER,),
    "single_channel_guests": (Role.SINGLE_CHANNEL_GUEST,),
    "multi_channel_guests": (Role.MULTI_CHANNEL_GUEST,),
    "frontline_members": (),
    "org_primary_owners": (Role.PRIMARY_OWNER,),
    "org_owners": (Role.OWNER,),
    "org_admins": (Role.ADMIN,),
    "workspace_owners": (),
    "workspace_admins": (),
}
"""Slack's type → the roles in the organisation; there are no frontline members here. A guess: the name of
``org_primary_owners``."""

WORKSPACE_TYPES: Mapping[str, str] = {"workspace_owners": "owner", "workspace_admins": "admin"}
"""Slack's type → the role in a workspace."""


def member_type(role: Role) -> str:
    """The type of somebody with this role in the organisation.

    >>> member_type(Role.ADMIN), member_type(Role.BOT)
    ('org_admins', 'regular_members')
    """
    return next((name for name, roles in MEMBER_TYPES.items() if role in roles), "regular_members")
