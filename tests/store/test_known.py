"""``Tx.known``: what is remembered is what a look would find, whatever happens to the rows or to commits."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress

import pytest

from rosterd.actions.doors import apps
from rosterd.directory.model import Role, TokenId
from rosterd.store import names
from rosterd.store.contract import StoreUnavailable
from rosterd.store.engine import Store, Tx
from rosterd.web.auth import Authenticator
from rosterd.web.errors import HttpError
from tests.actions.acting import KEY, House, found_house
from tests.store.rows import E1, found
from tests.web.requests import a_request

pytestmark = pytest.mark.anyio

COUNT = "SELECT COUNT(*) FROM names WHERE org_id = $1"
"""Not what `known` is for: it shows whether something is remembered."""


class Mishap(Exception):
    pass


@asynccontextmanager
async def undone(store: Store) -> AsyncIterator[Tx]:
    """A transaction that comes to nothing."""
    with suppress(Mishap):
        async with store.write() as tx:
            yield tx
            raise Mishap


async def known(store: Store) -> int:
    async with store.write() as tx:
        return await counted(tx)


async def counted(tx: Tx) -> int:
    [(count,)] = await tx.known(COUNT, E1)
    return int(count)


async def add(store: Store, name: str) -> None:
    async with store.write() as tx:
        await names.add(tx, E1, name, "user", "W1")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
class TestOnSqlite:
    async def test_new_rows_and_what_is_not_known_leave_it(self, store: Store) -> None:
        before = await known(store)
        async with store.write() as tx:
            await names.add(tx, E1, "ann", "user", "W1")
            await tx.all("SELECT id FROM users WHERE org_id = $1", E1)
            await tx.run("DELETE FROM members WHERE org_id = $1", E1)
            await tx.many("UPDATE names SET kind = 'channel' WHERE org_id = $1", [(E1,)])
        assert await known(store) == before

    @pytest.mark.parametrize("do", ["run", "all", "one", "many"])
    @pytest.mark.parametrize(
        "sql",
        [
            "UPDATE tokens SET revoked = 1 WHERE org_id = $1",
            "UPDATE users SET deactivated = 1 WHERE org_id = $1 RETURNING id",
            "DELETE FROM orgs WHERE id = $1",
            "DELETE FROM emails WHERE org_id = $1",
            "INSERT INTO orgs SELECT * FROM orgs WHERE id = $1 ON CONFLICT (id) DO UPDATE SET plan = 'free'",
        ],
    )
    async def test_whatever_may_alter_is_heard_of_at_once(self, store: Store, sql: str, do: str) -> None:
        async with store.write() as tx:
            before = await counted(tx)
            await names.add(tx, E1, "ann", "user", "W1")
            assert await counted(tx) == before
            await (tx.many(sql, [(E1,)]) if do == "many" else getattr(tx, do)(sql, E1))
            assert await counted(tx) == before + 1

    async def test_what_is_undone_was_never_known(self, store: Store) -> None:
        before = await known(store)
        async with undone(store) as tx:
            await tx.run("UPDATE users SET erased = 0")
            await names.add(tx, E1, "ann", "user", "W1")
            assert await counted(tx) == before + 1
        assert await known(store) == before

    async def test_a_commit_of_others_is_heard_of(self, store: Store, database_url: str) -> None:
        before = await known(store)
        await add(store, "ann")
        assert await known(store) == before
        with closing(sqlite3.connect(database_url.removeprefix("sqlite:///"))) as other, other:
            other.execute("INSERT INTO names VALUES ('E1', 'ben', 'user', 'W2')")
        assert await known(store) == before + 2

    async def test_what_a_failed_commit_held_was_never_known(
        self, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(connection: sqlite3.Connection) -> StoreUnavailable:
            connection.execute("ROLLBACK")
            return StoreUnavailable("the disk is gone")

        before = await known(store)
        with monkeypatch.context() as patch:
            patch.setattr("rosterd.store.engines.group_commit._commit", fail)
            with pytest.raises(StoreUnavailable):
                async with store.write() as tx:
                    await tx.run("UPDATE users SET erased = 0")
                    await names.add(tx, E1, "ann", "user", "W1")
                    assert await counted(tx) == before + 1
        assert await known(store) == before

    async def test_what_was_not_there_is_looked_for_again(self, store: Store) -> None:
        async with store.write() as tx:
            look = "SELECT id FROM users WHERE org_id = $1"
            assert not await tx.known(look, E1)
            await found(tx, 1)
            assert len(await tx.known(look, E1)) == 1


async def test_who_asks_is_who_the_transaction_would_find(store: Store) -> None:
    house = await found_house(store)
    ada = await house.create("ada", Role.ADMIN)
    async with store.write() as tx:
        token, text = await apps.create_token(tx, house.org, ada, ("admin",), key=KEY, actor=house.actor)
    authenticator = Authenticator(KEY)

    async def role(tx: Tx) -> Role:
        request = a_request(headers={b"authorization": f"Bearer {text}".encode()})
        return (await authenticator.caller(tx, request)).actor.role

    async def role_now() -> Role:
        async with store.write() as tx:
            return await role(tx)

    promote = "UPDATE users SET role = 'owner' WHERE org_id = $1 AND id = $2"
    assert [await role_now(), await role_now()] == [Role.ADMIN, Role.ADMIN]
    async with undone(store) as tx:
        await tx.run(promote, house.org.id, ada.id)
        assert await role(tx) is Role.OWNER
    assert await role_now() is Role.ADMIN
    async with store.write() as tx:
        await tx.run(promote, house.org.id, ada.id)
    assert await role_now() is Role.OWNER
    await revoke_among_others(house, token.id)
    with pytest.raises(HttpError, match="invalid_authentication"):
        await role_now()


async def revoke_among_others(house: House, token: TokenId) -> None:
    async def revoke() -> None:
        async with house.store.write() as tx:
            await tx.run("UPDATE tokens SET revoked = 1 WHERE id = $1 AND org_id = $2", token, house.org.id)

    await asyncio.gather(house.create("carl"), revoke(), house.create("kyle"))
