"""The nouns: organisations, users, groups, tokens, actors.

Ids have Slack's form: ``E…`` an Enterprise organisation, ``T…`` a workspace, ``C…`` a channel,
``U…`` or ``W…`` a user, ``S…`` a group, ``A…`` an app or token. Times are integers: microseconds
since 1970-01-01 UTC (``created``) or whole seconds (everything else), as said at each field.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NewType

import msgspec

from rosterd.directory.names import full_name

OrgId = NewType("OrgId", str)
TeamId = NewType("TeamId", str)
UserId = NewType("UserId", str)
GroupId = NewType("GroupId", str)
ChannelId = NewType("ChannelId", str)
TokenId = NewType("TokenId", str)


class Plan(StrEnum):
    """What the organisation has bought (Slack: SCIM is for Business+ and Enterprise)."""

    FREE = "free"
    PRO = "pro"
    BUSINESS_PLUS = "business_plus"
    ENTERPRISE = "enterprise"


class Role(StrEnum):
    """What a person is in the organisation, the most powerful first."""

    PRIMARY_OWNER = "primary_owner"
    OWNER = "owner"
    ADMIN = "admin"
    MEMBER = "member"
    MULTI_CHANNEL_GUEST = "multi_channel_guest"
    SINGLE_CHANNEL_GUEST = "single_channel_guest"
    BOT = "bot"

    @property
    def is_guest(self) -> bool:
        return self in (Role.MULTI_CHANNEL_GUEST, Role.SINGLE_CHANNEL_GUEST)


class Status(StrEnum):
    """Where a person is in the life of an account."""

    INVITED = "invited"  # provisioned, has never signed in
    ACTIVE = "active"
    DEACTIVATED = "deactivated"


class Discoverability(StrEnum):
    """Who may find a workspace and join it (Slack: ``team_discoverability``)."""

    OPEN = "open"
    CLOSED = "closed"
    INVITE_ONLY = "invite_only"
    UNLISTED = "unlisted"


class Org(msgspec.Struct, frozen=True):
    id: OrgId
    team_id: TeamId  # its first (on Business+ its only) workspace
    name: str
    domain: str
    plan: Plan
    created: int  # microseconds
    display_name_change: bool = False  # "Allow users to change their display name"


class Workspace(msgspec.Struct, frozen=True):
    org_id: OrgId
    id: TeamId
    created: int  # microseconds
    name: str
    domain: str
    description: str = ""
    discoverability: Discoverability = Discoverability.INVITE_ONLY


class Channel(msgspec.Struct, frozen=True):
    """A channel, in one workspace or several. Direct messages are none."""

    org_id: OrgId
    id: ChannelId
    created: int  # microseconds
    name: str  # folded, unique in each of its workspaces
    creator_id: UserId
    is_private: bool = False
    is_archived: bool = False
    is_org_wide: bool = False  # in every workspace of the organisation
    topic: str = ""
    purpose: str = ""


class GroupWorkspace(msgspec.Struct, frozen=True):
    """That a group leads to a workspace."""

    team_id: TeamId
    is_required: bool  # whoever leaves the group leaves the workspace
    auto_provision: bool  # members join at once, and may not leave


DIRECTLY = ""
"""The source of a membership that somebody decided; else the id of the group, or of the workspace whose
default channel it is."""


class Reason(msgspec.Struct, frozen=True):
    """Why somebody is in a workspace or channel."""

    source_id: str  # `DIRECTLY`, S… or T…
    kept: bool  # the source is no reason any more, and nobody took them out
    added: int  # microseconds


class Address(msgspec.Struct, frozen=True, omit_defaults=True):
    """The one postal address that Slack stores. Every part may be unset."""

    street_address: str | None = None
    locality: str | None = None
    region: str | None = None
    postal_code: str | None = None
    country: str | None = None


class Profile(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a person's profile says: all that nobody looks a user up by.

    The fields after ``photo`` are Slack's *custom profile fields*: made in the organisation when
    first provisioned, and dropped as a whole when one is invalid at creation.
    """

    given_name: str = ""
    family_name: str = ""
    title: str = ""
    timezone: str = "America/Los_Angeles"
    profile_url: str | None = None  # as given at creation; else it is built from the username
    photo: str | None = None  # URL or data: URL; None: the default picture
    secondary_email: str | None = None
    has_custom: bool = False  # has ever had a custom field: the response then shows them all
    honorific_prefix: str | None = None
    address: Address | None = None
    primary_phone: str | None = None
    mobile_phone: str | None = None
    user_type: str | None = None
    role_title: str | None = None  # SCIM's roles[0].value
    preferred_language: str | None = None
    locale: str | None = None
    employee_number: str | None = None
    cost_center: str | None = None
    organization: str | None = None
    division: str | None = None
    department: str | None = None
    manager_id: UserId | None = None
    start_date: str | None = None  # None: never set; "": cleared


