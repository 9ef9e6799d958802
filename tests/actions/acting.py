"""An organisation in a real store, what its owner does in it, and what is written there."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest

from rosterd.actions import erasure, groups, orgs, users
from rosterd.directory.errors import DirectoryError
from rosterd.directory.groups import GroupChange, Members
from rosterd.directory.model import Actor, Group, Org, Origin, Plan, Role, User, UserId
from rosterd.directory.users import UserChange
from rosterd.store.engine import Store
from rosterd.store.records import audit
from rosterd.store.tables import metadata

ORIGIN = Origin("request-1", "pytest", "127.0.0.1")
KEY = b"a key for tests of actions"


@dataclass(frozen=True, slots=True)
class House:
    """One organisation, and the actor by whom everything is done."""

    store: Store
    org: Org
    owner: User
    actor: Actor

    def acting(self, user: User) -> House:
        """The same organisation with another actor."""
        return replace(self, actor=Actor(self.org.id, user.id, user.role, ORIGIN))

    async def create(self, name: str, role: Role = Role.MEMBER, **fields: Any) -> User:
        """A new user ``<name>`` with the address ``<name>@example.com``, unless fields say otherwise."""
        change = UserChange(**({"username": name, "email": f"{name}@example.com"} | fields))
        async with self.store.write() as tx:
            return await users.create(tx, self.org, change, role=role, actor=self.actor)

    async def change(self, user: User, **fields: Any) -> User:
        """The user, read anew, with these fields of a `UserChange`."""
        async with self.store.write() as tx:
            found = await users.existing(tx, self.org.id, user.id)
            return await users.update(tx, self.org, found, UserChange(**fields), actor=self.actor)

    async def set_role(self, user: User, role: Role) -> User:
        async with self.store.write() as tx:
            found = await users.existing(tx, self.org.id, user.id)
            return await users.set_role(tx, self.org, found, role, actor=self.actor)

    async def erase(self, user: User) -> User:
        async with self.store.write() as tx:
            found = await users.existing(tx, self.org.id, user.id)
            return await erasure.erase(tx, self.org, found, actor=self.actor)

    async def user(self, user: User) -> User:
        """The user as stored."""
        async with self.store.read() as tx:
            return await users.existing(tx, self.org.id, user.id)

    async def gather(self, name: str, *members: User) -> Group:
        """A new group with these members."""
        change = GroupChange(display_name=name, members=Members(add=tuple(user.id for user in members)))
        async with self.store.write() as tx:
            return await groups.create(tx, self.org, change, actor=self.actor)

    async def regroup(self, group: Group, **fields: Any) -> Group:
        """The group with these fields of a `GroupChange`."""
        async with self.store.write() as tx:
            return await groups.update(tx, self.org, group.id, GroupChange(**fields), actor=self.actor)

    async def members(self, group: Group) -> list[UserId]:
        sql = "SELECT user_id FROM members WHERE org_id = $1 AND group_id = $2 ORDER BY added, user_id"
        async with self.store.read() as tx:
            return [UserId(id) for (id,) in await tx.all(sql, self.org.id, group.id)]

    async def trail(self, entity: str | None = None) -> list[audit.Record]:
        """The audit events, the oldest first."""
        async with self.store.read() as tx:
            return (await audit.page(tx, self.org.id, entity=entity))[::-1]

    async def actions_of(self, entity: str) -> list[str]:
        return [record.action for record in await self.trail(entity)]


async def found_house(store: Store, plan: Plan = Plan.ENTERPRISE, domain: str = "acme") -> House:
    """A new organisation, with its primary owner as actor."""
    async with store.write() as tx:
        org, owner = await orgs.create(tx, "Acme", domain, plan, f"olive@{domain}.example", origin=ORIGIN)
    return House(store, org, owner, Actor(org.id, owner.id, owner.role, ORIGIN))


async def dump(store: Store) -> dict[str, Sequence[Any]]:
    """Every row of every table."""
    async with store.scan() as tx:
        return {
            table.name: [tuple(row) for row in await tx.all(f"SELECT * FROM {table.name} ORDER BY 1, 2")]
            for table in metadata.sorted_tables
        }


@asynccontextmanager
async def refused(store: Store, code: str) -> AsyncIterator[None]:
    """The block must be refused with ``code``, and leave every table as it was."""
    before = await dump(store)
    with pytest.raises(DirectoryError) as caught:
        yield
    assert caught.value.code == code
    assert await dump(store) == before


def details_of(record: audit.Record) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(record.details)
    return found
