"""What analytics say of people and channels, slice by slice in the order of ids.

Rules of this module:

1. A slice is one or two statements, whatever it holds, and costs what it holds: the next begins behind its
   last id. Nobody reads an organisation whole.
2. People are as they are today; what a day adds is what `rosterd.store.records.activity` noted of it.
3. When somebody was deactivated is told by the newest event of it in the audit trail. Whoever has none, after
   an import without its trail, was deactivated long ago.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import msgspec

from rosterd.directory.analytics import ChannelDay, MemberDay
from rosterd.directory.model import OrgId, Role, TeamId, UserId
from rosterd.store.contract import Row, Tx
from rosterd.store.records.activity import DAY
from rosterd.store.uuids import moment

LONG_AGO = 0
"""The day of a deactivation that no event tells of."""


class Shown(msgspec.Struct, frozen=True, gc=False):
    """What of a profile is shown."""

    title: str = ""
    employee_number: str | None = None


class Member(msgspec.Struct, frozen=True, gc=False):
    """A person as analytics describe them."""

    id: UserId
    created: int  # microseconds
    username: str
    display_name: str
    full_name: str
    email: str
    role: Role
    date_claimed: int | None  # seconds
    deactivated_on: int | None  # a day; None: they are active
    profile: Shown


class Filter(msgspec.Struct, frozen=True):
    """Which people: of these roles in the organisation or of those in a workspace; of one workspace."""

    roles: Collection[Role]
    workspace_roles: Collection[str] = ()
    team: TeamId | None = None


async def days(tx: Tx, org: OrgId, day: int, after: str, count: int) -> list[MemberDay]:
    """People who were here by the end of ``day``, behind the id ``after``; neither bots nor the erased."""
    rows = await tx.all(_DAYS, org, day, after, (day + 1) * DAY * 1_000_000, count)
    gone = await deactivations(tx, org, [id for id, _, _, is_gone, *_ in rows if is_gone])
    return [
        MemberDay(
            id,
            email,
            Role(role),
            date_claimed,
            _profile(profile).employee_number,
            bool(signed_in),
            bool(by_app),
            gone.get(id, LONG_AGO) if is_gone else None,
        )
        for id, email, role, is_gone, date_claimed, profile, signed_in, by_app in rows
    ]


async def members(
    tx: Tx, org: OrgId, wanted: Filter, *, deactivated: bool, after: str, count: int
) -> list[Member]:
    """People who fit, behind the id ``after``; ``deactivated``: also those who are."""
    roles, workspace_roles = [str(role) for role in wanted.roles], list(wanted.workspace_roles)
    rows = await tx.all(
        _MEMBERS, org, after, count, int(deactivated), roles, workspace_roles, wanted.team or ""
    )
    gone = await deactivations(tx, org, [row[0] for row in rows if row[8]])
    return [_member(row, gone) for row in rows]


def _member(row: Row, gone: Mapping[str, int]) -> Member:
    id, created, username, display_name, full_name, email, role, date_claimed, is_gone, profile = row
    deactivated_on = gone.get(id, LONG_AGO) if is_gone else None
    return Member(
        id, created, username, display_name, full_name, email, Role(role), date_claimed, deactivated_on,
        _profile(profile),
    )  # fmt: skip


async def public_channels(tx: Tx, org: OrgId, before: int, after: str, count: int) -> list[ChannelDay]:
    """Public channels in use that were made ``before`` (microseconds), behind the id ``after``."""
    rows = await tx.all(_CHANNELS, org, after, before, count)
    ids = [row[0] for row in rows]
    homes: dict[str, list[tuple[str, str]]] = {id: [] for id in ids}
    for id, team, name in await tx.all(_HOMES, org, ids):
        homes[id].append((team, name))
    counted = {id: (members, guests) for id, members, guests in await tx.all(_COUNTS, org, ids)}
    return [
        ChannelDay(
            id, created, name, topic, purpose, bool(is_org_wide), tuple(homes[id]), *counted.get(id, (0, 0))
        )
        for id, created, name, topic, purpose, is_org_wide in rows
    ]


async def deactivations(tx: Tx, org: OrgId, ids: Sequence[str]) -> dict[str, int]:
    """The day of each one's last deactivation, as far as the trail tells."""
    if not ids:
        return {}
    rows = await tx.all(_DEACTIVATIONS, org, ids)
    return {id: moment(event) // 1000 // DAY for id, event in rows}


_profile = msgspec.json.Decoder(Shown).decode

_DAYS = (
    "SELECT t.id, t.email, t.role, t.deactivated, t.date_claimed, t.profile, COALESCE(a.signed_in, 0),"
    " COALESCE(a.by_app, 0) FROM users t"
    " LEFT JOIN activity a ON a.org_id = $1 AND a.day = $2 AND a.user_id = t.id"
    " WHERE t.org_id = $1 AND t.id > $3 AND t.created < $4 AND t.erased = 0 AND t.role <> 'bot'"
    " ORDER BY t.id LIMIT $5"
)
_MEMBERS = (
    "SELECT t.id, t.created, t.username, t.display_name, t.full_name, t.email, t.role, t.date_claimed,"
    " t.deactivated, t.profile FROM users t"
    " WHERE t.org_id = $1 AND t.id > $2 AND t.deactivated <= $4 AND t.erased = 0"
    " AND (t.role IN each($5) OR EXISTS (SELECT 1 FROM workspace_roles w WHERE w.org_id = $1"
    " AND w.user_id = t.id AND w.role IN each($6) AND ($7 = '' OR w.team_id = $7)))"
    " AND ($7 = '' OR EXISTS (SELECT 1 FROM workspace_members m WHERE m.org_id = $1"
    " AND m.team_id = $7 AND m.user_id = t.id))"
    " ORDER BY t.id LIMIT $3"
)
_DEACTIVATIONS = (
    "SELECT t.entity_id, MAX(t.id) FROM audit_events t WHERE t.org_id = $1 AND t.entity_id IN each($2)"
    " AND t.action IN ('user_deactivated', 'guest_deactivated', 'guest_expired') GROUP BY t.entity_id"
)
_CHANNELS = (
    "SELECT t.id, t.created, t.name, t.topic, t.purpose, t.is_org_wide FROM channels t"
    " WHERE t.org_id = $1 AND t.id > $2 AND t.created < $3 AND t.is_private = 0 AND t.is_archived = 0"
    " ORDER BY t.id LIMIT $4"
)
_HOMES = (
    "SELECT t.channel_id, t.team_id, w.name FROM channel_workspaces t"
    " JOIN workspaces w ON w.org_id = $1 AND w.id = t.team_id"
    " WHERE t.org_id = $1 AND t.channel_id IN each($2) ORDER BY t.channel_id, t.team_id"
)
_COUNTS = (
    "SELECT m.channel_id, COUNT(DISTINCT m.user_id), COUNT(DISTINCT CASE WHEN u.role IN"
    " ('multi_channel_guest', 'single_channel_guest') THEN m.user_id END) FROM channel_members m"
    " JOIN users u ON u.org_id = $1 AND u.id = m.user_id"
    " WHERE m.org_id = $1 AND m.channel_id IN each($2) GROUP BY m.channel_id"
)