class User(msgspec.Struct, frozen=True):
    """One person (or bot) of an organisation."""

    org_id: OrgId
    id: UserId
    created: int  # microseconds
    username: str
    email: str  # primary, as given; compared by :func:`rosterd.directory.names.folded`
    display_name: str
    role: Role
    deactivated: bool
    date_claimed: int | None  # seconds: the first sign-in; None: invited
    guest_expires: int | None  # seconds
    erased: bool  # personal data forgotten: may not be modified any more
    profile: Profile

    @property
    def status(self) -> Status:
        if self.deactivated:
            return Status.DEACTIVATED
        return Status.INVITED if self.date_claimed is None else Status.ACTIVE

    @property
    def full_name(self) -> str:
        profile = self.profile
        return full_name(profile.given_name, profile.family_name, self.display_name, self.username)


class GroupRef(msgspec.Struct, frozen=True):
    id: GroupId
    display_name: str


class ChannelRef(msgspec.Struct, frozen=True):
    id: ChannelId
    name: str


class Group(msgspec.Struct, frozen=True):
    """A user group (Business+) or an IdP group (Enterprise), without its members."""

    org_id: OrgId
    id: GroupId
    created: int  # microseconds
    display_name: str


class UserGroup(msgspec.Struct, frozen=True):
    """What the Web API keeps of a group beside what SCIM knows of it. Without any of it: the defaults."""

    handle: str = ""  # lower case, without its @; empty: none
    description: str = ""
    created_by: UserId = UserId("")
    updated_by: UserId = UserId("")
    updated: int = 0  # seconds
    disabled: int | None = None  # seconds; None: it is in use


class Member(msgspec.Struct, frozen=True):
    """A member as a group shows them."""

    id: UserId
    display: str


class Token(msgspec.Struct, frozen=True):
    """A user token (``xoxp-…``), without its secret."""

    id: TokenId
    org_id: OrgId
    user_id: UserId
    scopes: tuple[str, ...]
    team_id: TeamId | None  # None: installed on the organisation
    allow_ips: tuple[str, ...]  # CIDR ranges; empty: from anywhere
    created: int  # microseconds
    expires: int | None  # seconds
    last_used: int | None  # seconds
    revoked: int | None  # seconds
    app_id: str | None = None  # of the app that was installed
    name: str = ""  # what it is for, as people call it
    replaced_by: TokenId | None = None  # the one that took its place


class Origin(msgspec.Struct, frozen=True):
    """Where a change came from: kept with its audit event."""

    request_id: str
    client: str = ""  # User-Agent, or the command
    ip_address: str | None = None


class Actor(msgspec.Struct, frozen=True):
    """Who acts: the owner of a token, or (``token_id`` None) an operator at the command line."""

    org_id: OrgId
    user_id: UserId
    role: Role
    origin: Origin
    token_id: TokenId | None = None
    is_operator: bool = False  # the command line: above every role
