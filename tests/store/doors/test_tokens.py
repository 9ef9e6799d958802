"""Tokens as rows, on both engines."""

from __future__ import annotations

from typing import Any

import pytest

from rosterd.directory.model import Role, TeamId, Token, TokenId, UserId
from rosterd.store.doors import tokens
from rosterd.store.engine import Conflict, Store
from tests.store.rows import E1, E2, a_user, an_org, found, settle

pytestmark = pytest.mark.anyio


def a_token(number: int, **fields: Any) -> Token:
    given: dict[str, Any] = {
        "id": TokenId(f"K{number}"),
        "org_id": E1,
        "user_id": UserId("W1"),
        "scopes": ("admin",),
        "team_id": None,
        "allow_ips": (),
        "created": number,
        "expires": None,
        "last_used": None,
        "revoked": None,
    }
    return Token(**(given | fields))


FULL = a_token(
    2,
    user_id=UserId("W2"),
    scopes=("admin", "auditlogs:read"),
    team_id=TeamId("T1"),
    allow_ips=("10.0.0.0/8",),
    expires=2_000_000_000,
    last_used=1_700_000_000,
    revoked=1_800_000_000,
)


async def test_a_hash_leads_to_token_owner_and_organisation(store: Store) -> None:
    async with store.write() as tx:
        await found(tx, 1)
        await settle(tx, a_user(2, role=Role.ADMIN, deactivated=True))
        await tokens.insert(tx, a_token(1), "hash-1")
        await tokens.insert(tx, FULL, "hash-2")
    async with store.read() as tx:
        assert await tokens.authenticate(tx, "hash-1") == tokens.Grant(
            a_token(1), Role.MEMBER, False, an_org()
        )
        assert await tokens.authenticate(tx, "hash-2") == tokens.Grant(FULL, Role.ADMIN, True, an_org())
        assert await tokens.authenticate(tx, "hash-3") is None
        assert await tokens.of_org(tx, E1) == [a_token(1), FULL]
        assert await tokens.of_org(tx, E2) == []
        assert await tokens.of_user(tx, E1, UserId("W1")) == [a_token(1)]
        assert await tokens.of_user(tx, E2, UserId("W1")) == []


async def test_a_token_needs_an_owner_of_its_organisation(store: Store) -> None:
    async with store.write() as tx:
        await found(tx, 1)
        await found(tx, 2, E2)
    with pytest.raises(Conflict):
        async with store.write() as tx:
            await tokens.insert(tx, a_token(1, user_id=UserId("W2")), "hash")


async def test_a_token_ends_once(store: Store) -> None:
    async with store.write() as tx:
        await found(tx, 2)
        for number in (1, 2, 3):
            await tokens.insert(tx, a_token(number), f"hash-{number}")
        await tokens.insert(tx, a_token(4, user_id=UserId("W2")), "hash-4")
        assert not await tokens.revoke(tx, E2, TokenId("K1"), 5)
        assert await tokens.revoke(tx, E1, TokenId("K1"), 6)
        assert not await tokens.revoke(tx, E1, TokenId("K1"), 7)
        assert await tokens.revoke_of_user(tx, E1, UserId("W1"), 8) == ["K2", "K3"]
        assert await tokens.revoke_of_user(tx, E1, UserId("W1"), 9) == []
        assert [token.revoked for token in await tokens.of_org(tx, E1)] == [6, 8, 8, None]


async def test_last_use_only_moves_forward(store: Store) -> None:
    async with store.write() as tx:
        await found(tx, 1)
        await tokens.insert(tx, a_token(1), "hash-1")
        await tokens.insert(tx, a_token(2), "hash-2")
        await tokens.touch(tx, [("hash-1", 10), ("hash-2", 20), ("gone", 30)])
        await tokens.touch(tx, [("hash-1", 9), ("hash-2", 21)])
        assert [token.last_used for token in await tokens.of_org(tx, E1)] == [10, 21]


async def test_tokens_are_listed_by_last_use_and_by_app(store: Store) -> None:
    async with store.write() as tx:
        await found(tx, 1)
        await settle(tx, a_user(2, role=Role.OWNER))
        await found(tx, 3, E2)
        for token in (
            a_token(1, app_id="A1"),
            a_token(2, app_id="A1", last_used=20, user_id=UserId("W2")),
            a_token(3, app_id="A2", last_used=30, revoked=31, user_id=UserId("W2")),
            a_token(4, app_id="A1", last_used=10, expires=50),
            a_token(5, org_id=E2, user_id=UserId("W3"), app_id="A1", last_used=40),
        ):
            await tokens.insert(tx, token, f"hash-{token.id}")
    async with store.scan() as tx:
        assert [token.id for token in await tokens.last_used(tx, E1, 9)] == ["K3", "K2", "K4", "K1"]
        assert [token.id for token in await tokens.last_used(tx, E1, 2)] == ["K3", "K2"]
        assert [token.id for token in await tokens.of_app(tx, E1, "A1", 49, 9)] == ["K1", "K2", "K4"]
        assert [token.id for token in await tokens.of_app(tx, E1, "A1", 50, 9)] == ["K1", "K2"]
        assert [token.id for token in await tokens.of_app(tx, E1, "A1", 49, 1)] == ["K1"]
        assert await tokens.roles_behind(tx, E1, "A1") == {Role.MEMBER, Role.OWNER}
        assert await tokens.roles_behind(tx, E1, "A2") == set()  # the one that there was is revoked
