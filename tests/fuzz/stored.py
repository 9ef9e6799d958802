"""A case that goes on into a store: the change is applied there, read back, and rolled back."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from rosterd.actions import groups as group_actions
from rosterd.actions import orgs
from rosterd.actions import users as user_actions
from rosterd.directory.groups import GroupChange
from rosterd.directory.model import Actor, GroupId, Origin, Plan, User
from rosterd.directory.users import UserChange
from rosterd.provisioning import groups, users
from rosterd.scim import documents
from rosterd.scim.dialect import V1, V2, Dialect
from rosterd.store import groups as group_rows
from rosterd.store import users as user_rows
from rosterd.store.engine import Store, Tx, open_store
from tests.fuzz.seeds import KNOWN_IDS
from tests.fuzz.targets import Target, body


class _Undone(Exception):
    """Ends a transaction whose outcome was looked at."""


class House:
    """An organisation with three people and a group, in a SQLite file of this process's own."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="rosterd-fuzz-")
        self._runner = asyncio.Runner()
        self._ids: dict[bytes, bytes] = {}
        self._runner.run(self._open(f"sqlite:///{Path(self._folder.name) / 'rosterd.db'}"))

    def close(self) -> None:
        """Close the store and delete its file."""
        self._runner.run(self._store.close())
        self._runner.close()
        self._folder.cleanup()

    async def _open(self, url: str) -> None:
        self._store: Store = await open_store(url, create=True)
        async with self._store.write() as tx:
            self._org, owner = await orgs.create(
                tx, "Acme", "acme", Plan.ENTERPRISE, "o@acme.example", origin=Origin("0")
            )
            self._actor = Actor(self._org.id, owner.id, owner.role, Origin("0"))
            for number, known in enumerate(KNOWN_IDS):
                change = UserChange(username=f"p{number}", email=f"p{number}@acme.example")
                self._last = await user_actions.create(tx, self._org, change, actor=self._actor)
                self._ids[known.encode()] = self._last.id.encode()
            change_of_group = GroupChange(display_name="fuzz")
            self._group = await group_actions.create(tx, self._org, change_of_group, actor=self._actor)

    def attempt(self, data: bytes, work: Callable[[Tx, dict[str, Any]], Awaitable[None]]) -> None:
        """``work`` on a parsed body, in a transaction that is rolled back whatever happens."""
        for known, real in self._ids.items():
            data = data.replace(known, real)
        asked = documents.parse(data)

        async def transaction() -> None:
            async with self._store.write() as tx:
                await work(tx, asked)
                raise _Undone

        with suppress(_Undone):
            self._runner.run(transaction())

    async def post_user(self, tx: Tx, asked: dict[str, Any]) -> None:
        user = await user_actions.create(tx, self._org, users.creation(asked), actor=self._actor)
        await self._check(tx, user)

    async def put_user(self, tx: Tx, asked: dict[str, Any]) -> None:
        await self._update(tx, lambda user: users.replacement(asked, user))

    async def patch_user(self, tx: Tx, asked: dict[str, Any], dialect: Dialect) -> None:
        steps = users.steps(asked, dialect)
        await self._update(tx, lambda user: users.modification(steps, user))

    async def _update(self, tx: Tx, change: Callable[[User], UserChange]) -> None:
        user = await user_actions.existing(tx, self._org.id, self._last.id)
        await self._check(tx, await user_actions.update(tx, self._org, user, change(user), actor=self._actor))

    async def _check(self, tx: Tx, user: User) -> None:
        assert await user_rows.find(tx, self._org.id, user.id) == user

    async def patch_group(self, tx: Tx, asked: dict[str, Any], dialect: Dialect) -> None:
        change = groups.modification(asked, dialect)
        await group_actions.update(tx, self._org, self._group.id, change, actor=self._actor)
        members = {
            member.id for member in await group_rows.members(tx, self._org.id, GroupId(self._group.id))
        }
        assert members == {*(change.members.replace or ()), *change.members.add}


_house: list[House] = []


def house() -> House:
    """The house of this process, opened when a case first needs it."""
    if not _house:
        _house.append(House())
    return _house[0]


def close() -> None:
    """Close the house of this process, if there is one."""
    while _house:
        _house.pop().close()


TARGETS = (
    Target("stored POST Users", body("POST Users"), lambda data: house().attempt(data, house().post_user)),
    Target(
        "stored PUT Users",
        body("PUT Users", "POST Users"),
        lambda data: house().attempt(data, house().put_user),
    ),
    Target(
        "stored PATCH Users v1",
        body("PATCH Users", "POST Users"),
        lambda data: house().attempt(data, lambda tx, asked: house().patch_user(tx, asked, V1)),
    ),
    Target(
        "stored PATCH Users v2",
        body("PATCH Users"),
        lambda data: house().attempt(data, lambda tx, asked: house().patch_user(tx, asked, V2)),
    ),
    Target(
        "stored PATCH Groups v2",
        body("PATCH Groups"),
        lambda data: house().attempt(data, lambda tx, asked: house().patch_group(tx, asked, V2)),
    ),
)
