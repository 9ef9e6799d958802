"""The many: invented people as rows, with everything that follows from where they are.

Their names are of many kinds on purpose: long, short, with marks, and without a family name.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from rosterd.directory.ids import slack_id
from rosterd.directory.model import DIRECTLY, ChannelId, GroupId, Org, Profile, Role, TeamId, User, UserId
from rosterd.directory.names import folded
from rosterd.provisioning.cards import card

SIZE = 99_000
"""How many there are. With those of the last weeks they are 100,000."""
LARGE = 10_000
"""Members of the largest group: the first so many."""
TEAM = 40
"""People with one manager, who is the first of them, and in one of the small groups."""

_GIVEN = (
    "Mira", "Jonas", "Tansy", "Ravi", "Noor", "Felix", "Wren", "Inês", "Kofi", "Pavel", "Amara", "Søren",
    "Yuki", "Lucía", "Tomasz", "Zainab", "Henrik", "Priya", "Mateo", "Chloé", "Dmitri", "Aroha", "Bashir",
    "Maximiliane",
)  # fmt: skip
_FAMILY = (
    "Castellanos", "Okafor", "Lindqvist", "Thorne", "Abbasi", "Marchetti", "O’Halloran", "Duarte", "Brandt",
    "Quill", "Nakamura", "Vasquez", "Kowalski", "Haddad", "Sørensen", "Raman", "Delacroix", "Petrov", "Ngata",
    "Featherstonehaugh-Cholmondeley", "Li", "Þórsdóttir", "",
)  # fmt: skip
_TITLES = (
    *("Driver",) * 6, *("Dispatcher",) * 3, "Customs Broker", "Fleet Mechanic", "Fleet Mechanic", "Nurse",
    "Backend Engineer", "Account Executive", "People Partner", "Product Designer", "Financial Analyst",
    "Site Reliability Engineer", "Senior Vice President, Intermodal Planning and Regulatory Affairs",
)  # fmt: skip
_DEPARTMENTS = (
    *("Operations",) * 9, *("Terminal Berlin",) * 6, *("Terminal Oakland",) * 4, *("Support",) * 3,
    *("Engineering",) * 3, "Sales", "Sales", "People", "Finance", "Design", "Legal", "Research & Development",
)  # fmt: skip
_DIVISIONS = ("Europe", "North America", "Asia Pacific", "Headquarters")
_PLAIN = str.maketrans({"ê": "e", "ø": "o", "í": "i", "é": "e", "þ": "t", "ó": "o", "’": None, "-": None})


class Base(NamedTuple):
    """The organisation, its places and its groups, without people."""

    org: Org
    owner: UserId
    teams: list[TeamId]
    generals: dict[TeamId, ChannelId]
    rooms: list[tuple[ChannelId, TeamId]]  # channels, each with its workspace
    groups: list[GroupId]
    large: GroupId
    leading: dict[GroupId, TeamId]  # the workspace that a group leads to
    joined: dict[GroupId, ChannelId]  # the channel that it leads to


def names(number: int) -> tuple[str, str, str]:
    """Given name, family name and username of a person."""
    given, family = _GIVEN[number % len(_GIVEN)], _FAMILY[number // 7 % len(_FAMILY)]
    return given, family, f"{given[:7]}.{family[:6]}{number}".lower().translate(_PLAIN)


def profile(number: int, manager: UserId | None) -> Profile:
    """What a person's profile says."""
    given, family, _ = names(number)
    return Profile(
        given_name=given,
        family_name=family,
        title=_TITLES[number // 3 % len(_TITLES)],
        has_custom=True,
        department=_DEPARTMENTS[number // TEAM * 13 % len(_DEPARTMENTS)],
        division=_DIVISIONS[number // 1_000 % 7 % len(_DIVISIONS)],
        employee_number=f"{number:06}",
        manager_id=manager,
    )


def fill(path: Path, base: Base, until: int) -> None:
    """Write them all into the database, created one after the other until then (microseconds)."""
    rows: dict[str, list[tuple[object, ...]]] = defaultdict(list)
    step = (until - base.org.created) // (SIZE + 1)
    for number in range(SIZE):
        user = _user(base, number, base.org.created + step * (number + 1))
        for table, row in _rows(base, number, user):
            rows[table].append(row)
    connection = sqlite3.connect(path)
    for setting in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -131072"):
        connection.execute(f"PRAGMA {setting}")
    with connection:
        for table, some in rows.items():
            some.sort()  # an index that grows at its end grows faster
            places = ", ".join("?" * len(some[0]))
            connection.executemany(f"INSERT INTO {table} VALUES ({places})", some)
        connection.execute("ANALYZE")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.close()


def id_of(number: int) -> UserId:
    """Whose number this is."""
    return UserId(slack_id("W", 36**8 + number * 7_919))


def _user(base: Base, number: int, created: int) -> User:
    _, _, username = names(number)
    role, lead = Role.MEMBER, number // TEAM * TEAM
    if number % 100 == 50:
        role = Role.MULTI_CHANNEL_GUEST if number % 200 == 50 else Role.SINGLE_CHANNEL_GUEST
    claimed = None if number % 4 == 3 else created // 1_000_000 + 86_400 * (number % 9)
    days = number % 300 if role.is_guest and number % 7 else None
    return User(
        org_id=base.org.id,
        id=id_of(number),
        created=created,
        username=username,
        email=f"{username}@meridian.example",
        display_name=username.partition(".")[0],
        role=role,
        deactivated=number % 19 == 18,
        date_claimed=claimed,
        guest_expires=None if days is None else created // 1_000_000 + 86_400 * (1_200 + days),
        erased=False,
        profile=profile(number, id_of(lead) if lead != number else base.owner),
    )


def _rows(base: Base, number: int, user: User) -> Iterator[tuple[str, tuple[object, ...]]]:
    org, id, created = user.org_id, user.id, user.created
    yield "names", (org, user.username, "user", id)
    yield (
        "users",
        (
            org, id, created, user.username, user.email, folded(user.email), user.display_name,
            folded(user.display_name), str(user.role), int(user.deactivated), user.date_claimed,
            user.guest_expires, 0, user.full_name, msgspec.json.encode(user.profile).decode(), card(user),
        ),
    )  # fmt: skip
    yield "emails", (org, folded(user.email), id)
    if user.deactivated:
        return
    if user.role.is_guest:
        room, team = base.rooms[number // 100 % len(base.rooms)]
        yield "workspace_members", (org, team, id, DIRECTLY, 0, created)
        yield "channel_members", (org, room, id, DIRECTLY, 0, created)
        return
    reasons: dict[TeamId, list[str]] = {base.teams[number % len(base.teams)]: [DIRECTLY]}
    group = base.large if number < LARGE else base.groups[number // TEAM % len(base.groups)]
    if number < LARGE + TEAM * len(base.groups):
        yield "members", (org, group, id, created)
        if group in base.leading:
            reasons.setdefault(base.leading[group], []).append(group)
    for team, sources in reasons.items():
        for source in sources:
            yield "workspace_members", (org, team, id, source, 0, created)
        yield "channel_members", (org, base.generals[team], id, team, 0, created)
    if number < LARGE + TEAM * len(base.groups) and group in base.joined:
        yield "channel_members", (org, base.joined[group], id, group, 0, created)
