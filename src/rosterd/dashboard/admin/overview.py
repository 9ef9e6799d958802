"""The overview: how many people there are, who is invited, what happens, what fails, what ends soon.

Everything on it is a kept count, or the near end of an index: its cost does not grow with the people.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from rosterd.actions.upkeep import indexing
from rosterd.dashboard import pages
from rosterd.dashboard.admin import breakdowns
from rosterd.dashboard.admin.breakdowns import Bar, By
from rosterd.dashboard.admin.frame import Look, page
from rosterd.dashboard.charts import Columns, Series
from rosterd.dashboard.desk import Room
from rosterd.dashboard.pages import Page
from rosterd.directory.connectors import LABELS
from rosterd.directory.facets import Facet
from rosterd.directory.model import Org, Role, Status
from rosterd.store.engine import Tx
from rosterd.store.people import index
from rosterd.store.people.index import Count
from rosterd.store.records import attention, log, requests
from rosterd.store.records.activity import DAY
from rosterd.store.records.attention import Ending, Used

DAYS = 30
LARGEST = 10
"""Values of a field that are shown."""
FEW = 5
"""Failures and endings that are shown."""
MOST = 1_000
"""Where what is not kept as a count stops being counted."""

ROLES: Mapping[Role, tuple[str, str]] = {
    Role.PRIMARY_OWNER: ("Primary owner", "Primary owners"),
    Role.OWNER: ("Owner", "Owners"),
    Role.ADMIN: ("Admin", "Admins"),
    Role.MEMBER: ("Member", "Members"),
    Role.MULTI_CHANNEL_GUEST: ("Multi-channel guest", "Multi-channel guests"),
    Role.SINGLE_CHANNEL_GUEST: ("Single-channel guest", "Single-channel guests"),
}

LIMITS: Mapping[str, str] = {
    "writes": "SCIM: all writes",
    "reads": "SCIM: all reads",
    "get_user": "SCIM: read one user",
    "create_user": "SCIM: create users",
    "change_user": "SCIM: change users",
    "delete_user": "SCIM: deactivate users",
    "get_group": "SCIM: read one group",
    "create_group": "SCIM: create groups",
    "change_group": "SCIM: change groups",
    "delete_group": "SCIM: delete groups",
    "audit": "Audit Logs API",
}
"""What the limits of the whole organisation are for."""

ERRANDS: Mapping[str, str] = {
    "invitation": "Invitations by mail",
    "digest": "Mails about new places",
    "message": "Mails about messages",
    "signin_link": "Mails with a link to sign in",
    "webhook": "Webhooks",
    "consequences": "Changes that follow from groups",
}

_CHARTS: Sequence[tuple[str, Sequence[tuple[str, str, tuple[str, ...]]]]] = (
    (
        "People",
        (
            ("Created", "invited", ("user_created", "guest_created")),
            ("Reactivated", "active", ("user_reactivated", "guest_reactivated")),
            (
                "Deactivated or expired",
                "deactivated",
                ("user_deactivated", "guest_deactivated", "guest_expired"),
            ),
            (
                "Role changed",
                "plain-fill",
                (
                    "role_change_to_admin",
                    "role_change_to_guest",
                    "role_change_to_owner",
                    "role_change_to_user",
                    "owner_transferred",
                ),
            ),
        ),
    ),
    (
        "Group membership",
        (
            ("Added", "good", ("user_added_to_usergroup",)),
            ("Taken out", "deactivated", ("user_removed_from_usergroup",)),
        ),
    ),
    (
        "Signing in",
        (
            ("Signed in", "good", ("user_login",)),
            ("Not let in", "bad", ("user_login_failed",)),
        ),
    ),
    ("Requests of programs", (("Refused", "bad", (requests.COUNTED,)),)),
)
"""Title → what is counted in it: name, colour, actions."""


class Tile(NamedTuple):
    """A number that leads to what was counted."""

    name: str
    number: int
    to: str
    note: str
    kind: str


class Step(NamedTuple):
    """How far people have come. ``share``: of the first step, in percent."""

    name: str
    number: int
    share: int
    to: str


class Broken(NamedTuple):
    """The largest values of a field. ``more``: whether there are others."""

    by: By
    rows: list[Bar]
    more: bool


class Kept(NamedTuple):
    """What one snapshot of the store says."""

    is_whole: bool
    statuses: Mapping[str, Count]
    roles: Mapping[str, Count]
    days: Mapping[tuple[int, str], int]
    today: int
    broken: list[Broken]
    refused: list[log.Entry]
    given_up: Mapping[str, int]
    used: list[Used]
    guests: list[Ending]
    tokens: list[Ending]
    waiting: int


@page("admin")
async def overview(look: Look) -> Page:
    """The first page of the Org Dashboard."""
    await indexing.freshen(look.desk.store, look.org.id)
    async with look.desk.store.scan() as tx:
        kept = await _gather(tx, look.org)
    rooms = look.desk.rooms
    return look.render(
        "overview.html",
        kept=kept,
        statuses=status_tiles(kept.statuses),
        roles=role_tiles(kept.roles),
        steps=steps(kept.statuses),
        charts=charts(kept.days, kept.today),
        refused_in_days=sum(n for (_, action), n in kept.days.items() if action == requests.COUNTED),
        days=DAYS,
        most=MOST,
        few=FEW,
        labels=LABELS,
        errands=ERRANDS,
        limits=None if rooms is None else [*_limits(rooms(look.org))],
    )


async def _gather(tx: Tx, org: Org) -> Kept:
    now = tx.now // 1_000_000
    today, soon = now // DAY, now + DAYS * DAY
    broken = []
    for by in breakdowns.ways(org.plan):
        counts = await index.counts(tx, org.id, by.facet, limit=LARGEST + 1)
        rows = await breakdowns.bars(tx, org.id, by.facet, counts[:LARGEST])
        broken.append(Broken(by, rows, len(counts) > LARGEST))
    refused = await log.page(tx, org.id, log.Wanted(outcome="refused"), before=None, limit=FEW)
    return Kept(
        await index.is_whole(tx, org.id),
        await _by_value(tx, org, Facet.STATUS),
        await _by_value(tx, org, Facet.ROLE),
        await index.days(tx, org.id, today - DAYS + 1),
        today,
        broken,
        refused.entries,
        await attention.given_up(tx, org.id, MOST),
        await attention.used(tx, org.id, FEW),
        await attention.guests(tx, org.id, soon, FEW + 1),
        await attention.tokens(tx, org.id, soon, FEW + 1),
        await attention.invitations(tx, org.id, (now - DAYS * DAY) * 1_000_000, MOST),
    )


async def _by_value(tx: Tx, org: Org, facet: Facet) -> Mapping[str, Count]:
    return {each.value: each for each in await index.counts(tx, org.id, facet, limit=len(Role))}


def status_tiles(counts: Mapping[str, Count]) -> list[Tile]:
    """How many people there are of each status.

    >>> [(tile.name, tile.number) for tile in status_tiles({"active": Count("active", 0, 5, 0, 5)})]
    [('Invited members', 0), ('Active', 5), ('Deactivated', 0)]
    """
    names = {Status.INVITED: "Invited members", Status.ACTIVE: "Active", Status.DEACTIVATED: "Deactivated"}
    return [
        Tile(name, counts[status].total if status in counts else 0, _to(status=status), "", str(status))
        for status, name in names.items()
    ]


def role_tiles(counts: Mapping[str, Count]) -> list[Tile]:
    """How many people there are of each role, without those who are deactivated."""
    found = []
    for role, names in ROLES.items():
        count = counts.get(role, Count(role, 0, 0, 0, 0))
        here = count.invited + count.active
        note = f"and {count.deactivated:,} deactivated" if count.deactivated else ""
        found.append(Tile(names[here != 1], here, _to(role=role), note, ""))
    return found


def steps(counts: Mapping[str, Count]) -> list[Step]:
    """From having been created to having signed in, for those who are not deactivated.

    >>> [step.share for step in steps({s: Count(s, 0, 0, 0, n) for s, n in (("invited", 1), ("active", 2))})]
    [100, 33, 67]
    """
    invited, active = (
        counts[each].total if each in counts else 0 for each in (Status.INVITED, Status.ACTIVE)
    )
    whole = invited + active
    return [
        Step(name, number, round(100 * number / whole) if whole else 0, to)
        for name, number, to in (
            ("Created, and not deactivated", whole, ""),
            ("Of them: invited, never signed in", invited, _to(status=Status.INVITED)),
            ("Of them: signed in at least once", active, _to(status=Status.ACTIVE)),
        )
    ]


def charts(events: Mapping[tuple[int, str], int], today: int) -> list[Columns]:
    """What happened on each of the last days."""
    days = range(today - DAYS + 1, today + 1)
    return [
        Columns(
            f"{title}, last {DAYS} days",
            [_day(day) for day in days],
            [
                Series(name, key, [sum(events.get((day, each), 0) for each in actions) for day in days])
                for name, key, actions in series
            ],
        )
        for title, series in _CHARTS
    ]


def _day(day: int) -> str:
    """A day (since 1970-01-01) as charts call it.

    >>> _day(0)
    '1 Jan 1970'
    """
    return pages.moment(day * DAY).partition(",")[0]


def _limits(rooms: Iterable[Room]) -> Iterable[Mapping[str, Any]]:
    for room in rooms:
        yield {
            "name": room.method or LIMITS.get(room.limit, room.limit),
            "token": room.token,
            "left": room.left,
            "capacity": room.capacity,
            "per_minute": room.per_minute,
            "is_low": 5 * room.left < room.capacity,
        }


def _to(**filters: str) -> str:
    return pages.link(breakdowns.MEMBERS, filters)
