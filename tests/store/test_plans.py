"""How the engines go about it: no lookup and no change of a few rows reads a whole organisation."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any

import pytest

from rosterd.directory.model import ChannelId, GroupId, Role, TeamId, UserId
from rosterd.directory.query import Compare, Condition, Op
from rosterd.store import groups, names, query, roster, users
from rosterd.store.belonging import consequences, places, previews
from rosterd.store.contract import CardOf, Step
from rosterd.store.doors import tokens
from rosterd.store.engine import Row, Store, Tx
from rosterd.store.records import audit
from tests.store.rows import ACTOR, E1, an_event, found

pytestmark = pytest.mark.anyio

COUNTED = "WITH RECURSIVE k (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM k WHERE n < 3000)"
USER_COLUMNS = (
    "org_id, id, created, username, email, email_folded, display_name, display_folded, role, deactivated,"
    " erased, full_name, profile, card"
)
CROWD = (  # #: the number as text
    ("names (org_id, name, kind)", "'E1', 'user' || #, 'user'"),
    (
        f"users ({USER_COLUMNS})",
        (
            "'E1', 'W' || #, n, 'user' || #, #, #, #, #, CASE WHEN n < 9 THEN 'admin' ELSE 'member' END,"
            " n / 2900, 0, #, '{}', ''"
        ),
    ),
    ("emails (org_id, email, user_id)", "'E1', #, 'W' || #"),
    ("groups (org_id, id, created, display_name, display_folded)", "'E1', 'S' || #, n, #, #"),
    ("members (org_id, group_id, user_id, added)", "'E1', 'S' || CAST(n % 2999 + 2 AS TEXT), 'W' || #, n"),
    ("members (org_id, group_id, user_id, added)", "'E1', 'S1', 'W' || #, n"),
)
"""3,000 people, each in a group of its own and all in one: enough to prefer the right index."""

_SOURCE = "CASE WHEN n < 9 THEN 'S7' WHEN n < 99 THEN '' ELSE 'S1' END, 0, n"
PLACES = (
    (
        "workspaces (org_id, id, name, domain, created, description, discoverability)",
        "'E1', 'T' || #, #, #, n, '', 'open'",
    ),
    (
        (
            "channels (org_id, id, created, name, creator_id, is_private, is_archived, is_org_wide,"
            " topic, purpose)"
        ),
        "'E1', 'C' || #, n, 'user' || #, 'W1', 0, 0, 0, '', ''",
    ),
    (
        "channel_workspaces (org_id, channel_id, team_id, name, is_default, is_general)",
        "'E1', 'C' || #, 'T' || #, #, 1, 0",
    ),
    (
        "group_workspaces (org_id, group_id, team_id, is_required, auto_provision, created)",
        "'E1', 'S' || #, 'T' || #, 1, 1, n",
    ),
    ("group_channels (org_id, group_id, channel_id, created)", "'E1', 'S' || #, 'C' || #, n"),
    ("channel_allowlist (org_id, channel_id, group_id, created)", "'E1', 'C' || #, 'S' || #, n"),
    (
        "workspace_members (org_id, team_id, user_id, source_id, kept, added)",
        f"'E1', 'T1', 'W' || #, {_SOURCE}",
    ),
    (
        "channel_members (org_id, channel_id, user_id, source_id, kept, added)",
        f"'E1', 'C1', 'W' || #, {_SOURCE}",
    ),
)
"""Everybody in one workspace and in one channel, nearly all by one group; there are many others."""

LOOKUPS: list[tuple[str, Condition, str]] = [
    ("users", Compare("id", Op.EQ, "W7"), "id"),
    ("users", Compare("username", Op.EQ, "user7"), "username"),
    ("users", Compare("username", Op.SW, "user77"), "username"),
    ("users", Compare("email", Op.EQ, "7"), "email"),
    ("users", Compare("email", Op.SW, "77"), "email"),
    ("users", Compare("display_name", Op.EQ, "7"), "display_folded"),
    ("users", Compare("display_name", Op.SW, "77"), "display_folded"),
    ("users", Compare("role", Op.EQ, "admin"), "role"),
    ("users", Compare("active", Op.EQ, 0), "deactivated"),
    ("groups", Compare("display_name", Op.EQ, "7"), "display_folded"),
    ("groups", Compare("display_name", Op.SW, "77"), "display_folded"),
    ("groups", Compare("member", Op.EQ, "W7"), "user_id"),
]


@dataclass(slots=True)
class Explained:
    """A transaction that asks the engine how it would do each statement, then does it."""

    tx: Tx
    sqlite: bool
    plans: list[str] = field(default_factory=list)
    now: int = 0
    card: CardOf = field(default=lambda user: "")

    async def one(self, sql: str, *args: Any) -> Row | None:
        await self._explain(sql, args)
        return await self.tx.one(sql, *args)

    async def all(self, sql: str, *args: Any) -> Sequence[Row]:
        await self._explain(sql, args)
        return await self.tx.all(sql, *args)

    async def known(self, sql: str, *args: Any) -> Sequence[Row]:
        await self._explain(sql, args)
        return await self.tx.known(sql, *args)

    async def run(self, sql: str, *args: Any) -> int:
        await self._explain(sql, args)
        return await self.tx.run(sql, *args)

    async def many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        await self._explain(sql, rows[0])
        await self.tx.many(sql, rows)

    async def together(self, steps: Sequence[Step]) -> int:
        for sql, args in steps:
            await self._explain(sql, args)
        return await self.tx.together(steps)

    def part(self) -> AbstractAsyncContextManager[None]:
        return self.tx.part()

    async def _explain(self, sql: str, args: Sequence[Any]) -> None:
        rows = await self.tx.all(f"{'EXPLAIN QUERY PLAN' if self.sqlite else 'EXPLAIN'} {sql}", *args)
        self.plans.append("\n".join([sql, *(row[3 if self.sqlite else 0] for row in rows)]))

    def wide(self) -> list[str]:
        """Plans that read a whole table, or all that an organisation has in it."""
        pattern = _WIDE_ON_SQLITE if self.sqlite else _WIDE_ON_POSTGRESQL
        # An index of at most one row for an organisation needs no other condition.
        plans = [plan for plan in self.plans if "users_one_primary_owner" not in plan]
        return [plan for plan in plans if pattern.search(plan)]


_WIDE_ON_SQLITE = re.compile(r"^SCAN (?!json_each|l$)|\(org_id=\?\)", re.MULTILINE)
# PostgreSQL reads a table of a few rows whatever its indexes: only those of the crowd tell something.
_WIDE_ON_POSTGRESQL = re.compile(
    r"Seq Scan on (?:users|names|emails|groups|\w+_workspaces|\w+_channels|channel_allowlist|\w*members)\b"
    r"|Index Cond: \(org_id = '\w+'::text\)$",
    re.MULTILINE,
)


@pytest.fixture
async def crowd(store: Store) -> Store:
    async with store.write() as tx:
        await found(tx, 0)
        await fill(tx, CROWD, analyze=not is_sqlite(store))
    return store


async def fill(tx: Tx, tables: Sequence[tuple[str, str]], *, analyze: bool) -> None:
    for table, values in tables:
        row = values.replace("#", "CAST(n AS TEXT)")
        await tx.run(f"INSERT INTO {table} {COUNTED} SELECT {row} FROM k")
    if analyze:
        await tx.run("ANALYZE")


def is_sqlite(store: Store) -> bool:
    return store.url.startswith("sqlite")


async def test_lookups_use_the_index_of_their_column(crowd: Store) -> None:
    for table, condition, column in LOOKUPS:
        async with crowd.read() as tx:
            explained = Explained(tx, is_sqlite(crowd))
            fields = users.FIELDS if table == "users" else groups.FIELDS
            await query.page(explained, table, fields, E1, condition, 1, 10)
        index = rf"\(org_id=\? AND {column}[=>]" if explained.sqlite else rf"Index Cond:.*\b{column}\b"
        assert re.search(index, explained.plans[0]), explained.plans[0]
        assert explained.wide() == []


async def test_the_hot_path_reads_only_what_it_names(crowd: Store) -> None:
    two, everybody = [UserId("W7"), UserId("W8")], GroupId("S1")
    async with crowd.write() as plain:
        tx = Explained(plain, is_sqlite(crowd))
        await tokens.authenticate(tx, "hash")
        await users.card(tx, E1, two[0])
        await users.find(tx, E1, two[0], lock=True)
        await users.groups_of(tx, E1, two)
        await users.briefs(tx, E1, two)
        await users.page(tx, E1, Compare("username", Op.EQ, "user7"), 1, 10)
        await users.find_by_username(tx, E1, "user7")
        await users.find_by_email(tx, E1, "7")
        await users.primary_owner(tx, E1)
        await users.expired_guests(tx, E1, 9, 10)
        await roster.of_org(tx, E1, [roster.Kind.OWNERS], active=True, limit=10)
        await users.add_email(tx, E1, "new", two[0])
        await users.remove_email(tx, E1, "new", two[0])
        await names.like(tx, E1, "user77")
        await groups.find(tx, E1, everybody, lock="share")
        await groups.page(tx, E1, Compare("display_name", Op.EQ, "7"), 1, 10)
        await groups.members_of_many(tx, E1, [GroupId("S7"), GroupId("S8")])
        await groups.outranking(tx, E1, everybody, [Role.OWNER, Role.PRIMARY_OWNER])
        await groups.remove_members(tx, E1, everybody, two)
        await groups.add_members(tx, E1, everybody, two)
        await tokens.revoke_of_user(tx, E1, two[0], 1)
        await audit.append(tx, [an_event(1)], ACTOR)
        await audit.erase(tx, E1, UserId("W1"))
    assert tx.wide() == []


async def test_what_follows_for_people_costs_what_their_groups_lead_to(crowd: Store) -> None:
    two, group, team, channel = [UserId("W7"), UserId("W8")], GroupId("S7"), TeamId("T1"), ChannelId("C1")
    async with crowd.write() as plain:
        await fill(plain, PLACES, analyze=not is_sqlite(crowd))
        tx = Explained(plain, is_sqlite(crowd))
        await consequences.lock(tx, E1, two)
        await places.everywhere(tx, E1, two)
        await consequences.join_workspaces(tx, E1, two, [group])
        await consequences.join_channels(tx, E1, two, [group])
        await consequences.leave_workspaces(tx, E1, two, [group])
        await consequences.leave_channels(tx, E1, two, [group])
        await consequences.end_workspace(tx, E1, team, group, two, required=True)
        await consequences.end_channel(tx, E1, channel, group, two)
        await consequences.tidy(tx, E1, two)
        await consequences.in_group(tx, E1, group, after="", limit=10)
        await places.page(tx, places.CHANNEL, E1, channel, limit=10)
        assert not tx.wide(), "\n".join(tx.wide())


@pytest.mark.parametrize("place", ["T1", "C1"])
async def test_whom_a_group_holds_in_a_place_is_found_among_whom_it_holds(crowd: Store, place: str) -> None:
    async with crowd.write() as plain:
        await fill(plain, PLACES, analyze=not is_sqlite(crowd))
        tx = Explained(plain, is_sqlite(crowd))
        assert len(await consequences.held_by(tx, E1, place, GroupId("S7"), after="", limit=10)) == 8
        assert re.search("members_by_group", tx.plans[0]), tx.plans[0]


async def test_the_last_event_of_somebody_is_not_looked_for_among_all_of_theirs(crowd: Store) -> None:
    async with crowd.write() as plain:
        await audit.append(plain, [an_event(1) for _ in range(300)], ACTOR)
        if not is_sqlite(crowd):
            await plain.run("ANALYZE")
        tx = Explained(plain, is_sqlite(crowd))
        entity = (await audit.page(plain, E1))[0].entity_id
        assert await audit.last_events(tx, E1, [entity, "W0NOBODY000"]) == {entity: plain.now}
        assert not re.search("Aggregate|Seq Scan|TEMP B-TREE", tx.plans[0]), tx.plans[0]


async def test_whoever_leaves_a_workspace_is_looked_for_once(
    crowd: Store,
) -> None:
    async with crowd.write() as plain:  # the places come after the statistics
        await fill(plain, PLACES, analyze=False)
        tx = Explained(plain, is_sqlite(crowd))
        await previews.disconnect_workspace(tx, E1, GroupId("S1"), TeamId("T1"))
        plans = [plan for plan in tx.plans if "JOIN channel_members k" in plan]
        assert plans
        for plan in plans:
            assert re.search(r"^\W*(MATERIALIZE l|CTE Scan on l)\b", plan, re.MULTILINE), plan
