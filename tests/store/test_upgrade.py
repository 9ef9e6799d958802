"""A database of an earlier schema becomes what a new one would be, on both engines."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Any

import asyncpg
import pytest

from rosterd.actions import erasure, groups, orgs, users
from rosterd.directory.groups import GroupChange, Members
from rosterd.directory.model import Org, Plan, Role
from rosterd.directory.users import UserChange
from rosterd.provisioning.cards import card
from rosterd.store import migrate
from rosterd.store.engine import Store, Tx, open_store
from rosterd.store.records import audit
from rosterd.store.upkeep import copy, fsck
from tests.actions.acme import ORIGIN, operator

pytestmark = pytest.mark.anyio

Rows = dict[str, list[tuple[Any, ...]]]

THEN = {
    "orgs", "workspaces", "names", "users", "emails", "groups", "members", "tokens", "profile_fields",
    "audit_events", "audit_unsealed", "audit_seals",
}  # fmt: skip
"""The tables of revision 0001."""

SINCE = {"workspaces": ("description", "discoverability"), "tokens": ("app_id", "name", "replaced_by")}
"""Columns, the last of their tables, that revision 0001 did not have."""


async def people(tx: Tx, plan: Plan, domain: str) -> Org:
    """An organisation with people of every kind, and a group."""
    org, owner = await orgs.create(tx, domain.title(), domain, plan, f"owner@{domain}.example", origin=ORIGIN)
    actor, made = operator(org), [owner]
    kinds: dict[str, dict[str, Any]] = {
        "ann": {},
        "off": {"active": False},
        "gone": {},
        "lost": {},
        "guest": {"guest": True} if plan is Plan.ENTERPRISE else {},
    }
    for name, fields in kinds.items():
        change = UserChange(username=name, email=f"{name}@{domain}.example", **fields)
        made.append(await users.create(tx, org, change, actor=actor))
    bot = UserChange(username="bot", email=f"bot@{domain}.example")
    await users.create(tx, org, bot, role=Role.BOT, actor=actor)
    await users.deactivate(tx, org, made[3], actor=actor)
    await erasure.erase(tx, org, made[4], actor=actor)
    group = GroupChange(display_name="All", members=Members(add=tuple(user.id for user in made[:2])))
    await groups.create(tx, org, group, actor=actor)
    return org


async def everything(store: Store) -> Rows:
    """Every row, by table."""
    found: Rows = {shape.name: [] for shape in copy.shapes()}
    async with store.scan() as tx:
        async for table, rows in copy.slices(tx):
            found[table.name] += [tuple(row) for row in rows]
    return found


async def put(url: str, rows: Mapping[str, Sequence[tuple[Any, ...]]]) -> None:
    """Write rows into a database of revision 0001, whose tables had these columns."""
    columns = {
        shape.name: [name for name in shape.columns if name not in SINCE.get(shape.name, ())]
        for shape in copy.shapes()
    }
    given = [(name, columns[name], [row[: len(columns[name])] for row in rows[name]]) for name in rows]
    given.sort(key=lambda table: list(columns).index(table[0]))
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as file, file:
            for table, names, some in given:
                places = ", ".join("?" * len(names))
                file.executemany(f"INSERT INTO {table} ({', '.join(names)}) VALUES ({places})", some)
        return
    connection = await asyncpg.connect(url)
    for table, names, some in given:
        await connection.copy_records_to_table(table, records=some, columns=names)
    await connection.close()


async def problems(store: Store) -> list[str]:
    async with store.scan() as tx:
        return await fsck.check(tx)


def places(rows: Rows) -> dict[str, set[tuple[Any, ...]]]:
    """Who is where and why, channels by name, without times."""
    named = {row[1]: row[3] for row in rows["channels"]}
    channels = {row[:1] + row[3:] for row in rows["channels"]}
    homes = {(row[0], *row[2:]) for row in rows["channel_workspaces"]}
    in_channels = {(row[0], named[row[1]], *row[2:5]) for row in rows["channel_members"]}
    former = {(*row[:2], named.get(row[2], row[2]), *row[3:]) for row in rows["former_members"]}
    return {
        "channels": channels,
        "homes": homes,
        "in workspaces": {row[:5] for row in rows["workspace_members"]},
        "in channels": in_channels,
        "former": former,
    }


async def test_an_upgrade_puts_everybody_where_they_would_be(store: Store, empty_url: str) -> None:
    plans = {Plan.ENTERPRISE: "grid", Plan.BUSINESS_PLUS: "plus", Plan.FREE: "free"}
    for plan, domain in plans.items():
        async with store.write() as tx:
            await people(tx, plan, domain)
    new = await everything(store)
    then = {table: rows for table, rows in new.items() if table in THEN}
    then["names"] = [row for row in then["names"] if row[2] != "channel"]
    assert await migrate.upgrade(empty_url, "0001") == (None, "0001")
    await put(empty_url, then)
    assert await migrate.upgrade(empty_url) == ("0001", migrate.head())
    upgraded = await open_store(empty_url, card=card)
    try:
        assert await problems(upgraded) == []
        found = await everything(upgraded)
        assert {table: sorted(found[table]) for table in THEN - {"names"}} == {
            table: sorted(then[table]) for table in THEN - {"names"}
        }
        assert {row[:3] for row in found["names"]} == {row[:3] for row in new["names"]}
        expected = places(new)
        # Who was never there is remembered to be in the workspace; the upgrade cannot tell them apart.
        assert expected["former"] <= (was := places(found).pop("former"))
        assert {row[2] for row in was - expected["former"]} == {"general"}
        assert {**places(found), "former": was} == {**expected, "former": was}
        assert found["outbox"] == []
        async with upgraded.scan() as tx:
            for row in found["orgs"]:
                assert (await audit.verify(tx, row[0])).ok
    finally:
        await upgraded.close()


async def test_a_person_who_is_called_general_stays_so(empty_url: str) -> None:
    await migrate.upgrade(empty_url, "0001")
    await put(
        empty_url,
        {
            "orgs": [("E1", "T1", "Acme", "acme", "enterprise", 1, 0)],
            "workspaces": [
                ("E1", "T1", "Acme", "acme", 1),
                ("E1", "T2", "Two", "two", 2),
            ],
            "names": [("E1", "general", "user", "W1"), ("E1", "general2", "reserved", None)],
        },
    )
    await migrate.upgrade(empty_url)
    store = await open_store(empty_url)
    try:
        found = await everything(store)
        assert {row[1:3] for row in found["names"]} == {
            ("general", "user"),
            ("general2", "reserved"),
            ("general3", "channel"),
        }
        assert sorted(row[2:] for row in found["channel_workspaces"]) == [
            ("T1", "general3", 1, 1),
            ("T2", "general3", 1, 1),
        ]
    finally:
        await store.close()
